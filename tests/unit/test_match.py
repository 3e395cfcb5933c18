"""Which functions equal each other: what is found, and what must not be."""

from __future__ import annotations

import numpy as np
import pytest

from neurofn.formula import Formula
from neurofn.functions import catalogue, derived
from neurofn.functions._derive import groups
from neurofn.functions._derive._compute import derive
from neurofn.functions._derive._match import Change, affine_change, compatible, equal_groups, probe

EQUAL = [
    ("2*tanh(3*z + 1) - 4", "sigmoid", (4, 6, 2, -6)),
    ("0.5*(1 + erf(z/sqrt(2)))*z", "gelu", (1, 1, 0, 0)),
    ("3*z*sigma(2*z)", "silu", (1.5, 2, 0, 0)),
    ("max(1 - z, 0)*2", "relu", (2, -1, 1, 0)),
    ("where(z > 2, 3, z + 1)", "relu", (-1, -1, 2, 3)),
    ("1.3*ln(1 + exp(1 - 2*z))", "softplus", (1.3, -2, 1, 0)),
    ("where(z >= 1, 2*z - 2, 2*(exp(z - 1) - 1))", "elu", (2, 1, -1, 0)),
    ("cos(z)", "sine", None),
    ("2*z**2 - z", "square", None),
    ("exp(-0.3*z**2 + z)", "gaussian", None),
    ("7 - z/9", "identity", None),
    ("where(z > 0, 2*z, 0.02*z)", "leaky_relu", (2, 1, 0, 0)),
]


@pytest.mark.parametrize(("text", "name", "numbers"), EQUAL, ids=[case[0] for case in EQUAL])
def test_a_change_of_input_and_output_is_found(text: str, name: str, numbers: tuple[float, ...] | None) -> None:
    function = catalogue[name]
    change = affine_change(probe(Formula(text), {}), probe(function.definition, function.defaults))
    assert change is not None
    assert compatible(derive(Formula(text), {}), derived(function))
    z = np.linspace(-7, 7, 101)
    mine = change.a * function.definition(change.b * z + change.c, **function.defaults) + change.d
    assert mine == pytest.approx(Formula(text)(z), abs=1e-10)
    if numbers is not None:
        assert (change.a, change.b, change.c, change.d) == pytest.approx(numbers, abs=1e-9)


DIFFERENT = [
    ("z*sigma(1.702*z)", "gelu"), ("tanh(z) + 1e-9*z", "tanh"), ("z*sigma(z) + z", "silu"), ("sigma(z)**2", "sigmoid"),
    ("(z - 1)*sigma(z)", "silu"), ("where(z >= 0, 3*z, exp(2*z) - 1)", "elu"), ("tanh(z)", "snake"), ("erf(z)", "tanh"),
    ("where(z > 0, z, 0.0100000001*z)", "leaky_relu"), ("z + sin(2*z)**2", "snake"), ("relu(z)**2", "square"),
    ("where(z > 40, 1, tanh(z)) - where(z > 0, 1e-10, 0)", "tanh"), ("0*z", "tanh"), ("3", "identity"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), DIFFERENT)
def test_what_is_only_near_is_not_called_equal(text: str, name: str) -> None:
    function = catalogue[name]
    assert affine_change(probe(Formula(text), {}), probe(function.definition, function.defaults)) is None


def test_groups_of_the_catalogue() -> None:
    equal, affine = groups(), groups(affine=True)
    assert ["celu", "elu"] in [[name for name in group if name in ("celu", "elu")] for group in equal]
    assert any({"sigmoid", "tanh"} <= set(group) for group in affine)
    assert not any({"gelu", "silu"} & set(group) == {"gelu", "silu"} for group in affine)
    for group in equal:
        assert any(set(group) <= set(wider) for wider in affine)
        first, *others = (catalogue[name] for name in group)
        z = np.random.default_rng(0).normal(0, 2, 100)
        for other in others:
            assert other.definition(z, **other.defaults) == pytest.approx(
                first.definition(z, **first.defaults), rel=1e-9
            )


def test_groups_are_found_among_any_curves() -> None:
    texts = {"a": "tanh(z)", "b": "2*sigma(2*z) - 1", "c": "sigma(z)", "d": "z*sigma(z)", "e": "sin(z)", "f": "cos(z)"}
    curves = {name: (Formula(text), {}) for name, text in texts.items()}
    records = {name: derive(formula, {}) for name, (formula, _) in curves.items()}
    assert equal_groups(curves, records) == ([["a", "b"]], [["a", "b", "c"], ["e", "f"]])


def test_a_change_prints_as_it_is_written() -> None:
    assert str(Change(1, 1, 0, 0)) == "f(z)"
    assert str(Change(-1, -1, 2, 3)) == "-f(-z + 2) + 3"
    assert str(Change(0.5, 2, -1, 1e-12)) == "0.5*f(2*z - 1)"
