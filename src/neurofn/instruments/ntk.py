"""TangentKernel: how alike the model's answers to two inputs react to a step of training, and what it learns first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import SettingError, ShapeError
from ._base import Readings
from ._probe import Data, Loss, Probe, _left_alone, eigenvalues, probes, trained

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["TangentKernel", "kernel_drift"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class TangentKernel(Probe):
    """The empirical neural tangent kernel K_ij = mean over outputs c of <grad f_c(x_i), grad f_c(x_j)> (arXiv:1806.07572).

    Of the first ``rows`` rows, over the trained parameters. The paper's kernel has a block for each pair of outputs; at
    infinite width all blocks beside the diagonal vanish and those on it are equal, and K is their mean.

    Readings: "largest eigenvalue" and "smallest eigenvalue" of K / rows; "condition", their ratio; "effective rank", exp of
    the entropy of the eigenvalues' shares; "eigenvalues", all of K / rows, largest first; "alignment", <K, Y Y'> / (|K| |Y
    Y'|) with targets Y (one column per label, or values); "centred alignment", the same with the means of rows and columns
    taken away (arXiv:1203.0550), which does not see that all targets have a part in common.

    `kernel` gives K itself, `kernel_drift` compares two. Labels (whole numbers) become columns; values stay. Cost: one
    forward pass and one gradient per row and output; memory: rows * parameters numbers. Eigenvalues that
    rounding could make (2**-46 * rows, or 256 u**2 for weights with spacing u, times the largest) count as 0. Raises
    SettingError for fewer than two rows.

    >>> import torch
    >>> line, x = torch.nn.Linear(1, 1, bias=False), torch.tensor([[1.0], [2.0]])
    >>> TangentKernel().kernel(line, [(x, x)])
    array([[1., 2.],
           [2., 4.]])
    """

    rows: int = 32

    names: ClassVar[tuple[str, ...]] = (
        "largest eigenvalue", "smallest eigenvalue", "condition", "effective rank", "eigenvalues", "alignment",
        "centred alignment",
    )  # fmt: skip
    needs: ClassVar[frozenset[str]] = frozenset({"rows", "targets"})

    def __post_init__(self) -> None:
        if isinstance(self.rows, bool) or not isinstance(self.rows, int) or self.rows < 2:
            raise SettingError(f"rows={self.rows!r}: give a whole number, 2 or more, such as 32")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """All rows of a small set, and the first of them."""
        return cls(), cls(rows=5)

    def kernel(self, model: nn.Module, batches: Iterable[Any]) -> Array:
        """K (rows, rows) of the first rows of ``batches``, float64."""
        with _left_alone(model):
            return _gram(model, Data.of(batches).first(self.rows))

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        data = data.first(self.rows)
        return self._readings(_gram(model, data), data.whole()[1], _roundoff(model))

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        import torch

        inputs, targets = data.first(self.rows).whole()
        own = {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}

        def outputs(weights: dict[str, Tensor]) -> Tensor:
            answers: Tensor = torch.func.functional_call(model, weights, (inputs,))
            return answers.flatten(1)

        slopes = [slope.flatten(2).double().numpy() for slope in torch.func.jacrev(outputs)(own).values()]
        rows, number = slopes[0].shape[:2]
        kernel = np.zeros((rows, rows))
        for output in range(number):
            for slope in slopes:
                kernel += slope[:, output] @ slope[:, output].T / number
        return self._readings(kernel, targets, _roundoff(model))

    def _readings(self, kernel: Array, targets: Tensor | None, roundoff: float) -> Readings:
        assert targets is not None
        rows = len(kernel)
        values = np.maximum(eigenvalues(kernel / rows), 0.0)
        values = np.where(values > values[0] * max(rows * 2.0**-46, 256 * roundoff**2), values, 0.0)
        shares = values[values > 0] / values.sum() if values.any() else np.full(1, np.nan)
        smallest = float(values[-1])
        columns = _columns(targets)
        centre = np.eye(rows) - 1 / rows
        return {
            "largest eigenvalue": float(values[0]),
            "smallest eigenvalue": smallest,
            "condition": float(values[0]) / smallest if smallest > 0 else math.inf,
            "effective rank": math.exp(-float((shares * np.log(shares)).sum())),
            "eigenvalues": values,
            "alignment": _cosine(kernel, columns @ columns.T),
            "centred alignment": _cosine(centre @ kernel @ centre, centre @ columns @ columns.T @ centre),
        }


def kernel_drift(before: Any, after: Any) -> dict[str, float]:
    """How far a kernel moved: "relative change" |after - before| / |before|, and "rotation", 1 - their cosine.

    before, after: (rows, rows), of the same rows in the same order. A rotation of 0 is a kernel that only changed its size;
    in the infinitely wide limit both stay 0 (kernel distance, arXiv:2010.15110). Raises ShapeError for other shapes.

    >>> drift = kernel_drift(np.eye(2), 3 * np.eye(2))
    >>> drift["relative change"], round(drift["rotation"], 9)
    (2.0, 0.0)
    """
    first, second = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 2 or first.shape[0] != first.shape[1]:
        raise ShapeError(f"kernels of shapes {first.shape} and {second.shape}; give two (rows, rows) of the same rows")
    size = float(np.linalg.norm(first))
    moved = float(np.linalg.norm(second - first)) / size if size > 0 else math.nan
    return {"relative change": moved, "rotation": 1 - _cosine(first, second)}


def _gram(model: nn.Module, data: Data) -> Array:
    """Row by row, each with one forward pass: any model that gives a row its own answer can be read."""
    import torch

    weights = trained(model)
    if not weights:
        raise SettingError("no parameter of the model is trained, so there is no tangent kernel; set requires_grad")
    rows = [inputs[row : row + 1] for inputs, _ in data.batches for row in range(len(inputs))]
    outputs = model(rows[0]).numel()
    kernel = torch.zeros(len(rows), len(rows), dtype=torch.float64)
    for output in range(outputs):  # one at a time, or the gradients of all would fill the memory
        slopes = [torch.autograd.grad(model(row).flatten()[output], weights, materialize_grads=True) for row in rows]
        stacked = torch.stack([torch.cat([slope.flatten() for slope in row]) for row in slopes]).double()
        kernel += (stacked @ stacked.T).cpu() / outputs
    return np.asarray(kernel.numpy())


def _roundoff(model: nn.Module) -> float:
    import torch

    return max(torch.finfo(weight.dtype).eps for weight in trained(model))


def _columns(targets: Tensor) -> Array:
    import torch

    if not targets.is_floating_point() and targets.ndim == 1:
        targets = torch.nn.functional.one_hot(torch.unique(targets, return_inverse=True)[1])
    values = targets.detach().double().cpu()
    return np.asarray(values.reshape(len(values), -1).numpy())


def _cosine(a: Array, b: Array) -> float:
    sizes = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / sizes if sizes > 0 else math.nan


probes.add("TangentKernel", TangentKernel)
