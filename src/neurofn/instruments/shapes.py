"""Shapes: how far apart two layers are whose responses are noisy, over the best rotation of one onto the other."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import SettingError, ShapeError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ShapeDistance", "StochasticShape", "stochastic_shape", "stochastic_shape_distance"]

Array = np.ndarray[Any, Any]
_STEPS, _STILL = 500, 1e-13


@dataclass(frozen=True, eq=False)
class StochasticShape:
    """Responses to each of some conditions: means (conditions, units), divisor n, and covariances (conditions, units, units).

    repeats: how many responses each condition had; with fewer than units covariances are of low rank and distances rise.

    >>> StochasticShape(np.zeros((2, 1)), np.ones((2, 1, 1)), 5).repeats
    5
    """

    means: Array
    covariances: Array
    repeats: int


def stochastic_shape(responses: Tensor) -> StochasticShape:
    """Means and covariances of ``responses`` (conditions, repeats, units), centred over conditions, of overall size 1.

    The size is the root of the sum over conditions of |mean|**2 + the trace of the covariance. Raises ShapeError for other
    shapes or no responses, SettingError for responses that are not finite or all the same.

    >>> import torch
    >>> shape = stochastic_shape(torch.tensor([[[1.0, 0.0]], [[-1.0, 0.0]]]))
    >>> shape.means.round(3).tolist()
    [[0.707, 0.0], [-0.707, 0.0]]
    """
    if responses.ndim != 3 or not responses.numel():
        raise ShapeError(f"responses have shape {tuple(responses.shape)}; give (conditions, repeats, units)")
    values = responses.detach().cpu().double().numpy()
    if not np.isfinite(values).all():
        raise SettingError("responses have NaN or infinities; leave these conditions out on both sides")
    means = values.mean(axis=1)
    apart = values - means[:, None]
    covariances = np.einsum("cri,crj->cij", apart, apart) / values.shape[1]
    means = means - means.mean(axis=0)
    size = math.sqrt(float((means**2).sum() + np.trace(covariances, axis1=1, axis2=2).sum()))
    if not size > 1e-14 * float(np.abs(values).max()):
        raise SettingError("responses are all the same; there is no shape to compare")
    return StochasticShape(means / size, covariances / size**2, values.shape[1])


@dataclass(frozen=True)
class ShapeDistance:
    """The distance of two noisy layers, and that of their means alone.

    distance: over the best rotation found. means: with weight on the means alone (alpha = 2, of which it is 1 / sqrt 2).
    starts: from how many rotations the search began; agreeing: how many of them ended at this distance.

    >>> ShapeDistance(distance=0.5, means=0.4, starts=5, agreeing=4).agreeing
    4
    """

    distance: float
    means: float
    starts: int
    agreeing: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def stochastic_shape_distance(
    first: StochasticShape, second: StochasticShape, *, alpha: float = 1.0, starts: int = 8, seed: int = 0
) -> ShapeDistance:
    """The stochastic shape distance of Duong and others (arXiv:2211.11665), with the Bures metric of covariances.

    The square root of the least, over rotations and reflections Q of the units, of the sum over conditions of
    alpha |m - Q n|**2 + (2 - alpha) B(S, Q T Q')**2, where m, n are means, S, T covariances and B(S, T)**2 = tr S + tr T -
    2 tr (S^1/2 T S^1/2)^1/2. alpha = 1: the Wasserstein distance of Gaussian responses; 2: means alone; 0: noise alone. Over
    the same conditions it is a metric, up to the search: Q and the rotations inside B are improved in turn, which never gets
    worse but may end in a local minimum, so it starts from the identity, the best Q of the means, and random ones.

    Narrower layers are padded by zeros. Cost: some hundred steps of conditions * units**3 operations per start. Raises
    ShapeError for other numbers of conditions, SettingError for alpha outside [0, 2] or starts < 1.

    >>> import torch
    >>> noise = torch.randn(4, 50, 2, generator=torch.Generator().manual_seed(0))
    >>> shape, turned = stochastic_shape(noise), stochastic_shape(noise[:, :, [1, 0]])
    >>> round(stochastic_shape_distance(shape, turned).distance, 6)
    0.0
    """
    if len(first.means) != len(second.means):
        raise ShapeError(f"{len(first.means)} and {len(second.means)} conditions; give the same ones, in order")
    if not 0 <= alpha <= 2 or starts < 1:
        raise SettingError(f"alpha={alpha}, starts={starts}: give alpha from 0 to 2 and one start or more")
    width = max(first.means.shape[1], second.means.shape[1])
    one, other = (_padded(side, width) for side in (first, second))
    generator = np.random.default_rng(seed)
    turns = [_rotation(one[0].T @ other[0]), np.eye(width)]
    turns += [_rotation(generator.normal(size=(width, width))) for _ in range(max(0, starts - 2))]
    ends = np.array([_descended(one, other, alpha, turn) for turn in turns[:starts]])
    best = float(ends.min())
    apart = float(((one[0] - other[0] @ turns[0].T) ** 2).sum())
    return ShapeDistance(math.sqrt(best), math.sqrt(apart), len(ends), int((ends <= best + 1e-6).sum()))


def _padded(side: StochasticShape, width: int) -> tuple[Array, Array]:
    """Means, and the roots of the covariances."""
    more = width - side.means.shape[1]
    values, axes = np.linalg.eigh(side.covariances)
    roots = (axes * np.sqrt(np.maximum(values, 0))[:, None, :]) @ axes.swapaxes(1, 2)
    return np.pad(side.means, ((0, 0), (0, more))), np.pad(roots, ((0, 0), (0, more), (0, more)))


def _rotation(matrix: Array) -> Array:
    """The orthogonal Q that maximises tr(Q' matrix); of stacks too."""
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)


def _descended(one: tuple[Array, Array], other: tuple[Array, Array], alpha: float, turn: Array) -> float:
    """The squared distance where improving Q and the inner rotations U in turn comes to rest.

    B(S, Q T Q')**2 is the least over rotations U of |S^1/2 - Q T^1/2 U|**2, so both steps are Procrustes problems.
    """
    (m, s), (n, t) = one, other
    fixed = alpha * float((m**2).sum() + (n**2).sum()) + (2 - alpha) * float((s**2).sum() + (t**2).sum())
    before = math.inf
    for _ in range(_STEPS):
        inner = _rotation((turn @ t).swapaxes(1, 2) @ s)
        table = alpha * m.T @ n + (2 - alpha) * np.einsum("cij,ckj->ik", s, t @ inner)
        turn = _rotation(table)
        now = fixed - 2 * float((turn * table).sum())
        if before - now <= _STILL:
            break
        before = now
    return max(0.0, now)
