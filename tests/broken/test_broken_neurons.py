"""For every check of the neuron suite one broken part that fails this check and no other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from neurofn.aggregates import Aggregate
from neurofn.aggregates import catalogue as aggregates
from neurofn.edges import Basis, Edge, find_edge
from neurofn.edges import catalogue as edges
from neurofn.functions import Count, Learn, Parameter
from neurofn.neurons import init, neuron
from neurofn.testing._neurons import NEURON_CHECKS

calls = itertools.count()


def total(e: Tensor) -> Tensor:
    return e.sum(-2)


def half_detached(e: Tensor) -> Tensor:
    return total(e + e.detach()) / 2


def below_its_batch(e: Tensor) -> Tensor:
    value = total(e)
    return value - value.mean(dim=tuple(range(value.ndim - 1)))


def looks_at_values(e: Tensor) -> Tensor:
    return total(e) if e.detach().sum().item() < 1e300 else 2 * total(e)


def needs_rows(e: Tensor) -> Tensor:
    return total(e) + 0 * e.detach().max()


def aggregate(
    reduce: Callable[[Tensor], Tensor], definition: Callable[[Tensor], Tensor] = total, **facts: Any
) -> Aggregate:
    return Aggregate("broken", "", "", reduce, definition, **facts)


def edge(terms: Callable[..., Tensor], *, parameters: Any = None, **facts: Any) -> Edge:
    inner = parameters or {}
    values = {name: spec.default for name, spec in inner.items()}
    return Edge("broken", "", "", facts.pop("settings", {}), lambda **_: Basis(1, terms, terms, inner, values), **facts)


def needs_every_edge(e: Tensor) -> Tensor:
    return total(e) + (e == 0).sum(-2)


class TotalOnce(torch.autograd.Function):
    """A sum whose gradient is right and has none itself."""

    generate_vmap_rule = True

    @staticmethod
    def forward(e: Tensor) -> Tensor:
        return e.sum(-2)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.count = inputs[0].shape[-2]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        return grad.detach().unsqueeze(-2).expand(*grad.shape[:-1], ctx.count, grad.shape[-1])


def once(e: Tensor) -> Tensor:
    total: Tensor = TotalOnce.apply(e)
    return total


def higher_by_its_grid() -> Edge:
    """A spline times its number of cells: a finer one is another function."""

    def build(grid: int) -> Basis:
        spline = find_edge("bspline").basis({"grid": grid})

        def terms(x: Tensor, **given: Any) -> Tensor:
            return grid * spline.terms(x, **given)

        return Basis(spline.size, terms, terms, interval=spline.interval, breaks=grid, order=3)

    return Edge("broken", "", "", {"grid": Count(4)}, build)


def without_a_width() -> Edge:
    def terms(x: Tensor) -> Tensor:
        return x.unsqueeze(-1)

    return Edge("broken", "", "", {}, lambda: Basis(1, terms, terms, interval=(0.0, 0.0)))


class Doubled(Parameter):
    def check(self, name: str, value: object) -> float:
        return 2 * super().check(name, value)


def shifted_anew() -> Edge:
    def build() -> Basis:
        shift = next(calls) / 10

        def terms(x: Tensor) -> Tensor:
            return (x + shift).unsqueeze(-1)

        return Basis(1, terms, terms)

    return Edge("broken", "", "", {}, build)


BROKEN = {
    "forward_equals_definition": aggregate(lambda e: total(e) + 0.01),
    "backward_equals_definition": aggregate(total, half_detached),
    "gradients_are_slopes": aggregate(half_detached, half_detached),
    "text_round_trip": edge(lambda x: x.unsqueeze(-1), settings={"a": Doubled(1.0)}),
    "every_parameter_counts": edge(lambda x, **_: x.unsqueeze(-1), parameters={"idle": Learn(1.0)}),
    "rows_are_independent": aggregate(below_its_batch, below_its_batch),
    "empty_batch": aggregate(needs_rows),
    "nan_is_not_hidden": edge(lambda x: x.nan_to_num(0.0).unsqueeze(-1)),
    "variance_is_kept": aggregate(lambda e: total(e) ** 3 * 30, lambda e: total(e) ** 3 * 30, degree=lambda n: 1.0),
    "outside_is_as_declared": edge(
        lambda x: x.unsqueeze(-1), settings={"low": Learn(-1.0), "high": Learn(1.0)}, constant_outside=True
    ),
    "the_same_text_is_the_same_basis": shifted_anew(),
    "vmap_equals_a_loop": aggregate(looks_at_values),
    "raw_units_do_not_matter": without_a_width(),
    "pruned_edges_are_zero": aggregate(total, needs_every_edge),
    "refinement_keeps_the_function": higher_by_its_grid(),
    "slopes_have_slopes": aggregate(once, once),
}


@pytest.fixture
def registered(request: pytest.FixtureRequest) -> Iterator[str]:
    part = BROKEN[request.param]
    catalogue: Any = aggregates if isinstance(part, Aggregate) else edges
    catalogue.add("broken", part)
    settings = "(a=3.0)" if isinstance(part, Edge) and "a" in part.settings else ""
    yield "broken(linear)" if isinstance(part, Aggregate) else f"sum(broken{settings})"
    catalogue.remove("broken")
    for cached in (init.bases_of, init.power_of, init.start):
        cached.cache_clear()


@pytest.mark.filterwarnings("ignore:.*lie outside")
@pytest.mark.parametrize("registered", BROKEN, indirect=True, ids=str)
def test_a_broken_part_fails_its_check_and_no_other(registered: str, request: pytest.FixtureRequest) -> None:
    subject = neuron(registered)
    failed = set()
    for name, check in NEURON_CHECKS.items():
        try:
            check(subject)
        except AssertionError:
            failed.add(name)
    assert failed == {request.node.callspec.params["registered"]}


def test_every_check_has_a_broken_part() -> None:
    assert set(BROKEN) == set(NEURON_CHECKS)
