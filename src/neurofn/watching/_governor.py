"""The governor: keeps what watching costs within a share of the time of the rest."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from statistics import median

__all__ = ["SHARES", "Governor"]

SHARES = {"light": 0.45, "dear": 0.25, "readings": 0.3}
"""How the budget is divided: cheap sums, dear sums (Gram matrices), readings (eigenvalues). Nothing passes between them."""

_KEPT = 4.0  # credit for at most so many of the dearest piece of work is kept, so that a long break buys no burst
_WINDOW = 15  # steps whose median says how long a step is


class Governor:
    """Time accounts in seconds, by kind of work. A piece of work is affordable where its account holds its expected cost.

    An account gets its share of the budget of all time that passes and is not spent here; breaks count no more than ten of the
    steps before. The cost expected of a kind is the mean of what it took before, later ones weighing more.

    >>> clock = iter([0.0, 1.0, 2.0, 3.0]).__next__
    >>> governor = Governor(0.1, clock=clock)
    >>> governor.tick(); governor.affords("light", guess=0.04)
    False
    >>> governor.tick(); governor.affords("light", guess=0.04)
    True
    """

    def __init__(self, budget: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.budget, self.clock = budget, clock
        self.credit = dict.fromkeys(SHARES, 0.0)
        self.expected: dict[str, dict[object, float]] = {kind: {} for kind in SHARES}
        self.spent = self.rest = 0.0
        self._last: float | None = None
        self._unbilled = 0.0  # spent since the last tick
        self._steps: deque[float] = deque(maxlen=_WINDOW)

    @property
    def share(self) -> float:
        """What was spent, as a share of the time of the rest."""
        return self.spent / self.rest if self.rest else 0.0

    def tick(self) -> None:
        """A step begins."""
        now = self.clock()
        if self._last is not None:
            step = max(0.0, now - self._last - self._unbilled)
            counted = min(step, 10 * median(self._steps)) if len(self._steps) > 2 else step
            self._steps.append(step)
            self.rest += counted
            for kind, share in SHARES.items():
                most = _KEPT * max(self.expected[kind].values(), default=float("inf"))
                self.credit[kind] = min(self.credit[kind] + self.budget * share * counted, max(most, 0.0))
        self._last, self._unbilled = now, 0.0

    def skip(self) -> None:
        """What passed since the last tick counts for nothing: the watch was paused."""
        self._last, self._unbilled = None, 0.0

    def affords(self, kind: str, which: object = None, *, guess: float) -> bool:
        """Whether there is credit for work of this kind; ``guess`` is its cost where nothing like it was done before."""
        return self.credit[kind] >= self.expected[kind].setdefault(which, guess)

    def pay(self, kind: str, seconds: float, which: object = None) -> None:
        """Work of this kind took so long."""
        self.bill(kind, seconds)
        before = self.expected[kind].get(which, seconds)
        self.expected[kind][which] = 0.5 * before + 0.5 * seconds

    def bill(self, kind: str, seconds: float) -> None:
        """So long was spent, which says nothing about what such work costs."""
        self.credit[kind] -= seconds
        self.spent += seconds
        self._unbilled += seconds
