"""LossBound: how good a network can be at all with the linearly independent neurons that its last hidden layer has."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import SettingError, ShapeError, SiteError, did_you_mean
from ._base import Readings
from ._probe import Data, Loss, Probe, probes

if TYPE_CHECKING:
    from torch import nn

__all__ = ["LossBound"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class LossBound(Probe):
    """A lower bound of the root mean square error, from the epsilon-rank of the last hidden layer.

    Let phi_j be the neurons that the last linear layer reads (the constant 1 among them where it has a bias), B its
    weights, u = phi B the outputs and M the mean of phi phi' over rows. With the p eigenvalues of M above ``eps`` and V_p the
    span of their eigenfunctions, the part of u outside of V_p is no larger than sqrt(eps) |B|, so for any target

        |u - target| >= distance(target, V_p) - sqrt(eps) |B|,

    with root mean squares over rows, summed over outputs. The staircase paper (arXiv:2412.05144) proves that a bound falls
    as the rank grows; this statement of it is ours, and the proof is the line above. Within one network the distance cannot
    grow with p; from one state of a training to the next nothing says so.

    Readings: "error" |u - target|; "bound", which may be negative and then says nothing; "tightness", bound / error;
    "distance"; "slack", sqrt(eps) |B|; "rank" p; "rank resolved", 0 where eigenvalues of the size of ``eps`` are below what
    rounding leaves. ``readout`` names the last linear layer; without it, it is the last one of the model's modules. Its
    outputs must be the model's, targets of the same shape, or labels, which stand for their columns of 0 and 1.

    Cost: a singular value decomposition of (rows, neurons), which must fit into memory. Raises SettingError for eps < 0,
    SiteError for a readout that is no linear layer, ShapeError where targets do not fit.

    >>> import torch
    >>> line = torch.nn.Linear(1, 1, bias=False)
    >>> rows = torch.tensor([[1.0], [-1.0]])
    >>> readings = LossBound().of(line, [(rows, torch.tensor([[1.0], [1.0]]))])  # no multiple of x is near to 1
    >>> round(readings["distance"], 9), readings["rank"]
    (1.0, 1.0)
    """

    eps: float = field(default=1e-4, metadata={"always printed": True})
    readout: str = ""

    names: ClassVar[tuple[str, ...]] = ("error", "bound", "tightness", "distance", "slack", "rank", "rank resolved")
    needs: ClassVar[frozenset[str]] = frozenset({"rows", "targets"})

    def __post_init__(self) -> None:
        if not (math.isfinite(self.eps) and self.eps >= 0):
            raise SettingError(f"eps={self.eps}: give a threshold of 0 or more, for example LossBound(eps=1e-4)")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Nearly all eigenvalues, and few of them."""
        return cls(eps=1e-6), cls(eps=0.3, readout="6")

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        phi, weights, outputs, targets = self._collected(model, data)
        axes, singular, _ = np.linalg.svd(phi, full_matrices=False)
        inside = axes[:, singular**2 > self.eps]
        distance = float(np.linalg.norm(targets - inside @ (inside.T @ targets)))
        return self._readings(
            distance, inside.shape[1], weights, outputs - targets, self._floor(model, phi, singular[0])
        )

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        phi, weights, outputs, targets = self._collected(model, data)
        values, axes = np.linalg.eigh(phi.T @ phi)
        chosen = phi @ axes[:, values > self.eps]
        fit = chosen @ np.linalg.lstsq(chosen, targets, rcond=None)[0] if chosen.shape[1] else 0 * targets
        left = math.sqrt(float(sum(np.sum((targets[:, at] - fit[:, at]) ** 2) for at in range(targets.shape[1]))))
        return self._readings(
            left, chosen.shape[1], weights, outputs - targets, self._floor(model, phi, math.sqrt(values[-1]))
        )

    def _readings(self, distance: float, rank: int, weights: Array, error: Array, floor: float) -> Readings:
        size, slack = float(np.linalg.norm(error)), math.sqrt(self.eps) * float(np.linalg.norm(weights))
        return {
            "error": size,
            "bound": distance - slack,
            "tightness": (distance - slack) / size if size > 0 else math.nan,
            "distance": distance,
            "slack": slack,
            "rank": float(rank),
            "rank resolved": float(floor < self.eps),
        }

    def _floor(self, model: nn.Module, phi: Array, largest: float) -> float:
        import torch

        roundoff = float(torch.finfo(self._layer(model).weight.dtype).eps)
        return float(largest**2 * max(4 * phi.shape[1] * 2.0**-52, roundoff**2))

    def _collected(self, model: nn.Module, data: Data) -> tuple[Array, Array, Array, Array]:
        """phi and targets and outputs, divided by sqrt(rows), and the weights (neurons, outputs), the bias in the last row."""
        import torch

        layer, heard = self._layer(model), []
        hook = layer.register_forward_pre_hook(lambda module, given: heard.append(given[0].detach().double().cpu()))
        try:
            with torch.no_grad():
                answers = [model(inputs).double().cpu() for inputs, _ in data.batches]
        finally:
            hook.remove()
        outputs, phi = torch.cat(answers).numpy(), torch.cat(heard).numpy()
        weights = layer.weight.detach().double().cpu().numpy().T
        if layer.bias is not None:
            phi = np.column_stack([phi, np.ones(len(phi))])
            weights = np.vstack([weights, layer.bias.detach().double().cpu().numpy()])
        rows = phi.ndim == 2 and phi.shape == (data.rows, len(weights))
        if not rows or not np.allclose(phi @ weights, outputs, rtol=1e-3, atol=1e-4):
            raise ShapeError(f"the outputs of the model are not those of its layer {self.readout!r}, each row once; "
                             "name the last linear layer with readout=")  # fmt: skip
        scale = 1 / math.sqrt(data.rows)
        return phi * scale, weights, outputs * scale, _fitting(data, outputs.shape) * scale

    def _layer(self, model: nn.Module) -> nn.Linear:
        from torch import nn

        linear = {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear)}
        if self.readout and self.readout not in linear:
            raise SiteError(f"{self.readout!r} is no linear layer of this model; {did_you_mean(self.readout, linear)}")
        if not linear:
            raise SiteError("the model has no torch.nn.Linear, so no last layer whose inputs span its answers")
        return linear[self.readout] if self.readout else list(linear.values())[-1]


def _fitting(data: Data, shape: tuple[int, ...]) -> Array:
    import torch

    targets = data.whole()[1]
    assert targets is not None
    if not targets.is_floating_point() and targets.ndim == 1:
        targets = torch.nn.functional.one_hot(targets.long(), shape[1])
    values = targets.double().cpu().numpy()
    if values.ndim == 1 and shape[1] == 1:
        values = values[:, None]
    if values.shape != shape:
        raise ShapeError(
            f"targets have shape {values.shape}, the outputs of the model {shape}; give targets of that shape"
        )
    return np.asarray(values)


probes.add("LossBound", LossBound)
