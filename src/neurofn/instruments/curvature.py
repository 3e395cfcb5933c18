"""Sharpness and HessianTrace: the curvature of the loss over the parameters, from products with the Hessian alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import SettingError
from ._base import Readings
from ._probe import Data, Loss, Probe, eigenvalues, probes, trained

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["HessianTrace", "Sharpness", "hessian", "hessian_product"]

Product = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True)
class Sharpness(Probe):
    """The largest eigenvalue of the Hessian of the mean loss over the trained parameters, and its place at the edge.

    Gradient descent with rate ``rate`` on a quadratic function diverges above 2 / rate; full-batch training rises to about
    there and stays (edge of stability, arXiv:2103.00065). Readings: "sharpness"; "smallest eigenvalue", which is negative
    where the loss is not convex; "share of edge", sharpness * rate / 2, NaN without a rate. That threshold is one of plain
    gradient descent: momentum b moves it to 2 (1 + b) / rate, and Adam has another.

    By the Lanczos method with full reorthogonalisation from a fixed random vector, until both ends have a residual of at most
    ``tolerance`` times the larger of them; "steps" is what that took, "residual" what was left, in the unit of the
    sharpness: an eigenvalue lies within it. "settled" is 0 where ``steps`` were not enough. Each step is a pass over the
    data, at the cost of about three of its gradients, and a vector of all parameters to keep. ReLU has a second derivative
    of 0 nearly everywhere, so kinks count as if they were not there.

    >>> import torch
    >>> line = torch.nn.Linear(1, 1, bias=False)
    >>> data = [(torch.tensor([[3.0]]), torch.tensor([[1.0]]))]
    >>> readings = Sharpness(rate=0.1).of(line, data, loss=torch.nn.functional.mse_loss)
    >>> round(readings["sharpness"], 3), round(readings["share of edge"], 3)  # the second derivative of (3 w - 1)**2
    (18.0, 0.9)
    """

    rate: float | None = None
    steps: int = 40
    tolerance: float = 1e-3

    names: ClassVar[tuple[str, ...]] = (
        "sharpness", "smallest eigenvalue", "share of edge", "steps", "residual", "settled"
    )  # fmt: skip
    effort: ClassVar[frozenset[str]] = frozenset({"steps", "residual", "settled"})

    def __post_init__(self) -> None:
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate > 0):
            raise SettingError(f"rate={self.rate}: give the learning rate, above 0, or leave it out")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 2:
            raise SettingError(f"steps={self.steps!r}: give a whole number, 2 or more")
        if not 0 < self.tolerance < 1:
            raise SettingError(f"tolerance={self.tolerance}: give a share between 0 and 1, such as 1e-3")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Settled to nine digits, without a rate and with one."""
        return cls(steps=100, tolerance=1e-9), cls(rate=0.1, steps=60, tolerance=1e-9)

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        assert loss is not None
        import torch

        weights = trained(model)
        size = sum(weight.numel() for weight in weights)
        dtype, device = (weights[0].dtype, weights[0].device) if weights else (torch.float64, torch.device("cpu"))
        start = torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(device, dtype)
        product = hessian_product(model, data, loss)
        ends, residual, taken = _lanczos(product, start, self.steps, tolerance=self.tolerance)
        settled = residual <= self.tolerance * max(map(abs, ends))
        return {**self._readings(*ends), "steps": float(taken), "residual": residual, "settled": float(settled)}

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        assert loss is not None
        values = eigenvalues(hessian(model, data, loss))
        return self._readings(float(values[0]), float(values[-1]))

    def _readings(self, largest: float, smallest: float) -> Readings:
        edge = largest * self.rate / 2 if self.rate is not None else math.nan
        return {"sharpness": largest, "smallest eigenvalue": smallest, "share of edge": edge}


@dataclass(frozen=True)
class HessianTrace(Probe):
    """The trace of the Hessian of the mean loss, by Hutchinson's estimate: the mean of z' H z over random signs z.

    Readings: "trace" and "error", its standard error over the ``draws`` of z (doi:10.1080/03610919008812866); the draws are
    the same each time, so that two trainings can be compared. The estimate has no bias; the variance of one draw is twice
    the sum of the squares of what lies beside the diagonal. "mean curvature" is the trace per parameter. Each draw is a
    pass over the data, at the cost of about three of its gradients. Raises SettingError for fewer than two draws.

    >>> import torch
    >>> line = torch.nn.Linear(1, 1, bias=False)
    >>> data = [(torch.tensor([[3.0]]), torch.tensor([[1.0]]))]
    >>> readings = HessianTrace(draws=2).of(line, data, loss=torch.nn.functional.mse_loss)
    >>> round(readings["trace"], 3), round(readings["error"], 3)
    (18.0, 0.0)
    """

    draws: int = 20

    names: ClassVar[tuple[str, ...]] = ("trace", "error", "mean curvature")

    def __post_init__(self) -> None:
        if isinstance(self.draws, bool) or not isinstance(self.draws, int) or self.draws < 2:
            raise SettingError(f"draws={self.draws!r}: give a whole number, 2 or more, such as 20")

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        assert loss is not None
        product = hessian_product(model, data, loss)
        weights = trained(model)
        size = sum(weight.numel() for weight in weights)
        found = []
        for signs in self._signs(size):
            vector = signs.to(weights[0].device, weights[0].dtype)
            found.append(float(vector @ product(vector)))
        return self._readings(np.array(found), size)

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        assert loss is not None
        matrix = hessian(model, data, loss)
        found = [float(signs.numpy() @ matrix @ signs.numpy()) for signs in self._signs(len(matrix))]
        return self._readings(np.array(found), len(matrix))

    def _signs(self, size: int) -> Iterator[Tensor]:
        import torch

        generator = torch.Generator().manual_seed(0)
        for _ in range(self.draws):
            yield torch.randint(2, (size,), generator=generator).double() * 2 - 1

    def _readings(self, found: Any, size: int) -> Readings:
        trace = float(found.mean())
        return {
            "trace": trace,
            "error": float(found.std(ddof=1)) / math.sqrt(self.draws),
            "mean curvature": trace / size,
        }


def hessian_product(model: nn.Module, data: Data, loss: Loss) -> Product:
    """The function v -> H v for the mean loss over all rows, v one vector of all trained parameters.

    >>> import torch
    >>> line, rows = torch.nn.Linear(1, 1, bias=False), torch.ones(2, 1)
    >>> hessian_product(line, Data.of([(rows, rows)]), torch.nn.functional.mse_loss)(torch.ones(1))
    tensor([2.])
    """
    import torch

    weights = trained(model)
    if not weights:
        raise SettingError("no parameter of the model is trained, so its loss has no curvature; set requires_grad")

    def product(vector: Tensor) -> Tensor:
        parts = _like(vector, weights)
        total = torch.zeros_like(vector)
        for inputs, targets in data.batches:
            value = loss(model(inputs), targets) * (len(inputs) / data.rows)
            slopes = torch.autograd.grad(value, weights, create_graph=True, materialize_grads=True)
            along = sum((slope * part).sum() for slope, part in zip(slopes, parts, strict=True))
            if isinstance(along, torch.Tensor) and along.requires_grad:
                bends = torch.autograd.grad(along, weights, materialize_grads=True)
                total += torch.cat([bend.flatten() for bend in bends])
        return total

    return product


def hessian(model: nn.Module, data: Data, loss: Loss) -> Any:
    """The whole Hessian (parameters, parameters), by torch's own second derivatives of a function of one vector."""
    import torch

    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    weights = trained(model)
    inputs, targets = data.whole()

    def value(vector: Tensor) -> Tensor:
        own = dict(zip(names, _like(vector, weights), strict=True))
        return loss(torch.func.functional_call(model, own, (inputs,)), targets)

    vector = torch.cat([weight.detach().flatten() for weight in weights])
    return torch.func.jacrev(torch.func.jacrev(value))(vector).detach().double().cpu().numpy()


def _like(vector: Tensor, weights: list[Tensor]) -> list[Tensor]:
    import torch

    parts = torch.split(vector, [weight.numel() for weight in weights])
    return [part.view(weight.shape) for part, weight in zip(parts, weights, strict=True)]


def _lanczos(
    product: Product, start: Tensor, steps: int, *, tolerance: float
) -> tuple[tuple[float, float], float, int]:
    """The largest and the smallest Ritz value, the larger of their residuals, and the steps taken."""
    import torch

    basis = [start / start.norm()]
    diagonal: list[float] = []
    beside: list[float] = []
    ends, residual = (math.nan, math.nan), math.nan
    for step in range(1, min(steps, len(start)) + 1):
        image = product(basis[-1])
        diagonal.append(float(basis[-1] @ image))
        known = torch.stack(basis)
        for _ in range(2):  # once leaves what rounding brought back
            image = image - known.T @ (known @ image)
        size = float(image.norm())
        if not math.isfinite(size):
            return (math.nan, math.nan), math.nan, step
        values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
        ends = float(values[-1]), float(values[0])
        scale = max(map(abs, ends))
        residual = size * max(abs(vectors[-1, -1]), abs(vectors[-1, 0])) if step < len(start) else 0.0
        if residual <= tolerance * scale or size <= torch.finfo(start.dtype).eps * scale:
            return ends, float(residual), step
        beside.append(size)
        basis.append(image / size)
    return ends, float(residual), len(diagonal)


probes.add("Sharpness", Sharpness)
probes.add("HessianTrace", HessianTrace)
