"""Functions that answer with more features than they were given: copies with other biases, chaotic outputs, tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._facts import Count
from ._facts import Fact, at_zero, becomes, between, equals, homogeneous, lipschitz
from ._plain import near
from ._slots import fixed, learned
from ._spec import Axis, layer_function

if TYPE_CHECKING:
    from torch import Tensor

DOUBLE = Axis(grow=2)


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
        Fact("f(-x) = f(x)", lambda f, x: near(f(-x), f(x))),
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
    inside = x / (1 + abs(x)) * 1.9 + 2**0.5 / 100  # no border
    y = f(inside) if at_least else f(inside, eta=0)
    count = (y.reshape(*x.shape, -1) == 1).sum(-1)
    return bool((count >= 1).all() if at_least else (count <= 1).all())
