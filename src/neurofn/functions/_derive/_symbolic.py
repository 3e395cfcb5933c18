"""The derivative of a formula as a formula: rules on the tree, a little simplification, and the tree as text again."""

from __future__ import annotations

from fractions import Fraction

from ...formula import WORDS, Call, Constant, Infix, Name, Node, walk

__all__ = ["derivative", "text"]

_Z = Name("z")
_ZERO, _ONE, _TWO = Constant("0"), Constant("1"), Constant("2")


def derivative(node: Node) -> Node | None:
    """df/dz as a tree; None where the language has no word for it.

    >>> from neurofn.formula import Formula
    >>> text(derivative(Formula("z*tanh(2*z)").tree))
    'tanh(2*z) + z*(1 - tanh(2*z)**2)*2'
    """
    if _Z not in walk(node):
        return _ZERO
    if node == _Z:
        return _ONE
    if isinstance(node, Call):
        return _of_call(node)
    assert isinstance(node, Infix)
    return _of_infix(node)


def _of_infix(node: Infix) -> Node | None:
    u, v = node.left, node.right
    du, dv = derivative(u), derivative(v)
    if du is None or dv is None:
        return None
    if node.operator == "neg":
        return _neg(dv)
    if node.operator == "+":
        return _add(du, dv)
    if node.operator == "-":
        return _sub(du, dv)
    if node.operator == "*":
        return _add(_mul(du, v), _mul(u, dv))
    if node.operator == "/":
        if dv == _ZERO:
            return _div(du, v)
        return _div(_sub(_mul(du, v), _mul(u, dv)), Infix("**", v, _TWO))
    if dv == _ZERO:
        return _mul(_mul(v, _pow(u, _sub(v, _ONE))), du)
    if du == _ZERO:
        return _mul(_mul(node, Call("ln", (u,))), dv)
    return _mul(node, _add(_mul(dv, Call("ln", (u,))), _div(_mul(v, du), u)))


def _of_call(node: Call) -> Node | None:
    word, parts = node.word, node.arguments
    if word == "where":
        yes, no = derivative(parts[1]), derivative(parts[2])
        return None if yes is None or no is None else _where(parts[0], yes, no)
    if word in ("max", "min"):
        u, v = parts
        du, dv = derivative(u), derivative(v)
        return None if du is None or dv is None else _where(Infix(">=" if word == "max" else "<=", u, v), du, dv)
    if word == "clip":
        return derivative(Call("min", (Call("max", parts[:2]), parts[2])))
    if word == "logaddexp":
        u, v = parts
        return derivative(Infix("+", v, Call("softplus", (Infix("-", u, v),))))
    if word == "hypot":
        return _of_hypotenuse(*parts)
    if word == "T":
        inner = derivative(parts[1])
        return None if inner is None else _mul(_of_chebyshev(parts[0], parts[1]), inner)
    inner = derivative(parts[0])
    outer = _outer(word, parts[0], node)
    return None if inner is None or outer is None else _mul(outer, inner)


def _of_hypotenuse(u: Node, v: Node) -> Node | None:
    du, dv = derivative(u), derivative(v)
    if du is None or dv is None:
        return None
    return _div(_add(_mul(u, du), _mul(v, dv)), Call("hypot", (u, v)))


def _of_chebyshev(degree: Node, u: Node) -> Node:
    """T_k' = 2k (T_(k-1) + T_(k-3) + ...), the last one halved where it is T_0."""
    k = int(degree.text) if isinstance(degree, Constant) else 0
    total: Node = _ZERO
    for j in range(k - 1, -1, -2):
        factor = Constant(str(2 * k if j else k))
        total = _add(total, _mul(factor, Call("T", (Constant(str(j)), u)) if j > 1 else u if j else _ONE))
    return total


def _outer(word: str, u: Node, node: Node) -> Node | None:
    """The derivative of a word at u."""
    square = _pow(u, _TWO)
    rules: dict[str, Node] = {
        "abs": Call("sign", (u,)), "sign": _ZERO, "relu": _where(Infix(">", u, _ZERO), _ONE, _ZERO),
        "exp": Call("exp", (u,)), "expm1": Call("exp", (u,)), "ln": _div(_ONE, u), "log1p": _div(_ONE, _add(_ONE, u)),
        "sqrt": _div(_ONE, _mul(_TWO, node)), "sin": Call("cos", (u,)), "cos": _neg(Call("sin", (u,))),
        "sinc": _div(_sub(Call("cos", (u,)), node), u), "atan": _div(_ONE, _add(_ONE, square)),
        "sinh": Call("cosh", (u,)), "cosh": Call("sinh", (u,)), "sech": _neg(_mul(node, Call("tanh", (u,)))),
        "asinh": _div(_ONE, Call("sqrt", (_add(_ONE, square),))), "tanh": _sub(_ONE, _pow(node, _TWO)),
        "sigma": _mul(node, _sub(_ONE, node)), "softplus": Call("sigma", (u,)),
        "erf": _mul(_div(_TWO, Call("sqrt", (Name("pi"),))), Call("exp", (_neg(square),))),
        "erfc": _neg(_mul(_div(_TWO, Call("sqrt", (Name("pi"),))), Call("exp", (_neg(square),)))),
        "Phi": Call("phi", (u,)), "phi": _neg(_mul(u, node)),
    }  # fmt: skip
    return rules.get(word)


# ---- a little simplification --------------------------------------------------------------------------------------------


def _number(node: Node) -> Fraction | None:
    return Fraction(node.text) if isinstance(node, Constant) and len(node.text) < 40 and abs(_size(node)) < 40 else None


def _size(node: Constant) -> int:
    return int(node.text.lower().partition("e")[2] or 0)


def _folded(value: Fraction) -> Node | None:
    """A number as a constant, where a short decimal says it."""
    short = f"{float(value):.15g}" if abs(value) < 10**15 else ""
    if not short or "e" in short or Fraction(short) != value:
        return None
    return _neg(Constant(short[1:])) if short.startswith("-") else Constant(short)


def _add(a: Node, b: Node) -> Node:
    if isinstance(b, Infix) and b.operator == "neg":
        return _sub(a, b.right)
    return b if a == _ZERO else a if b == _ZERO else Infix("+", a, b)


def _sub(a: Node, b: Node) -> Node:
    x, y = _number(a), _number(b)
    if x is not None and y is not None:
        found = _folded(x - y)
        if found is not None:
            return found
    if isinstance(b, Infix) and b.operator == "neg":
        return _add(a, b.right)
    return a if b == _ZERO else _neg(b) if a == _ZERO else _ZERO if a == b else Infix("-", a, b)


def _neg(a: Node) -> Node:
    if isinstance(a, Infix) and a.operator == "neg":
        return a.right
    return _ZERO if a == _ZERO else Infix("neg", _ZERO, a)


def _mul(a: Node, b: Node) -> Node:
    if _ZERO in (a, b):
        return _ZERO
    if _ONE in (a, b):
        return b if a == _ONE else a
    for one, other, swap in ((a, b, False), (b, a, True)):
        if isinstance(one, Infix) and one.operator == "neg":
            return _neg(_mul(other, one.right) if swap else _mul(one.right, other))
    if isinstance(a, Infix) and a.operator == "/" and a.left == _ONE:
        return _div(b, a.right)
    x, y = _number(a), _number(b)
    found = _folded(x * y) if x is not None and y is not None else None
    return found if found is not None else Infix("*", a, b)


def _div(a: Node, b: Node) -> Node:
    if a == _ZERO or b == _ONE:
        return a
    if isinstance(a, Infix) and a.operator == "neg":
        return _neg(_div(a.right, b))
    return _ONE if a == b else Infix("/", a, b)


def _pow(a: Node, b: Node) -> Node:
    return _ONE if b == _ZERO else a if b == _ONE else Infix("**", a, b)


def _where(condition: Node, yes: Node, no: Node) -> Node:
    return yes if yes == no else Call("where", (condition, yes, no))


# ---- as text ------------------------------------------------------------------------------------------------------------

_STRENGTH = {"<": 0, "<=": 0, ">": 0, ">=": 0, "+": 1, "-": 1, "*": 2, "/": 2, "neg": 3, "**": 4}


def text(node: Node) -> str:
    """The tree in the language that formulas are read in, with the fewest parentheses."""
    if isinstance(node, Constant):
        return node.text
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Call):
        assert node.word in WORDS, node.word
        return f"{node.word}({', '.join(text(argument) for argument in node.arguments)})"
    strength = _STRENGTH[node.operator]
    if node.operator == "neg":
        return "-" + _inside(node.right, 3)
    if node.operator == "**":
        return f"{_inside(node.left, 5)}**{_inside(node.right, 3)}"
    between = node.operator if node.operator in "*/" else f" {node.operator} "
    right = strength + (1 if node.operator in ("-", "/") else 0)
    return f"{_inside(node.left, strength)}{between}{_inside(node.right, right)}"


def _inside(node: Node, needed: int) -> str:
    own = _STRENGTH[node.operator] if isinstance(node, Infix) else 5
    shown = text(node)
    return shown if own >= needed and not (needed > 1 and shown.startswith("-")) else f"({shown})"
