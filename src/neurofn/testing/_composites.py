"""The conformance suite of composite neurons. Every check takes one with its settings and raises AssertionError."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._errors import NeurofnError
from ..neurons.composites import Composite, composite

if TYPE_CHECKING:
    from torch import Tensor

    from ..neurons.composites._layer import CompositeLayer

__all__ = ["COMPOSITE_CHECKS"]

_IN, _OUT, _ROWS = 6, 5, 7


def _layer(part: Composite, n_in: int = _IN, n_out: int = _OUT, *, trained: bool = True) -> CompositeLayer:
    """A layer in double precision; ``trained``: moved off its start, where weights of 0 hide what they do."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = part.dense(n_in, n_out).double()
        if trained:
            with torch.no_grad():
                for weight in layer.parameters():
                    weight.add_(torch.randn_like(weight), alpha=0.1)
    return layer


def _inputs(rows: int = _ROWS, columns: int = _IN) -> Tensor:
    import torch

    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def _close(got: Tensor, expected: Tensor, what: str) -> None:
    assert got.shape == expected.shape, f"{what}: shape {tuple(got.shape)}, expected {tuple(expected.shape)}"
    scale = float(expected.detach().abs().max()) if expected.numel() else 0.0
    difference = float((got - expected).detach().abs().max()) if expected.numel() else 0.0
    assert difference <= 1e-9 * (1 + scale), f"{what}: differs by {difference:.3g} where values reach {scale:.3g}"


def check_equals_its_definition(part: Composite) -> None:
    """The fast path gives what the definition gives, and so do its gradients."""
    import torch

    layer, x = _layer(part), _inputs().requires_grad_()
    _close(layer(x), layer.definition(x), f"{part}")
    targets, weight = [x, *layer.parameters()], _inputs(_ROWS, _OUT)
    fast = torch.autograd.grad((layer(x) * weight).sum(), targets, allow_unused=True)
    slow = torch.autograd.grad((layer.definition(x) * weight).sum(), targets, allow_unused=True)
    for index, (got, expected) in enumerate(zip(fast, slow, strict=True)):
        assert (got is None) == (expected is None), f"{part}: gradient {index} exists on one path only"
        if got is not None and expected is not None:
            _close(got, expected, f"{part}: gradient {index}")


def check_gradients_are_slopes(part: Composite) -> None:
    """Gradients equal difference quotients."""
    import torch

    agree = torch.autograd.gradcheck(_layer(part), (_inputs(3).requires_grad_(),), raise_exception=False)
    assert agree, f"{part}: the gradient of the inputs is not the slope of the outputs"


def check_second_gradients_are_slopes(part: Composite) -> None:
    """So do the gradients of gradients."""
    import torch

    layer, x = _layer(part), _inputs(3).requires_grad_()
    slope = torch.autograd.grad(layer(x).sum(), x, create_graph=True)[0]
    if not slope.requires_grad or torch.autograd.grad(slope.sum(), x, allow_unused=True)[0] is None:
        return  # linear in the inputs, or in each piece
    agree = torch.autograd.gradgradcheck(layer, (x,), (_inputs(3, _OUT).requires_grad_(),), raise_exception=False)
    assert agree, f"{part}: the second gradient of the inputs is not the slope of the first"


def check_empty_batch(part: Composite) -> None:
    """No rows in, no rows out."""
    try:
        shape = tuple(_layer(part)(_inputs(0)).shape)
    except (RuntimeError, IndexError, ValueError) as error:
        raise AssertionError(f"{part}: an empty batch raises {error}") from None
    assert shape == (0, _OUT), f"{part}: an empty batch gives shape {shape}"


def check_rows_are_independent(part: Composite) -> None:
    """A row alone, in a batch, and under more leading dimensions gives the same output."""
    layer, x = _layer(part), _inputs()
    together = layer(x)
    for row in range(_ROWS):
        _close(layer(x[row]), together[row], f"{part}: row {row} alone")
    _close(layer(x[:6].reshape(2, 1, 3, _IN)), together[:6].reshape(2, 1, 3, _OUT), f"{part}: with four dimensions")


def check_nan_is_not_hidden(part: Composite) -> None:
    """A NaN among the inputs of a row is seen in its output."""
    x = _inputs()
    x[2, 3] = float("nan")
    output = _layer(part)(x)[2]
    assert bool(output.isnan().all()), f"{part}: an input of NaN gives {output.tolist()}"


def check_variance_is_kept(part: Composite) -> None:
    """Standard normal inputs give outputs whose variance at the start lies within the stated bounds."""
    low, high = part.spread
    variance = float(_layer(part, 32, 32, trained=False)(_inputs(512, 32)).detach().var())
    assert low <= variance <= high, f"{part}: variance {variance:.3g} at the start, stated [{low}, {high}]"


def check_every_parameter_counts(part: Composite) -> None:
    """As many parameters as declared, and each tensor of them has an influence, at the start too."""
    import torch

    layer = _layer(part, trained=False)
    count, declared = sum(weight.numel() for weight in layer.parameters()), part.count(_IN, _OUT)
    assert count == declared, f"{part}: {count} parameters, declared are {declared}"
    names, weights = zip(*layer.named_parameters(), strict=True)
    total = (layer(_inputs(64)) * _inputs(64, _OUT)).sum()
    for name, gradient in zip(names, torch.autograd.grad(total, weights, allow_unused=True), strict=True):
        assert gradient is not None, f"{part}: parameter {name} has no influence"
        assert bool((gradient != 0).any()), f"{part}: parameter {name} has no influence"


def check_state_round_trip(part: Composite) -> None:
    """A layer that loads the saved state of another computes the same."""
    import torch

    layer, x, file = _layer(part), _inputs(), io.BytesIO()
    for buffer in layer.buffers():
        buffer.mul_(0.5)
    torch.save(layer.state_dict(), file)
    file.seek(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        other = part.dense(_IN, _OUT).double()
    other.load_state_dict(torch.load(file, weights_only=True))
    _close(other(x), layer(x), f"{part}: after its state is loaded")


def check_text_round_trip(part: Composite) -> None:
    """Its text reads as the same composite, with the same settings."""
    try:
        again = composite(str(part))
    except NeurofnError as error:
        raise AssertionError(f"{part}: its own text cannot be read: {error}") from None
    assert again == part, f"{part}: read again it is {again} with {again.values}"


def check_vmap_equals_a_loop(part: Composite) -> None:
    """A stack of batches under ``vmap`` gives what each gives alone."""
    import torch

    layer, x = _layer(part), _inputs(6).reshape(2, 3, _IN)
    try:
        stacked = torch.func.vmap(layer)(x)
    except RuntimeError as error:
        raise AssertionError(f"{part}: vmap raises {str(error).splitlines()[0]}") from None
    _close(stacked, torch.stack([layer(each) for each in x]), f"{part}: under vmap")


def check_says_what_it_is(part: Composite) -> None:
    """A formula, a source and a docstring with an example."""
    words: dict[str, Any] = {"formula": part.formula, "source": part.source}
    empty = [name for name, text in words.items() if not text]
    assert not empty, f"{part}: no {' and no '.join(empty)}"
    assert ">>>" in (inspect.getdoc(type(part)) or ""), f"{part}: its docstring has no example"


COMPOSITE_CHECKS: dict[str, Callable[[Composite], None]] = {
    name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")
}
"""Every check of the suite by name."""
