"""Pairs and groups of features: sorted, doubled by sign, turned by parity, reduced to their largest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._facts import Count
from ._facts import (
    Fact,
    at_zero,
    becomes,
    between,
    equals,
    homogeneous,
    idempotent,
    keeps_norm,
    keeps_sum,
    lipschitz,
)  # fmt: skip
from ._plain import near
from ._slots import fixed
from ._spec import Axis, layer_function
from ._tensors import groups_of

if TYPE_CHECKING:
    from torch import Tensor

DOUBLE = Axis(grow=2)


def _halves(y: Any) -> tuple[Any, Any]:
    return y[..., : y.shape[-1] // 2], y[..., y.shape[-1] // 2 :]


def _group_sort(x: Any, *, size: int) -> Any:
    import numpy as np

    y = np.array(x)
    for first in range(0, x.shape[-1], size):
        y[..., first : first + size] = np.sort(x[..., first : first + size], axis=-1)
    return y


@layer_function(
    _group_sort, kind="vector", formula="each group of `size` neighbours in ascending order", source="arXiv:1811.05381",
    axis=Axis(multiple="size"), size=Count(2, low=1, high=4096),
    facts=(keeps_norm(), keeps_sum(), lipschitz(1), idempotent(), homogeneous(), becomes("z", size=1)),
)  # fmt: skip
def group_sort(x: Tensor, *, size: int) -> Tensor:
    return groups_of(x, size).sort(dim=-1).values.flatten(-2)


def _oplu(x: Any) -> Any:
    import numpy as np

    y = np.array(x)
    y[..., 0::2] = np.maximum(x[..., 0::2], x[..., 1::2])
    y[..., 1::2] = np.minimum(x[..., 0::2], x[..., 1::2])
    return y


@layer_function(
    _oplu, kind="vector", formula="(max(z_i, z_j), min(z_i, z_j)) for neighbours i, j", source="arXiv:1604.02313",
    section="3.6.37", axis=Axis(multiple=2), aliases=("maxmin", "max_min"),
    facts=(
        keeps_norm(), keeps_sum(), lipschitz(1), idempotent(), homogeneous(),
        Fact("f(x) is -group_sort(-x) with groups of 2", lambda f, x: near(f(x), -_group_sort(-x, size=2))),
    ),
)  # fmt: skip
def oplu(x: Tensor) -> Tensor:
    import torch

    first, second = groups_of(x, 2).unbind(-1)
    return torch.stack([first.maximum(second), first.minimum(second)], -1).flatten(-2)


def _crelu(x: Any) -> Any:
    import numpy as np

    return np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], -1)


@layer_function(
    _crelu, kind="vector", formula="[relu(z), relu(-z)]", source="arXiv:1603.05201", section="3.6.34", axis=DOUBLE,
    aliases=("concatenated_relu",),
    facts=(
        keeps_norm(), lipschitz(1), homogeneous(), between(0, float("inf")),
        Fact("nothing is lost: first half minus second half is x", lambda f, x: near(_halves(f(x))[0] - _halves(f(x))[1], x)),
    ),
)  # fmt: skip
def crelu(x: Tensor) -> Tensor:
    import torch

    return torch.cat([x.relu(), (-x).relu()], -1)


def _ncrelu(x: Any) -> Any:
    import numpy as np

    return np.concatenate([np.maximum(x, 0), np.minimum(x, 0)], -1)


@layer_function(
    _ncrelu, kind="vector", formula="[relu(z), -relu(-z)]", source="arXiv:1706.00388", section="3.6.35", axis=DOUBLE,
    aliases=("negative_crelu",),
    facts=(
        keeps_norm(), lipschitz(1), homogeneous(), keeps_sum(),
        Fact("nothing is lost: the halves sum to x", lambda f, x: near(_halves(f(x))[0] + _halves(f(x))[1], x)),
    ),
)  # fmt: skip
def ncrelu(x: Tensor) -> Tensor:
    import torch

    return torch.cat([x.relu(), -((-x).relu())], -1)


def _bipolar_relu(x: Any) -> Any:
    import numpy as np

    y = np.maximum(x, 0)
    y[..., 1::2] = -np.maximum(-x[..., 1::2], 0)
    return y


def _turned(x: Any) -> Any:
    return -x.reshape(*x.shape[:-1], -1, 2)[..., ::-1].reshape(x.shape)


@layer_function(
    _bipolar_relu, kind="vector", formula="relu(z_i) for even i, -relu(-z_i) for odd i", source="arXiv:1709.04054",
    section="3.6.35", axis=Axis(multiple=2), aliases=("bipolar_activation",),
    facts=(
        idempotent(), lipschitz(1), homogeneous(), at_zero(0),
        Fact("-x with neighbours exchanged gives -f(x) with neighbours exchanged",
             lambda f, x: near(f(_turned(x)), _turned(f(x)))),
    ),
)  # fmt: skip
def bipolar_relu(x: Tensor) -> Tensor:
    import torch

    even, odd_ones = groups_of(x, 2).unbind(-1)
    return torch.stack([even.relu(), -((-odd_ones).relu())], -1).flatten(-2)


def _bipolar_elu(x: Any, *, a: float) -> Any:
    import numpy as np

    def elu(z: Any) -> Any:
        return np.where(z >= 0, z, a * (np.exp(np.minimum(z, 0)) - 1))

    y = elu(x)
    y[..., 1::2] = -elu(-x[..., 1::2])
    return y


@layer_function(
    _bipolar_elu, kind="vector", formula="elu(z_i) for even i, -elu(-z_i) for odd i", source="arXiv:1709.04054",
    section="3.6.35", axis=Axis(multiple=2), a=fixed(1.0, low=0),
    facts=(
        equals("bipolar_relu", here={"a": 0.0}), lipschitz(1), at_zero(0),
        Fact("-x with neighbours exchanged gives -f(x) with neighbours exchanged",
             lambda f, x: near(f(_turned(x)), _turned(f(x)))),
    ),
)  # fmt: skip
def bipolar_elu(x: Tensor, *, a: float) -> Tensor:
    import torch

    even, odd_ones = groups_of(x, 2).unbind(-1)
    up = even.relu() + a * even.clamp(max=0).expm1()
    down = odd_ones.clamp(max=0) - a * (-odd_ones).clamp(max=0).expm1()
    return torch.stack([up, down], -1).flatten(-2)


def _maxout(x: Any, *, pieces: int) -> Any:
    import numpy as np

    groups = [x[..., first : first + pieces].max(-1) for first in range(0, x.shape[-1], pieces)]
    return np.stack(groups, -1)


@layer_function(
    _maxout, kind="vector", formula="max over each group of `pieces` neighbours", source="arXiv:1302.4389", section="4.47",
    axis=Axis(multiple="pieces", shrink="pieces"), pieces=Count(2, low=1, high=4096),
    facts=(
        lipschitz(1), homogeneous(), at_zero(0), becomes("z", pieces=1),
        Fact("of z and 0 side by side it makes relu(z)", lambda f, x: near(f(_with_zeros(x)), x * (x > 0))),
    ),
    errata=("The linear maps w_k*z + b_k of the survey belong to the layer before; what is here is the maximum.",),
)  # fmt: skip
def maxout(x: Tensor, *, pieces: int) -> Tensor:
    return groups_of(x, pieces).amax(-1)


def _with_zeros(x: Any) -> Any:
    import numpy as np

    return np.stack([x, 0 * x], -1).reshape(*x.shape[:-1], -1)


def _lwta(x: Any, *, size: int) -> Any:
    import numpy as np

    y = np.zeros_like(x)
    for first in range(0, x.shape[-1], size):
        block = x[..., first : first + size]
        winner = np.expand_dims(block.argmax(-1), -1)
        np.put_along_axis(y[..., first : first + size], winner, np.take_along_axis(block, winner, -1), -1)
    return y


@layer_function(
    _lwta, kind="vector", formula="z_i if it is the first largest of its block of `size` neighbours, else 0",
    source="srivastava2013", axis=Axis(multiple="size"), size=Count(2, low=1, high=4096),
    aliases=("local_winner_takes_all",),
    facts=(
        homogeneous(), becomes("z", size=1), at_zero(0),
        Fact("the sum of the outputs is that of maxout", lambda f, x: near(f(x).sum(-1), _maxout(x, pieces=2).sum(-1))),
    ),
)  # fmt: skip
def lwta(x: Tensor, *, size: int) -> Tensor:
    blocks = groups_of(x, size)
    winner = blocks.argmax(-1, keepdim=True)
    return (blocks * (winner == _places(blocks, size)).to(x.dtype)).flatten(-2)


def _places(x: Tensor, size: int) -> Tensor:
    import torch

    return torch.arange(size, device=x.device)
