"""A formula as a torch module in float64: its constants are parameters, which least squares fit again to data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy
import torch
from torch import Tensor, nn

from ..._errors import DataError, SettingError, ShapeError
from ._compile import Code, Compiler, constant_symbol
from ._expressions import Expression, read_expression
from ._least_squares import levenberg_marquardt
from ._library import Array

__all__ = ["SymbolicNetwork"]


class SymbolicNetwork(nn.Module):
    """Formulas of the inputs as a module, (..., inputs) -> (..., formulas), in float64.

    ``formulas`` is one sympy expression or text, or several; every Float in them becomes an entry of ``constants``, an
    ``nn.Parameter``; whole numbers, fractions and pi are kept. ``inputs`` names the columns in order, by default the names in
    the formulas in alphabetical order. Raises LanguageError for texts that cannot be read, SettingError for names that are no
    inputs and functions that have no tensor code.

    >>> import torch
    >>> network = SymbolicNetwork("2.0*sin(pi*x) + y**2", inputs=["x", "y"])
    >>> network(torch.tensor([[0.5, 3.0]], dtype=torch.float64))
    tensor([[11.]], dtype=torch.float64, grad_fn=...)
    >>> network.expressions
    (y**2 + 2.0*sin(pi*x),)
    """

    def __init__(self, formulas: Any, *, inputs: Sequence[str] | None = None) -> None:
        super().__init__()
        several = formulas if isinstance(formulas, (list, tuple)) else [formulas]
        given = [read_expression(f) if isinstance(f, str) else sympy.sympify(f) for f in several]
        found = sorted({symbol.name for expression in given for symbol in expression.free_symbols})
        self.inputs = tuple(found if inputs is None else inputs)
        unknown = [name for name in found if name not in self.inputs]
        if unknown:
            raise SettingError(f"{unknown[0]} is no input; the inputs are {', '.join(self.inputs) or '(none)'}")
        compiler = Compiler(self.inputs)
        self._codes: list[Code] = [compiler.code(expression) for expression in given]
        self.templates: list[Expression] = compiler.templates
        self._given = given
        self.constants = nn.Parameter(torch.tensor(compiler.values, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        """The formulas' values; raises ShapeError where the last axis is not that of the inputs."""
        if x.ndim == 0 or x.shape[-1] != len(self.inputs):
            raise ShapeError(
                f"the formula has the inputs {self.inputs}: expected (..., {len(self.inputs)}), got {tuple(x.shape)}"
            )
        return self._at(x.double(), self.constants)

    def _at(self, x: Tensor, constants: Tensor) -> Tensor:
        columns, values = x.unbind(-1), constants.unbind(-1)
        like = torch.zeros(x.shape[:-1], dtype=x.dtype, device=x.device)
        return torch.stack([like + code(columns, values) for code in self._codes], dim=-1)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """The formulas with the constants of now, as sympy."""
        values = self.constants.detach().tolist()
        places = {constant_symbol(index): sympy.Float(value, 17) for index, value in enumerate(values)}
        return tuple(template.xreplace(places) for template in self.templates)

    @property
    def latex(self) -> str:
        """The formulas for a page, one line each."""
        shown = [expression.xreplace(_short(expression)) for expression in self.expressions]
        return " \\\\\n".join(sympy.latex(expression) for expression in shown)

    def refit(self, x: Any, y: Any, *, steps: int = 100) -> float:
        """Fit the constants to data (samples, inputs) and (samples,) or (samples, formulas) by Levenberg-Marquardt, in place.

        Gives the root mean square that is left; infinity, with the constants as they were, where the formula is not finite on
        the data. Raises DataError for other shapes.

        >>> import torch
        >>> x = torch.linspace(0, 1, 30).unsqueeze(-1)
        >>> network = SymbolicNetwork("1.2*exp(0.8*x)", inputs=["x"])
        >>> network.refit(x, torch.exp(2*x.double())) < 1e-12
        True
        """
        inputs = torch.as_tensor(np.asarray(x, dtype=float))
        target = np.asarray(y, dtype=float).reshape(len(inputs), -1)
        if inputs.ndim != 2 or target.shape[1] != len(self._codes):
            raise DataError(f"refit takes (samples, {len(self.inputs)}) and (samples, {len(self._codes)}) numbers")

        def residual(values: Array) -> Array:
            with torch.no_grad():
                return np.asarray(self._at(inputs, torch.as_tensor(values)).numpy() - target).ravel()

        start = self.constants.detach().numpy().copy()
        if not len(start):
            return float(np.sqrt(np.mean(np.square(residual(start)))))
        floor = (1e-17 * float(np.abs(target).max())) ** 2
        best, left = levenberg_marquardt(residual, self._jacobian(inputs), start, steps=steps, floor=floor)
        with torch.no_grad():
            self.constants.copy_(torch.as_tensor(best))
        return float(np.sqrt(left))

    def _jacobian(self, inputs: Tensor) -> Callable[[Array], Array]:
        def at(values: Array) -> Array:
            # Constants of its own for every sample: then one backward pass gives the slopes of all samples.
            own = torch.as_tensor(values).expand(len(inputs), -1).contiguous().requires_grad_(True)
            with torch.enable_grad():
                outputs = self._at(inputs, own).unbind(-1)
            slopes = [torch.autograd.grad(column.sum(), own, retain_graph=True)[0] for column in outputs]
            return np.asarray(torch.stack(slopes, dim=1).flatten(0, 1).numpy())

        return at

    def constant(self, index: int, x: Array, y: Array) -> tuple[float, float]:
        """A constant and its standard error over data, as linear regression would have it at this place."""
        values = self.constants.detach().numpy()
        inputs = torch.as_tensor(x)
        with torch.no_grad():
            left = float(np.square(self._at(inputs, self.constants)[:, 0].numpy() - y).mean())
        slopes = np.nan_to_num(self._jacobian(inputs)(values))
        size = np.linalg.norm(slopes, axis=0)
        scale = np.where(size > 0, size, 1.0)
        spread = np.linalg.pinv((slopes / scale).T @ (slopes / scale), hermitian=True)[index, index]
        return float(values[index]), float(np.sqrt(max(left * spread, 0.0)) / scale[index])

    def extra_repr(self) -> str:
        return ", ".join(str(expression.xreplace(_short(expression))) for expression in self.expressions)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_codes"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]  # torch declares no types for it
        compiler = Compiler(self.inputs)
        self._codes = [compiler.code(expression) for expression in self._given]


def _short(expression: Expression) -> dict[Expression, Expression]:
    return {number: sympy.Float(number, 6) for number in expression.atoms(sympy.Float)}
