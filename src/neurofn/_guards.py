"""Guards against what unused parts of a formula do to gradients: branches not chosen, exponentials that overflow."""

from __future__ import annotations

from ._syntax import Call, Infix, Node, children, rebuilt, substitute
from ._terms import ONE, ZERO, Z, argument, depends, negative, terms, total, without

__all__ = ["guard", "hold"]

_BOUNDED = ("tanh", "sigma", "erf", "erfc", "Phi", "phi", "atan", "sech", "exp", "expm1", "held_exp")


def guard(condition: Node, yes: Node, no: Node) -> Node:
    """A branch that is not chosen is fed the border of its condition; where the sign is known, |z| is z or -z."""
    if isinstance(condition, Infix) and condition.left == Z and condition.right == ZERO:
        up = 1 if condition.operator in (">", ">=") else -1
        yes, no = _one_sided(yes, up), _one_sided(no, -up)
    border = _border(condition)
    if border is not None:
        yes = substitute(yes, Call("where", (condition, Z, border)))
        no = substitute(no, Call("where", (condition, border, Z)))
    if not depends(no) and depends(condition):  # a comparison with NaN is false
        no = Call("carry", (no, Z))
    return Call("where", (condition, yes, no))


def _one_sided(node: Node, sign: int) -> Node:
    known = {
        "abs": Z if sign > 0 else negative(Z),
        "relu": Z if sign > 0 else ZERO,
        "sign": ONE if sign > 0 else negative(ONE),
    }
    if isinstance(node, Call) and node.word in known and node.arguments == (Z,):
        return known[node.word]
    return rebuilt(node, [_one_sided(child, sign) for child in children(node)])


def _border(condition: Node) -> Node | None:
    """Where a comparison of z, z plus a number or |z| with a number changes: on the side of z where that is meant."""
    if not isinstance(condition, Infix) or depends(condition.right):
        return None
    left, right = condition.left, condition.right
    size = argument(left, "abs")
    if size == Z:
        return Call("where", (Infix(">=", Z, ZERO), right, negative(right)))
    parts = terms(left)
    own = [part for part in parts if depends(part[1])]
    if own != [(1, Z)]:
        return None
    rest = without(parts, own[0])
    return right if not rest else Infix("-", right, total(rest))


def hold(node: Node, *, held: bool) -> Node:
    """Exponentials inside what has settled when they overflow are held."""
    if isinstance(node, Call):
        if node.word == "exp" and held:
            return Call("held_exp", tuple(hold(child, held=True) for child in node.arguments))
        inside = held or node.word in _BOUNDED
        inside = inside and node.word not in ("ln", "log1p", "sqrt", "logaddexp", "softplus")
        return Call(node.word, tuple(hold(child, held=inside) for child in node.arguments))
    if isinstance(node, Infix) and node.operator == "/":
        return Infix("/", hold(node.left, held=held), hold(node.right, held=True))
    return rebuilt(node, [hold(child, held=held) for child in children(node)])
