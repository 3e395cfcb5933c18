"""What was found that one unit prefers, and what to hold it against."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

__all__ = ["PreferredInput"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class PreferredInput:
    """What one unit prefers, from one start, beside its controls. Numbers that there are not are None.

    unit, site: which. facet: the number of the start, from 0. input: (...), what was found, and activation: the unit's in it.
    trajectory: the activation at each step, as the network was shown the input (see Smooth.jitter). made_of: the real inputs
    from which the search started. likeness: the highest cosine between this input and that of another facet, both less the
    mean real input; near 1 the two are the same thing.

    Controls: best_sample and best_example, the real input in which the unit is highest, and how high. real_mean and
    real_deviation: the mean and standard deviation over real inputs. random_mean and random_best: over 64 random inputs that
    the prior allows. untrained: the same search, from the same starts, in the untrained network. A gain alone is no finding:
    where inputs are free, networks before training can be driven farther beyond their best real input than after it.

    problem: why there is no input, or why the search ended early; empty where all went well.

    >>> found = PreferredInput(unit=0, site="0", activation=5.0, best_example=3.0, real_deviation=1.0)
    >>> found.gain
    2.0
    """

    unit: int
    site: str
    facet: int = 0
    input: Array | None = None
    activation: float | None = None
    trajectory: tuple[float, ...] = ()
    made_of: tuple[int, ...] = ()
    likeness: float | None = None
    best_sample: int | None = None
    best_example: float | None = None
    real_mean: float | None = None
    real_deviation: float | None = None
    random_mean: float | None = None
    random_best: float | None = None
    untrained: PreferredInput | None = None
    problem: str = ""

    @property
    def gain(self) -> float | None:
        """How far the activation is above the best real one, in standard deviations over real inputs."""
        if self.activation is None or self.best_example is None or not self.real_deviation:
            return None
        return (self.activation - self.best_example) / self.real_deviation

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; the input as nested lists."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        plain |= {name: list(plain[name]) for name in ("trajectory", "made_of")}
        plain["input"] = None if self.input is None else self.input.tolist()
        plain["untrained"] = None if self.untrained is None else self.untrained.to_dict()
        return {**plain, "gain": self.gain}
