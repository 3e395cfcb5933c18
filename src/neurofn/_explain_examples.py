"""The examples of the command explain: for each unit the samples at which it is highest, and those at which it and its
formula differ, as pictures, words or rows."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .explaining import Concepts, Explanation, Units
    from .explaining._block import Block

__all__ = ["examples_of"]

Array = np.ndarray[Any, Any]
MOST_UNITS = 600  # with examples: a page of more is too heavy to open
_LOOKED = 512  # samples among which those are sought where unit and formula differ
_OTHERS = 2  # examples of each way to differ
_AROUND = 25  # tokens shown on each side of the highest


@dataclass(frozen=True, eq=False)
class _Labels:
    """Which label set each position has, and where each concept holds among the sets; of padding, -1, none."""

    ids: Any
    holds: Mapping[str, Array]

    def of(self, sample: int) -> Array:
        """The label sets of one sample."""
        return np.asarray(self.ids.take(np.array([sample]), fill=-1)[0])


@dataclass(frozen=True, eq=False)
class _Looked:
    """What was seen of one block of units: samples, their label sets, and each unit's peak and whether it fires there."""

    samples: Array
    ids: Array
    peaks: Array
    fires: Array


def examples_of(
    found: Sequence[Explanation], seen: tuple[Units, Concepts, Any], *, holdout: float, count: int
) -> list[list[dict[str, Any]]]:
    """For each explanation its examples, for the report; none where the data are neither images nor texts nor rows.

    seen: the units, with one threshold, the concepts, and the batches they were seen on (readable again). count: how many
    of the highest for a unit.
    """
    from .explaining import Holdout, find_top_examples

    units, concepts, batches = seen
    if len(found) > MOST_UNITS or count < 1:
        return [[] for _ in found]
    searched = ~Holdout(holdout).of(units.samples)
    labels = _labels(concepts, searched)
    tops = iter(find_top_examples(units, k=count).values())
    rows, plans = iter(found), []
    (threshold,) = units.thresholds
    for block in units.blocks:
        edges = _edges(threshold, block, labels, np.flatnonzero(searched))
        looked = _looked(block, labels, edges)
        for unit in range(block.units):
            highest = [example.sample for example in next(tops)]
            plans.append(_Plan(next(rows), block, unit, edges[unit], labels).with_samples(highest, looked))
    pictures = _pictures(batches, {sample for plan in plans for sample, _ in plan.chosen})
    return [plan.drawn(concepts, pictures) for plan in plans]


def _labels(concepts: Concepts, searched: Array) -> _Labels:
    grouped = concepts.collect(searched)
    sets = np.repeat(np.arange(grouped.sets), np.diff(grouped.indptr))
    holds = {}
    for number, name in enumerate(concepts.names):
        flags = np.zeros(grouped.sets + 1, dtype=bool)  # the last one is what -1 takes
        flags[sets[grouped.indices == number]] = True
        holds[name] = flags
    return _Labels(grouped.ids, holds)


def _edges(threshold: Any, block: Block, labels: _Labels, searched: Array) -> Array:
    """Between which activations each unit fires, (units, 2), as explain has it: padding of texts does not count."""
    texts = labels.ids if len(labels.ids.shape) == 1 == len(block.store.shape) - 1 else None
    bounds = threshold.bounds(lambda q: block.quantile(q, searched, texts))
    return np.stack([np.broadcast_to(edge, block.units) for edge in bounds], axis=1).astype(float)


def _looked(block: Block, labels: _Labels, edges: Array) -> _Looked:
    """Evenly spread samples."""
    total = len(block.store)
    samples = np.unique(np.linspace(0, total - 1, min(total, _LOOKED)).astype(np.int64))
    values = block.store.take(samples, fill=np.nan)
    values = values.reshape(*values.shape[:2], -1)
    fires = np.asarray(((values > edges[:, :1]) & (values <= edges[:, 1:])).any(axis=2))
    return _Looked(samples, labels.ids.take(samples, fill=-1), np.nan_to_num(values, nan=-np.inf).max(axis=2), fires)


@dataclass(frozen=True, eq=False)
class _Plan:
    """One unit with the samples that are to be shown, each with what it shows."""

    row: Explanation
    block: Block
    unit: int
    edges: Array
    labels: _Labels
    chosen: tuple[tuple[int, str], ...] = ()

    @functools.cached_property
    def true(self) -> Array:
        """Where the formula holds among the label sets; nowhere in padding."""
        from .explaining.planted import truth

        found = truth(self.row.formula, self.labels.holds).copy()
        found[-1] = False
        return found

    def with_samples(self, highest: Sequence[int], looked: _Looked) -> _Plan:
        """With the highest ones, and some at which unit and formula differ."""
        if not self.row.formula:
            return self
        holds = self.true[looked.ids].reshape(len(looked.samples), -1).mean(axis=1)
        fires, peaks = looked.fires[:, self.unit], looked.peaks[:, self.unit]
        others = [
            ("missed", np.lexsort((peaks, -holds)), ~fires & (holds > 0))
        ]  # what the formula covers most, quietest
        if looked.ids.ndim == 1:
            others.append(("outside", np.argsort(-peaks, kind="stable"), fires & (holds == 0)))
        chosen = [(sample, "highest") for sample in highest]
        for kind, order, wanted in others:
            found = [sample for sample in looked.samples[order[wanted[order]]].tolist() if sample not in highest]
            chosen += [(sample, kind) for sample in found[:_OTHERS]]
        return _Plan(self.row, self.block, self.unit, self.edges, self.labels, tuple(chosen))

    def drawn(self, concepts: Concepts, pictures: Mapping[int, Array]) -> list[dict[str, Any]]:
        """The examples."""
        made = []
        for sample, kind in self.chosen:
            ids = self.labels.of(sample)
            if sample in pictures:
                example = self._picture(pictures[sample], ids, sample)
            elif ids.ndim == 1 and concepts.tokens(sample):
                example = self._words(concepts.tokens(sample), ids, sample)
            elif ids.ndim == 0:
                example = self._row(concepts, ids, sample)
            else:
                continue
            made.append({**example, "kind": kind})
        return made

    def _activations(self, sample: int) -> Array:
        return np.asarray(self.block.store.take(np.array([sample]), fill=np.nan)[0, self.unit])

    def _fires(self, sample: int, grid: tuple[int, ...]) -> Array:
        from .explaining._counting import fires_at

        found = fires_at(self._activations(sample)[None], grid, (self.edges[:1], self.edges[1:]))[0]
        return np.asarray(found.reshape(grid) if found.size == np.prod(grid) else found)

    def _picture(self, image: Array, ids: Array, sample: int) -> dict[str, Any]:
        from .reporting import pictured

        size = image.shape[1:]
        fires, formula = np.zeros(size, dtype=bool), None
        if self._activations(sample).ndim == 2:
            fires = _stretched(self._fires(sample, ids.shape if ids.ndim == 2 else size), size)
        if ids.ndim == 2:
            formula = _stretched(self.true[ids], size)
        return pictured(image, fires, formula=formula, sample=f"sample {sample}")

    def _words(self, tokens: Sequence[str], ids: Array, sample: int) -> dict[str, Any]:
        """The tokens around the highest one."""
        from .reporting import worded

        length = min(len(tokens), len(ids))
        fires = np.zeros(length, dtype=bool)
        own = self._fires(sample, (length,))[:length]
        fires[: len(own)] = own
        values, true = self._activations(sample)[:length], self.true[ids[:length]]
        peak = int(np.nanargmax(values)) if len(values) and (fires.any() or not true.any()) else int(true.argmax())
        part = slice(max(0, peak - _AROUND), peak + _AROUND + 1)
        return worded(tokens[part], fires[part].tolist(), formula=true[part].tolist(), sample=f"sample {sample}")

    def _row(self, concepts: Concepts, ids: Array, sample: int) -> dict[str, Any]:
        from .reporting import rowed

        values = concepts.values(sample)
        return rowed(
            {name: (bool(self.labels.holds[name][ids]), values.get(name, "")) for name in self._named},
            fires=bool(self._fires(sample, ()).any()),
            formula=bool(self.true[ids]),
            activation=float(np.nanmax(self._activations(sample))),
            sample=f"sample {sample}",
            text=" ".join(concepts.tokens(sample)[: 2 * _AROUND]),
        )

    @functools.cached_property
    def _named(self) -> list[str]:
        """The concepts of the formula, each once."""
        from .explaining.formula import parse

        names = tuple(self.labels.holds)
        formula = parse(self.row.formula, names)
        return list(dict.fromkeys(names[number] for number in (formula.first, *(other for _, other in formula.rest))))


def _stretched(mask: Array, size: tuple[int, ...]) -> Array:
    """The mask at the size of the image, each pixel that of the nearest place."""
    rows, columns = (np.arange(new) * old // new for new, old in zip(size, mask.shape, strict=True))
    return np.asarray(mask[rows[:, None], columns])


# --- The data once more -----------------------------------------------------------------------------------------------


def _inputs(batch: Any) -> Any:
    return batch[0] if isinstance(batch, tuple | list) and len(batch) else batch


def _pictures(data: Any, wanted: set[int]) -> dict[int, Array]:
    """The images of these samples, (1 or 3, height, width) each; none where the data are no images."""
    batches = [data] if hasattr(data, "ndim") else data
    first = _inputs(next(iter(batches), None))
    if getattr(first, "ndim", 0) != 4 or first.shape[1] not in (1, 3):
        return {}
    found, number = {}, 0
    for batch in batches:
        for image in _inputs(batch):
            if number in wanted:
                found[number] = np.asarray(image.detach().cpu())
            number += 1
    return found
