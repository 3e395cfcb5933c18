"""Where the search for a preferred input starts: each start gives one result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from .._errors import SettingError, ShapeError
from ._listening import undisturbed
from .priors import Space

__all__ = ["Examples", "Facets", "Noise", "Start"]

Array = np.ndarray[Any, Any]
Starting = tuple[Tensor, tuple[tuple[int, ...], ...]]
_RESTARTS = 10  # of k-means, of which the tightest counts
_ROUNDS = 100


class Start(Protocol):
    """Such as Facets, Noise or Examples."""

    def begin(self, space: Space, inputs: Tensor, values: Array) -> Starting:
        """Codes to start from, (starts, ...), and for each start the numbers of the real inputs it was made of.

        inputs: real ones, (samples, ...). values: the activation of the unit in each, float64 (samples,), some may be NaN.
        """


@dataclass(frozen=True)
class Noise:
    """``draws`` random codes of the prior; ``seed`` says which.

    >>> codes, made_of = Noise(2).begin(Space(torch.randn(5, 3)), torch.zeros(5, 3), np.zeros(5))
    >>> codes.shape, made_of
    (torch.Size([2, 3]), ((), ()))
    """

    draws: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse_fewer_than_one(self, "draws")

    def begin(self, space: Space, inputs: Tensor, values: Array) -> Starting:
        """Random codes."""
        generator = torch.Generator(inputs.device).manual_seed(self.seed)
        return space.draw(self.draws, generator), ((),) * self.draws


@dataclass(frozen=True)
class Examples:
    """The ``k`` real inputs at which the unit is highest.

    >>> real = torch.arange(6.0).view(3, 2)
    >>> Examples(1).begin(Space(real), real, np.array([0.0, 9.0, 1.0]))
    (tensor([[2., 3.]]), ((1,),))
    """

    k: int = 1

    def __post_init__(self) -> None:
        _refuse_fewer_than_one(self, "k")

    def begin(self, space: Space, inputs: Tensor, values: Array) -> Starting:
        """Codes of real inputs."""
        best = _highest(values, self.k)
        return space.encode(inputs[torch.as_tensor(best)]), tuple((int(i),) for i in best)


@dataclass(frozen=True)
class Facets:
    """The means of clusters of the unit's top inputs: different things that one unit prefers.

    Of the real inputs in which the unit is above its mean, at most ``top`` of the highest are put into at most ``clusters``
    clusters (k-means over their first ``components`` principal components); each start is the mean of the ``nearest`` ones to
    the centre of a cluster. With one cluster this is the plain mean of typical top inputs. The first facet holds the highest
    input, and so on. by: what to cluster, inputs (n, ...) -> (n, ...), for example the features of a network; the inputs
    themselves if not given. ``seed`` is that of k-means.

    The number of clusters is yours: whether two facets are different things is told by the ``likeness`` of the results.

    Source: arXiv:1602.03616, which clusters features of a layer by k-means after PCA to 50 dimensions and t-SNE, with
    10 clusters and the 15 images nearest to each centre; here without t-SNE.

    >>> real = torch.tensor([[4.0, 0.0], [0.0, 1.0], [5.0, 0.0], [-4.0, 0.0], [-6.0, 0.0], [0.0, 0.0]])
    >>> codes, made_of = Facets(2).begin(Space(real), real, (real[:, 0] ** 2).numpy().astype(float))
    >>> codes.tolist(), made_of
    ([[-5.0, 0.0], [4.5, 0.0]], ((4, 3), (2, 0)))
    """

    clusters: int = 1
    top: int = 100
    nearest: int = 15
    components: int = 50
    by: Callable[[Tensor], Tensor] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("clusters", "top", "nearest", "components"):
            _refuse_fewer_than_one(self, name)

    def begin(self, space: Space, inputs: Tensor, values: Array) -> Starting:
        """Codes of means; the real inputs of each, the highest first."""
        best = _highest(values, self.top)
        above = best[values[best] > np.nanmean(values)]
        best = above if len(above) else best
        points = self._points(inputs[torch.as_tensor(best)])
        labels = k_means(points, self.clusters, seed=self.seed)
        means, made_of = [], []
        for label in dict.fromkeys(labels.tolist()):  # the highest input comes first in ``best``
            own = np.flatnonzero(labels == label)
            distances = np.linalg.norm(points[own] - points[own].mean(axis=0), axis=1)
            chosen = best[np.sort(own[np.argsort(distances, kind="stable")[: self.nearest]])]
            means.append(inputs[torch.as_tensor(chosen)].mean(dim=0))
            made_of.append(tuple(int(i) for i in chosen))
        return space.encode(torch.stack(means)), tuple(made_of)

    def _points(self, inputs: Tensor) -> Array:
        """(n, components or fewer)."""
        with undisturbed(*[one for one in (self.by,) if isinstance(one, nn.Module)]), torch.no_grad():
            features = inputs if self.by is None else self.by(inputs)
        if len(features) != len(inputs):
            raise ShapeError(f"by= gave shape {tuple(features.shape)} for {len(inputs)} inputs: give one row for each")
        rows = features.flatten(1).double().cpu().numpy()
        left, sizes, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
        return np.asarray((left * sizes)[:, : self.components])


def k_means(points: Array, k: int, *, seed: int) -> Array:
    """The cluster of each point (n, d), from 0 to at most k - 1: the tightest of ten runs, each from spread-out points.

    >>> k_means(np.array([[0.0], [9.0], [1.0]]), 2, seed=0).tolist() in ([0, 1, 0], [1, 0, 1])
    True
    """
    generator = np.random.default_rng(seed)
    best, tightest = np.zeros(len(points), np.int64), np.inf
    for _ in range(_RESTARTS):
        centres = points[generator.integers(len(points))][None]
        while len(centres) < k and (far := _squares(points, centres).min(axis=1)).any():
            centres = np.append(centres, points[generator.choice(len(points), p=far / far.sum())][None], axis=0)
        labels = np.full(len(points), -1)
        for _ in range(_ROUNDS):
            before, labels = labels, _squares(points, centres).argmin(axis=1)
            if (labels == before).all():
                break
            known = [points[labels == i].mean(axis=0) for i in range(len(centres)) if (labels == i).any()]
            centres = np.stack(known)
        spread = float(_squares(points, centres).min(axis=1).sum())
        if spread < tightest:
            best, tightest = labels, spread
    return best


def _squares(points: Array, centres: Array) -> Array:
    """Squared distances, (points, centres)."""
    return np.stack([((points - centre) ** 2).sum(axis=1) for centre in centres], axis=1)


def _highest(values: Array, count: int) -> Array:
    """The numbers of the highest finite values, of equal ones the earlier first."""
    order = np.argsort(np.where(np.isfinite(values), -values, np.inf), kind="stable")
    return order[: min(count, int(np.isfinite(values).sum()))]


def _refuse_fewer_than_one(part: Any, name: str) -> None:
    if getattr(part, name) < 1:
        raise SettingError(f"{type(part).__name__}: {name}={getattr(part, name)}, give at least 1")
