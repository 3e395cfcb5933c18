"""Comparing the layers of two models, of one, and with the data: against whole matrices, and beside shuffled rows."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn

from neurofn._errors import DataError, SettingError, ShapeError, SiteError
from neurofn.instruments import Similarity
from neurofn.watching.compare import between


@pytest.fixture(autouse=True)
def layers_start_from_a_random_state_of_their_own() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def model(width: int = 6) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(inplace=True), nn.Linear(width, 3))


def test_pairs_are_those_of_the_whole_matrices() -> None:
    first, second, inputs = model(), model(5), torch.randn(60, 4)
    found = between(first, second, inputs.split(17), at=["0", "2"], other=["1", "2"])
    assert [(pair.first, pair.second) for pair in found.pairs] == [("0", "1"), ("0", "2"), ("2", "1"), ("2", "2")]
    with torch.no_grad():
        x, y = first[0](inputs), second(inputs)
    expected = Similarity().definition(x, y)
    for name, value in expected.items():
        assert found.pairs[1].readings[name] == pytest.approx(value, rel=1e-6), name
    assert found.matrix("CKA").shape == (2, 2)
    json.dumps(found.to_dict())
    assert len(found.table()) == 4 * len(found.pairs[0].readings)


def test_a_rotated_copy_is_the_same_and_shuffled_rows_are_not() -> None:
    first, inputs = model(8), torch.randn(400, 4)
    second = model(8)
    second.load_state_dict(first.state_dict())
    turn = torch.linalg.qr(torch.randn(3, 3)).Q
    with torch.no_grad():
        second[2].weight.copy_(turn @ first[2].weight)
        second[2].bias.copy_(turn @ first[2].bias)
    pair = between(first, second, inputs.split(100), at="2").pairs[0]
    assert pair.readings["CKA"] == pytest.approx(1)
    assert pair.readings["angular distance"] == pytest.approx(0, abs=1e-3)
    assert pair.shuffled["CKA"] < 0.1
    assert pair.shuffled["CKA unbiased"] == pytest.approx(0, abs=0.05)
    assert pair.shuffled["angular distance"] > 1
    assert pair.shuffled["CKA"] == pytest.approx(pair.readings["CKA shuffled"], abs=0.05)
    same = between(first, first, inputs, at="0").pairs[0]
    assert same.readings["excess correlation"] > same.shuffled["excess correlation"] + 0.1


def test_layers_of_one_model_and_its_data() -> None:
    one, inputs = model(), torch.randn(80, 4)
    calls = []
    handle = one.register_forward_pre_hook(lambda *_: calls.append(1))
    layers = between(one, one, inputs, at=["0", "2"])
    handle.remove()
    assert len(calls) == 1
    assert np.diag(layers.matrix("CKA")) == pytest.approx([1, 1])
    assert layers.matrix("CKA") == pytest.approx(layers.matrix("CKA").T)
    data = between(one, "inputs", inputs, at="*")
    assert [pair.first for pair in data.pairs] == ["0", "1", "2"]
    assert data.pairs[0].readings["CKA"] == pytest.approx(
        Similarity().definition(one[0](inputs), inputs)["CKA"], rel=1e-6
    )
    targets = between(one, "targets", [(inputs, inputs[:, 0])], at="0").pairs[0]
    assert targets.second == "targets"
    with pytest.raises(DataError, match="KernelAlignment"):
        between(one, "targets", [(inputs, torch.zeros(80, dtype=torch.int64))])
    with pytest.raises(DataError, match="no targets"):
        between(one, "targets", inputs)


def test_places_of_maps_are_rows_or_are_averaged() -> None:
    maps = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 16, 4))
    inputs = torch.randn(20, 1, 6, 6)
    found = between(maps, maps, inputs, at=["0"], other=["1", "3"])
    assert [pair.readings["rows"] for pair in found.pairs] == [320.0, 20.0]
    with torch.no_grad():
        pooled, last = maps[0](inputs).mean(dim=(2, 3)), maps(inputs)
    assert found.pairs[1].readings["CKA"] == pytest.approx(Similarity().definition(pooled, last)["CKA"], rel=1e-6)


def test_models_are_left_as_they_were() -> None:
    one = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).train()
    before = {name: entry.clone() for name, entry in one.state_dict().items()}
    two = model()
    state = torch.get_rng_state()
    between(one, two, torch.randn(10, 4, generator=torch.Generator().manual_seed(1)))
    assert all(torch.equal(entry, before[name]) for name, entry in one.state_dict().items())
    assert one.training
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(RuntimeError):
        between(one, two, torch.randn(10, 5))
    assert not any(module._forward_hooks for module in one.modules())


def test_what_cannot_be_compared_is_refused() -> None:
    one = model()
    with pytest.raises(SettingError, match="'inputs' or 'targets'"):
        between(one, "labels", torch.ones(4, 4))
    with pytest.raises(SiteError, match="no"):
        between(one, one, torch.ones(4, 4), at="nowhere")
    with pytest.raises(DataError, match="one row"):
        between(one, one, torch.ones(1, 4))
    with pytest.raises(DataError, match="no batches"):
        between(one, one, [])
    with pytest.raises(SettingError, match="no reading is called 'cka'"):
        between(one, one, torch.randn(5, 4)).matrix("cka")

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.unused = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(torch.cat([x, x[:1]]))  # type: ignore[no-any-return]

    with pytest.raises(ShapeError, match="no order in common"):
        between(Odd(), one, torch.randn(6, 4), at="*", other="2")
    with pytest.raises(SiteError, match="'unused'"):
        between(Odd(), Odd(), torch.randn(6, 4), at=["unused", "layer"])
