"""Units: what is counted is what a plain loop over samples, upsampling and thresholds counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import DataError, SettingError, ShapeError, SiteError
from neurofn.explaining import _store
from neurofn.explaining._counting import count
from neurofn.explaining.concepts import Concepts
from neurofn.explaining.thresholds import Above, Between, Quantile, QuantileRange
from neurofn.explaining.units import Units

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

Array = np.ndarray[Any, Any]


def hits(units: Units, masks: Array, ranges: tuple[Any, Any]) -> Array:
    """Positions where units fire, by concept: (units, concepts), from the counts by label set."""
    concepts = Concepts.from_masks({f"c{i}": mask for i, mask in enumerate(masks)})
    grouped = concepts.collect(np.ones(units.samples, bool))
    block = units.blocks[0]
    low, high = (np.broadcast_to(np.asarray(value, float), (block.units,)) for value in ranges)
    indptr, indices, counts = count(block, (low, high), grouped, np.arange(units.samples)).csr()
    dense = np.zeros((block.units, grouped.sets), np.int64)
    for unit in range(block.units):
        dense[unit, indices[indptr[unit] : indptr[unit + 1]]] = counts[indptr[unit] : indptr[unit + 1]]
    member = np.zeros((grouped.sets, len(masks)), np.int64)
    for i in range(grouped.sets):
        member[i, grouped.indices[grouped.indptr[i] : grouped.indptr[i + 1]]] = 1
    return np.asarray(dense @ member)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 5, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(45, 4))


def images(count: int = 11) -> torch.Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("sizes", [[11], [4, 7], [1] * 11])
def test_maps_are_scaled_up_as_interpolation_does_whatever_the_batches(sizes: list[int]) -> None:
    model, x = network(), images()
    units = Units.from_model(model, list(x.split(sizes)), at="0", threshold=Above(0.2))
    masks = np.random.default_rng(0).random((3, 11, 8, 8)) < 0.4
    with torch.no_grad():
        wide = nn.functional.interpolate(model[0](x), size=(8, 8), mode="bilinear", align_corners=False)
    expected = np.einsum("nuhw,cnhw->uc", (wide > 0.2).numpy().astype(int), masks.astype(int))
    assert (hits(units, masks, (0.2, np.inf)) == expected).all()


def test_ranges_count_what_lies_in_them() -> None:
    values = np.random.default_rng(1).normal(size=(9, 4, 5, 5)).astype(np.float32)
    masks = np.random.default_rng(2).random((3, 9, 5, 5)) < 0.4
    inside = (values > -0.5) & (values <= 0.3)
    expected = np.einsum("nuhw,cnhw->uc", inside.astype(int), masks.astype(int))
    assert (hits(Units.from_activations(values), masks, (-0.5, 0.3)) == expected).all()


def test_whole_samples_fire_where_any_place_fires() -> None:
    values = np.random.default_rng(3).normal(size=(30, 4, 3, 3))
    masks = np.random.default_rng(4).random((2, 30)) < 0.5
    expected = (values > 1).any(axis=(2, 3)).T.astype(int) @ masks.T.astype(int)
    assert (hits(Units.from_activations(values), masks, (1, np.inf)) == expected).all()


def test_quantiles_are_exact_and_of_the_samples_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(5).normal(size=(50, 6, 3, 3)).astype(np.float32)
    monkeypatch.setattr(_store, "IN_MEMORY", 3000)
    block = Units.from_activations(values).blocks[0]
    assert any(isinstance(batch, np.memmap) for batch in Units.from_activations(values).blocks[0].store._batches)
    some = np.arange(0, 50, 3)
    rows = values[some].swapaxes(0, 1).reshape(6, -1)
    for q in (0.01, 0.5, 0.995):
        expected = np.quantile(rows, q, axis=1, method="inverted_cdf")
        assert (block.quantile(q, some) == expected).all()
        assert ((rows > block.quantile(q, some)[:, None]).mean(axis=1) <= 1 - q + 1e-12).all()


def test_quantiles_of_tokens_leave_padding_out() -> None:
    texts = [["a"] * 2, ["b"] * 5]
    values = np.full((2, 1, 6), 100.0)
    values[0, 0, :2], values[1, 0, :5] = [1, 2], [3, 4, 5, 6, 7]
    grouped = Concepts.from_tokens(texts).collect(np.ones(2, bool))
    block = Units.from_activations(values).blocks[0]
    assert block.quantile(0.5, np.arange(2), grouped.ids).tolist() == [4]
    ranges = np.array([3.5]), np.array([np.inf])
    assert count(block, ranges, grouped, np.arange(2)).csr()[2].tolist() == [4]


class Recurrent(nn.Module):
    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.spare = nn.Linear(2, 2)
        self.net = nn.LSTM(3, 4, batch_first=batch_first)
        self.first = batch_first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x if self.first else x.transpose(0, 1))[0]


@pytest.mark.parametrize("batch_first", [True, False])
def test_recurrent_layers_give_units_by_sample_and_time(batch_first: bool) -> None:
    model = Recurrent(batch_first)
    x = torch.randn(5, 7, 3, generator=torch.Generator().manual_seed(0))
    block = Units.from_model(model, [x[:2], x[2:]], at="net").blocks[0]
    with torch.no_grad():
        out = model(x) if batch_first else model(x).transpose(0, 1)
    found = block.store.take(np.arange(5), fill=0)
    np.testing.assert_allclose(found, out.numpy().swapaxes(1, 2), atol=1e-6)


def test_batches_may_be_pairs_or_dicts_and_names_say_the_module() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 3)
            self.last = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.layer(x))

    x = torch.ones(4, 2)
    assert len(Units.from_model(Named(), [(x, torch.zeros(4))], at="layer")) == 3
    both = Units.from_model(Named(), [{"x": x}], at=["layer", "last"], threshold=[Above(0), Above(1)])
    assert both.names[:4] == ("layer[0] Above(value=0)", "layer[1] Above(value=0)", "layer[2] Above(value=0)",
                              "last[0] Above(value=0)")  # fmt: skip
    assert len(both) == 10


def test_no_hook_stays_whatever_happens() -> None:
    model = network()
    with pytest.raises(RuntimeError):
        Units.from_model(model, torch.zeros(2, 1, 8, 8), at="1")
    with pytest.raises(DataError, match="no batches"):
        Units.from_model(model, [], at="1")
    assert not any(module._forward_hooks for module in model.modules())
    Units.from_model(model, images(), at="1")
    assert not any(module._forward_hooks for module in model.modules())


def test_bad_input_says_what_is_wrong() -> None:
    model = network()
    with pytest.raises(SiteError, match="matches"):
        Units.from_model(model, images(), at="layer9")
    with pytest.raises(SiteError, match="'spare'"):
        Units.from_model(Recurrent(True), torch.zeros(3, 2, 3), at="spare")
    with pytest.raises(DataError, match="a batch is str"):
        Units.from_model(network(), ["x"], at="0")
    with pytest.raises(DataError, match="no samples"):
        Units.from_model(network(), images(0), at="0")
    with pytest.raises(SettingError, match="Quantile"):
        Units.from_activations(np.zeros((2, 2)), threshold=0.5)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="bool"):
        Units.from_masks(np.zeros((2, 2)))
    for wrong in (lambda: Quantile(1), lambda: Between(1, 1), lambda: QuantileRange(0.5, 0.2), lambda: Above(np.nan)):
        with pytest.raises(SettingError):
            wrong()


@pytest.mark.parametrize("places", [(), (3,), (4,)])
def test_places_that_fit_no_grid_are_refused(places: tuple[int, ...]) -> None:
    units = Units.from_activations(np.ones((2, 1, *places)))
    masks = np.ones((1, 2, 5) if places else (1, 2, 5, 5), bool)
    with pytest.raises(ShapeError):
        hits(units, masks, (0, np.inf))
