"""The guards see what they are there to see."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import _guards


def _python() -> Callable[[], None]:
    state = random.getstate()
    random.random()
    return lambda: random.setstate(state)


def _numpy() -> Callable[[], None]:
    state = np.random.get_state()
    np.random.random()
    return lambda: np.random.set_state(state)


def _torch() -> Callable[[], None]:
    state = torch.get_rng_state()
    torch.rand(1)
    return lambda: torch.set_rng_state(state)


def _dtype() -> Callable[[], None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    return lambda: torch.set_default_dtype(before)


def _threads() -> Callable[[], None]:
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    return lambda: torch.set_num_threads(before)


def _hook() -> Callable[[], None]:
    return torch.nn.modules.module.register_module_forward_hook(lambda *_: None).remove


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (_python, "Python's global random state"),
        (_numpy, "numpy's global random state"),
        (_torch, "torch's global random state"),
        (_dtype, "torch's default dtype"),
        (_threads, "torch's number of threads"),
        (_hook, "torch's _global_forward_hooks"),
    ],
)
def test_a_change_of_global_state_is_seen(change: Callable[[], Callable[[], None]], seen: str) -> None:
    before = _guards.snapshot()
    undo = change()
    try:
        found = _guards.moved(before, _guards.snapshot())
    finally:
        undo()
    assert [what.split(":")[0] for what in found] == [seen]
    assert _guards.moved(before, _guards.snapshot()) == []


def test_the_first_random_number_of_a_test_that_loads_torch_is_seen() -> None:
    state = torch.get_rng_state()
    before = {what: value for what, value in _guards.snapshot().items() if not what.startswith("torch")}
    try:
        torch.manual_seed(2**52)  # as large as a seed from the system
        assert _guards.moved(before, _guards.snapshot()) == []
        torch.rand(1)
        assert len(_guards.moved(before, _guards.snapshot())) == 1
        torch.manual_seed(1)
        assert len(_guards.moved(before, _guards.snapshot())) == 1
    finally:
        torch.set_rng_state(state)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (_guards.REPOSITORY / "results.json", False),
        (_guards.REPOSITORY / "src/neurofn/new.py", False),
        (Path.home() / "results.json", False),
        (Path("/etc/results.json"), False),
        (_guards.REPOSITORY / ".hypothesis/examples/1", True),
        (_guards.REPOSITORY / "src/neurofn/__pycache__/new.pyc", True),
        (Path.home() / ".cache/matplotlib/fontlist.json", True),
        (Path("/dev/null"), True),
    ],
)
def test_where_one_may_write(path: Path, allowed: bool) -> None:
    assert _guards.WriteWatch().allows(str(path)) is allowed


def test_a_write_is_heard(tmp_path: Path) -> None:
    watch = _guards.WriteWatch()
    watch._roots = ()  # now the temporary folder is out of bounds too
    watch.active = True
    try:
        (tmp_path / "file").write_text("x", encoding="utf-8")
        sqlite3.connect(tmp_path / "store").close()
        (tmp_path / "folder").mkdir()
        (tmp_path / "file").read_text(encoding="utf-8")
        (tmp_path / "file").unlink()
        (tmp_path / "folder" / "inside").mkdir()
        shutil.rmtree(tmp_path / "folder")
    finally:
        watch.active = False
    heard = ["open", "sqlite3.connect", "os.mkdir", "os.remove", "os.mkdir", "os.rmdir", "os.rmdir"]
    assert [offence.split()[0] for offence in watch.offences] == heard
    assert all(str(tmp_path) in offence for offence in watch.offences)
