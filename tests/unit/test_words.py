"""Words for compilers: the measure of the function suite holds for them too, alone, in the catalogue, as machine code.

Most tests only make the words believe that a compiler traces them, which shows what it would be given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import vjp

from neurofn._fast_words import FAST_WORDS
from neurofn.formula import Call, Formula, walk
from neurofn.functions import Function, catalogue
from neurofn.functions._facts import Facts
from neurofn.saving._fused import _Fused
from neurofn.testing import _function_numbers as numbers

FORMULAS = {
    **{word: f"{word}(z)" for word in FAST_WORDS},
    "tanh_softplus": "tanh(softplus(z))",
    "hypot": "hypot(1, z)", "hypot, tiny": "hypot(z, 1e-30)", "logaddexp": "logaddexp(z, 0.5)",
    "logaddexp, equal": "logaddexp(z, z/2)",
}  # fmt: skip
# where a form passes into another
SEAMS = (0.35, -0.35, 0.5, -0.5, 2.0**60, 2.0**-60, 0.41421357, 2.4142137, -0.41421357, -2.4142137, 16.0, -16.0, 9.194)
USERS = [
    name for name, function in catalogue.items()
    if any(isinstance(node, Call) and node.word in FAST_WORDS for node in walk(function.written.stable_tree))
]  # fmt: skip
SAMPLE = USERS[::12]
CHECKS = [
    numbers.check_values, numbers.check_first_derivative, numbers.check_second_derivative, numbers.check_finite,
    numbers.check_nan_and_infinity,
]  # fmt: skip


def function(text: str, code: Callable[..., Tensor] | None = None) -> Function:
    return Function("word", text, "declared by this test", facts=Facts(kinks=SEAMS), code=code)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words as a compiler is given them, in float32 alone."""
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    monkeypatch.setattr(numbers, "DTYPES", (torch.float32,))


@pytest.fixture
def compiler_room(random_state_of_its_own: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The compiler draws random numbers, and makes sure of a folder where it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(numbers, "DTYPES", (torch.float32,))
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("word", FORMULAS)
def test_a_word_holds_the_measure(word: str, check: Callable[[Function], None], traced: None) -> None:
    if word.startswith(("logaddexp", "hypot, tiny")) and check is numbers.check_second_derivative:
        pytest.skip("torch.logaddexp, which gives the slopes, has NaN far out; a curvature of 1e21 loses digits")
    check(function(FORMULAS[word]))


@pytest.mark.parametrize("check", [numbers.check_values, numbers.check_finite, numbers.check_nan_and_infinity])
@pytest.mark.parametrize("word", FORMULAS)
def test_its_value_does_where_no_slope_is_asked_for(word: str, check: Callable[[Function], None], traced: None) -> None:
    def code(z: Tensor) -> Tensor:
        with torch.no_grad():
            result: Tensor = Formula(FORMULAS[word]).torch(z)
        return result + 0 * z.clamp(-1, 1) if z.requires_grad else result

    check(function(FORMULAS[word], code))


def test_a_form_without_its_polynomial_does_not(traced: None) -> None:
    worse = function("expm1(z)", lambda z: torch.exp(z) - 1)
    with pytest.raises(AssertionError, match="value is"):
        numbers.check_values(worse)
    numbers.check_first_derivative(worse)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.slow) for name in USERS]
)
def test_the_catalogue_holds_the_measure_with_them(name: str, check: Callable[[Function], None], traced: None) -> None:
    check(catalogue[name])


# ---- where they are used ------------------------------------------------------------------------------------------------


def test_eager_code_is_the_single_operation() -> None:
    z = torch.linspace(-3, 3, 50)
    for word, native in {"tanh": torch.tanh, "erf": torch.erf, "atan": torch.atan}.items():
        assert torch.equal(Formula(f"{word}(z)").torch(z), native(z))


@pytest.mark.usefixtures("compiler_room")
@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize(("dtype", "fast"), [(torch.float32, True), (torch.bfloat16, True), (torch.float64, False)])
def test_torch_compile_is_given_them_in_float32(dtype: torch.dtype, fast: bool) -> None:
    seen: list[str] = []

    def backend(graph: Any, inputs: Any) -> Any:
        seen.append(graph.code)
        return graph

    torch.compile(catalogue["tanh"].module(), backend=backend, fullgraph=True)(torch.zeros(3, dtype=dtype))
    assert ("tanh(" not in seen[0]) == fast


def test_torch_export_is_given_the_plain_ones() -> None:
    program = torch.export.export(catalogue["tanh"].module(), (torch.zeros(3),))
    assert "aten.tanh" in program.graph_module.code


# ---- machine code -------------------------------------------------------------------------------------------------------


class Passes:
    """The two passes of a formula, compiled as ``fused`` does it."""

    keeps_output = False

    def __init__(self, formula: Formula) -> None:
        def value(z: Tensor) -> Tensor:
            result: Tensor = formula.torch(z)
            return result

        def slope(g: Tensor, z: Tensor) -> Any:
            return vjp(value, z)[1](g)

        self.value, self._slope = torch.compile(value, fullgraph=True), torch.compile(slope, fullgraph=True)

    def forward(self, z: Tensor, learned: tuple[Tensor, ...]) -> tuple[Tensor, bool]:
        return self.value(z), False

    def backward(self, g: Tensor, kept: tuple[Tensor, ...], *, near: bool) -> Any:
        return self._slope(g, *kept)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler_room")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("word", FORMULAS)
def test_machine_code_holds_the_measure(word: str) -> None:
    passes = Passes(Formula(FORMULAS[word]).ready())
    for code in passes.value, lambda z: _Fused.apply(z, passes):
        for check in (numbers.check_values, numbers.check_first_derivative, numbers.check_finite):
            check(function(FORMULAS[word], code))
