"""collect: the activations themselves, in files; what is stopped in the middle goes on or is refused, never mixed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neurofn._errors import DataError, SettingError, ShapeError, SiteError, StoreError
from neurofn.watching import _store
from neurofn.watching.collecting import Collected, collect

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


def net(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8, 3))


def images(batches: int = 5, size: int = 4) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(size, 1, 4, 4, generator=generator) for _ in range(batches)]


def test_it_writes_what_the_model_gives(tmp_path: Path) -> None:
    model, batches = net(), images()
    found = collect(model, [(batch, torch.zeros(4)) for batch in batches], at=["0", "3"], to=tmp_path / "new" / "run")
    conv = torch.cat([model[0](batch) for batch in batches])  # before ReLU overwrites it
    assert torch.equal(found.tensor("0"), conv)
    assert torch.equal(found.tensor("3"), torch.cat([model(batch) for batch in batches]))
    array = found.array("3")
    assert isinstance(array.base, np.memmap)
    assert not array.flags.writeable
    assert dict(found.shapes) == {"0": (20, 2, 2, 2), "3": (20, 3)}
    assert found.bytes == 20 * 11 * 4
    assert Collected.load(str(found.folder)) == found
    assert not any(module._forward_hooks for module in model.modules())


def test_places_beyond_outputs_and_modules_called_twice(tmp_path: Path) -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(self.inner(self.inner(x)))

    model, x = Twice(), torch.randn(6, 3)
    found = collect(model, x, at=["inner", ":tanh", "inner:input"], to=tmp_path)
    assert set(found.shapes) == {"inner", "inner#2", ":tanh", "inner:input", "inner:input#2"}
    assert torch.equal(found.tensor(":tanh"), model(x))
    assert torch.equal(found.tensor("inner:input#2"), found.tensor("inner"))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_types_are_kept_bit_for_bit(kind: torch.dtype, tmp_path: Path) -> None:
    model = nn.Linear(3, 3).to(kind)
    x = torch.randn(7, 3).to(kind)
    found = collect(model, x, to=tmp_path)
    assert found.tensor("").dtype == kind
    assert torch.equal(found.tensor(""), model(x))
    assert found.types[""] == str(kind).removeprefix("torch.")
    assert found.array("").itemsize == kind.itemsize


def test_the_size_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"20 samples at 1 places take 240 bytes, more than most=100.*most=240"):
        collect(net(), images(), at="3", to=tmp_path / "run", most=100)
    assert not (tmp_path / "run").exists()
    collect(net(), images(), at="3", to=tmp_path / "run", most=240)
    with pytest.raises(SettingError, match=r"16\.0 TiB|GiB"):
        collect(net(), iter(images()), at="0", to=tmp_path / "other", samples=2**40)


def test_generators_need_the_number_of_samples(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="pass samples="):
        collect(net(), iter(images()), to=tmp_path / "a")
    assert collect(net(), iter(images()), at="3", to=tmp_path / "b", samples=20).samples == 20
    with pytest.raises(DataError, match="ended after 20 of 21"):
        collect(net(), iter(images()), at="3", to=tmp_path / "c", samples=21)
    with pytest.raises(DataError, match="more than 19 samples"):
        collect(net(), iter(images()), at="3", to=tmp_path / "d", samples=19)


@pytest.mark.parametrize("drop", [True, False])
def test_loaders_are_counted(drop: bool, tmp_path: Path) -> None:
    data = torch.utils.data.TensorDataset(torch.cat(images()), torch.zeros(20))
    loader = torch.utils.data.DataLoader(data, batch_size=6, drop_last=drop)
    assert collect(net(), loader, at="3", to=tmp_path).samples == (18 if drop else 20)


class StoppedError(Exception):
    pass


def stopping(batches: list[Tensor], after: int) -> Iterator[Tensor]:
    yield from batches[:after]
    raise StoppedError


def half(folder: Path, after: int = 3) -> None:
    with pytest.raises(StoppedError):
        collect(net(), stopping(images(), after), at=["0", "3"], to=folder, samples=20)


def test_what_was_stopped_goes_on(tmp_path: Path) -> None:
    half(tmp_path / "run")
    with pytest.raises(StoreError, match="stopped after 12 of 20 samples"):
        Collected.load(tmp_path / "run")
    counted = net()
    runs: list[int] = []
    counted.register_forward_pre_hook(lambda *_: runs.append(1))
    found = collect(counted, images(), at=["0", "3"], to=tmp_path / "run")
    whole = collect(net(), images(), at=["0", "3"], to=tmp_path / "whole")
    assert len(runs) == 2
    assert all(np.array_equal(found.array(site), whole.array(site)) for site in ("0", "3"))
    half(tmp_path / "ended", after=5)
    assert collect(net(), images(), at=["0", "3"], to=tmp_path / "ended").samples == 20


def test_what_was_stopped_is_not_mixed_with_other_things(tmp_path: Path) -> None:
    half(tmp_path)
    with pytest.raises(StoreError, match="other weights"):
        collect(net(1), images(), at=["0", "3"], to=tmp_path)
    with pytest.raises(StoreError, match="the first 3 batches are others"):
        collect(net(), images()[::-1], at=["0", "3"], to=tmp_path)
    with pytest.raises(StoreError, match="other places or shapes"):
        collect(net(), images(), at="0", to=tmp_path)
    assert collect(net(), images(), at=["0", "3"], to=tmp_path).samples == 20
    with pytest.raises(StoreError, match="finished collection"):
        collect(net(), images(), at=["0", "3"], to=tmp_path)


def test_folders_of_something_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="no collection"):
        collect(net(), images(), to=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(StoreError, match="cannot write into"):
        collect(net(), images(), at="3", to=tmp_path / "notes.txt" / "run")


KILLED = """
import sys, torch
from pathlib import Path
sys.path[:0] = sys.argv[2:]
import test_collect
from neurofn.watching.collecting import collect

def slow():
    for i, batch in enumerate(test_collect.images(400)):
        if i == 5:
            print("go", flush=True)
        yield batch

torch.set_num_threads(1)
collect(test_collect.net(), slow(), at=["0", "3"], to=sys.argv[1], samples=1600)
"""


def test_a_killed_process_is_gone_on_from(tmp_path: Path) -> None:
    folders = [str(Path(__file__).parent)]
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "a"), *folders], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    page = json.loads((tmp_path / "a" / "collection.json").read_text())
    assert 16 <= page["done"] < 1600
    with open(tmp_path / "a" / "000.npy", "ab") as file:
        file.write(b"half a batch that the page does not count")
    found = collect(net(), images(400), at=["0", "3"], to=tmp_path / "a")
    whole = collect(net(), images(400), at=["0", "3"], to=tmp_path / "b")
    assert all(np.array_equal(found.array(site), whole.array(site)) for site in ("0", "3"))


def test_two_processes_do_not_write_into_one_folder(tmp_path: Path) -> None:
    half(tmp_path)
    store = _store.Store(tmp_path, _store.read_page(tmp_path))
    with pytest.raises(StoreError, match="another process"):
        collect(net(), images(), at=["0", "3"], to=tmp_path)
    store.close()
    assert collect(net(), images(), at=["0", "3"], to=tmp_path).samples == 20


def test_a_full_disk_is_said_and_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(_store.Store, "_write_head", lambda *_: full())
        with pytest.raises(StoreError, match="No space left"):
            collect(net(), images(), at="3", to=tmp_path / "run")
    half(tmp_path / "other", after=1)
    with monkeypatch.context() as patched:
        patched.setattr(_store.Store, "_write_page", lambda *_: full())
        with pytest.raises(StoreError, match="No space left"):
            collect(net(), images(), at=["0", "3"], to=tmp_path / "other")
    assert collect(net(), images(), at=["0", "3"], to=tmp_path / "other").samples == 20


def test_the_model_is_left_as_it_was(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.random.get_rng_state()
    collect(model, torch.ones(5, 2), to=tmp_path)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_outputs_that_cannot_be_collected(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="first axis is the sample"):
        collect(nn.LSTM(2, 3, batch_first=True), torch.zeros(4, 5, 2), at="[1][0]", to=tmp_path / "a")
    with pytest.raises(ShapeError, match=r"after 4 samples '' gives .*, .* before"):
        collect(nn.Identity(), [torch.zeros(4, 2), torch.zeros(4, 3)], to=tmp_path / "b")
    with pytest.raises(DataError, match="no batches"):
        collect(nn.Identity(), [], to=tmp_path / "c")


def test_what_was_not_collected_or_is_damaged(tmp_path: Path) -> None:
    found = collect(net(), images(), at=["0", "3"], to=tmp_path)
    with pytest.raises(SiteError, match="nothing was collected at '2'"):
        found.array("2")
    with open(tmp_path / "001.npy", "r+b") as file:
        file.truncate(200)
    with pytest.raises(StoreError, match="cannot be read"):
        found.array("3")
    (tmp_path / "collection.json").write_text("{}")
    with pytest.raises(StoreError, match="no collection"):
        Collected.load(tmp_path)
