"""Words that branch, words of two arguments, and the evaluation of a tree on series: what occurs twice is computed once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from ...formula import Call, Infix, Node, children, evaluate
from ._interval import Interval
from ._jets import Forced, Jet, chain, word
from ._kinds import Kind
from ._rules import RULES

__all__ = ["expand", "program", "valued", "words"]


def _where(kind: Kind, condition: Any, yes: Any, no: Any) -> Any:
    if not isinstance(yes, Jet) and not isinstance(no, Jet):
        return kind.choose(condition, yes, no)
    a, b = _pair(yes, no)
    return a.like([kind.choose(condition, x, y) for x, y in zip(a.terms, b.terms, strict=True)])


def _pair(u: Any, v: Any) -> tuple[Jet, Jet]:
    like = u if isinstance(u, Jet) else v
    lift = [side if isinstance(side, Jet) else _constant(like, side) for side in (u, v)]
    return lift[0], lift[1]


def _constant(like: Jet, value: Any) -> Jet:
    zero = like.kind.number("0")
    return like.like((value, *[zero] * (len(like.terms) - 1)))


def _larger(kind: Kind, u: Any, v: Any) -> Any:
    return _where(kind, u >= v, u, v)


def _smaller(kind: Kind, u: Any, v: Any) -> Any:
    return _where(kind, u <= v, u, v)


def _abs(kind: Kind, u: Any) -> Any:
    if not isinstance(u, Jet):
        return abs(u)
    sign = _side(kind, u)
    value = sign * u.terms[0] if isinstance(u.diary, Forced) else abs(u.terms[0])
    return u.like((value, *(sign * term for term in u.terms[1:])))


def _sign(kind: Kind, u: Any) -> Any:
    return _constant(u, _side(kind, u)) if isinstance(u, Jet) else kind.sign(u)


def _side(kind: Kind, u: Jet) -> Any:
    """The sign of u, entered in the diary or taken from it."""
    kind.note(u.diary, u.terms[0], 0.0)
    if isinstance(u.diary, Forced):
        known = u.diary.next()
        return Interval(known, known)
    return kind.sign(u.terms[0])


def _hypot(kind: Kind, u: Any, v: Any) -> Any:
    if isinstance(v, Jet):
        u, v = v, u
    table = kind.table
    if not isinstance(u, Jet):
        return table["hypot"](u, v)
    if isinstance(v, Jet):
        return _one(kind, "sqrt", u.power(2) + v.power(2))
    root = table["hypot"](u.terms[0], v)
    unit, rest = table["unit"](u.terms[0], v), v / root
    square = kind.power(rest, 2)
    return chain(u, (root, unit, square / root, -3.0 * (unit * (square / root / root))))


def _sinc(kind: Kind, u: Any) -> Any:
    table = kind.table
    if not isinstance(u, Jet):
        return table["sinc"](u)[0]
    return chain(u, table["sinc"](u.terms[0]))


def _chebyshev(kind: Kind, degree: Any, u: Any) -> Any:
    count = kind.whole(degree) or 0
    before, now = (_constant(u, kind.number("1")), u) if isinstance(u, Jet) else (kind.number("1"), u)
    for _ in range(count):
        before, now = now, 2.0 * (u * now) - before
    return before


def _one(kind: Kind, name: str, u: Any) -> Any:
    return word(name)(u) if isinstance(u, Jet) else kind.table[name](u)


def words(kind: Kind) -> dict[str, Callable[..., Any]]:
    """The meaning of every word and operator on series of this kind, and on numbers of it."""
    one = {name: partial(_one, kind, name) for name in RULES}
    zero = kind.number("0")
    return one | {
        "number": kind.number, "pi": lambda: kind.table["pi"](), "e": lambda: kind.table["e"](),
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
        "where": partial(_where, kind), "max": partial(_larger, kind), "min": partial(_smaller, kind),
        "clip": lambda u, low, high: _smaller(kind, _larger(kind, u, low), high),
        "relu": lambda u: _larger(kind, u, zero), "abs": partial(_abs, kind), "sign": partial(_sign, kind),
        "held_exp": one["exp"],
        "logaddexp": lambda u, v: v + one["softplus"](u - v), "hypot": partial(_hypot, kind),
        "sinc": partial(_sinc, kind), "gamma": lambda u: kind.table["gamma"](u),
        "T": partial(_chebyshev, kind),
    }  # fmt: skip


@lru_cache(maxsize=256)
def program(tree: Node) -> tuple[tuple[Node, tuple[int, ...]], ...]:
    """A tree as steps, each a node and the steps that give its arguments; what occurs twice is one step."""
    known: dict[Any, int] = {}
    steps: list[tuple[Node, tuple[int, ...]]] = []

    def step(node: Node) -> int:
        below = tuple(step(child) for child in children(node))
        if isinstance(node, Call | Infix):
            key: Any = (type(node), node.word if isinstance(node, Call) else node.operator, below)
        else:
            key = node
        if key not in known:
            known[key] = len(steps)
            steps.append((node, below))
        return known[key]

    step(tree)
    return tuple(steps)


def valued(tree: Node, values: Mapping[str, Any], meaning: Mapping[str, Callable[..., Any]]) -> Any:
    """As ``evaluate``, but what occurs twice is computed once, and is then the same object."""
    found: list[Any] = []
    for node, below in program(tree):
        arguments = [found[k] for k in below]
        if isinstance(node, Call):
            found.append(meaning[node.word](*arguments))
        elif isinstance(node, Infix):
            found.append(-arguments[1] if node.operator == "neg" else meaning[node.operator](*arguments))
        else:
            found.append(evaluate(node, values, meaning))
    return found[-1]


def expand(
    tree: Node, z: Any, values: Mapping[str, Any], *, kind: Kind, order: int = 2, signs: Sequence[Any] | None = None
) -> tuple[Jet, list[Any]]:
    """The Taylor series of a tree at numbers or on boxes ``z``, and the diary of its branches; ``signs`` decides these."""
    diary: list[Any] = [] if signs is None else Forced(signs)
    one, zero = kind.number("1"), kind.number("0")
    start = Jet((z, *([one] + [zero] * (order - 1) if order else [])), kind, diary)
    result = valued(tree, {**values, "z": start}, words(kind))
    return result if isinstance(result, Jet) else _constant(start, result), diary
