"""Similarity of two layers: against kernels of all rows, what does not matter to it, chance, and matched units."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurofn._errors import SettingError, ShapeError
from neurofn.explaining import Units, match
from neurofn.instruments import KernelAlignment, Similarity, State

PART = Similarity()
SHAPES = ("CKA", "CKA unbiased", "Procrustes distance", "angular distance")


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fed(x: torch.Tensor, y: torch.Tensor) -> State:
    return PART.update(PART.start(x.shape[1], y.shape[1]), x, y)


def read(x: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    return PART.compute(fed(x, y))  # type: ignore[return-value]


def related(rows: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    x = normal(rows, 5)
    return x + 2, (x @ normal(5, 3, seed=1)).tanh() + 0.3 * normal(rows, 3, seed=2)


def assert_same(seen: dict[str, float], expected: dict[str, float]) -> None:
    assert seen.keys() == expected.keys()
    for name, value in seen.items():
        assert value == pytest.approx(expected[name], rel=1e-9, abs=1e-7, nan_ok=True), name


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(60)), st.lists(st.integers(0, 60), max_size=5))
def test_any_split_and_order_is_the_definition(order: list[int], cuts: list[int]) -> None:
    x, y = related()
    state = PART.start(5, 3)
    for low, high in itertools.pairwise([0, *sorted(cuts), 60]):
        state = PART.update(state, x[order[low:high]], y[order[low:high]])
    assert_same(PART.compute(state), PART.definition(x, y))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "case", ["large mean", "wide", "half", "one row", "three rows", "constant", "no rows", "equal"]
)
def test_odd_matrices_are_the_definition(case: str) -> None:
    x, y = related()
    pair = {
        "large mean": (x + 1e4, y * 1e-2 - 1e3),
        "wide": (normal(20, 40), normal(20, 30, seed=3)),
        "half": (x.half(), y.bfloat16()),
        "one row": (x[:1], y[:1]),
        "three rows": (x[:3], y[:3]),
        "constant": (x * 0 + 3, y),
        "no rows": (x[:0], y[:0]),
        "equal": (x, x),
    }[case]
    assert_same(read(*pair), PART.definition(*pair))  # type: ignore[arg-type]


def test_states_merge_and_start_is_the_identity() -> None:
    x, y = related()
    a, b, c = (fed(x[at], y[at]) for at in (slice(0, 10), slice(10, 15), slice(15, 60)))
    left, right = PART.merge(PART.merge(a, b), c), PART.merge(a, PART.merge(b, c))
    assert_same(PART.compute(left), PART.compute(right))  # type: ignore[arg-type]
    assert_same(PART.compute(left), read(x, y))  # type: ignore[arg-type]
    for same in (PART.merge(PART.start(5, 3), a), PART.merge(a, PART.start(5, 3)), PART.update(a, x[:0], y[:0])):
        assert all(torch.equal(same[name], a[name]) for name in a)


def test_rows_that_are_not_finite_are_left_out_on_both_sides() -> None:
    x, y = related()
    bad_x, bad_y = x.clone(), y.clone()
    bad_x[3, 0], bad_y[7, 1], bad_y[9, 0] = math.nan, math.inf, 1e80
    good = [row for row in range(60) if row not in (3, 7, 9)]
    seen, clean = read(bad_x, bad_y), read(x[good], y[good])
    assert seen.pop("nonfinite rows") == 3.0
    clean.pop("nonfinite rows")
    assert_same(seen, clean)
    assert PART.definition(bad_x, bad_y)["nonfinite rows"] == 3.0


def test_rotation_scale_and_shift_do_not_matter_but_other_maps_do() -> None:
    x, y = related(300)
    turn = torch.linalg.qr(normal(3, 3, seed=4)).Q
    seen, same = read(x, y), read(x, y @ turn * 7 - 2)
    for name in SHAPES:
        assert same[name] == pytest.approx(seen[name], rel=1e-6), name
    itself = read(y, y @ turn)
    assert (itself["CKA"], itself["CKA unbiased"]) == (pytest.approx(1), pytest.approx(1))
    assert itself["Procrustes distance"] == pytest.approx(0, abs=1e-7)
    assert read(y, y * torch.tensor([1, 1, 10]))["CKA"] < 0.9


def test_unrelated_layers_look_alike_with_few_rows_unless_unbiased() -> None:
    seen = [read(normal(50, 40, seed=i), normal(50, 40, seed=100 + i)) for i in range(20)]
    biased, unbiased, chance = (
        np.mean([one[name] for one in seen]) for name in ("CKA", "CKA unbiased", "CKA shuffled")
    )
    assert biased == pytest.approx(40 / 90, abs=0.03)  # N / (N + n)
    assert chance == pytest.approx(biased, abs=0.01)
    assert unbiased == pytest.approx(0, abs=0.02)


def test_shuffled_is_the_mean_over_all_orders() -> None:
    x, y = normal(5, 2), normal(5, 3, seed=1)
    every = [read(x, y[list(order)]) for order in itertools.permutations(range(5))]
    assert np.mean([one["CKA"] for one in every]) == pytest.approx(every[0]["CKA shuffled"])
    assert np.mean([one["CKA unbiased"] for one in every]) == pytest.approx(0, abs=1e-12)


def test_the_angle_is_a_metric() -> None:
    layers = [normal(30, 2 + i, seed=i) for i in range(5)]
    angle = {(i, j): read(layers[i], layers[j])["angular distance"] for i in range(5) for j in range(5)}
    for i, j, k in itertools.product(range(5), repeat=3):
        assert angle[i, k] <= angle[i, j] + angle[j, k] + 1e-7
        assert angle[i, j] == pytest.approx(angle[j, i])


def test_matched_units_are_those_of_explaining() -> None:
    x = normal(400, 6)
    y = torch.cat([x[:, [4, 1]] + 0.3 * normal(400, 2, seed=1), normal(400, 40, seed=2), torch.ones(400, 1)], dim=1)
    found = PART.matches(fed(x, y), rotations=40)
    other = match(Units.from_activations(x.numpy()), Units.from_activations(y.numpy()), draws=40)
    assert found.correlation == pytest.approx([one.best for one in other], abs=1e-6)  # which keeps float32
    assert found.excess == pytest.approx([one.excess for one in other], abs=1e-6)  # which keeps float32
    assert (found.partner[4], found.partner[1]) == (0, 1)
    assert found.universal() == pytest.approx(2 / 6)
    rotated = PART.matches(fed(x, x @ torch.linalg.qr(normal(6, 6, seed=7)).Q), rotations=40)
    assert rotated.universal() == 0.0  # the same information, but in no common units
    assert set(found.to_dict()) == {"partner", "correlation", "baseline", "excess"}


def test_kernels_of_labels() -> None:
    labels = torch.arange(3).repeat(40)
    part = KernelAlignment(classes=3)

    def aligned(values: torch.Tensor) -> dict[str, float]:
        return part.compute(part.update(part.start(values.shape[1]), values, targets=labels))  # type: ignore[return-value]

    perfect = aligned(torch.eye(3, dtype=torch.float64)[labels])
    assert (perfect["alignment"], perfect["centred alignment"]) == (pytest.approx(1), pytest.approx(1))
    noise = aligned(normal(120, 20))
    assert noise["unbiased"] == pytest.approx(0, abs=0.05)
    assert noise["centred alignment"] == pytest.approx(noise["shuffled"], abs=0.05)
    some = [aligned(torch.eye(3, dtype=torch.float64)[labels] + size * normal(120, 3)) for size in (0.1, 0.5, 2.0)]
    values = [one["unbiased"] for one in some]
    assert values == sorted(values, reverse=True)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="nothing to compare"):
        PART.start(0, 3)
    with pytest.raises(ShapeError, match="as many rows on each side"):
        PART.update(PART.start(2, 3), torch.ones(4, 2), torch.ones(5, 3))
    with pytest.raises(ShapeError, match="x has shape"):
        PART.update(PART.start(2, 3), torch.ones(4, 1), torch.ones(4, 3))
    with pytest.raises(SettingError, match="1 or more"):
        PART.matches(PART.start(2, 3), rotations=0)
    with pytest.raises(SettingError, match="2 or more"):
        KernelAlignment(classes=1)
