"""Smaller layers without the nodes and inputs that no living edge reads: the outputs stay what they were."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .._errors import SettingError
from ._gather import Gather
from .layer import NeuronLayer

__all__ = ["shrink"]

_ZERO_IS_NOTHING = ("sum", "mean", "norm")
"""Aggregates for which an edge that is 0 may as well not be there, but for a factor."""


def shrink(model: nn.Sequential) -> tuple[nn.Sequential, tuple[int, ...]]:
    """A network of smaller layers that computes the same, and which inputs it still takes, by their place.

    ``model`` is an ``nn.Sequential`` of layers of neurons with pruned edges. A hidden node goes where no living edge reads it,
    an input too; the outputs all stay. A layer whose aggregate counts its zeros (a maximum, a median) keeps its inputs. Raises
    SettingError for other models.

    >>> from neurofn import neuron
    >>> model = nn.Sequential(neuron("sum(linear)").dense(3, 4), neuron("sum(bspline)").dense(4, 1))
    >>> model[1].gathers[0][1].prune(torch.tensor([[True], [False], [True], [False]]))
    >>> model[0].gathers[0][1].prune(torch.tensor([[True], [True], [False]]).expand(3, 4))
    >>> small, inputs = shrink(model)
    >>> [(layer.n_in, layer.n_out) for layer in small], inputs
    ([(2, 2), (2, 1)], (0, 1))
    """
    given = list(model) if isinstance(model, nn.Sequential) else []
    layers = [layer for layer in given if isinstance(layer, NeuronLayer)]
    if not layers or len(layers) < len(given):
        raise SettingError(f"shrink takes an nn.Sequential of layers of neurons, got {type(model).__name__}")
    smaller: list[nn.Module] = []
    outputs = torch.arange(layers[-1].n_out)
    for layer in reversed(layers):
        inputs = _read(layer, outputs)
        smaller.insert(0, _cut(layer, inputs, outputs))
        outputs = inputs
    return nn.Sequential(*smaller), tuple(outputs.tolist())


def _read(layer: NeuronLayer, outputs: Tensor) -> Tensor:
    """The inputs that a living edge of one of these outputs reads; at least one; all where zeros count."""
    read = torch.zeros(layer.n_in, dtype=torch.bool)
    for _, gather in layer.gathers:
        if gather.mask is None or not _may_lose(gather):
            return torch.arange(layer.n_in)
        read |= gather.alive[:, outputs].any(1).cpu()
    if not read.any():
        read[0] = True
    return read.nonzero().flatten()


def _may_lose(gather: Gather) -> bool:
    plain = all(basis.weights is None and basis.direct is None and basis.shared is None for basis in gather.bases)
    return gather.tree.aggregate in _ZERO_IS_NOTHING and plain


def _cut(layer: NeuronLayer, inputs: Tensor, outputs: Tensor) -> NeuronLayer:
    """The layer with some of its inputs and outputs, all weights as they were."""
    like = layer.gathers[0][1].weight
    inputs, outputs = inputs.to(like.device), outputs.to(like.device)
    with torch.random.fork_rng(devices=[]):  # what is drawn here is replaced
        made = NeuronLayer(layer.neuron, len(inputs), len(outputs), init=layer.init).to(like)
    old, new = dict(layer.gathers), dict(made.gathers)
    state = {}
    for key, value in layer.state_dict().items():
        path = next((name for name in old if key.startswith(f"{name}.")), None)
        if path is None:  # a parameter of an activation, one per neuron or one for all
            state[key] = value[outputs] if value.ndim and len(value) == layer.n_out else value
            continue
        state[key] = _part(key.removeprefix(f"{path}."), value, inputs, outputs)
        if key == f"{path}.weight":
            state[key] = state[key] * _factor(old[path], new[path])
    made.load_state_dict(state)
    return made.train(layer.training)


def _part(name: str, value: Tensor, inputs: Tensor, outputs: Tensor) -> Tensor:
    """What is left of a tensor of a gather."""
    head = name.split(".")[0]
    if name in ("weight", "mask"):
        return value[inputs][..., outputs]
    if name == "bias" or head == "shape":
        return value[outputs]
    per_input = head == "inner" or name in ("range.low", "range.high") or name.startswith("breaks_")
    return value[inputs] if per_input else value


def _factor(old: Gather, new: Gather) -> float:
    """By what weights change since a mean is over fewer edges, and edges are scaled by how many there are."""
    share = old.aggregate.share
    ratio = old.scale / new.scale
    return ratio if share is None else ratio * share(old.n_in) / share(new.n_in)
