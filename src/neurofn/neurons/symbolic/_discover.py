"""Train, prune, refine, read: from samples to a formula, with what was tried and what a constant would have reached."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import sympy
import torch

from ..._errors import DataError, SettingError
from ._compose import Composed, composed
from ._discovery import Alternative, Discovery, Trained, Verdict
from ._expressions import Expression
from ._library import Array, Form, library_of
from ._module import SymbolicNetwork
from ._rounding import Data, rounded
from ._spline_network import Shape, SplineNetwork, beginning_as, pruned, refined, started, train

__all__ = ["discover"]

_EXACT = 1e-10
_LEVEL = 1.1  # held-out errors this near are taken as equal where their difference may be chance
_DEARER = 1.0  # a formula is of a comparable price up to so much more
_SHOWN = 5
_SAME = 0.05  # formulas whose values differ by a smaller share of the held-out error are, for these data, one function
_GRIDS = (5, 10, 20)
_LADDER = (Shape("sum"), Shape("product"), *(Shape("hidden", k) for k in (1, 2, 3, 5)))


def discover(
    x: Any,
    y: Any,
    *,
    inputs: Sequence[str] | None = None,
    library: Iterable[str | Form] | None = None,
    seed: int = 0,
    seconds: float = 15.0,
) -> Discovery:
    """Find a formula for y in x: train small spline networks, prune and refine them, read every edge, fit all constants.

    ``x`` is (samples, inputs), ``y`` (samples,); ``inputs`` names the columns. A quarter of the samples, drawn with ``seed``,
    is held out. Networks are tried from simple to rich; the search ends with a formula that is exact to rounding, or where no
    richer network is better, or after about ``seconds`` of processor time. Raises DataError for other shapes, fewer than 40
    samples and numbers that are not finite.

    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(1, 3, (200, 2))
    >>> found = discover(x, 3*x[:, 0]**2 + np.log(x[:, 1]), inputs=["x", "y"])
    >>> print(found.verdict, found.formula)
    formula 3*x**2 + log(y)
    """
    if not seconds > 0:
        raise SettingError(f"seconds must be above 0, got {seconds!r}")
    begin = time.process_time()
    data = _data(x, y, inputs, seed)
    forms = library_of(library)
    search = _Search(data, forms, np.random.default_rng(seed), begin + 0.8 * seconds)
    search.run()
    return search.result(begin)


def _data(x: Any, y: Any, inputs: Sequence[str] | None, seed: int) -> Data:
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim == 1:
        x = x[:, None]
    if x.ndim != 2 or y.shape != (len(x),):
        raise DataError(f"discover takes x (samples, inputs) and y (samples,), got {x.shape} and {y.shape}")
    if len(x) < 40 or x.shape[1] == 0:
        raise DataError(f"discover needs at least 40 samples of at least one input, got {x.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("x and y must be finite; leave out samples that are not")
    names = tuple(f"x{i}" for i in range(x.shape[1])) if inputs is None else tuple(inputs)
    if len(names) != x.shape[1] or len(set(names)) != len(names) or not all(_plain(name) for name in names):
        raise SettingError(f"inputs must be {x.shape[1]} different plain names such as 'x', got {list(names)}")
    order = np.random.default_rng(seed).permutation(len(x))
    held = np.zeros(len(x), dtype=bool)
    held[order[: len(x) // 4]] = True
    for column in x.T:  # nothing is asked for outside of what was fitted
        held[[int(column.argmin()), int(column.argmax())]] = False
    fit = order[~held[order]]
    return Data(x[fit], y[fit], x[held], y[held], names)


def _plain(name: str) -> bool:
    return name.isidentifier() and name not in ("pi", "e", "E")


class _Search:
    """The ladder of networks and the formulas read from them."""

    def __init__(self, data: Data, forms: tuple[Form, ...], generator: np.random.Generator, until: float) -> None:
        self.data, self.forms, self.generator, self.until = data, forms, generator, until
        self.trained: list[Trained] = []
        self._sum: SplineNetwork | None = None
        self.formulas: list[tuple[Composed, str]] = []
        self.constant_errors = np.square(data.held_y - data.y.mean())
        self.network_errors = self.constant_errors
        self.spread = float(np.sqrt(self.constant_errors.mean()))

    def run(self) -> None:
        """Rung after rung, until a formula is exact, the time is over, or richer networks stopped being better."""
        idle = 0
        for shape in self._shapes():
            network, errors = self._network(shape)
            better = _significant(self.network_errors - errors) and errors.mean() < 0.9 * self.network_errors.mean()
            if better:
                self.network_errors = errors
            close = errors.mean() <= (3e-2 * self.spread) ** 2 or errors.mean() <= 1.1 * self.network_errors.mean()
            close = close and _significant(self.constant_errors - errors)
            idle = 0 if better else idle + 1
            if better or close:
                found = composed(network, self.data, library=self.forms, until=self.until)
                self.formulas += [(formula, str(shape)) for formula in found]
            if any(formula.error <= _EXACT for formula, _ in self.formulas):
                return
            if idle >= 3 or time.process_time() > self.until:
                return

    def _shapes(self) -> Iterator[Shape]:
        for shape in _LADDER:
            if shape.kind == "product" and self.data.x.shape[1] == 1:
                continue
            yield shape

    def _network(self, shape: Shape) -> tuple[SplineNetwork, Array]:
        """The best of some starts on the coarse grid, then finer grids as long as held-out samples agree."""
        x, y = self.data.x, self.data.y
        starts = 1 if shape.kind != "hidden" else 4 if shape.hidden == 1 else 2
        trials: list[tuple[float, int, SplineNetwork]] = []
        for _ in range(starts):
            network = started(shape, x, y, grid=_GRIDS[0], generator=self.generator)
            if shape == Shape("hidden", 1) and not trials:
                network = beginning_as(network, self._sum)
            left = train(network, x, y, steps=40)
            trials.append((left, len(trials), network))
            if left < 1e-2 or time.process_time() > self.until:
                break
        if shape.kind == "sum":
            self._sum = network
        left, _, network = min(trials, key=lambda trial: trial[:2])
        before = network.edges
        network = pruned(network, x, change=min(left, 0.5) / 2)
        if network.edges < before:
            train(network, x, y, steps=20)
        errors = self._errors(network)
        for grid in _GRIDS[1:]:
            count = (grid + 3) * (x.shape[1] * max(1, shape.hidden) + shape.hidden)
            if count > len(x) / 3 or time.process_time() > self.until:
                break
            finer = refined(network, grid)
            train(finer, x, y, steps=25)
            after = self._errors(finer)
            if after.mean() > 0.9 * errors.mean():
                break
            network, errors = finer, after
        self.trained.append(Trained(str(shape), network.grid, network.edges, float(np.sqrt(errors.mean()))))
        return network, errors

    def _errors(self, network: SplineNetwork) -> Array:
        return np.square(network(self.data.held_x) - self.data.held_y)

    def _ranked(self) -> list[tuple[Composed, str]]:
        """Formulas, best first: those that predict as well as the best by their price, the others by their score."""
        least = min((formula for formula, _ in self.formulas), key=lambda formula: formula.error, default=None)

        def rank(pair: tuple[Composed, str]) -> tuple[bool, float, float]:
            formula = pair[0]
            level = least is not None and self._level(formula, least)
            return not level, formula.complexity if level else formula.score, formula.error

        return sorted(self.formulas, key=rank)

    def _level(self, formula: Composed, least: Composed) -> bool:
        """Whether held-out samples prefer the formula of the least error hardly, and not beyond doubt."""
        if formula.error <= max(least.error, _EXACT):
            return True
        if formula.error > _LEVEL * least.error:
            return False
        wrong, right = (self._held_out(one.expression) for one in (formula, least))
        return not _significant(wrong - right, errors=2)

    def _held_out(self, expression: Expression) -> Array:
        network = SymbolicNetwork(expression, inputs=self.data.inputs)
        return self.data.errors(network)[len(self.data.x) :]

    def _rivals(self, ranked: list[tuple[Composed, str]]) -> list[Composed]:
        """Other formulas of a comparable price that held-out samples cannot tell from the best; each function once."""
        best = ranked[0][0]
        values = [self._values(best.expression)]
        least = np.square(values[0] - self.data.held_y)
        near = _SAME * max(float(np.sqrt(least.mean())), _EXACT * self.spread)
        found = []
        for other, _ in ranked[1:]:
            if other.complexity > best.complexity + _DEARER or other.error > 2 * max(best.error, _EXACT):
                continue
            value = self._values(other.expression)
            worse = _significant(np.square(value - self.data.held_y) - least)
            if not worse and all(np.sqrt(np.square(value - known).mean()) > near for known in values):
                found.append(other)
                values.append(value)
        return found

    def _values(self, expression: Expression) -> Array:
        with torch.no_grad():
            values = SymbolicNetwork(expression, inputs=self.data.inputs)(torch.as_tensor(self.data.held_x))
        return np.asarray(values[:, 0].numpy())

    def result(self, begin: float) -> Discovery:
        """The best formula with rounded constants, and the verdict."""
        data = self.data
        ranked, rivals = self._ranked(), list[Composed]()
        expression: Expression = sympy.Float(float(data.y.mean()))
        verdict: Verdict = "constant"
        errors, shape = self.constant_errors, "a constant"
        if ranked and _significant(self.constant_errors - self.network_errors):
            expression, shape = ranked[0][0].expression, ranked[0][1]
            errors = self._held_out(expression)
            worse = errors.mean() > 1.1 * self.network_errors.mean() and _significant(errors - self.network_errors)
            verdict = "approximation"
            if not worse or errors.mean() <= (_EXACT * self.spread) ** 2:
                rivals = self._rivals(ranked)
                verdict = "candidates" if rivals else "formula"
                expression = rounded(expression, data)  # constants of an approximation are not worth guessing
                errors = self._held_out(expression)
        others = [formula for formula, _ in ranked[1:] if formula not in rivals]
        shown = [(formula, True) for formula in rivals] + [(formula, False) for formula in others]
        alternatives = tuple(
            Alternative(str(formula.expression), formula.error * data.spread, float(formula.complexity), rival)
            for formula, rival in shown[: max(_SHOWN, len(rivals))]
        )
        held_out, network = (float(np.sqrt(values.mean())) for values in (errors, self.network_errors))
        used = time.process_time() - begin
        tried = tuple(self.trained)
        return Discovery(
            verdict, str(expression), data.inputs, held_out, network, self.spread, shape, alternatives, tried, used
        )


def _significant(gain: Array, *, errors: float = 3) -> bool:
    """Whether a mean of differences is above 0 by so many standard errors."""
    return bool(gain.mean() > errors * gain.std() / np.sqrt(len(gain)))
