"""ActivatedNeurons by every rule, and the curve K(D) against enumeration and exact fractions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch

from neurofn._errors import SettingError, ShapeError
from neurofn.instruments import ActivatedNeurons, Activity, Readings, above, argmax, pooled_quantile, top_k


def read(active: Activity, values: torch.Tensor) -> Readings:
    part = ActivatedNeurons(active=active)
    return part.compute(part.update(part.start(values.shape[1]), values))


def counts(active: Activity, rows: list[list[float]]) -> list[float]:
    return read(active, torch.tensor(rows, dtype=torch.float64))["count"].tolist()  # type: ignore[union-attr]


def curve_of(count: list[int], n: int) -> dict[int, float]:
    """The curve of given counts, through a matrix that has them."""
    part = ActivatedNeurons()
    matrix = torch.arange(n)[:, None] < torch.tensor(count)
    state = part.update(part.start(len(count)), matrix.double())
    curve = part.compute(state)["curve"]
    return dict(zip(part.units(state)["curve"].astype(int).tolist(), curve.tolist(), strict=True))  # type: ignore[union-attr]


def test_curve_is_the_mean_over_all_subsets() -> None:
    active = torch.tensor([[1, 0, 0, 1], [0, 0, 0, 1], [0, 1, 0, 1], [0, 1, 0, 0], [0, 0, 0, 1]]).double()
    part = ActivatedNeurons()
    state = part.update(part.start(4), active)
    curve = part.compute(state)["curve"]
    for depth, seen in zip(part.units(state)["curve"].astype(int).tolist(), curve.tolist(), strict=True):  # type: ignore[union-attr]
        subsets = [active[list(rows)].any(dim=0).sum().item() for rows in itertools.combinations(range(5), depth)]
        assert seen == pytest.approx(np.mean(subsets), rel=1e-12)


def test_curve_of_many_rows_against_exact_fractions() -> None:
    n, count = 20_000, [0, 1, 2, 40, 5_000, 19_999, 20_000]
    curve = curve_of(count, n)
    assert next(iter(curve)) == 1
    assert list(curve)[-1] == n
    for depth in (1, list(curve)[10], list(curve)[20]):
        missed = [
            math.prod(Fraction(n - c - j, n - j) for j in range(depth)) if n - c >= depth else Fraction(0)
            for c in count
        ]
        assert curve[depth] == pytest.approx(float(sum(1 - part for part in missed)), rel=1e-8)


def test_curve_starts_at_the_mean_activity_and_ends_at_k() -> None:
    curve = curve_of([0, 3, 10, 50], 100)
    assert curve[1] == pytest.approx(0.63)
    assert curve[100] == 3
    assert all(low <= high for low, high in itertools.pairwise(curve.values()))
    assert len(curve) > 20


def test_readings_of_dead_and_live_neurons() -> None:
    seen = read(above(), torch.tensor([[1.0, -1.0, 0.0, 2.0], [1.0, -1.0, 0.0, -2.0]]))
    assert (seen["activated"], seen["dead"], seen["share"]) == (2, 2, 0.5)
    assert seen["count"].tolist() == [2, 0, 0, 1]  # type: ignore[union-attr]


def test_no_rows_and_one_row() -> None:
    part = ActivatedNeurons()
    seen = part.compute(part.start(3))
    assert (seen["activated"], seen["dead"], len(seen["curve"])) == (0, 3, 0)  # type: ignore[arg-type]
    assert read(argmax(), torch.eye(3)[:1])["curve"].tolist() == [1.0]  # type: ignore[union-attr]


def test_the_sign_rule_saturates_and_top_k_does_not() -> None:
    values = torch.randn(400, 100, generator=torch.Generator().manual_seed(0)) + torch.linspace(-1, 1, 100)
    assert read(above(), values)["activated"] == 100
    assert read(top_k(0.01), values)["activated"] < 95


def test_above_is_strict() -> None:
    assert counts(above(1), [[1.0, 1.5, -2.0]]) == [0, 1, 0]


def test_top_k_takes_exactly_k_and_the_first_of_equal_ones() -> None:
    assert counts(top_k(2), [[0, 0, 0, 0], [1, 2, 2, 2], [5, 1, 1, 9]]) == [2, 2, 1, 1]
    assert counts(argmax(), [[0, 0, 0], [1, 2, 2], [-5, -5, -1]]) == [1, 1, 1]


def test_top_k_as_a_share_of_the_layer() -> None:
    for share, neurons, k in ((0.01, 256, 2), (0.01, 1024, 10), (0.01, 50, 1), (0.29, 100, 29)):
        assert read(top_k(share), torch.randn(1, neurons, generator=torch.Generator().manual_seed(0)))["activated"] == k


def test_top_k_of_a_smaller_layer() -> None:
    with pytest.raises(ShapeError, match=r"top_k\(4\) asks for more neurons than the 3"):
        ActivatedNeurons(active=top_k(4)).start(3)


def test_pooled_quantile_is_over_the_whole_layer() -> None:
    rows = torch.tensor([[1.0, 2.0, 4.0, 8.0], [16.0, 32.0, 64.0, 128.0]])
    assert read(pooled_quantile(0.5), rows)["count"].tolist() == [1, 1, 1, 1]  # type: ignore[union-attr]
    assert read(pooled_quantile(0.9), rows)["count"].tolist() == [0, 0, 0, 0]  # type: ignore[union-attr]
    assert read(pooled_quantile(0.8), rows)["count"].tolist() == [0, 0, 0, 1]  # type: ignore[union-attr]


def test_pooled_quantile_at_the_edges_of_bins() -> None:
    tiny, edge = 2.0**-149, 1.125
    below = float(np.nextafter(np.float32(edge), np.float32(0)))
    ladder = [-math.inf, -1e39, -2.0, -1.0, -tiny, 0.0, tiny, 2.0**-129, 1.0, below, edge, 1e39]
    values = torch.tensor(ladder[1:], dtype=torch.float64)[:, None].repeat(1, 2) * torch.tensor([1.0, -1.0]).double()
    values[4] = torch.tensor([0.0, -0.0])
    for q in np.linspace(0.02, 0.98, 49).tolist():
        part = ActivatedNeurons(active=pooled_quantile(q))
        expected = part.definition(values)["count"].tolist()  # type: ignore[union-attr]
        assert read(pooled_quantile(q), values)["count"].tolist() == expected  # type: ignore[union-attr]


def test_pooled_quantile_threshold_is_within_an_eighth() -> None:
    values = torch.rand(500, 20, generator=torch.Generator().manual_seed(0)) + 1
    total = read(pooled_quantile(0.7), values)["count"].sum()  # type: ignore[union-attr]
    exact = float(values.quantile(0.7))
    assert int((values > exact * 1.125).sum()) <= total <= int((values > exact).sum())


@pytest.mark.parametrize(
    ("rule", "text"),
    [(above(), "above(0)"), (above(0.5), "above(0.5)"), (above(2.0), "above(2)"), (top_k(3), "top_k(3)"),
     (top_k(0.01), "top_k(0.01)"), (argmax(), "argmax()"), (pooled_quantile(0.9), "pooled_quantile(0.9)")],
)  # fmt: skip
def test_texts(rule: Activity, text: str) -> None:
    part = ActivatedNeurons(active=rule)
    assert str(rule) == text
    assert str(part) == ("ActivatedNeurons" if rule == above() else f"ActivatedNeurons(active={text})")


def test_argmax_is_not_top_1_by_name() -> None:
    assert argmax() != top_k(1)
    assert argmax() == argmax()


@pytest.mark.parametrize("bad", [0, -1, 1.0, 0.0, 1.5, True, math.nan])
def test_bad_k(bad: float) -> None:
    with pytest.raises(SettingError, match=r"top_k\(3\)"):
        top_k(bad)


def test_other_bad_rules() -> None:
    for bad in (0.0, 1.0, math.nan):
        with pytest.raises(SettingError, match="between 0 and 1"):
            pooled_quantile(bad)
    with pytest.raises(SettingError, match="finite"):
        above(math.inf)
    with pytest.raises(SettingError, match="give a rule"):
        ActivatedNeurons(active="sign")  # type: ignore[arg-type]
