"""LaTeX of a formula's syntax tree, with the fewest parentheses that keep the meaning."""

from __future__ import annotations

from ._syntax import Call, Constant, Infix, Name, Node

__all__ = ["latex"]

_STRENGTH = {"<": 0, "<=": 0, ">": 0, ">=": 0, "+": 1, "-": 1, "neg": 2, "*": 3, "/": 5, "**": 4}
_ATOM = 5
_GREEK = {"alpha", "beta", "gamma", "lambda", "mu", "pi", "sigma"}
_CALLS = {
    "abs": r"\left|{}\right|",
    "sqrt": r"\sqrt{{{}}}",
    "exp": r"e^{{{}}}",
    "sigma": r"\sigma\left({}\right)",
    "Phi": r"\Phi\left({}\right)",
    "phi": r"\varphi\left({}\right)",
    "ln": r"\ln\left({}\right)",
    "T": r"T_{{{}}}\left({}\right)",
    "where": r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
}
_OPERATORS = {"<=": r"\le", ">=": r"\ge"}


def latex(node: Node) -> str:
    """The tree as LaTeX.

    >>> from neurofn.formula import Formula
    >>> latex(Formula("-z**2").tree)
    '-z^{2}'
    """
    return _print(node)[0]


def _print(node: Node) -> tuple[str, int]:
    if isinstance(node, Constant):
        return node.text, _ATOM
    if isinstance(node, Name):
        letters = node.name.rstrip("0123456789")
        shown = f"\\{letters}" if letters in _GREEK else letters
        digits = node.name[len(letters) :]
        return (f"{shown}_{{{digits}}}" if digits else shown), _ATOM
    if isinstance(node, Call):
        inside = [latex(argument) for argument in node.arguments]
        default = rf"\operatorname{{{node.word}}}\left(" + ", ".join(["{}"] * len(inside)) + r"\right)"
        if node.word in ("sin", "cos", "tanh", "max", "min"):
            default = rf"\{node.word}\left(" + ", ".join(["{}"] * len(inside)) + r"\right)"
        template = _CALLS.get(node.word, default.replace("{" + node.word + "}", "{{" + node.word + "}}"))
        return template.format(*inside), 4 if node.word == "exp" else _ATOM
    return _print_infix(node)


def _print_infix(node: Infix) -> tuple[str, int]:
    strength = _STRENGTH[node.operator]
    if node.operator == "neg":
        return "-" + _within(node.right, 3), 2
    if node.operator == "/":
        return rf"\frac{{{latex(node.left)}}}{{{latex(node.right)}}}", _ATOM
    if node.operator == "**":
        return f"{_within(node.left, _ATOM)}^{{{latex(node.right)}}}", strength
    if node.operator == "*":
        return rf"{_within(node.left, 3)} \, {_within(node.right, 3)}", strength
    sign = _OPERATORS.get(node.operator, node.operator)
    return f"{_within(node.left, 1)} {sign} {_within(node.right, 2 if node.operator == '-' else 1)}", strength


def _within(node: Node, needed: int) -> str:
    text, strength = _print(node)
    return text if strength >= needed else rf"\left({text}\right)"
