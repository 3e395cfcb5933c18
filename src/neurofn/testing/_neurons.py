"""The conformance suite of neurons: what must hold for every edge under every aggregate.

A part is checked through the neurons it makes: an edge as ``sum(edge)`` and ``mean(edge)``, an aggregate over a linear and a
spline edge. Every check takes a neuron and raises AssertionError with what it saw.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..aggregates import Aggregate
from ..aggregates import catalogue as aggregates
from ..edges import Basis, Edge, find_edge
from ..functions import catalogue as functions
from ..functions import moments
from ..neurons.language import Neuron, Term, neuron
from . import _neuron_grids
from ._neuron_layers import IN, OUT, ROWS, close, gathered, inputs, layer_of

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["NEURON_CHECKS", "neurons_of"]


def neurons_of(part: Edge | Aggregate | Neuron) -> list[Neuron]:
    """The neurons through which a part is checked."""
    if isinstance(part, Neuron):
        return [part]
    if isinstance(part, Edge):
        return [neuron(f"{aggregate}({part.name})") for aggregate in ("sum", "mean", "max")]
    return [neuron(f"{part.name}({edge})") for edge in ("linear", "bspline", "silu + bspline(grid=3)")]


def check_forward_equals_definition(part: Neuron) -> None:
    """The fast path gives what the definition gives."""
    for init in ("fan_in", "matched"):
        layer, x = layer_of(part, init), inputs()
        close(layer(x), layer.definition(x), f"{part} ({init}, path {layer.path})")


def check_backward_equals_definition(part: Neuron) -> None:
    """So do the gradients of inputs and parameters."""
    import torch

    layer, x = layer_of(part), inputs().requires_grad_()
    targets = [x, *layer.parameters()]
    weight = inputs(ROWS, OUT)
    fast = torch.autograd.grad((layer(x) * weight).sum(), targets, allow_unused=True)
    slow = torch.autograd.grad((layer.definition(x) * weight).sum(), targets, allow_unused=True)
    for index, (got, expected) in enumerate(zip(fast, slow, strict=True)):
        assert (got is None) == (expected is None), f"{part}: gradient {index} exists on one path only"
        if got is not None and expected is not None:
            close(got, expected, f"{part}: gradient {index}")


def check_gradients_are_slopes(part: Neuron) -> None:
    """Gradients equal difference quotients."""
    import torch

    layer = layer_of(part)
    agree = torch.autograd.gradcheck(layer, (inputs(3).requires_grad_(),), raise_exception=False)
    assert agree, f"{part}: the gradient of the inputs is not the slope of the outputs"


def check_text_round_trip(part: Neuron) -> None:
    """The canonical text reads as the same neuron."""
    from .._errors import NeurofnError

    try:
        again = neuron(str(part))
    except NeurofnError as error:
        raise AssertionError(f"{part}: its own text cannot be read: {error}") from None
    assert again == part, f"{part}: read again it is {again}"


def check_every_parameter_counts(part: Neuron) -> None:
    """As many parameters as the edges declare, and each has an influence."""
    import torch

    layer = layer_of(part)
    expected = 0
    for tree in gathered(part.tree):
        bases = [find_edge(term.name).basis(dict(term.settings)) for term in tree.edge]
        expected += sum(basis.size * IN * OUT + len(basis.parameters) * (basis.shared or IN) for basis in bases)
        expected += OUT if dict(tree.settings).get("bias", True) else 0
        expected += OUT * sum(spec.learned for spec in aggregates[tree.aggregate].settings.values())
    inside = sum(p.numel() for name, p in layer.named_parameters() if ".activation." in f".{name}")
    count = sum(p.numel() for p in layer.parameters())
    assert count == expected + inside, f"{part}: {count} parameters, declared are {expected + inside}"
    gradients = torch.autograd.grad(layer(inputs(64)).square().sum(), list(layer.parameters()), allow_unused=True)
    for (name, _), gradient in zip(layer.named_parameters(), gradients, strict=True):
        assert gradient is not None, f"{part}: parameter {name} has no influence"
        assert bool((gradient != 0).any()), f"{part}: parameter {name} has no influence"


def check_rows_are_independent(part: Neuron) -> None:
    """A row alone, in a batch, and under more leading dimensions gives the same output."""
    layer, x = layer_of(part), inputs()
    together = layer(x)
    for row in range(ROWS):
        close(layer(x[row]), together[row], f"{part}: row {row} alone")
    close(layer(x[:6].reshape(2, 1, 3, IN)), together[:6].reshape(2, 1, 3, OUT), f"{part}: with four dimensions")


def check_empty_batch(part: Neuron) -> None:
    """No rows in, no rows out."""
    try:
        shape = tuple(layer_of(part)(inputs(0)).shape)
    except (RuntimeError, IndexError, ValueError) as error:
        raise AssertionError(f"{part}: an empty batch raises {error}") from None
    assert shape == (0, OUT), f"{part}: an empty batch gives shape {shape}"


def check_nan_is_not_hidden(part: Neuron) -> None:
    """A NaN among the inputs of a row is seen in its output."""
    x = inputs()
    x[2, 3] = float("nan")
    output = layer_of(part)(x)[2]
    assert bool(output.isnan().all()), f"{part}: an input of NaN gives {output.tolist()}"


def check_variance_is_kept(part: Neuron) -> None:
    """Standard normal inputs give every aggregate a variance within its stated bounds, under both initialisations."""
    import torch

    for tree in gathered(part.tree):
        if not all(_has_variance(term) for term in tree.edge):
            continue
        low, high = aggregates[tree.aggregate].spread
        for init in ("fan_in", "matched"):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(3)
                layer = Neuron(tree).dense(24, 256, init=init).double()
            variance = float(layer(inputs(256, 24)).detach().var())
            assert low <= variance <= high, (
                f"{tree}: variance {variance:.3g} at the start ({init}), stated [{low}, {high}]"
            )


def _has_variance(term: Term) -> bool:
    """Whether a scale is to be kept: a function with a pole has no finite mean square, exact weights have their own."""
    if term.name in functions:
        return math.isfinite(moments(functions[term.name])["ff"])
    return not find_edge(term.name).basis(dict(term.settings)).exact


def _values(basis: Basis, x: Tensor) -> Tensor:
    """What an edge gives in a last axis: its terms, or the edge itself where it has none."""
    import torch

    if basis.direct is None:
        return basis.terms(x, **basis.values)
    return basis.direct(x, torch.linspace(0.1, 1, basis.size, dtype=x.dtype).expand(x.shape[-1], -1).unsqueeze(-1))


def _truth(name: str, x: Tensor) -> Tensor:
    """Values of a function by its formula; of an edge, which declares what it does outside, zeros."""
    import torch

    if name not in functions:
        return torch.zeros_like(x)
    values = functions[name].definition(x.numpy(), **functions[name].defaults)
    return torch.as_tensor(values, dtype=x.dtype).expand_as(x)


def check_outside_is_as_declared(part: Neuron) -> None:
    """Far outside its interval an edge does what it declares."""
    import torch

    for term in (term for tree in gathered(part.tree) for term in tree.edge):
        edge = find_edge(term.name)
        settings = {name: spec.default for name, spec in edge.settings.items()} | dict(term.settings)
        basis = edge.basis(dict(term.settings))
        far = torch.tensor([-1e4, 1e4], dtype=torch.float64)
        values = _values(basis, far)
        there_is_none = ~_truth(term.name, far).isfinite()  # exp(10000) is too large for any format
        fine = values.isfinite().all(dim=-1) | there_is_none
        assert bool(fine.all()), f"{term}: not finite at -10000 and 10000: {values.tolist()}"
        ends = (settings["low"], settings["high"]) if edge.constant_outside else basis.interval
        declared = "constant" if edge.constant_outside else basis.outside
        if ends is not None and declared is not None and basis.direct is None:
            _continues(basis, ends, declared, str(term))


def _continues(basis: Basis, ends: tuple[Any, Any], declared: str, name: str) -> None:
    """Beyond the ends every term keeps its value, or its slope, or is 0."""
    import torch

    border = torch.tensor(ends, dtype=torch.float64, requires_grad=True)
    far = border.detach() + torch.tensor([-7.0, 7.0], dtype=torch.float64)
    at = basis.terms(border, **basis.values)
    slopes = [
        torch.autograd.grad(at[:, k].sum(), border, retain_graph=True, allow_unused=True)[0]
        for k in range(at.shape[-1])
    ]
    slope = torch.stack([torch.zeros_like(border) if each is None else each for each in slopes], dim=-1)
    distance = (far - border).unsqueeze(-1)
    expected = {"constant": at, "linear": at + distance * slope, "zero": torch.zeros_like(at)}[declared]
    close(basis.terms(far, **basis.values), expected, f"{name}: is declared {declared} outside")


def check_the_same_text_is_the_same_basis(part: Neuron) -> None:
    """Nothing random hides in a basis: what a layer computes is its text and its state."""
    for term in (term for tree in gathered(part.tree) for term in tree.edge):
        first, second = (find_edge(term.name).basis(dict(term.settings)) for _ in range(2))
        x = inputs()
        close(_values(first, x), _values(second, x), f"{term}: built twice")


def check_vmap_equals_a_loop(part: Neuron) -> None:
    """A stack of networks under ``vmap`` gives what each gives alone."""
    import torch

    layer, x = layer_of(part), inputs(6).reshape(2, 3, IN)
    try:
        stacked = torch.func.vmap(layer)(x)
    except RuntimeError as error:
        raise AssertionError(f"{part}: vmap raises {str(error).splitlines()[0]}") from None
    close(stacked, torch.stack([layer(each) for each in x]), f"{part}: under vmap")


NEURON_CHECKS: dict[str, Callable[[Neuron], None]] = {
    name.removeprefix("check_"): check
    for name, check in [*globals().items(), *vars(_neuron_grids).items()]
    if name.startswith("check_")
}
"""Every check of the suite by name."""
