"""What the live page shows, as JSON of bounded size: curves thinned to envelopes, neurons to histograms, findings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ._finding import Book, Series, per_neuron
from ._plain import clean
from ._rules_training import LOSSES, new_highs
from .diagnosis import findings

__all__ = ["snapshot", "strip", "thin"]

SITES, CURVES, STRIPS = 64, 480, 128  # what a page can show
POINTS, LEAST, MOST = 24_000, 24, 240  # of all curves together, and of one of them
COLUMNS, BINS, DARKEST = 72, 20, 9  # of a strip; how dark a cell is at most
LOSS_POINTS = 600
EVIDENCE = 6
DIGITS = 5
HIDDEN = (
    "nonfinite rows",
    "noise floor",
    "too few rows",
    "first nonfinite step",
    "failed step",
)  # told by an alarm where they matter


def snapshot(series: Sequence[Series]) -> dict[str, Any]:
    """Everything the page shows of a record: steps, losses, layers with curves and strips, findings."""
    with np.errstate(all="ignore"):  # a training that blows up has numbers whose squares and differences are infinite
        return _snapshot(Book(series))


def _snapshot(book: Book) -> dict[str, Any]:
    steps = [int(step) for one in book.series for step in (one.steps[0], one.steps[-1])]
    layers = _layers(book)
    return {
        "steps": [min(steps), max(steps)] if steps else [],
        "seeds": len(book.seeds()),
        "losses": _losses(book),
        "ranks": _ranks(book),
        "layers": layers,
        "left_out": _left_out(book, layers),
        "findings": [_finding(one.to_dict()) for one in findings(book)],
    }


def _finding(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "evidence": found["evidence"][:EVIDENCE], "more": max(0, len(found["evidence"]) - EVIDENCE)}


def thin(steps: np.ndarray, values: np.ndarray, points: int) -> dict[str, Any]:
    """A curve of at most ``points`` points: x, and for each the lowest, mean and highest value of its steps; the last value.

    steps: (rows,) rising, several rows for one step where there are several seeds. values: (rows,). What is not finite is
    left out, and where nothing else is there the point is None.

    >>> thin(np.arange(4), np.array([0.0, 2.0, 5.0, 1.0]), 2)
    {'x': [0, 3], 'low': [0.0, 1.0], 'mean': [1.0, 3.0], 'high': [2.0, 5.0], 'last': 1.0}
    """
    if not len(steps):
        return {"x": [], "low": [], "mean": [], "high": [], "last": None}
    firsts = np.flatnonzero(np.diff(steps, prepend=steps[0] - 1))
    count = min(points, len(firsts))
    starts = firsts[np.linspace(0, len(firsts), count, endpoint=False).astype(int)]
    ends = np.append(starts[1:], len(steps)) - 1
    x = steps[(starts + ends) // 2]
    x[0], x[-1] = (steps[0], steps[-1]) if count > 1 else (steps[-1], steps[-1])
    known = np.isfinite(values)
    held = np.where(known, values, np.nan)
    number = np.add.reduceat(known.astype(np.float64), starts)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = np.add.reduceat(np.where(known, values, 0.0), starts) / number
    low, high = np.fmin.reduceat(held, starts), np.fmax.reduceat(held, starts)
    made = {name: _short(column) for name, column in (("low", low), ("mean", mean), ("high", high))}
    end = values[known & (steps == steps[known][-1])] if known.any() else values[:0]  # of several seeds the mean
    return {"x": x.tolist(), **made, "last": _short(np.array([end.mean() if len(end) else np.nan]))[0]}


def strip(one: Series) -> dict[str, Any]:
    """How the neurons are spread over values, at up to 72 steps: a text of digits for each, from the lowest bin to the highest.

    A digit says how many neurons are in a bin, 9 in the fullest one of the step. The range leaves out half a per cent
    at either end.
    """
    at = np.unique(np.linspace(0, len(one.steps) - 1, COLUMNS).round().astype(int))
    values = one.values[at]
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, (0.005, 0.995)).tolist() if len(known) else (0.0, 1.0)
    width = (high - low) or 1.0
    bins = np.clip(np.nan_to_num((values - low) / width) * BINS, 0, BINS - 1).astype(int)
    columns = []
    for places, row in zip(bins, values, strict=True):
        count = np.bincount(places[np.isfinite(row)], minlength=BINS)
        columns.append("".join(map(str, np.ceil(DARKEST * count / max(1, count.max())).astype(int))))
    return {
        "name": one.reading,
        "instrument": one.instrument,
        "x": one.steps[at].tolist(),
        "range": _short(np.array([low, high])),
        "columns": columns,
    }


def _short(column: np.ndarray) -> list[float | None]:
    return [float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None for value in column.tolist()]


def _merged(group: Sequence[Series]) -> tuple[np.ndarray, np.ndarray]:
    """Steps and values of a reading, those of several seeds in the order of the steps."""
    steps = np.concatenate([one.steps for one in group])
    values = np.concatenate([one.values[:, 0] for one in group])
    order = np.argsort(steps, kind="stable")
    return steps[order], values[order]


def _grouped(series: Sequence[Series]) -> Mapping[tuple[str, str, str], list[Series]]:
    """The seeds of each reading."""
    found: dict[tuple[str, str, str], list[Series]] = {}
    for one in series:
        found.setdefault((one.site, one.instrument, one.reading), []).append(one)
    return found


def _losses(book: Book) -> list[dict[str, Any]]:
    groups = _grouped([one for name in LOSSES for one in book.find(name)])
    return [
        {"name": place[2], "site": place[0], **thin(*_merged(group), LOSS_POINTS)} for place, group in groups.items()
    ][:4]


def _ranks(book: Book) -> list[dict[str, Any]]:
    """The ranks that may rise in stairs, with the steps of their rises; those of the last sites."""
    groups = _grouped([one for one in book.outputs("rank", "EpsilonRank") if book.neurons(one.site) != 1])
    made = []
    for (site, instrument, _), group in list(groups.items())[-4:]:
        rises = new_highs(group[0])
        stairs = [rises[i] for i in np.unique(np.linspace(0, len(rises) - 1, 60).astype(int))] if rises else []
        made.append({"site": site, "instrument": instrument, "rises": stairs, **thin(*_merged(group), LOSS_POINTS)})
    return made


def _is_curve(one: Series) -> bool:
    single = len(one.units) == 1 and bool(np.isnan(one.units).all())
    return single and one.reading not in HIDDEN and one.reading not in LOSSES


def _layers(book: Book) -> list[dict[str, Any]]:
    sites = list(book.sites)[:SITES]
    groups = {place: group for place, group in _grouped(book.series).items() if place[0] in sites}
    curves = [place for place, group in groups.items() if _is_curve(group[0])]
    per_site = max(1, CURVES // max(1, len(sites)))
    points = max(LEAST, min(MOST, POINTS // max(1, min(len(curves), CURVES))))
    made = []
    for site in sites:
        own = [place for place in curves if place[0] == site]
        strips = [
            group[0]
            for place, group in groups.items()
            if place[0] == site and per_neuron(group[0]) and len(group[0].units) > 1
        ]
        if own or strips:
            shown = [_curve(place, groups[place], points) for place in own[:per_site]]
            most = max(1, STRIPS // len(sites))
            made.append({"site": site, "neurons": book.neurons(site), "curves": shown,
                         "strips": [strip(one) for one in strips[:most]],
                         "hidden": max(0, len(own) - per_site) + max(0, len(strips) - most)})  # fmt: skip
    return made


def _curve(place: tuple[str, str, str], group: Sequence[Series], points: int) -> dict[str, Any]:
    made: dict[str, Any] = clean({"name": place[2], "instrument": place[1], **thin(*_merged(group), points)})
    if made["low"] == made["high"]:  # nothing was thinned away
        del made["low"], made["high"]
    return made


def _left_out(book: Book, layers: Sequence[Mapping[str, Any]]) -> str:
    """What the record holds and the page does not show, in words."""
    sites, hidden = max(0, len(book.sites) - SITES), sum(layer["hidden"] for layer in layers)
    said = [f"{sites} more sites"] if sites else []
    said += [f"{hidden} more readings of these sites"] if hidden else []
    return " and ".join(said)
