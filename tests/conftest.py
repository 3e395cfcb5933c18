"""For all tests: the guards of global state and of the disk, a random state to use, and --part for a share of the tests."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator

import pytest
import rich.style

import _guards

# rich, which others load too, draws names of links from Python's global random numbers, even while it is imported.
if hasattr(rich.style, "getrandbits"):
    rich.style.getrandbits = random.Random(0).getrandbits

_writes = _guards.WriteWatch()


@pytest.fixture(autouse=True)
def leaves_the_world_as_it_was() -> Iterator[None]:
    """Fail a test that moves global random state, torch's settings or hooks, or writes outside temporary folders."""
    before = _guards.snapshot()
    _writes.offences.clear()
    _writes.active = True
    try:
        yield
    finally:
        _writes.active = False
    offences = _guards.moved(before, _guards.snapshot()) + [f"wrote: {path}" for path in _writes.offences]
    if offences:
        pytest.fail(
            "the test left the world changed; use torch.Generator, fork_rng and tmp_path:\n" + "\n".join(offences),
            pytrace=False,
        )


@pytest.fixture
def random_state_of_its_own() -> Iterator[None]:
    """For tests that build layers, whose weights are drawn from the global numbers: the same at every start, then put back."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", default="1/1", metavar="I/N", help="run the I-th of N shares of the selected tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    index, count = (int(number) for number in config.getoption("--part").split("/"))
    if count > 1:
        kept = [item for item in items if share(item.nodeid, count) == index]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def share(nodeid: str, count: int) -> int:
    """The share, from 1 to count, of a test; by its name, so that a new test does not move the others."""
    return int.from_bytes(hashlib.sha256(nodeid.encode()).digest()[:4]) % count + 1
