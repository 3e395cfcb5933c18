"""What samples say about their formula: the verdict, the formula, what was tried, and what cannot be told from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import sympy

from ._expressions import Expression, read_expression
from ._module import SymbolicNetwork

__all__ = ["Alternative", "Discovery", "Trained", "Verdict"]

Verdict = Literal["formula", "candidates", "approximation", "constant"]


@dataclass(frozen=True)
class Trained:
    """A spline network that was tried: its shape, the cells of its curves, its edges, its held-out root mean square."""

    shape: str
    grid: int
    edges: int
    held_out: float


@dataclass(frozen=True)
class Alternative:
    """A formula that was not chosen, with its held-out root mean square and the price of its functions.

    ``within_noise``: it costs hardly more than the chosen one, and held-out samples cannot tell the two apart.
    """

    formula: str
    held_out: float
    complexity: float
    within_noise: bool = False


@dataclass(frozen=True)
class Discovery:
    """What samples say about their formula.

    ``verdict`` is "formula" where it predicts held-out samples as well as the best network does and no other formula of a
    comparable price that was tried does as well; "candidates" where some do, so that the data, noisy or few, do not decide;
    "approximation" where the network does better, so that the function is outside the library or the search did not find it;
    and "constant" where nothing predicts them better than their mean. ``alternatives``: other candidates, then what else was
    tried, best first. ``held_out`` and ``network_held_out`` are root mean squares in the units of y,
    ``spread`` that of a constant; ``seconds`` is processor time.
    """

    verdict: Verdict
    formula: str
    inputs: tuple[str, ...]
    held_out: float
    network_held_out: float
    spread: float
    shape: str
    alternatives: tuple[Alternative, ...]
    trained: tuple[Trained, ...]
    seconds: float

    @property
    def expression(self) -> Expression:
        """The formula as sympy."""
        return read_expression(self.formula)

    @property
    def candidates(self) -> tuple[str, ...]:
        """The formula and all that cannot be told from it."""
        return (self.formula, *(other.formula for other in self.alternatives if other.within_noise))

    @property
    def latex(self) -> str:
        """The formula for a page, constants to six digits."""
        return str(sympy.latex(_short(self.expression)))

    @property
    def explained(self) -> float:
        """The share of the held-out variance that the formula explains."""
        return 1 - (self.held_out / self.spread) ** 2

    def network(self) -> SymbolicNetwork:
        """The formula as a torch module, (..., inputs) -> (..., 1)."""
        return SymbolicNetwork(self.formula, inputs=self.inputs)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts, lists and dicts."""
        return asdict(self)

    def __str__(self) -> str:
        if self.verdict == "constant":
            return f"no formula is better than a constant: {self.formula} (held-out error {self.held_out:.3g})"
        shown = _shown(self.formula)
        errors = f"held-out error {self.held_out:.3g}, {100 * self.explained:.4g} % explained"
        if self.verdict == "formula":
            return f"{shown} ({errors})"
        if self.verdict == "candidates":
            others = "; ".join(map(_shown, self.candidates[1:]))
            return f"{len(self.candidates)} formulas that the data cannot tell apart: {shown} ({errors}); {others}"
        return (
            f"no formula of the library reaches the network ({self.network_held_out:.3g}); nearest: {shown} ({errors})"
        )


def _short(expression: Expression) -> Expression:
    return expression.xreplace({number: sympy.Float(number, 6) for number in expression.atoms(sympy.Float)})


def _shown(formula: str) -> str:
    return str(_short(read_expression(formula)))
