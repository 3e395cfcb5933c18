"""How much each input of a model counts, in five ways, each beside untrained networks of the same shape."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .._errors import DataError, SettingError, did_you_mean
from ._attribution import NORMS, attributed, checked_rows, seen_layers
from .layer import NeuronLayer

__all__ = ["KINDS", "Importance", "importance", "untrained"]


@dataclass(frozen=True)
class Importance:
    """How much one feature counts.

    value: in the measure of ``kind``; share: its part of the sum over all features. control: the mean share of this feature in
    untrained networks of the same shape. p: how often an untrained network gives it at least this share, (1 + so many) /
    (1 + all); not corrected for the number of features.

    >>> Importance(0, "age", "l1", value=0.8, share=0.4, control=0.25, p=0.05).to_dict()["name"]
    'age'
    """

    feature: int
    name: str
    kind: str
    value: float
    share: float
    control: float
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def importance(
    model: nn.Module, x: Tensor, *, kind: str = "l1", names: Sequence[str] | None = None, controls: int = 20
) -> tuple[Importance, ...]:
    """How much each input of ``model``, (n, inputs) -> (n, outputs), counts on the rows ``x``; one entry for each input.

    "l1", "l2":     sizes of edges (mean absolute and standard deviation of what varies) passed on from the outputs to the
                    inputs, each node to its edges in proportion. For layers of neurons one after the other.
    "sensitivity":  the mean of |dy/dx|, in standard deviations of y for one of x.
    "knockout":     the root mean square change of y, in its standard deviations, where the feature is replaced by its mean.
    "permutation":  the same where the values of the feature change rows.

    Outputs count the same. The last three are for any model. Raises DataError for no rows or wrong names, SettingError for an
    unknown kind or fewer than 1 control. Source: the definitions follow the paper kan-feature-importance (norms, sensitivity,
    knock-outs of splines), arXiv:2408.10205 for passing sizes on to the inputs.

    >>> import torch
    >>> from neurofn import neuron
    >>> x = torch.linspace(-1, 1, 200).reshape(100, 2)[torch.randperm(100)]
    >>> layer = neuron("sum(linear)").dense(2, 1)
    >>> _ = layer.gathers[0][1].weight.data.copy_(torch.tensor([3.0, 0.0]).reshape(2, 1, 1))
    >>> [round(one.share, 3) for one in importance(layer, x, kind="sensitivity")]
    [1.0, 0.0]
    """
    if kind not in KINDS:
        raise SettingError(f"no importance is called {kind!r}; {did_you_mean(kind, KINDS, what='kind')}")
    if controls < 1:
        raise SettingError(f"controls={controls}: give at least 1 untrained network, for example 20")
    x = checked_rows(model, x)
    if names is not None and len(names) != x.shape[1]:
        raise DataError(f"{len(names)} names for {x.shape[1]} inputs: give one for each")
    values = _measured(model, x, kind)
    shares = _shares(values)
    chance = torch.stack([_shares(_measured(untrained(model, seed), x, kind)) for seed in range(controls)])
    p = (1 + (chance >= shares).sum(dim=0)) / (1 + controls)
    return tuple(
        Importance(
            i, names[i] if names else f"x{i}", kind, float(values[i]), float(shares[i]), float(mean), float(p[i])
        )
        for i, mean in enumerate(chance.mean(dim=0))
    )


def untrained(model: nn.Module, seed: int) -> nn.Module:
    """A copy of a model as it might have begun: new weights for its layers, and ranges, grids and masks as they are.

    >>> from neurofn import neuron
    >>> layer = neuron("sum(bspline)").dense(2, 3)
    >>> bool((untrained(layer, 5).gathers[0][1].weight == layer.gathers[0][1].weight).any())
    False
    """
    fresh = copy.deepcopy(model)
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        for module in fresh.modules():
            if isinstance(module, NeuronLayer):
                other = dict(module.neuron.dense(module.n_in, module.n_out).named_parameters())
                with torch.no_grad():
                    for name, tensor in module.named_parameters():
                        twin = other.get(name)
                        drawn = tensor.flatten()[torch.randperm(tensor.numel())] if twin is None else twin
                        tensor.copy_(drawn.reshape(tensor.shape))
            elif callable(reset := getattr(module, "reset_parameters", None)):
                reset()
    return fresh


def _shares(values: Tensor) -> Tensor:
    total = values.sum()
    return values / total if total > 0 else torch.zeros_like(values)


def _measured(model: nn.Module, x: Tensor, kind: str) -> Tensor:
    training = model.training
    model.eval()
    try:
        return KINDS[kind](model, x).double()
    finally:
        model.train(training)


def _norm(kind: str) -> Callable[[nn.Module, Tensor], Tensor]:
    def measure(model: nn.Module, x: Tensor) -> Tensor:
        return torch.stack([edges.sum(dim=1) for edges in attributed(seen_layers(model, x), NORMS[kind])[0]]).sum(dim=0)

    return measure


def _outputs(model: nn.Module, x: Tensor) -> Tensor:
    outputs: Tensor = model(x)
    return outputs.reshape(len(x), -1)


def _units(outputs: Tensor) -> Tensor:
    """The standard deviation of each output; infinite for a constant one, which nothing counts for."""
    deviation = outputs.detach().std(dim=0, correction=0)
    return torch.where(deviation > 0, deviation, torch.inf)


def _sensitivity(model: nn.Module, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    with torch.enable_grad():
        outputs = _outputs(model, x)
        unit = _units(outputs)
        slopes = [
            torch.autograd.grad(outputs[:, k].sum(), x, retain_graph=True)[0].abs().mean(dim=0) / unit[k]
            for k in range(outputs.shape[1])
        ]
    return torch.stack(slopes).mean(dim=0) * x.detach().std(dim=0, correction=0)


def _replaced(column: Callable[[Tensor], Tensor]) -> Callable[[nn.Module, Tensor], Tensor]:
    def measure(model: nn.Module, x: Tensor) -> Tensor:
        found = []
        with torch.no_grad():
            outputs = _outputs(model, x)
            for i in range(x.shape[1]):
                other = x.clone()
                other[:, i] = column(x[:, i])
                change = (_outputs(model, other) - outputs).square().mean(dim=0).sqrt()
                found.append((change / _units(outputs)).mean())
        return torch.stack(found)

    return measure


def _mixed(column: Tensor) -> Tensor:
    order = torch.randperm(len(column), generator=torch.Generator().manual_seed(0))
    return column[order.to(column.device)]


KINDS: dict[str, Callable[[nn.Module, Tensor], Tensor]] = {
    "l1": _norm("l1"),
    "l2": _norm("l2"),
    "sensitivity": _sensitivity,
    "knockout": _replaced(lambda column: column.mean().expand_as(column)),
    "permutation": _replaced(_mixed),
}
"""Ways to measure: (model, rows) -> a value for each input."""
