"""Rows of readings, grouped by series (a neuron and its condition), site and seed, and made into lines with bands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._numbers import significant, spread

__all__ = ["Line", "Readings", "line"]

NOT_FACTORS = {"step", "seed", "site", "instrument", "reading", "unit", "value"}
MAIN = "trained"  # the condition that is drawn; the others are controls and stand in the tables
DRAWN = {"loss", "validation loss", "validation accuracy", "lower bound", "rank", "curve", "dead", "share"}

PIECES = 160  # of a curve that has more steps than a page can show

Points = list[tuple[float, float, float]]  # (step, unit, value)


@dataclass(frozen=True)
class Line:
    """Many seeds along x: median and band, and one true run to show its shape."""

    name: str
    x: tuple[float, ...]
    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]
    run: tuple[float | None, ...] = ()
    words: str = ""


class Readings:
    """The readings that are drawn. ``get(reading)[series][site][seed]`` is a list of points.

    ``instruments[reading]`` are the instruments that gave it; readings of two of them are never mixed.
    """

    def __init__(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self.instruments: dict[str, list[str]] = {}
        self._found: dict[tuple[str, str], dict[str, dict[str, dict[int, Points]]]] = {}
        factors = [i for i, name in enumerate(columns) if name not in NOT_FACTORS]
        drawn = self._drawn(columns, rows) if set(columns) >= NOT_FACTORS - {"unit"} else []
        kept = _main_condition(columns, factors, drawn)
        label = _labels(columns, factors, kept)
        at = {name: i for i, name in enumerate(columns)}
        for row in kept:
            what = row[at["reading"]], str(row[at["instrument"]])
            seeds = self._found.setdefault(what, {}).setdefault(label(row), {})
            seed, unit = row[at["seed"]], row[at["unit"]] if "unit" in at else None
            points = seeds.setdefault(str(row[at["site"]]), {}).setdefault(-1 if seed is None else int(seed), [])
            points.append(
                (float(row[at["step"]]), float("nan") if unit is None else float(unit), float(row[at["value"]]))
            )

    def _drawn(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
        """Rows of readings that are drawn, with a value and a step."""
        names = ("reading", "value", "instrument", "step")
        reading, value, instrument, step = (list(columns).index(name) for name in names)
        kept = []
        for row in rows:
            if row[reading] in DRAWN and row[value] is not None and row[step] is not None:
                known = self.instruments.setdefault(row[reading], [])
                if str(row[instrument]) not in known:
                    known.append(str(row[instrument]))
                kept.append(row)
        return kept

    def get(self, reading: str, instrument: str | None = None) -> Mapping[str, Mapping[str, Mapping[int, Points]]]:
        """Series to site to seed to points, of the first instrument or the one named; empty where nothing was read."""
        first = next(iter(self.instruments.get(reading, [])), "")
        return self._found.get((reading, instrument or first), {})


def _main_condition(columns: Sequence[str], factors: Sequence[int], rows: list[Sequence[Any]]) -> list[Sequence[Any]]:
    """Only the trained networks where there are any; a series without that condition keeps what it has."""
    if "condition" not in columns:
        return rows
    at = list(columns).index("condition")
    rest = [i for i in factors if i != at]
    trained = {tuple(row[i] for i in rest) for row in rows if row[at] == MAIN}
    return [row for row in rows if row[at] == MAIN or tuple(row[i] for i in rest) not in trained]


def _labels(
    columns: Sequence[str], factors: Sequence[int], rows: Sequence[Sequence[Any]]
) -> Callable[[Sequence[Any]], str]:
    """Names a series by the factors that differ; the condition only where it tells two series apart."""
    rest = [i for i in factors if columns[i] != "condition"]
    alone = len({tuple(row[i] for i in rest) for row in rows}) == len({tuple(row[i] for i in factors) for row in rows})
    used = rest if alone else factors
    varying = [i for i in used if len({str(row[i]) for row in rows}) > 1] or list(used[:1])
    return lambda row: " · ".join(str(row[i]) for i in varying) or "the network"


def line(seeds: Mapping[int, Points], *, name: str = "", over: str = "step", shown: int | None = None) -> Line:
    """One line over steps, or over units at the last step; ``shown`` is the seed drawn as one true run."""
    values: dict[float, dict[int, float]] = {}
    for seed, points in seeds.items():
        last = max(step for step, _, _ in points)
        for step, unit, value in points:
            if over == "step":
                values.setdefault(step, {})[seed] = value
            elif step == last:
                values.setdefault(unit, {})[seed] = value
    x = sorted(values)
    table = np.array([[values[at].get(seed, np.nan) for at in x] for seed in seeds])
    band = spread(table)
    run = tuple(significant(values[at][shown]) if shown in values[at] else None for at in x) if shown in seeds else ()
    return _thinned(Line(name, tuple(x), band.low, band.middle, band.high, run, band.words))


def _thinned(one: Line) -> Line:
    """At most `PIECES` pieces, each with the ends and the extremes of its lines, and its band from its lowest to its highest.

    Drawn, it covers what all points would cover; a single step that stands out stays.
    """
    if len(one.x) <= 6 * PIECES:
        return one
    low, middle, high = (np.array(part, dtype=np.float64) for part in (one.low, one.middle, one.high))
    lines = [middle] + ([np.array(one.run, dtype=np.float64)] if one.run else [])
    chosen: list[int] = []
    for piece in np.array_split(np.arange(len(one.x)), PIECES):
        kept = {int(piece[0]), int(piece[-1])}
        for values in lines:
            known = piece[np.isfinite(values[piece])]
            kept |= {int(known[values[known].argmin()]), int(known[values[known].argmax()])} if len(known) else set()
        chosen += sorted(kept)
        low[piece], high[piece] = np.fmin.reduce(low[piece]), np.fmax.reduce(high[piece])
    x, run = tuple(one.x[i] for i in chosen), tuple(one.run[i] for i in chosen) if one.run else ()
    return Line(one.name, x, tuple(low[chosen].tolist()), tuple(middle[chosen].tolist()), tuple(high[chosen].tolist()),
                run, one.words)  # fmt: skip


def middle_seed(seeds: Mapping[int, Points]) -> int | None:
    """The seed whose last value is the median one: a typical run, not the prettiest."""
    lasts = sorted((max(points, key=lambda point: point[0])[2], seed) for seed, points in seeds.items() if points)
    return lasts[(len(lasts) - 1) // 2][1] if lasts else None
