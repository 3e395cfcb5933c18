"""Tasks that each break one rule: check name -> the task that must fail that check and no other."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np

from neurofn.tasks import Data, Split, Splits, Task

_calls = itertools.count()


def _sound() -> Splits:
    """Three splits that break nothing: 2 inputs, 3 classes."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((30, 2)).astype(np.float32)
    x -= x[:12].mean(axis=0)
    y = np.arange(30) % 3
    rows = np.arange(30)
    return Splits(*(Split(x[at], y[at], rows=rows[at]) for at in (rows[:12], rows[12:21], rows[21:])))


SOUND = Task(
    name="sound",
    kind="classification",
    inputs=2,
    outputs=3,
    source="arXiv:0000.00000",
    licence="none needed: generated",
    description="breaks nothing",
    read=_sound,
    locate=lambda: "generated",
)


def _with(**parts: Split) -> Splits:
    return _sound()._replace(**parts)


def _changed(change: Callable[[Split], Split]) -> Splits:
    return _with(train=change(_sound().train))


def _poisoned(split: Split) -> Split:
    x = split.x.copy()
    x[3, 1] = np.nan
    return dataclasses.replace(split, x=x)


class _Stale(Task):
    """A task that reports a checksum of other data."""

    def load(self) -> Data:
        return dataclasses.replace(super().load(), checksum="0" * 64)


def _reading(read: Callable[[], Splits]) -> Task:
    return dataclasses.replace(SOUND, read=read)


BROKEN: dict[str, Task] = {
    "source_and_licence_are_stated": dataclasses.replace(SOUND, licence=" "),
    "shapes_and_dtypes": _reading(lambda: _changed(lambda s: dataclasses.replace(s, x=s.x.astype(np.float64)))),
    "all_finite": _reading(lambda: _changed(_poisoned)),
    "labels_in_range": _reading(lambda: _changed(lambda s: dataclasses.replace(s, y=s.y + 1))),
    "splits_are_disjoint": _reading(lambda: _with(test=_sound().validation)),
    "inputs_of_order_one": _reading(lambda: _changed(lambda s: dataclasses.replace(s, x=255 * s.x))),
    "same_every_time": _reading(
        lambda: _changed(lambda s: dataclasses.replace(s, x=np.float32(1 + 0.01 * (next(_calls) % 7)) * s.x))
    ),
    "load_gives_what_is_read": _Stale(**{f.name: getattr(SOUND, f.name) for f in dataclasses.fields(SOUND)}),
}
