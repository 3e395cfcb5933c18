"""Formulas as MathML: what a reader sees, read back with no knowledge of the tree, is the same function."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from neurofn._mathml import mathml
from neurofn.formula import Formula
from neurofn.functions import catalogue

LETTERS = {"α": "alpha", "β": "beta", "γ": "gamma", "ε": "eps", "λ": "lambda_", "μ": "mu", "π": "pi", "σ": "sigma", "Φ": "Phi",
           "φ": "phi", "Γ": "gamma"}  # fmt: skip
SIGNS = {"−": "-", "⋅": "*", "\u2062": "*", "\u2061": "", "≤": "<=", "≥": ">="}
Z = np.array([-3.1, -1.5, -1.0, -0.4, 0.0, 0.3, 0.5, 1.0, 2.2, 7.0])


def seen(element: ElementTree.Element) -> str:
    """The expression that an element shows. Only what is drawn groups: parentheses, a fraction's line, a root, a height."""
    below = list(element)
    if element.tag in ("mi", "mn"):
        return LETTERS.get(element.text or "", element.text or "")
    if element.tag == "mo":
        bar = {"prefix": "abs(", "postfix": ")"}.get(element.get("form", "")) if element.text == "|" else None
        return bar or SIGNS.get(element.text or "", element.text or "")
    if element.tag == "mfrac":
        return f"(({seen(below[0])})/({seen(below[1])}))"
    if element.tag == "msqrt":
        return f"sqrt({''.join(map(seen, below))})"
    if element.tag == "msup":
        base, power = map(seen, below)
        return f"exp({power})" if base == "e" else f"{base}**({power})"
    if element.tag == "msub":
        return "".join(map(seen, below))
    if element.tag == "mtable":
        return branches(below)
    return row(below) if element.tag in ("mrow", "math") else ""


def row(below: list[ElementTree.Element]) -> str:
    """What stands in a row; a brace is seen in its table, and the index of T is its first argument."""
    if below and below[0].tag == "msub" and seen(below[0][0]) == "T" and len(below) == 3:
        return f"T({seen(below[0][1])}, {seen(below[2])[1:]}"
    return "".join(seen(one) for one in below if one.text != "{")


def branches(rows: list[ElementTree.Element]) -> str:
    """The rows of a brace, the first that holds counts."""
    value, condition = (seen_cell(cell) for cell in rows[0])
    return value if condition == "otherwise" else f"where({condition}, {value}, {branches(rows[1:])})"


def seen_cell(cell: ElementTree.Element) -> str:
    return "otherwise" if cell[0].tag == "mtext" else seen(cell[0])


def read_back(formula: Formula) -> Formula:
    return Formula(seen(ElementTree.fromstring(mathml(formula.tree))))


@pytest.mark.parametrize("name", list(catalogue))
def test_what_is_seen_is_the_function(name: str) -> None:
    function = catalogue[name]
    formula, values = function.definition, {key: value + 0.21 for key, value in function.defaults.items()}
    expected, found = formula(Z, **values), read_back(formula)(Z, **values)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "text",
    ["(1 + z)*(1 - z)", "-(1 + z)", "(-z)**2", "-z**2", "(z**2)**3", "z**2**3", "1 - (z - 2)", "1 - (z + 2)", "2*3*z",
     "(z*2)**2", "exp(z)**2", "(z/2)**2", "sqrt(z*z)**3", "2*where(z > 0, z, 1) + 1", "where(z > 0, z, 1)**2", "1/(1/z)",
     "1e-06*z", "2.5e3**2*z", "-(-z)", "z*-2", "T(3, tanh(z)) + T(0, z)", "abs(abs(z) - 1)", "max(z, -z)*gamma(3/2)"],
)  # fmt: skip
def test_parentheses_stand_where_they_are_needed(text: str) -> None:
    formula = Formula(text)
    np.testing.assert_allclose(read_back(formula)(Z), formula(Z), rtol=1e-12, atol=1e-12)


def test_a_missing_parenthesis_would_be_seen() -> None:
    bare = mathml(Formula("(1 + z)*2").tree).replace("<mo>(</mo>", "").replace("<mo>)</mo>", "")
    assert not np.allclose(Formula(seen(ElementTree.fromstring(bare)))(Z), Formula("(1 + z)*2")(Z))
