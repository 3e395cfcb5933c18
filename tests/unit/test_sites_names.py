"""Names of places: those of wrappers are left out, and hostile ones are names."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neurofn.sites import Site, find_module, find_sites, tap, to_rows

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


def found(model: nn.Module, at: Any) -> list[tuple[str, str, int]]:
    return [(site.path, site.kind, site.axis) for site in find_sites(model, at)]


def shape(model: nn.Module, path: str, x: Tensor) -> tuple[int, ...]:
    (site,), rows = find_sites(model, path), []
    stop = tap(model, site, lambda value: rows.append(to_rows(value, site)))
    model(x)
    stop()
    return tuple(rows[0].shape)


class Wrapped(nn.Module):
    def __init__(self, step: str, inner: nn.Module) -> None:
        super().__init__()
        self.add_module(step, inner)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = next(self.children())(x)
        return result


@pytest.mark.parametrize("step", ["_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_orig_mod"])
def test_steps_of_wrappers_are_left_out(step: str) -> None:
    model = nn.Sequential(Wrapped(step, nn.Sequential(nn.Linear(2, 3), nn.Tanh())))
    assert [path for path, _, _ in found(Wrapped(step, model), ["*", "0.0:input"])] == ["0.0", "0.0:input", "0.1"]
    assert find_module(model, Site("0.1", "Tanh", -1)) is model[0].get_submodule(f"{step}.1")


def test_data_parallel_keeps_names_and_other_modules_called_module_too() -> None:
    inner = nn.Sequential(nn.Linear(2, 3), Wrapped("module", nn.Tanh()))
    assert [path for path, _, _ in found(nn.DataParallel(inner), "*")] == ["0", "1", "1.module"]


def test_names_that_look_like_addresses_are_names_first() -> None:
    model = nn.Sequential()
    names = ("a[0]", "b:input", "c@2", "d['x']", "e\x1b[31m<b>")
    for name in names:
        model.add_module(name, nn.Linear(2, 2))
    for name in names:
        assert found(model, name) == [(name, "Linear", -1)]
        assert shape(model, name, torch.ones(1, 2)) == (1, 2)
        assert found(model, f"{name}:input") == [(f"{name}:input", "Linear", -1)]


def test_brackets_of_a_pattern_stay_signs_of_a_pattern() -> None:
    model = nn.Sequential(*(nn.LSTM(2, 2) for _ in range(3)))
    assert [path for path, _, _ in found(model, "[12]")] == ["1", "2"]
    assert [path for path, _, _ in found(model, "[12]:output[1][1]")] == ["1[1][1]", "2[1][1]"]
