"""Stochastic shape distances: against all rotations of a plane, closed forms, and the laws of a metric."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from neurofn._errors import SettingError, ShapeError
from neurofn.instruments.shapes import StochasticShape, stochastic_shape, stochastic_shape_distance


def responses(seed: int, conditions: int = 6, units: int = 2, repeats: int = 40) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    means = torch.randn(conditions, 1, units, generator=generator, dtype=torch.float64)
    mix = torch.randn(conditions, units, units, generator=generator, dtype=torch.float64)
    return means + torch.randn(conditions, repeats, units, generator=generator, dtype=torch.float64) @ mix


def by_all_rotations(a: StochasticShape, b: StochasticShape, alpha: float) -> float:
    """The definition, at 2,000 rotations of the plane and as many reflections."""
    best = math.inf
    for angle in np.linspace(0, 2 * np.pi, 2000, endpoint=False):
        for sign in (1, -1):
            turn = np.array([[np.cos(angle), -sign * np.sin(angle)], [np.sin(angle), sign * np.cos(angle)]])
            means = ((a.means - b.means @ turn.T) ** 2).sum()
            t = turn @ b.covariances @ turn.T
            # in two dimensions tr (S^1/2 T S^1/2)^1/2 = sqrt(tr S T + 2 sqrt(det S det T))
            cross = np.einsum("cij,cji->c", a.covariances, t)
            deep = np.sqrt(np.linalg.det(a.covariances) * np.linalg.det(t))
            whole = np.trace(a.covariances, axis1=1, axis2=2) + np.trace(t, axis1=1, axis2=2)
            best = min(best, alpha * means + (2 - alpha) * float((whole - 2 * np.sqrt(cross + 2 * deep)).sum()))
    return math.sqrt(best)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0])
def test_no_rotation_of_the_plane_is_better(alpha: float) -> None:
    for seed in range(3):
        first, second = (stochastic_shape(responses(seed + more)) for more in (0, 10))
        found = stochastic_shape_distance(first, second, alpha=alpha)
        assert found.distance == pytest.approx(by_all_rotations(first, second, alpha), abs=1e-5)
        assert found.agreeing >= 1


def test_the_formula_of_the_plane_is_that_of_the_matrix_root() -> None:
    s, t = stochastic_shape(responses(0)).covariances[:2]
    root = sqrtm(s)
    plane = math.sqrt(np.trace(s @ t) + 2 * math.sqrt(np.linalg.det(s) * np.linalg.det(t)))
    assert np.trace(sqrtm(root @ t @ root)).real == pytest.approx(plane)


def test_rotations_scale_and_shift_do_not_matter() -> None:
    values = responses(1, units=4)
    turn = torch.linalg.qr(responses(2, 1, 4, 4)[0]).Q
    same = stochastic_shape(values @ turn * 3 + 5)
    assert stochastic_shape_distance(stochastic_shape(values), same).distance == pytest.approx(0, abs=1e-5)
    wider = stochastic_shape(torch.cat([values @ turn, torch.zeros(6, 40, 2)], dim=2))
    assert stochastic_shape_distance(stochastic_shape(values), wider).distance == pytest.approx(0, abs=1e-5)


def test_noise_of_the_same_means_is_seen() -> None:
    """Two layers with the same means; noise along other axes. Means alone cannot tell, covariances can."""
    means = responses(3, units=3, repeats=1)
    noise = responses(4, units=3) - responses(4, units=3).mean(dim=1, keepdim=True)
    first, second = stochastic_shape(means + noise), stochastic_shape(means + noise[:, :, [2, 0, 1]])
    assert stochastic_shape_distance(first, second, alpha=2).distance == pytest.approx(0, abs=1e-6)
    assert stochastic_shape_distance(first, second).distance > 0.1
    assert stochastic_shape_distance(first, second).means == pytest.approx(0, abs=1e-6)


def test_round_noise_has_a_closed_form() -> None:
    """Covariances a I and b I: B**2 is units * (sqrt a - sqrt b)**2 whatever the rotation."""
    means = np.zeros((5, 3))
    first, second = (StochasticShape(means, np.tile(size * np.eye(3), (5, 1, 1)), 9) for size in (4.0, 1.0))
    assert stochastic_shape_distance(first, second).distance == pytest.approx(math.sqrt(5 * 3))


def test_triangles_hold() -> None:
    shapes = [stochastic_shape(responses(seed, units=3)) for seed in range(5)]
    table = {
        (i, j): stochastic_shape_distance(shapes[i], shapes[j]).distance
        for i, j in itertools.product(range(5), repeat=2)
    }
    for i, j, k in itertools.product(range(5), repeat=3):
        assert table[i, k] <= table[i, j] + table[j, k] + 1e-6
        assert table[i, j] == pytest.approx(table[j, i], abs=1e-4)


def test_wrong_shapes_are_refused() -> None:
    good = stochastic_shape(responses(0))
    with pytest.raises(ShapeError, match=r"\(conditions, repeats, units\)"):
        stochastic_shape(torch.ones(3, 2))
    with pytest.raises(SettingError, match="NaN"):
        stochastic_shape(torch.full((2, 2, 2), math.nan))
    with pytest.raises(SettingError, match="all the same"):
        stochastic_shape(torch.ones(2, 2, 2))
    with pytest.raises(ShapeError, match="6 and 5 conditions"):
        stochastic_shape_distance(good, stochastic_shape(responses(0, 5)))
    with pytest.raises(SettingError, match="from 0 to 2"):
        stochastic_shape_distance(good, good, alpha=3)
