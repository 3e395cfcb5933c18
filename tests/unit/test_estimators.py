"""Estimators: raw units, any order of rows, what is outside, what is held out, and what they leave for others."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from neurofn import KANClassifier, KANRegressor
from neurofn._errors import DataError, LanguageError, SettingError
from neurofn.estimators._rows import held_out, merged, spread
from neurofn.neurons.curves import curves
from neurofn.neurons.ranges import RangeWarning
from neurofn.neurons.saved import load_network, save_network
from neurofn.train import Recipe

SHORT = Recipe(60, 0.02)
Floats = NDArray[np.float64]


def planted(count: int = 400, seed: int = 0) -> tuple[Floats, Floats]:
    x = np.random.default_rng(seed).uniform(-1, 1, (count, 2))
    return x, np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)


def error(model: KANRegressor, x: Floats, y: Floats) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)
        return float(np.sqrt(np.mean((model.predict(x) - y) ** 2)))


# --- Raw units --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_range_need_not_be_told() -> None:
    (x, y), (far, truth) = planted(), planted(1000, seed=1)
    near = error(KANRegressor(hidden=(5,), random_state=0).fit(x, y), far, truth)
    wide = error(KANRegressor(hidden=(5,), random_state=0).fit(4 * x, y), 4 * far, truth)
    assert near < 0.2 * truth.std()
    assert wide <= 1.1 * near


def test_odd_units_of_features_and_targets_cost_nothing() -> None:
    (x, y), (far, truth) = planted(), planted(1000, seed=1)
    units, shift = np.array([1e6, 1e-3]), np.array([5e6, 0.02])
    plain = error(KANRegressor(hidden=(3,), random_state=0, recipe=Recipe(300, 0.02)).fit(x, y), far, truth)
    odd = KANRegressor(hidden=(3,), random_state=0, recipe=Recipe(300, 0.02)).fit(x * units + shift, 1e9 * y - 4e9)
    assert error(odd, far * units + shift, 1e9 * truth - 4e9) <= 1.5 * plain * 1e9


def test_a_constant_target_is_known_exactly_and_a_feature_beyond_the_format_is_refused() -> None:
    x, _ = planted(40)
    assert (KANRegressor(recipe=SHORT, random_state=0).fit(x, np.full(40, 1e6)).predict(x) == 1e6).all()
    with pytest.raises(DataError, match="too large for"):
        KANRegressor(random_state=0).fit(x * 1e300, x[:, 0])


def test_values_outside_are_told_with_their_share() -> None:
    x, y = planted(100)
    model = KANRegressor(hidden=(), recipe=SHORT, random_state=0).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(x)
    far = x.copy()
    far[:25, 1] = 7.0
    with pytest.warns(RangeWarning, match=r"25\.0% of 100 rows .* feature 1 \(25\.0%\)"):
        model.predict(far)


def test_the_first_outliers_do_not_set_the_scale() -> None:
    values = np.r_[np.random.default_rng(0).normal(size=1000), 1e6][:, None]
    centre, scale = spread(values, np.ones(1001))
    assert abs(centre[0]) < 0.1
    assert scale[0] == pytest.approx(0.1 * values.std(), rel=1e-2)  # about the median
    centre, scale = spread(values[:-1], np.ones(1000))
    assert scale[0] == pytest.approx(1.0, abs=0.1)
    assert spread(np.full((5, 1), 1e300), np.ones(5))[1][0] == 1.0
    assert np.isfinite(spread(np.array([[0.0], [1e300]]), np.ones(2))[1][0])


# --- Rows -------------------------------------------------------------------------------------------------------------


def test_rows_are_merged_and_sorted() -> None:
    x = np.array([[2.0, 1.0], [1.0, 5.0], [2.0, 1.0], [-0.0, 1.0], [0.0, 1.0], [9.0, 9.0]])
    y = np.array([[1.0], [2.0], [1.0], [3.0], [3.0], [4.0]])
    found = merged(x, y, np.array([1.0, 2.0, 3.0, 1.0, 1.0, 0.0]))
    assert found.x.tolist() == [[0.0, 1.0], [1.0, 5.0], [2.0, 1.0]]
    assert found.y[:, 0].tolist() == [3.0, 2.0, 1.0]
    assert found.weight.tolist() == pytest.approx([0.75, 0.75, 1.5])
    for wrong in (np.zeros(6), np.array([1.0, 1, 1, 1, 1, -1])):
        with pytest.raises(DataError, match="sample_weight"):
            merged(x, y, wrong)


def test_neither_order_nor_repetition_of_rows_matters() -> None:
    x, y = planted(60)
    order = np.random.default_rng(1).permutation(60)
    weight = np.random.default_rng(2).integers(0, 4, 60)
    settings = KANRegressor(hidden=(3,), recipe=SHORT, random_state=0)
    repeated = clone(settings).fit(np.repeat(x, weight, axis=0), np.repeat(y, weight))
    weighted = clone(settings).fit(x[order], y[order], sample_weight=weight[order])
    inside = x[weight > 0]
    assert np.array_equal(repeated.predict(inside), weighted.predict(inside))
    plain = clone(settings).fit(x, y)
    assert not np.array_equal(plain.predict(inside), weighted.predict(inside))


def test_each_stratum_is_held_out_in_its_share() -> None:
    strata = np.repeat([0, 1, 2, 3], [100, 25, 9, 1])
    held = held_out(strata, 0.1, np.random.RandomState(0))
    assert [int(held[strata == k].sum()) for k in range(4)] == [10, 2, 0, 0]
    assert not held_out(strata, 0.0, np.random.RandomState(0)).any()
    other = held_out(strata, 0.1, np.random.RandomState(1))
    assert (held != other).any()


@pytest.mark.slow
def test_training_ends_early_where_it_does_not_help() -> None:
    random = np.random.default_rng(0)
    x, y = random.uniform(size=(80, 5)), random.normal(size=80)
    assert KANRegressor(random_state=0).fit(x, y).n_iter_ < 900
    assert KANRegressor(random_state=0, recipe=SHORT).fit(x, y).n_iter_ == 60


# --- As scikit-learn would have it ------------------------------------------------------------------------------------


def test_it_is_tuned_and_put_into_pipelines() -> None:
    x, _ = planted(90)
    y = np.sin(4 * x[:, 0])
    model = KANRegressor(hidden=(), recipe=SHORT, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)
        texts = ["sum(linear)", "sum(silu + bspline)"]
        long = clone(model).set_params(recipe=Recipe(300, 0.02))
        search = GridSearchCV(long, {"neuron": texts}, cv=2).fit(x, y)
        assert len(cross_val_score(make_pipeline(FunctionTransformer(), model), x, y, cv=2)) == 2
    assert search.best_params_ == {"neuron": "sum(silu + bspline)"}
    assert clone(model).get_params() == model.get_params()


def test_several_targets_and_layers_of_several_neurons() -> None:
    x, y = planted(80)
    both = np.column_stack([y, 1000 * x[:, 0]])
    model = KANRegressor("sum(bspline)", hidden=(4, (3, "silu(sum(linear)) * sum(linear)")), random_state=0)
    model.set_params(recipe=Recipe(200, 0.02)).fit(x, both)
    assert model.predict(x).shape == (80, 2)
    assert model.score(x, both) > 0.7
    assert [str(part.neuron) for part in model.network_[:3]] == [
        "sum(bspline)",
        "silu(sum(linear)) * sum(linear)",
        "sum(bspline)",
    ]


def test_labels_of_any_kind() -> None:
    x, y = planted(90)
    labels = np.array(["low", "middle", "high"])[np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))]
    model = KANClassifier(hidden=(4,), random_state=0).fit(x, labels)
    assert model.classes_.tolist() == ["high", "low", "middle"]
    assert model.score(x, labels) > 0.9
    assert model.predict_proba(x).sum(axis=1) == pytest.approx(np.ones(90))
    alone = KANClassifier(recipe=SHORT, random_state=0).fit(x, labels, sample_weight=(labels == "low").astype(float))
    assert alone.classes_.tolist() == ["low"]
    assert set(alone.predict(x[labels == "low"])) == {"low"}


def test_bad_settings_are_told_at_fit() -> None:
    x, y = planted(30)
    for settings, kind, says in (
        ({"neuron": "sum(bsplin)"}, LanguageError, "bspline"),
        ({"hidden": (0,)}, SettingError, "hidden"),
        ({"hidden": ("8",)}, SettingError, "hidden"),
        ({"validation": 1.0}, SettingError, "validation"),
        ({"penalty": -1.0}, SettingError, "penalty"),
    ):
        with pytest.raises(kind, match=says):
            KANRegressor(**settings, random_state=0).fit(x, y)  # type: ignore[arg-type]


def test_a_penalty_makes_edges_few() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (150, 3))
    y = np.sin(3 * x[:, 0])

    def rest(penalty: float) -> float:
        model = KANRegressor(hidden=(2,), penalty=penalty, random_state=0, recipe=Recipe(150, 0.03)).fit(x, y)
        found = curves(model.network_, torch.tensor(x))
        assert not any(part._forward_pre_hooks for part in model.network_)
        return sum(one.importance for one in found if one.layer == "0" and one.input > 0)

    assert rest(0.01) < 0.5 * rest(0.0)


# --- What is left for others ------------------------------------------------------------------------------------------


def test_the_network_maps_raw_features_to_raw_targets_and_goes_to_a_file(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    x, y = planted(60)
    model = KANRegressor(hidden=(3,), recipe=SHORT, random_state=0).fit(100 * x, y)
    inputs = torch.tensor(100 * x, dtype=torch.float32)
    with torch.no_grad():
        direct = model.network_(inputs)[:, 0].numpy()
        back = load_network(save_network(model.network_, tmp_path / "kan.safetensors"))(inputs)[:, 0].numpy()
    assert direct == pytest.approx(model.predict(100 * x), rel=1e-4, abs=1e-4)
    assert np.array_equal(back, direct)


def test_features_have_their_names_and_importance() -> None:
    pandas = pytest.importorskip("pandas")
    x, y = planted(120)
    table = pandas.DataFrame({"age": x[:, 0], "height": x[:, 1], "noise": np.random.default_rng(5).uniform(size=120)})
    model = KANRegressor(hidden=(4,), random_state=0, recipe=Recipe(300, 0.02)).fit(table, y)
    assert list(model.feature_names_in_) == ["age", "height", "noise"]
    found = {one.name: one for one in model.importance(table, kind="permutation")}
    assert found["noise"].share < min(found["age"].share, found["height"].share)


def test_a_fit_moves_no_random_state() -> None:
    x, y = planted(30)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    KANRegressor(hidden=(2,), recipe=SHORT, random_state=3).fit(x, y)
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])
