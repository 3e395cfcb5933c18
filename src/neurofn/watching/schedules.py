"""When a watched training is read: parts that are given to ``watch(model, ..., every=...)``.

`Every`, `LogSpaced` and `AtLossChange` take each reading from the rows of one step. `Windows` adds rows up over many steps,
and each reading stands on all rows since the one before. All of them are reproducible: what they do depends on the
number of the step and on the loss, never on a clock.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

from .._errors import SettingError

__all__ = ["AtLossChange", "Every", "LogSpaced", "Schedule", "Windows"]

Due = Callable[[int, float | None], bool]
"""Step and the loss that was told last (None: none yet) -> whether a reading is due; asked once for each step, in order."""


class Schedule(ABC):
    """Says at which steps readings are taken.

    >>> due = LogSpaced(ratio=2.0).begin()
    >>> [step for step in range(20) if due(step, None)]
    [0, 1, 2, 4, 8, 16]
    """

    passes: int
    """Forward passes that make one step: more than 1 where gradients are accumulated over several."""

    @abstractmethod
    def begin(self) -> Due:
        """What is due in one training."""


@dataclass(frozen=True)
class Every(Schedule):
    """The steps 0, ``steps``, 2 ``steps``, .... Raises SettingError for less than one step or pass.

    >>> due = Every(3).begin()
    >>> [step for step in range(8) if due(step, None)]
    [0, 3, 6]
    """

    steps: int
    passes: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        _whole(self.steps, "every", least=1)
        _whole(self.passes, "passes", least=1)

    def begin(self) -> Due:
        return lambda step, loss: step % self.steps == 0


@dataclass(frozen=True)
class LogSpaced(Schedule):
    """Step 0, and from then on the next step that is ``ratio`` times as far, and at least ``least`` steps further.

    Readings are dense where a training changes fast, and their number grows with the logarithm of its length. Raises
    SettingError for a ratio of 1 or less.

    >>> due = LogSpaced(ratio=1.5, least=10).begin()
    >>> [step for step in range(80) if due(step, None)]
    [0, 10, 20, 30, 45, 68]
    """

    ratio: float = 1.1
    least: int = field(default=1, kw_only=True)
    passes: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        _ratio(self.ratio)
        _whole(self.least, "least", least=1)
        _whole(self.passes, "passes", least=1)

    def begin(self) -> Due:
        following = 0

        def due(step: int, loss: float | None) -> bool:
            nonlocal following
            if step < following:
                return False
            while following <= step:
                following = max(following + self.least, math.ceil(following * self.ratio))
            return True

        return due


@dataclass(frozen=True)
class AtLossChange(Schedule):
    """Step 0, and from then on whenever the loss is ``ratio`` times larger or smaller than at the last reading.

    The loss is what ``record.log(loss=...)`` was told last. At least ``least`` steps lie between two readings. Raises
    SettingError for a ratio of 1 or less.

    >>> due = AtLossChange(ratio=2.0).begin()
    >>> [step for step, loss in enumerate((1.0, 0.9, 0.6, 0.5, 0.4, 1.1)) if due(step, loss)]
    [0, 3, 5]
    """

    ratio: float = 1.2
    least: int = field(default=1, kw_only=True)
    passes: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        _ratio(self.ratio)
        _whole(self.least, "least", least=1)
        _whole(self.passes, "passes", least=1)

    def begin(self) -> Due:
        last: tuple[int, float | None] | None = None

        def due(step: int, loss: float | None) -> bool:
            nonlocal last
            if last is not None and (step < last[0] + self.least or not self._changed(last[1], loss)):
                return False
            last = step, loss
            return True

        return due

    def _changed(self, before: float | None, loss: float | None) -> bool:
        if before is None or loss is None:
            return before is not loss
        if not (before > 0 and loss > 0):  # ratios say nothing about what is negative, zero or NaN
            return before != loss
        return abs(math.log(loss / before)) >= math.log(self.ratio)


@dataclass(frozen=True)
class Windows:
    """Add rows up over steps, all rows of each, and read now and then: moments and counts that miss no row, for little.

    rows:     instruments with sums of a few operations per value (moments, counts) get every ``rows``-th step.
    dear:     the others (Gram matrices, and whatever has no fast route) get every ``dear``-th step.
    readings: when readings are taken; each stands on all rows since the one before.
    spectra:  at least so many steps lie between two readings of a dear instrument at 512 neurons; at others in proportion to
              the cube of their number, as the cost of eigenvalues is.
    passes:   forward passes that make one step: more than 1 where gradients are accumulated over several.

    Raises SettingError for numbers less than 1.

    >>> Windows(rows=1).dear
    40
    """

    rows: int = 4
    dear: int = 40
    readings: Schedule = field(default_factory=lambda: LogSpaced(1.1, least=100), kw_only=True)
    spectra: int = field(default=800, kw_only=True)
    passes: int = field(default=1, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("rows", "dear", "spectra", "passes"):
            _whole(getattr(self, name), name, least=1)
        if not isinstance(self.readings, Schedule):
            raise SettingError(f"readings={self.readings!r}: give a schedule, for example readings=Every(100)")

    def gap(self, neurons: int) -> int:
        """Steps between two readings of a dear instrument.

        >>> Windows().gap(512), Windows().gap(128), Windows().gap(1024)
        (800, 12, 6400)
        """
        return max(1, int(self.spectra * (neurons / 512) ** 3))


def _whole(value: object, name: str, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingError(
            f"{name}={value!r}: give a whole number of steps, {least} or more, for example {name}=50"
            if name != "passes"
            else f"passes={value!r}: give the number of forward passes per step, 1 or more"
        )


def _ratio(ratio: float) -> None:
    if not (math.isfinite(ratio) and ratio > 1):
        raise SettingError(f"ratio={ratio}: give a number above 1, for example 1.1")
