"""Which groups of units of two networks go together: many-to-many matching by spectral clustering.

Where two networks hold the same subspace in other directions, no unit has a partner, but groups of units have. The units of
both networks are the nodes of a graph whose edges cross from one to the other, and its clusters are the groups.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .._errors import SettingError
from ._chance import benjamini_hochberg
from ._covariances import Paired, check_draws, correlations_of, random_rotation
from ._split import Holdout
from .units import Units

__all__ = ["Group", "Groups", "match_groups"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Group:
    """Units of both networks that go together; one side may be empty, where nothing goes with the other.

    first, second: names. shared: the squared correlation on held-out samples, mean over all pairs across; 0 without a pair.
    p: how often it is as large when samples are dealt out anew, corrected over groups (Benjamini and Hochberg).
    """

    first: tuple[int | str, ...]
    second: tuple[int | str, ...]
    shared: float
    p: float


@dataclass(frozen=True)
class Groups:
    """A grouping of the units of two networks; constant units are in no group.

    groups: those with the most units first. contrast: the squared correlation on held-out samples, mean over pairs of
    one group less mean over pairs of two; 0 where all units are in one. excess: contrast less its mean over random rotations
    of the second network's units, grouped into as many. p: how often contrast is as large when held-out samples are dealt
    out anew.
    """

    groups: tuple[Group, ...]
    contrast: float
    excess: float
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        groups = [{**asdict(one), "first": list(one.first), "second": list(one.second)} for one in self.groups]
        return {**asdict(self), "groups": groups}


def match_groups(
    first: Units,
    second: Units,
    *,
    groups: int | None = None,
    holdout: float | Holdout = 0.3,
    draws: int = 100,
    seed: int = 0,
) -> Groups:
    """Group the units of two networks so that squared correlations are high within groups and low between them.

    groups: how many; None takes the number after which the singular values of the normalised table fall most, mostly 1
    where the networks have nothing to do with each other. holdout: the share of samples that is kept for scores. draws: how
    many permutations of samples and how many rotations. Samples, places and constant units as in `match`. Raises SettingError
    for draws < 1 and for groups below 1 or more than the units of either network, DataError for too few samples, ShapeError
    for other numbers of them.

    Source: many-to-many matching after arXiv:1511.07543; bipartite spectral graphs, doi:10.1145/502512.502550; clusters
    by pivoted QR, arXiv:1609.08251; excess over rotated baselines after arXiv:2401.12181.

    >>> generator = np.random.default_rng(0)
    >>> causes = generator.normal(size=(300, 2))
    >>> values = causes[:, [0, 0, 1, 1, 1, 0]] + generator.normal(size=(300, 6))
    >>> found = match_groups(Units.from_activations(values[:, :3]), Units.from_activations(values[:, 3:]), draws=20)
    >>> [(group.first, group.second) for group in found.groups]
    [((0, 1), (2,)), ((2,), (0, 1))]
    """
    check_draws(draws)
    paired, generator = Paired(first, second), np.random.default_rng(seed)
    learned, held = paired.split(holdout)
    known, tested = paired.covariances(learned), paired.covariances(held)
    squares = known.correlations() ** 2
    few = min(squares.shape)
    if groups is not None and not 1 <= groups <= few:
        raise SettingError(f"groups={groups}: give from 1 to {few}, the units of the smaller network, or None")
    labels = clusters(squares, groups)
    count = max(1, len(set(np.concatenate(labels).tolist()) - {-1}))
    real = _scores(tested.correlations() ** 2, labels, count)
    turns = (random_rotation(known, generator) for _ in range(draws))
    rotated = [
        _scores(tested.turned(turn).correlations() ** 2, clusters(known.turned(turn).correlations() ** 2, count), count)[-1]
        for turn in turns
    ]  # fmt: skip
    above = np.zeros(count + 1, np.int64)
    for _ in range(draws):
        across = paired.dealt_out(held, tested, generator)
        dealt = correlations_of(across, tested.own, np.diag(tested.other)) ** 2
        above += _scores(dealt, labels, count) >= real - 1e-12
    p = (1 + above) / (1 + draws)
    corrected = benjamini_hochberg(p[:-1].tolist())
    found = [
        Group(_named(first, labels[0] == k), _named(second, labels[1] == k), float(real[k]), float(corrected[k] or 0.0))
        for k in range(count)
    ]
    found.sort(key=lambda group: -len(group.first) - len(group.second))
    kept = tuple(group for group in found if group.first or group.second)
    return Groups(kept, float(real[-1]), float(real[-1] - np.mean(rotated)), float(p[-1]))


def _named(units: Units, chosen: Array) -> tuple[int | str, ...]:
    return tuple(units.names[k] for k in np.flatnonzero(chosen))


def _scores(squares: Array, labels: tuple[Array, Array], count: int) -> Array:
    """The mean of the squared correlations within each group, then the contrast: (count + 1,)."""
    own, other = ((label[:, None] == np.arange(count)).astype(float) for label in labels)  # (units, groups)
    sums, pairs = own.T @ squares @ other, np.outer(own.sum(axis=0), other.sum(axis=0))
    means = np.divide(sums, pairs, out=np.zeros_like(sums), where=pairs > 0).diagonal()
    inside, outside = np.trace(pairs), pairs.sum() - np.trace(pairs)
    if not inside or not outside:
        return np.append(means, 0.0)
    return np.append(means, np.trace(sums) / inside - (sums.sum() - np.trace(sums)) / outside)


def clusters(weights: Array, count: int | None) -> tuple[Array, Array]:
    """The cluster of each row and of each column of a table of weights (m, n), none negative; -1 where a line is all 0.

    count: how many clusters, at most min(m, n); None for as many as come before the largest fall of the singular values.
    """
    from scipy.linalg import qr

    rows, columns = weights.sum(axis=1), weights.sum(axis=0)
    labels = np.full(len(rows), -1), np.full(len(columns), -1)
    live = np.flatnonzero(rows > 0), np.flatnonzero(columns > 0)
    if len(live[0]) == 0:
        return labels
    table = weights[np.ix_(*live)] / np.sqrt(np.outer(rows[live[0]], columns[live[1]]))
    left, values, right = np.linalg.svd(table, full_matrices=False)
    count = min(count or int(np.argmax(values - np.append(values[1:], 0))) + 1, len(values))
    nodes = np.concatenate([left[:, :count], right[:count].T])  # one row for each unit of both networks
    # Rows of one cluster point one way. Pivoting finds one row of each, and the rotation nearest to them makes these axes.
    pivots = qr(nodes.T, mode="r", pivoting=True)[1][:count]
    one, _, two = np.linalg.svd(nodes[pivots].T)
    found = np.abs(nodes @ one @ two).argmax(axis=1)
    labels[0][live[0]], labels[1][live[1]] = found[: len(live[0])], found[len(live[0]) :]
    return labels
