"""What training adds to the loss so that edges become few and smooth, as functions of a layer and a batch.

Each is a scalar tensor with a gradient: ``loss = error + 1e-3*sparsity(layer, x) + 1e-3*entropy(layer, x)``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .._errors import DataError, SettingError
from .layer import NeuronLayer

__all__ = ["edge_sizes", "entropy", "smoothness", "sparsity"]


def edge_sizes(layer: NeuronLayer, x: Tensor) -> tuple[Tensor, ...]:
    """The mean absolute value of every edge over a batch x (..., n_in): (n_in, n_out) for each aggregate of the neuron.

    Raises DataError for an empty batch. Source: arXiv:2404.19756.

    >>> from neurofn import neuron
    >>> layer = neuron("sum(linear)").dense(2, 1)
    >>> _ = layer.gathers[0][1].weight.data.copy_(torch.tensor([[[3.0]], [[0.0]]]))
    >>> edge_sizes(layer, torch.tensor([[1.0, 1.0], [-1.0, 5.0]]))[0].tolist()
    [[3.0], [0.0]]
    """
    if x.numel() == 0:
        raise DataError(f"sizes of edges need a batch of at least one sample, got the shape {tuple(x.shape)}")
    return tuple(gather.edges(x).abs().flatten(0, -3).mean(0) for _, gather in layer.gathers)


def sparsity(layer: NeuronLayer, x: Tensor) -> Tensor:
    """The sum over all edges of their mean absolute value: the L1 norm of a layer of curves. Source: arXiv:2404.19756.

    >>> from neurofn import neuron
    >>> layer = neuron("sum(bspline)").dense(3, 2)
    >>> sparsity(layer, torch.randn(10, 3)).requires_grad
    True
    """
    return torch.stack([size.sum() for size in edge_sizes(layer, x)]).sum()


def entropy(layer: NeuronLayer, x: Tensor) -> Tensor:
    """-sum p ln p over the shares p of all edges in the layer's L1 norm: 0 when one edge carries all.

    A layer whose edges are all 0 has entropy 0, with a gradient of 0. Source: arXiv:2404.19756.

    >>> from neurofn import neuron
    >>> layer = neuron("sum(linear)").dense(4, 1)
    >>> _ = layer.gathers[0][1].weight.data.fill_(1.0)
    >>> round(entropy(layer, torch.ones(5, 4)).item(), 4)  # ln(4): all the same
    1.3863
    """
    totals = []
    for size in edge_sizes(layer, x):
        total = size.sum()
        share = size / total.where(total > 0, 1.0)
        totals.append(-torch.special.xlogy(share, share.where(share > 0, 1.0)).sum())
    return torch.stack(totals).sum()


def smoothness(layer: NeuronLayer, *, order: int = 2) -> Tensor:
    """The mean square of the ``order``-th differences of neighbouring spline weights, summed over edges.

    For B-splines on equal cells it is 0 for polynomials below that degree; bases without local terms do not count. Raises
    SettingError for an order that is no whole number of at least 1. Source: P-splines, 10.1214/ss/1038425655.

    >>> from neurofn import neuron
    >>> layer = neuron("sum(bspline)").dense(2, 3)
    >>> _ = layer.gathers[0][1].weight.data.fill_(0.7)
    >>> smoothness(layer).item()
    0.0
    """
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise SettingError(f"order must be a whole number of at least 1, got {order!r}")
    found = []
    for _, gather in layer.gathers:
        for basis, part in gather.parts:
            weight = gather.weight[:, part]
            if basis.order is None or weight.shape[1] <= order:
                continue
            bends = weight.diff(n=order, dim=1).square().mean(1)
            found.append((bends if gather.mask is None else bends * gather.mask).sum())
    return torch.stack(found).sum() if found else layer.gathers[0][1].weight.sum() * 0
