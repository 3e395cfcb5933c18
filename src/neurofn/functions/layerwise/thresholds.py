"""Only the largest stay: winners, thresholds on size, and gates cut off by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._facts import Count
from ._facts import Fact, at_zero, between, homogeneous, idempotent, nonzero, permutation_equivariant
from ._plain import near
from ._slots import scheduled
from ._spec import Axis, layer_function

if TYPE_CHECKING:
    from torch import Tensor

ENOUGH = Axis(least="k")


def _ramp(x: Any) -> Any:
    import numpy as np

    return np.sqrt(np.arange(1, x.shape[-1] + 1) / 7)  # whatever numbers they were, no two are equal now, and none is 0


def _kwta(x: Any, *, k: int) -> Any:
    import numpy as np

    border = np.sort(x, axis=-1)[..., -k, None]
    return np.where(x >= border, x, 0)


@layer_function(
    _kwta, kind="vector", formula="z_j if z_j is at least the k-th largest feature, else 0", source="arXiv:1905.10510",
    section="3.46", axis=ENOUGH, k=Count(4, low=1, high=1_000_000), aliases=("k_winners_take_all", "k_wta"),
    facts=(
        permutation_equivariant(), homogeneous(), at_zero(0),
        Fact("every output is its feature or 0", lambda f, x: bool(((f(x) == x) | (f(x) == 0)).all())),
        Fact("of features that differ k stay", lambda f, x: bool(((f(x + _ramp(x)) != 0).sum(-1) == 4).all())),
    ),
    errata=("The paper gives k as a share of the width; of equal features at the border, all stay.",),
)  # fmt: skip
def kwta(x: Tensor, *, k: int) -> Tensor:
    import torch

    return torch.where(x >= x.topk(k, dim=-1).values[..., -1:], x, 0)


def _top_k(x: Any, *, k: int) -> Any:
    import numpy as np

    kept = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    y = np.zeros_like(x)
    np.put_along_axis(y, kept, np.maximum(np.take_along_axis(x, kept, -1), 0), -1)
    return y


@layer_function(
    _top_k, kind="vector", formula="relu(z_j) for the k largest features (of equal ones the first), else 0",
    source="arXiv:2406.04093", axis=ENOUGH, k=Count(4, low=1, high=1_000_000),
    facts=(
        nonzero(4, at_most=True), homogeneous(), idempotent(), between(0, float("inf")), at_zero(0),
        Fact("k = width: f is relu", lambda f, x: near(f(x, k=x.shape[-1]), x * (x > 0))),
    ),
    errata=("The paper writes TopK alone; its code takes the relu of what stays.",),
)  # fmt: skip
def top_k(x: Tensor, *, k: int) -> Tensor:
    import torch

    kept = x.argsort(dim=-1, descending=True, stable=True)[..., :k]
    mask = torch.zeros_like(x).scatter(-1, kept, 1.0)
    return x.relu() * mask


def _cats(x: Any, *, t: Any) -> Any:
    import numpy as np

    value, gate = np.split(x, 2, axis=-1)
    opened = gate * 0.5 * (1 + np.tanh(gate / 2))
    return value * np.where(abs(opened) >= t, opened, 0)


def _mostly_shut(f: Any, x: Any) -> bool:
    half = x.shape[-1] // 2
    shut = abs(x[..., half:]) < 0.1  # there silu is smaller than 0.06
    return bool((f(0.01 * x) == 0).all() and (f(x)[shut] == 0).all())


@layer_function(
    _cats, kind="gated", formula="z * c, c = silu(z2) where abs(silu(z2)) >= t, else 0", source="arXiv:2404.08763",
    axis=Axis(multiple=2, shrink=2), t=scheduled(0.1, low=0),
    facts=(
        Fact("small gates are shut: the output is 0", _mostly_shut),
        Fact("t=0: f is z*silu(z2)", lambda f, x: near(f(x, t=0.0), _cats(x, t=0.0))),
        Fact("f is linear in the value", lambda f, x: near(f(_twice(x)), 2 * f(x))),
        at_zero(0),
    ),
    errata=("The threshold t is the chosen quantile of abs(silu) over a set of data: module.set(t=...) takes it.",),
)  # fmt: skip
def cats(x: Tensor, *, t: Tensor) -> Tensor:
    import torch

    value, gate = x.chunk(2, -1)
    opened = torch.nn.functional.silu(gate)
    return value * torch.where(opened.abs() >= t, opened, 0)


def _twice(x: Any) -> Any:
    import numpy as np

    value, gate = np.split(x, 2, axis=-1)
    return np.concatenate([2 * value, gate], -1)
