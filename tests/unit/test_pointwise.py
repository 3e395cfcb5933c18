"""Passes in C++ that are written from the formula: the measure of the function suite, and the plain code as their slow twin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest
import torch
from torch import Tensor

from neurofn._syntax import WORDS
from neurofn.functions import Function, catalogue
from neurofn.functions._facts import Facts
from neurofn.saving import Fused, _pointwise, fused
from neurofn.saving._fused import _Fused
from neurofn.saving._kernel import kernel
from neurofn.saving._pointwise import Pointwise, pointwise
from neurofn.testing import _function_numbers as numbers

pytestmark = pytest.mark.skipif(kernel() is None, reason="there is no C++ compiler")

OF_TWO = {
    "logaddexp(z, 0.5)", "logaddexp(z, z/2)", "hypot(1, z)", "hypot(z, 1e-30)", "hypot(z/2, z)", "max(z, 2*z)", "min(z, z**2)",
    "max(0.5, z)", "min(z, -0.5)", "clip(z, -1, 2)", "abs(z)**2.2", "abs(z)**0.3", "(1 + abs(z))**-1.7", "z**-3.0", "z**5",
    "abs(z)**2.5", "2**z", "where(z < 0, z**2, 3*z)", "T(3, z)", "tanh(softplus(z))", "sign(z)*sqrt(abs(z))",
}  # fmt: skip
ALONE = {word for word, count in WORDS.items() if count == 1} - {"gamma", "ln", "sqrt"}
FORMULAS = sorted(OF_TWO | {f"{word}(z)" for word in ALONE})
# where a form passes into another
SEAMS = (
    0.5, -0.5, 2.4142137, 0.41421357, -2.4142137, 16.0, -16.0, 30000.0, -30000.0, 2.0**60, 2.0**-60, 1e18, 20.0, 2.0,
)  # fmt: skip
CHECKS = [numbers.check_values, numbers.check_first_derivative, numbers.check_finite, numbers.check_nan_and_infinity]
USERS = [name for name, function in catalogue.items() if function.code is None and function.member is None]
SAMPLE = {*USERS[::20], "mish", "gelu", "silu"}
SIZES = (0, 1, 15, 16, 17, 4096, 5000, 70_001)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def in_machine_code(function: Function) -> Function:
    """The same function, whose code are its passes in C++, at whatever settings it is asked for."""

    def code(z: Tensor, **values: float) -> Tensor:
        result: Tensor = _Fused.apply(z, passes_of(function, **values))  # type: ignore[no-untyped-call]
        return result

    return replace(function, code=code)


def passes_of(function: Function, **values: float) -> Pointwise:
    found = pointwise(function, values, (), None)
    assert found is not None
    return found


@pytest.fixture
def float32_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "DTYPES", (torch.float32,))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_word_holds_the_measure(formula: str, check: Callable[[Function], None], float32_alone: None) -> None:
    check(in_machine_code(Function("word", formula, "declared by this test", facts=Facts(kinks=SEAMS))))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in USERS]
)
def test_the_catalogue_holds_the_measure(name: str, check: Callable[[Function], None], float32_alone: None) -> None:
    check(in_machine_code(catalogue[name]))


def test_a_word_with_a_cancellation_does_not(monkeypatch: pytest.MonkeyPatch, float32_alone: None) -> None:
    words = _pointwise._words().replace("y = (t * p.q + (t - 0.5f)) * 2.0f;", "y = power(p) - 1.0f;")
    assert words != _pointwise._words()
    monkeypatch.setattr(_pointwise, "_words", lambda: words)
    monkeypatch.setattr(_pointwise, "_made", {})
    worse = in_machine_code(Function("word", "expm1(z) + 0*z", "declared by this test"))
    with pytest.raises(AssertionError, match="value is"):
        numbers.check_values(worse)


# ---- the slow twin ------------------------------------------------------------------------------------------------------


def slopes(module: Callable[[Tensor], Tensor], z: Tensor, learned: Sequence[Tensor]) -> tuple[Tensor, ...]:
    g = normal(*z.shape, seed=1)
    return torch.autograd.grad(module(z), [z, *learned], g, allow_unused=True, materialize_grads=True)


def agree(one: Fused, z: Tensor) -> None:
    z = z.detach().requires_grad_()
    learned = list(one.plain.parameters())
    node: Any = one(z).grad_fn
    assert isinstance(node.passes, Pointwise)
    torch.testing.assert_close(one(z), one.plain(z), rtol=2e-5, atol=2e-5, equal_nan=True)
    wide = copy_in_double(one)
    exact = slopes(wide.plain, z.detach().double().requires_grad_(), list(wide.plain.parameters()))
    for found, true, plain in zip(slopes(one, z, learned), exact, slopes(one.plain, z, learned), strict=True):
        scale = 1 + float(plain.abs().max()) if plain.numel() else 1.0  # sums of thousands lose what their terms do
        torch.testing.assert_close(found.double(), true, rtol=1e-4, atol=1e-4 * scale, equal_nan=True)


def copy_in_double(one: Fused) -> Fused:
    settings: dict[str, Any] = {
        name: float(torch.as_tensor(value).detach()) for name, value in one.plain.values().items()
    }
    return fused(one.plain.function, **settings).double()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["mish", "swish", "tanh", "elu", "acon_c"])
def test_values_and_gradients_are_those_of_the_plain_module(name: str, size: int) -> None:
    agree(fused(name), normal(size))


@pytest.mark.parametrize("name", sorted(SAMPLE))
def test_what_learns_gets_the_same_gradient(name: str) -> None:
    agree(fused(name), normal(300))


def test_any_layout_of_memory() -> None:
    z = normal(12, 20, 30)
    for view in (z.transpose(0, 2), z[::2, 3:, ::5], z.permute(1, 2, 0)[4], z[0, 0, 0], z[:1].expand(3, 20, 30)):
        agree(fused("swish"), view)
    one = fused("mish")
    leaf = z.clone().requires_grad_()
    one(leaf).sum().backward()  # an upstream gradient without memory of its own
    torch.testing.assert_close(leaf.grad, slopes_of_ones(one.plain, z))


def slopes_of_ones(module: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    z = z.clone().requires_grad_()
    return torch.autograd.grad(module(z).sum(), z)[0]


@pytest.mark.parametrize(
    "name", ["mish", "relu6", "hard_swish", "gelu", "softplus", "sine", "arctan", "elu", "tanh", "symexp"]
)
def test_nan_and_infinities(name: str) -> None:
    z = torch.tensor([nan, inf, -inf, 0.0, -0.0, 1e38, -1e38, 1e-45, 1.0] * 5)
    one = fused(name)
    torch.testing.assert_close(one(z), one.plain(z), equal_nan=True)
    assert one(z)[::9].isnan().all()
    found, plain = (slopes_of_ones(module, z) for module in (one, one.plain))
    finite = plain.isfinite() & z.isfinite()
    torch.testing.assert_close(found[finite], plain[finite], rtol=1e-5, atol=1e-6)


def test_two_threads_give_the_bits_of_one() -> None:
    one, z = fused("swish"), normal(300_000).requires_grad_()
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append([one(z), *slopes(one, z, list(one.plain.parameters()))])
    finally:
        torch.set_num_threads(threads)
    for alone, together in zip(*found, strict=True):
        assert torch.equal(alone, together)


def test_it_can_be_differentiated_twice() -> None:
    for name in ("mish", "swish", "tanh", "acon_c"):
        one, z = fused(name), normal(50).requires_grad_()
        twice = []
        for module in (one, one.plain):
            first = torch.autograd.grad(module(z).square().sum(), [z, *one.plain.parameters()], create_graph=True)
            twice.append(
                torch.autograd.grad(torch.stack([part.sum() for part in first]).sum(), [z, *one.plain.parameters()])
            )
        torch.testing.assert_close(*twice, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_formats_take_other_passes(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    from neurofn.saving import _fused

    monkeypatch.setattr(_fused, "_compile", lambda code: code)
    monkeypatch.setattr(_fused, "_made", {})
    for one, z in (
        (fused("mish"), normal(8).to(dtype)),
        (fused("acon_c", channels=3), normal(4, 3)),
        (fused("swish").to(dtype), normal(8)),
    ):
        node: Any = one(z.requires_grad_()).grad_fn
        assert not isinstance(getattr(node, "passes", None), Pointwise)


def test_functions_with_code_of_their_own_have_none() -> None:
    for name in ("rational", "snake", "relu"):
        assert pointwise(catalogue[name], catalogue[name].defaults, (), None) is None
    assert pointwise(Function("constant", "2.5", "declared by this test"), {}, (), None) is None


def test_equal_parts_are_computed_once() -> None:
    from neurofn.formula import Formula
    from neurofn.saving._graph import graph_of

    words = [o.word for o in graph_of(Formula("(exp(z) + a*2)/(exp(z) + a*2 + 1)").tree, frozenset("a")).operations]
    assert words == ["z", "exp", "outside", "+", "number", "+", "/"]
