"""Seeds in several looks: a study ends as soon as its claims are decided, without more errors than with one look."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .._errors import SettingError
from ._claims import Verdict
from ._result import Result


@dataclass(frozen=True)
class Looks:
    """Numbers of seeds, rising, at which the claims are judged: ``run(..., seeds=Looks((10, 20, 40)))``.

    After each look the run ends where every claim with a p-value is below the level of that look, and otherwise goes on to
    the next number of seeds. The levels are such that all looks together err with the probability ``level`` at most (see
    `neurofn.studies._statistics_seeds.levels`); a claim that held at the usual level alone is undecided. Claims without a
    p-value are judged at the end. Raises SettingError for numbers that do not rise.

    >>> Looks((10, 20, 40)).seeds
    (10, 20, 40)
    """

    seeds: tuple[int, ...]
    level: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "seeds", tuple(self.seeds))
        whole = all(isinstance(count, int) and count > 0 for count in self.seeds)
        if not whole or not self.seeds or list(self.seeds) != sorted(set(self.seeds)) or not 0 < self.level < 1:
            given = f"Looks({self.seeds}, level={self.level})"
            raise SettingError(
                f"{given}: give rising numbers of seeds and a level between 0 and 1, as Looks((10, 20, 40))"
            )

    def ends(self, result: Result, look: int) -> bool:
        """Whether nothing is left to decide after this look, counted from 0, or it is the last one."""
        judged = [verdict.p for verdict in result.verdicts if verdict.p is not None]
        decided = bool(judged) and max(judged) < self._level(look)
        return decided or look == len(self.seeds) - 1 or not result.complete

    def judged(self, result: Result, look: int) -> Result:
        """The result with its verdicts at the level of the look at which it ended, and a note that says so."""
        level = self._level(look)
        counts = ", ".join(map(str, self.seeds[: look + 1]))
        note = f"Looked at {counts} of at most {self.seeds[-1]} seeds; the level of the last look is {level:.3g}."
        verdicts = tuple(_at(level, verdict) for verdict in result.verdicts)
        return replace(result, verdicts=verdicts, notes=(*result.notes, note))

    def _level(self, look: int) -> float:
        from ._statistics_seeds import levels

        return levels(self.seeds, level=self.level)[look]


def _at(level: float, verdict: Verdict) -> Verdict:
    if verdict.verdict != "holds" or verdict.p is None or verdict.p < level:
        return verdict
    return replace(verdict, verdict="undecided", sentence=f"{verdict.sentence}; p is not below {level:.3g}")
