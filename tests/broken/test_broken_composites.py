"""For every check of composite neurons one that fails it, and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from neurofn.functions import Parameter
from neurofn.neurons.composites import Composite, Weights, catalogue
from neurofn.testing._composites import COMPOSITE_CHECKS


class Plain(Composite):
    """A sound neuron, from which the broken ones are made.

    >>> Plain().dense(2, 1)
    CompositeLayer(broken, 2 -> 1)
    """

    name = "broken"
    formula = "sum_i tanh(w_i*x_i)"
    source = "an example"
    spread = (0.2, 2.0)

    def begin(self, n_in: int, n_out: int) -> dict[str, Tensor]:
        return {"weight": torch.randn(n_in, n_out) / n_in**0.5}

    def count(self, n_in: int, n_out: int) -> int:
        return n_in * n_out

    def compute(self, x: Tensor, w: Weights) -> Tensor:
        return (x.unsqueeze(-1) * w["weight"]).tanh().sum(-2)

    def definition(self, x: Tensor, w: Weights) -> Tensor:
        return sum(((x[..., i : i + 1] * row).tanh() for i, row in enumerate(w["weight"])), torch.zeros(()))


class Doubled(Parameter):
    def check(self, name: str, value: object) -> float:
        return 2 * super().check(name, value)


class _Half(torch.autograd.Function):
    """x * scale, with half its slope in the second backward pass alone."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad + (grad - grad.detach())

    @staticmethod
    def vmap(info: Any, in_dims: Any, x: Tensor) -> tuple[Tensor, Any]:
        return x.clone(), in_dims[0]


def same(change: Callable[[Plain, Tensor], Tensor]) -> dict[str, Any]:
    """Both paths changed alike."""

    def compute(self: Plain, x: Tensor, w: Weights) -> Tensor:
        return change(self, Plain.compute(self, x, w))

    def definition(self: Plain, x: Tensor, w: Weights) -> Tensor:
        return change(self, Plain.definition(self, x, w))

    return {"compute": compute, "definition": definition}


def off(self: Plain, x: Tensor, w: Weights) -> Tensor:
    return Plain.compute(self, x, w) + 0.01


def half_detached(_: Plain, y: Tensor) -> Tensor:
    return y / 2 + y.detach() / 2


def below_its_batch(_: Plain, y: Tensor) -> Tensor:
    return y - y.mean() if y.ndim > 1 and len(y) else y


def needs_rows(_: Plain, y: Tensor) -> Tensor:
    if not y.numel():
        raise RuntimeError("no rows")
    return y


def looks_at_values(_: Plain, y: Tensor) -> Tensor:
    return y if y.numel() == 0 or float(y.detach().flatten()[0]) != 123.0 else -y


def idle(self: Plain, n_in: int, n_out: int) -> dict[str, Tensor]:
    return {**Plain.begin(self, n_in, n_out), "idle": torch.zeros(2)}


def large(self: Plain, n_in: int, n_out: int) -> dict[str, Tensor]:
    return {"weight": 100 * torch.randn(n_in, n_out)}


SHIFTS: dict[int, int] = {}


def kept_aside(self: Plain, x: Tensor, w: Weights) -> Tensor:
    """A shift that belongs to the layer and is not in its state."""
    return Plain.definition(self, x, w) + SHIFTS.setdefault(id(w["weight"]), len(SHIFTS))


BROKEN: dict[str, dict[str, Any]] = {
    "equals_its_definition": {"compute": off},
    "gradients_are_slopes": same(half_detached),
    "second_gradients_are_slopes": same(lambda _, y: _Half.apply(y)),  # type: ignore[no-untyped-call]
    "empty_batch": same(needs_rows),
    "rows_are_independent": same(below_its_batch),
    "nan_is_not_hidden": same(lambda _, y: y.nan_to_num(0.0)),
    "variance_is_kept": {"begin": large},
    "every_parameter_counts": {"begin": idle, "count": lambda self, n_in, n_out: n_in * n_out + 2},
    "state_round_trip": {"compute": kept_aside, "definition": kept_aside},
    "text_round_trip": {"settings": {"a": Doubled(1.0)}},
    "vmap_equals_a_loop": same(looks_at_values),
    "says_what_it_is": {"source": ""},
}


@pytest.fixture
def broken(request: pytest.FixtureRequest) -> Iterator[Composite]:
    kind = type("Broken", (Plain,), {"__doc__": Plain.__doc__, **BROKEN[request.param]})
    catalogue.add("broken", kind)
    yield kind(**({"a": 3.0} if "settings" in BROKEN[request.param] else {}))
    catalogue.remove("broken")


def failed(part: Composite) -> set[str]:
    found = set()
    for name, check in COMPOSITE_CHECKS.items():
        try:
            check(part)
        except AssertionError:
            found.add(name)
    return found


@pytest.mark.parametrize("broken", BROKEN, indirect=True, ids=str)
def test_a_broken_composite_fails_its_check_and_no_other(broken: Composite, request: pytest.FixtureRequest) -> None:
    assert failed(broken) == {request.node.callspec.params["broken"]}


def test_every_check_has_a_broken_composite() -> None:
    assert set(BROKEN) == set(COMPOSITE_CHECKS)


def test_the_sound_one_fails_nothing() -> None:
    catalogue.add("broken", Plain)
    try:
        assert failed(Plain()) == set()
    finally:
        catalogue.remove("broken")
