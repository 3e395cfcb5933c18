"""The tree that numbers are computed from: rewritten so that digits are kept, in the words of the formula language."""

from __future__ import annotations

from functools import lru_cache

from ..._syntax import rebuilt
from ...formula import WORDS, Call, Formula, Node, children, stabilise, walk

__all__ = ["form"]


@lru_cache(maxsize=2048)
def form(formula: Formula) -> Node:
    """The stable form of a formula; the formula as written where that form has words only tensors know."""
    tree = _said(stabilise(formula.tree))
    known = all(node.word in WORDS for node in walk(tree) if isinstance(node, Call))
    return tree if known else formula.tree


def _said(node: Node) -> Node:
    """Words that are operations of tensors, said in others."""
    below = [_said(child) for child in children(node)]
    if isinstance(node, Call) and node.word == "tanh_softplus":
        return Call("tanh", (Call("softplus", tuple(below)),))
    if isinstance(node, Call) and node.word == "held_exp":
        return Call("exp", tuple(below))
    if isinstance(node, Call) and node.word == "carry":
        return below[0]
    return rebuilt(node, below)
