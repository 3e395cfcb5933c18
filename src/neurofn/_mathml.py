"""MathML of a formula's syntax tree, for a page that loads nothing: what browsers draw by themselves.

It reads as the LaTeX beside it does. Branches after branches are one brace with a row each, and a brace inside a product or
sum has parentheses, since nothing else would show where it ends.
"""

from __future__ import annotations

import re
from html import escape

from ._syntax import Call, Constant, Infix, Name, Node

__all__ = ["mathml"]

_STRENGTH = {"<": 0, "<=": 0, ">": 0, ">=": 0, "where": 0, "+": 1, "-": 1, "neg": 2, "*": 3, "**": 4, "exp": 4, "/": 5}
_ATOM = 5
_LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "eps": "ε", "lambda": "λ", "mu": "μ", "pi": "π", "sigma": "σ", "Phi": "Φ",
    "phi": "φ",
}  # fmt: skip
_WORDS = {**_LETTERS, "gamma": "Γ"}
_SIGNS = {"+": "+", "-": "−", "<": "&lt;", "<=": "≤", ">": "&gt;", ">=": "≥"}
_APPLIED = "<mo>&#x2061;</mo>"  # a function is applied: nothing to see, a word for those who listen
_THIN = '<mspace width="0.17em"/>'


def mathml(node: Node, *, before: str = "") -> str:
    """The tree as a ``math`` element of its own line; ``before`` is MathML that stands in front, such as that of f(z) =.

    >>> from neurofn.formula import Formula
    >>> mathml(Formula("-z**2").tree)
    '<math display="block"><mrow><mo>−</mo><msup><mi>z</mi><mn>2</mn></msup></mrow></math>'
    """
    inside = _print(node)[0]
    return f'<math display="block">{f"<mrow>{before}{inside}</mrow>" if before else inside}</math>'


def _print(node: Node) -> tuple[str, int]:
    """The element of a node and how strongly it holds together."""
    if isinstance(node, Constant):
        return _number(node.text)
    if isinstance(node, Name):
        return _name(node.name), _ATOM
    return _call(node) if isinstance(node, Call) else _infix(node)


def _number(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"([0-9.]+)[eE]([+-]?\d+)", text)
    if not found:
        return f"<mn>{escape(text)}</mn>", _ATOM
    digits, power = found[1], int(found[2])
    shown = f"<mn>{abs(power)}</mn>"
    ten = f"<msup><mn>10</mn>{shown if power >= 0 else _row('<mo>−</mo>', shown)}</msup>"
    if float(digits) == 1:
        return ten, _STRENGTH["**"]
    return _row(f"<mn>{escape(digits)}</mn>", "<mo>⋅</mo>", ten), _STRENGTH["*"]


def _name(name: str) -> str:
    letters = name.rstrip("0123456789")
    digits = name[len(letters) :]
    shown = f"<mi>{escape(_LETTERS.get(letters, letters))}</mi>"
    return f"<msub>{shown}<mn>{escape(digits)}</mn></msub>" if digits else shown


def _call(node: Call) -> tuple[str, int]:
    if node.word == "where":
        return _branches(node), _STRENGTH["where"]
    inside = [_print(argument)[0] for argument in node.arguments]
    if node.word == "exp":
        return f"<msup><mi>e</mi>{inside[0]}</msup>", _STRENGTH["exp"]
    if node.word == "sqrt":
        return f"<msqrt>{inside[0]}</msqrt>", _ATOM
    if node.word == "abs":
        return _row('<mo form="prefix">|</mo>', inside[0], '<mo form="postfix">|</mo>'), _ATOM
    if node.word == "T":
        word = f"<msub><mi>T</mi>{inside.pop(0)}</msub>"
    else:
        word = f"<mi>{escape(_WORDS.get(node.word, node.word))}</mi>"
    return _row(word, _APPLIED, _fenced("<mo>,</mo>".join(inside))), _ATOM


def _branches(node: Call) -> str:
    """One row for each branch, those of a branch at the end among them."""
    rows, last = [], node.arguments[2]
    rows.append((node.arguments[1], node.arguments[0]))
    while isinstance(last, Call) and last.word == "where":
        rows.append((last.arguments[1], last.arguments[0]))
        last = last.arguments[2]
    made = "".join(
        f"<mtr><mtd>{_print(value)[0]}</mtd><mtd><mrow><mtext>if&#xa0;</mtext>{_print(condition)[0]}</mrow></mtd></mtr>"
        for value, condition in rows
    )
    made += f"<mtr><mtd>{_print(last)[0]}</mtd><mtd><mtext>otherwise</mtext></mtd></mtr>"
    return _row('<mo form="prefix" stretchy="true">{</mo>', f'<mtable displaystyle="true">{made}</mtable>')


def _infix(node: Infix) -> tuple[str, int]:
    strength = _STRENGTH[node.operator]
    if node.operator == "neg":
        return _row("<mo>−</mo>", _within(node.right, 3)), strength
    if node.operator == "/":
        return f"<mfrac>{_print(node.left)[0]}{_print(node.right)[0]}</mfrac>", _ATOM
    if node.operator == "**":
        return f"<msup>{_within(node.left, _ATOM)}{_print(node.right)[0]}</msup>", strength
    if node.operator == "*":
        return _row(_within(node.left, 3), _times(node.right), _within(node.right, 3)), strength
    right = _within(node.right, 2 if node.operator == "-" else 1)
    return _row(_within(node.left, 1), f"<mo>{_SIGNS[node.operator]}</mo>", right), strength


def _times(right: Node) -> str:
    """A dot where the next sign would be a digit, else a little air."""
    while isinstance(right, Infix) and right.operator in ("*", "**"):
        right = right.left
    return "<mo>⋅</mo>" if isinstance(right, Constant) else "<mo>&#x2062;</mo>" + _THIN


def _within(node: Node, needed: int) -> str:
    text, strength = _print(node)
    return text if strength >= needed else _fenced(text)


def _fenced(text: str) -> str:
    return _row("<mo>(</mo>", text, "<mo>)</mo>")


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"
