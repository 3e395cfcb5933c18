"""Constants of a formula to nearby simple ones, as long as the errors do not get worse.

A formula from curves has more constants than it needs: in a*exp(b*u + c) + d one of a and c is idle. So every constant is first
tried at 0 and at 1 or -1, the others being fitted again; what stays is tried at the simple numbers that are nearest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy
import torch

from ._compile import constant_symbol
from ._expressions import Expression
from ._library import Array
from ._module import SymbolicNetwork

__all__ = ["Data", "rounded", "simple_numbers"]

_NEAR = 1e-4


@dataclass(frozen=True)
class Data:
    """Samples to fit to and samples held out: x (samples, inputs), y (samples,), and the names of the inputs."""

    x: Array
    y: Array
    held_x: Array
    held_y: Array
    inputs: tuple[str, ...]

    @property
    def spread(self) -> float:
        """The standard deviation of the target."""
        return float(self.y.std()) or 1.0

    def errors(self, network: SymbolicNetwork) -> Array:
        """Squared errors, those of the held-out samples last; infinite where the formula is not defined."""
        with torch.no_grad():
            values = network(torch.as_tensor(np.concatenate([self.x, self.held_x])))[:, 0].numpy()
        wrong = np.square(values - np.concatenate([self.y, self.held_y]))
        return np.asarray(np.nan_to_num(wrong, nan=np.inf))

    def held_out(self, network: SymbolicNetwork) -> float:
        """The root mean square on the samples held out."""
        return float(np.sqrt(self.errors(network)[len(self.x) :].mean()))

    def thinned(self, most: int) -> Data:
        """Fewer samples to fit to."""
        return Data(self.x[:most], self.y[:most], self.held_x, self.held_y, self.inputs)


def rounded(expression: Expression, data: Data) -> Expression:
    """The formula with as many simple constants as the data allow; the other constants fitted again.

    >>> import numpy as np
    >>> from neurofn.neurons.symbolic import read_expression
    >>> x = np.linspace(0, 1, 40)[:, None]
    >>> y = 2*np.exp(x[:, 0]/3)
    >>> rounded(read_expression("1.9*exp(0.34*x + 0.01) + 0.02"), Data(x, y, x, y, ("x",)))
    2*exp(x/3)
    """
    data = data.thinned(400)
    network = SymbolicNetwork(expression, inputs=data.inputs)
    network.refit(data.x, data.y)
    before = data.errors(network)
    for stage in (_zeros, _ones, _nearest):
        index = 0
        while index < len(network.constants):
            for number in stage(*network.constant(index, data.x, data.y)):
                trial = _replaced(network, index, number, data)
                if trial is not None and _no_worse(data.errors(trial), before, data):
                    network, index = trial, -1 if stage is _nearest else index - 1
                    break
            index += 1
    return sympy.powsimp(network.expressions[0])


def _replaced(network: SymbolicNetwork, index: int, number: Expression, data: Data) -> SymbolicNetwork | None:
    """The formula with one constant given and the others fitted again; None where nothing is left of it."""
    values = network.constants.detach().tolist()
    places = {constant_symbol(j): sympy.Float(value, 17) for j, value in enumerate(values)}
    places[constant_symbol(index)] = number
    expression = network.templates[0].xreplace(places)
    if expression.has(sympy.zoo, sympy.nan, sympy.oo, sympy.I):
        return None
    trial = SymbolicNetwork(expression, inputs=data.inputs)
    trial.refit(data.x, data.y, steps=25)
    return trial


def _no_worse(after: Array, before: Array, data: Data) -> bool:
    """Whether errors are the same up to noise: rounding errors, or a mean difference within its standard error."""
    if not np.isfinite(after).all():
        return False
    if after.mean() <= (1e-12 * data.spread) ** 2:
        return True
    more = after - before
    return bool(more.mean() <= min(3 * more.std() / math.sqrt(len(more)), 0.02 * before.mean()))


def _zeros(value: float, doubt: float) -> Iterator[Expression]:
    yield sympy.Integer(0)


def _ones(value: float, doubt: float) -> Iterator[Expression]:
    yield sympy.Integer(1 if value > 0 else -1)


def _nearest(value: float, doubt: float) -> Iterator[Expression]:
    near = min(max(_NEAR, 3 * doubt / abs(value)), 0.05) if value else _NEAR
    yield from simple_numbers(value, near=near)[:3]


def simple_numbers(value: float, *, near: float = _NEAR) -> list[Expression]:
    """Whole numbers, fractions and multiples of pi, e and roots near a number, the simplest first.

    ``near`` is how far, relative to the number; a fraction must be nearer in proportion to its denominator.

    >>> simple_numbers(3.14159265), simple_numbers(0.7500001), simple_numbers(0.123456)
    ([pi], [3/4], [])
    """
    found: list[tuple[int, Expression]] = []
    units = (
        sympy.Integer(1),
        sympy.pi,
        1 / sympy.pi,
        sympy.sqrt(2),
        sympy.sqrt(3),
        sympy.E,
        1 / sympy.sqrt(2 * sympy.pi),
    )
    for rank, unit in enumerate(units):
        share = value / float(unit)
        if not 1e-6 < abs(share) < 1e6:
            continue
        fraction = Fraction(share).limit_denominator(12 if rank == 0 else 6)
        if rank and abs(fraction.numerator) > 12:
            continue
        if fraction and abs(float(fraction) / share - 1) <= near / fraction.denominator:
            number = sympy.Rational(fraction.numerator, fraction.denominator) * unit
            found.append((rank + fraction.denominator + abs(fraction.numerator) // 10, number))
    return [number for _, number in sorted(found, key=lambda pair: pair[0])]
