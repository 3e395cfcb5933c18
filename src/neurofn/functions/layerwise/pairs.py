"""Pairs and groups of features, and functions that answer with more or fewer features than they were given."""

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
from ._slots import fixed, learned
from ._spec import Axis, layer_function
from ._tensors import groups_of

if TYPE_CHECKING:
    from torch import Tensor

DOUBLE = Axis(grow=2)


def _near(a: Any, b: Any) -> bool:
    return bool((abs(a - b) < 1e-9).all())


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
        Fact("f(x) is -group_sort(-x) with groups of 2", lambda f, x: _near(f(x), -_group_sort(-x, size=2))),
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
        Fact("nothing is lost: first half minus second half is x", lambda f, x: _near(_halves(f(x))[0] - _halves(f(x))[1], x)),
    ),
)  # fmt: skip
def crelu(x: Tensor) -> Tensor:
    import torch

    return torch.cat([x.relu(), (-x).relu()], -1)


def _ncrelu(x: Any) -> Any:
    import numpy as np

    return np.concatenate([np.maximum(x, 0), np.minimum(x, 0)], -1)


@layer_function(
    _ncrelu, kind="vector", formula="[relu(z), -relu(-z)]", source="zagoruyko2017", section="3.6.35", axis=DOUBLE,
    aliases=("negative_crelu",),
    facts=(
        keeps_norm(), lipschitz(1), homogeneous(), keeps_sum(),
        Fact("nothing is lost: the halves sum to x", lambda f, x: _near(_halves(f(x))[0] + _halves(f(x))[1], x)),
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
             lambda f, x: _near(f(_turned(x)), _turned(f(x)))),
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
             lambda f, x: _near(f(_turned(x)), _turned(f(x)))),
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
        Fact("of z and 0 side by side it makes relu(z)", lambda f, x: _near(f(_with_zeros(x)), x * (x > 0))),
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
        Fact("the sum of the outputs is that of maxout", lambda f, x: _near(f(x).sum(-1), _maxout(x, pieces=2).sum(-1))),
    ),
)  # fmt: skip
def lwta(x: Tensor, *, size: int) -> Tensor:
    blocks = groups_of(x, size)
    winner = blocks.argmax(-1, keepdim=True)
    return (blocks * (winner == _places(blocks, size)).to(x.dtype)).flatten(-2)


def _places(x: Tensor, size: int) -> Tensor:
    import torch

    return torch.arange(size, device=x.device)


def _multi_bias(x: Any, *, biases: Any, copies: int) -> Any:
    import numpy as np

    return np.concatenate([np.maximum(x + biases[k], 0) for k in range(copies)], -1)


def _spread(shape: tuple[int, ...]) -> Any:
    return [(k - (shape[0] - 1) / 2) / max(shape[0] - 1, 1) for k in range(shape[0])]


@layer_function(
    _multi_bias, kind="vector", formula="[relu(z + b_1), ..., relu(z + b_copies)]", source="arXiv:1604.00676",
    section="4.31", axis=Axis(grow="copies"), copies=Count(4, low=1), biases=learned(_spread, shape=("copies",)),
    aliases=("mba", "multi_bias_activation"),
    facts=(
        becomes("relu(z)", copies=1), between(0, float("inf")), lipschitz(2),
        Fact("the copies are ordered, as their biases are at the start",
             lambda f, x: bool((f(x)[..., x.shape[-1] :] >= f(x)[..., : -x.shape[-1]]).all())),
    ),
    errata=("The survey gives no start of the biases; here they are spread evenly over [-1/2, 1/2].",),
)  # fmt: skip
def multi_bias(x: Tensor, *, biases: Tensor, copies: int) -> Tensor:
    return (x.unsqueeze(-2) + biases.unsqueeze(-1)).relu().flatten(-2)


def _paired_relu(x: Any, *, a: Any, b: Any, c: Any, d: Any) -> Any:
    import numpy as np

    return np.concatenate([np.maximum(a * x - b, 0), np.maximum(c * x - d, 0)], -1)


@layer_function(
    _paired_relu, kind="vector", formula="[relu(a*z - b), relu(c*z - d)]", source="tang2018", section="4.2.26",
    axis=DOUBLE,
    a=learned(0.5, shape=("channels",)), b=learned(0.0, shape=("channels",)),
    c=learned(-0.5, shape=("channels",)), d=learned(0.0, shape=("channels",)),
    facts=(
        equals("crelu", here={"a": 1.0, "c": -1.0}), lipschitz(0.5), homogeneous(), at_zero(0),
    ),
)  # fmt: skip
def paired_relu(x: Tensor, *, a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    import torch

    return torch.cat([(a * x - b).relu(), (c * x - d).relu()], -1)


def _hybrid_chaotic(x: Any, *, r: float, outputs: int) -> Any:
    import numpy as np

    value, found = 0.5 * (1 + np.tanh(x / 2)), []
    for _ in range(outputs):
        value = r * value * (1 - value)
        found.append(value)
    return np.stack(found, -1).reshape(*x.shape[:-1], -1)


@layer_function(
    _hybrid_chaotic, kind="vector", formula="c_1 = r*s*(1 - s) with s = sigma(z); c_j = r*c_{j-1}*(1 - c_{j-1})",
    source="reid2021", section="3.48.1", axis=Axis(grow="outputs"), outputs=Count(4, low=1), r=fixed(4.0, low=0, high=4),
    aliases=("hcaf",),
    facts=(
        between(0, 1), becomes("sech(z/2)**2", outputs=1), becomes("0*z", outputs=1, r=0),
        Fact("f(-x) = f(x)", lambda f, x: _near(f(-x), f(x))),
    ),
    errata=("A neuron sends another value to each neuron of the next layer; here they are neighbouring features.",),
)  # fmt: skip
def hybrid_chaotic(x: Tensor, *, r: float, outputs: int) -> Tensor:
    import torch

    value = r * x.sigmoid() * (-x).sigmoid()
    found = [value]
    for _ in range(outputs - 1):
        value = r * value * (1 - value)
        found.append(value)
    return torch.stack(found, -1).flatten(-2)


def _fuzzy_tiling(x: Any, *, eta: float, low: float, high: float, tiles: int) -> Any:
    import numpy as np

    width, found = (high - low) / tiles, []
    for k in range(tiles):
        start = low + k * width
        away = np.maximum(start - x, 0) + np.maximum(x - width - start, 0)
        found.append(1 - np.where(away > eta, 1.0, away))
    return np.stack(found, -1).reshape(*x.shape[:-1], -1)


@layer_function(
    _fuzzy_tiling, kind="vector", formula="1 - I(relu(c - z) + relu(z - d - c)) of tile [c, c + d]; I(u) = u up to eta, then 1",
    source="arXiv:1911.08068", axis=Axis(grow="tiles"), tiles=Count(8, low=1, high=1024), aliases=("fta",),
    eta=fixed(0.1, low=0, high=1), low=fixed(-2.0), high=fixed(2.0),
    facts=(
        between(0, 1),
        Fact("a number inside the bounds lies in at least one tile", lambda f, x: _tile_count(f, x, at_least=True)),
        Fact("eta=0: a number that is no border lies in at most one tile", lambda f, x: _tile_count(f, x, at_least=False)),
        Fact("far outside all tiles are 0", lambda f, x: bool((f(0 * x + 50) == 0).all())),
    ),
    errata=("The order of the tiles in the output is one feature after another.",),
)  # fmt: skip
def fuzzy_tiling(x: Tensor, *, eta: float, low: float, high: float, tiles: int) -> Tensor:
    import torch

    width = (high - low) / tiles
    start = low + width * torch.arange(tiles, dtype=x.dtype, device=x.device)
    away = (start - x.unsqueeze(-1)).relu() + (x.unsqueeze(-1) - width - start).relu()
    return (1 - torch.where(away > eta, 1.0, away)).flatten(-2)


def _tile_count(f: Any, x: Any, *, at_least: bool) -> bool:
    inside = x / (1 + abs(x)) * 1.9
    y = f(inside) if at_least else f(inside, eta=0)
    count = (y.reshape(*x.shape, -1) == 1).sum(-1)
    return bool((count >= 1).all() if at_least else (count <= 1).all())
