"""What the form of a tree says: parity, and how many operations one element costs."""

from __future__ import annotations

from collections.abc import Mapping

from ...formula import Call, Constant, Infix, Name, Node, evaluate, numpy_words, walk

__all__ = ["cost", "parity", "still"]

_ODD = {"tanh", "sin", "atan", "asinh", "sinh", "erf", "sign"}
_EVEN = {"abs", "cos", "cosh", "sech", "phi", "sinc"}
_CHEAP = {"where", "max", "min", "clip", "abs", "sign", "relu"}


def parity(node: Node, values: Mapping[str, float]) -> str | None:
    """ "even" or "odd" where the form of the tree proves it, else None."""
    if node == Name("z"):
        return "odd"
    if Name("z") not in walk(node):
        return "even"
    if isinstance(node, Call):
        return _of_call(node, values)
    assert isinstance(node, Infix)
    left, right = parity(node.left, values), parity(node.right, values)
    if node.operator == "neg":
        return right
    if left is None or right is None:
        return None
    if node.operator in ("+", "-"):
        return left if left == right else None
    if node.operator in ("*", "/"):
        return "even" if left == right else "odd"
    if node.operator == "**" and left == "odd" and right == "even":
        exponent = still(node.right, values)
        return None if exponent is None or exponent % 1 else ("odd" if exponent % 2 else "even")
    return "even" if left == right == "even" else None


def _of_call(node: Call, values: Mapping[str, float]) -> str | None:
    if node.word == "where":
        condition = node.arguments[0]
        parts = [condition.left, condition.right] if isinstance(condition, Infix) else [condition]
        if all(parity(part, values) == "even" for part in parts):
            yes, no = (parity(branch, values) for branch in node.arguments[1:])
            return yes if yes == no else None
        return None
    found = [parity(argument, values) for argument in node.arguments]
    if all(one == "even" for one in found):
        return "even"
    if node.word == "clip" and found[0] == "odd":
        low, high = (still(argument, values) for argument in node.arguments[1:])
        return "odd" if low is not None and high is not None and low == -high else None
    if node.word == "T" and found[1] == "odd" and isinstance(node.arguments[0], Constant):
        return "odd" if int(node.arguments[0].text) % 2 else "even"
    if found == ["odd"]:
        return "odd" if node.word in _ODD else "even" if node.word in _EVEN else None
    return "even" if node.word == "hypot" and None not in found else None


def still(node: Node, values: Mapping[str, float]) -> float | None:
    """The value of a tree without z; None where it has one, or no value."""
    if Name("z") in walk(node):
        return None
    try:
        return float(evaluate(node, values, numpy_words()))
    except (ArithmeticError, ValueError, TypeError):
        return None


def cost(tree: Node) -> dict[str, int]:
    """Operations for one element, what occurs twice counted once: sums and products, other words, branches."""
    found = {"arithmetic": 0, "functions": 0, "branches": 0}
    for node in set(walk(tree)):
        if Name("z") not in walk(node):
            continue
        if isinstance(node, Call):
            found["branches" if node.word in _CHEAP else "functions"] += 1
        elif isinstance(node, Infix) and node.operator in ("<", "<=", ">", ">="):
            continue
        elif isinstance(node, Infix):
            whole = isinstance(node.right, Constant) and node.right.text.isdigit()
            found["functions" if node.operator == "**" and not whole else "arithmetic"] += 1
    return found
