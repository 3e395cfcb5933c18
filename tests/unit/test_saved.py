"""Networks as files: they come back bit by bit, and no file runs code, takes memory it has not, or builds half a network."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from neurofn import neuron
from neurofn._errors import SettingError, StoreError
from neurofn.neurons.saved import Scale, load_network, save_network

pytest.importorskip("safetensors")
pytestmark = pytest.mark.usefixtures("random_state_of_its_own")

TEXTS = (
    "sum(silu + bspline)",
    "silu(sum(linear)) * sum(linear)",
    "sum(linear) / sum(linear)",
    "median(bspline(grid=8))",
    "sum(rational)",
    "swish(sum(chebyshev))",
)


def network() -> nn.Sequential:
    return nn.Sequential(
        neuron("sum(silu + bspline)").dense(3, 4),
        neuron("silu(sum(linear)) * sum(linear)").dense(4, 2),
        Scale(torch.tensor([2.0, 3.0]), torch.tensor([0.5, -1.0])),
    )


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("init", ["fan_in", "matched"])
def test_a_layer_comes_back(text: str, init: str, tmp_path: Path) -> None:
    layer = neuron(text).dense(3, 2, init=init).eval()
    x = torch.randn(7, 3)
    back = load_network(save_network(layer, tmp_path / "one.safetensors"))
    assert torch.equal(back(x), layer(x))
    assert str(back) == str(layer)
    assert not back.training


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_network_comes_back_in_its_dtype(dtype: torch.dtype, tmp_path: Path) -> None:
    model = network().to(dtype).eval()
    x = torch.randn(7, 3, dtype=dtype)
    back = load_network(save_network(model, tmp_path / "net.safetensors"))
    assert torch.equal(back(x), model(x))


def test_pruned_edges_stay_pruned(tmp_path: Path) -> None:
    model = network()
    gather = model[0].gathers[0][1]  # type: ignore[index, union-attr]
    gather.prune(torch.eye(3, 4, dtype=torch.bool))
    back = load_network(save_network(model, tmp_path / "net.safetensors"))
    assert back[0].gathers[0][1].alive.sum() == 3  # type: ignore[index, union-attr]
    x = torch.randn(5, 3)
    assert torch.equal(back(x), model(x))


def test_other_modules_are_refused_and_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="Dropout at '1'"):
        save_network(nn.Sequential(neuron("sum(linear)").dense(2, 2), nn.Dropout()), tmp_path / "a.safetensors")
    with pytest.raises(StoreError, match="cannot write"):
        save_network(network(), tmp_path / "missing" / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_loading_draws_nothing(tmp_path: Path) -> None:
    path = save_network(network(), tmp_path / "net.safetensors")
    before = torch.get_rng_state()
    load_network(path)
    assert torch.equal(torch.get_rng_state(), before)


# --- Hostile files ----------------------------------------------------------------------------------------------------


def rewritten(path: Path, change: Any) -> Path:
    """The file with its description changed; the tensors stay."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    text = json.loads(header["__metadata__"]["neurofn"])
    change(text)
    header["__metadata__"]["neurofn"] = json.dumps(text)
    written = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(written)) + written + data[8 + size :])
    return path


def entry(**changed: Any) -> Any:
    return lambda text: text["layers"][0].update(changed)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (entry(neuron="__import__('os').system('true')"), "neuron"),
        (entry(neuron="sum(" * 500 + "linear" + ")" * 500), "nested|characters"),
        (entry(neuron=3), "text"),
        (entry(neuron="sum(linear)"), "Unexpected|size mismatch"),
        (entry(n_in=10**12), "numbers is described"),
        (entry(n_in=10**9, n_out=10**9), "numbers is described"),
        (entry(neuron="sum(bspline(grid=4096))"), "numbers is described"),
        (entry(n_in=0), "as the size"),
        (entry(n_in=True), "as the size"),
        (entry(n_in="3"), "as the size"),
        (entry(n_in=4), "size mismatch|is described"),
        (entry(init="nothing"), "nothing"),
        (entry(name="2"), "Unexpected|Missing|is described"),
        (entry(name="a.b"), "is described|dot"),
        (lambda text: text["layers"][2].update(scale=10**12), "numbers is described"),
        (lambda text: text["layers"].pop(), "Unexpected"),
        (lambda text: text["layers"].clear(), "0 layers"),
        (lambda text: text.update(layers="many"), "schema"),
        (lambda text: text.update(layers=[3]), ""),
        (lambda text: text.update(layers=[{}]), ""),
        (lambda text: text.update(single=True), "3 layers"),
        (lambda text: text.update(schema=99), "schema"),
    ],
)
def test_descriptions_that_do_not_fit_are_refused(change: Any, says: str, tmp_path: Path) -> None:
    path = rewritten(save_network(network(), tmp_path / "net.safetensors"), change)
    with pytest.raises(StoreError, match=f"cannot read a network from(?s:.*)({says})"):
        load_network(path)


def fitted() -> nn.Module:
    """A layer with everything that is in a state only once it was used."""
    layer = neuron("sum(silu + bspline)").dense(2, 3)
    x = torch.randn(100, 2)
    layer.fit_range(x)
    layer.update_grid(x)
    layer.gathers[0][1].prune(torch.rand(2, 3) > 0.3)
    return layer.eval()


def test_ranges_grids_and_masks_come_back(tmp_path: Path) -> None:
    layer, x = fitted(), torch.randn(50, 2) / 2
    back = load_network(save_network(layer, tmp_path / "net.safetensors"))
    assert torch.equal(back(x), layer(x))
    assert back.state_dict().keys() == layer.state_dict().keys()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("body.mask", torch.ones(1)),
        ("body.mask", torch.ones(3, 2)),
        ("body.range.low", torch.zeros(1)),
        ("body.range.high", torch.zeros(3)),
        ("body.breaks_1", torch.zeros(2, 4)),
        ("body.breaks_1", torch.full((2, 6), torch.nan)),
        ("body.breaks_1", torch.arange(12.0).flip(0).reshape(2, 6)),
        ("body.breaks_0", torch.zeros(2, 6)),
        ("body.weight", torch.zeros(2, 9, 2)),
        ("body.other", torch.zeros(2)),
    ],
)
def test_states_of_other_shapes_are_refused(name: str, value: torch.Tensor, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = save_network(fitted(), tmp_path / "net.safetensors")
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    text = json.loads(data[8 : 8 + size])["__metadata__"]
    save_file({**load_file(path), name: value}, path, metadata=text)
    with pytest.raises(StoreError, match="cannot read a network"):
        load_network(path)


HUGE = {"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 100,
        b"\xff" * 100,
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        struct.pack("<Q", 90) + json.dumps(HUGE).encode().ljust(90),
        b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    ],
)  # fmt: skip
def test_files_of_another_kind_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot read a network"):
        load_network(path)
    with pytest.raises(StoreError, match="cannot read a network"):
        load_network(tmp_path)


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = save_network(network(), tmp_path / "net.safetensors")
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(StoreError, match="cannot read a network"):
        load_network(path)
