"""The printed language of formulas: text -> safe syntax tree -> numbers (numpy, mpmath, torch, ...) or LaTeX.

A formula such as ``where(z >= 0, z, a*(exp(z) - 1))`` is what a reader believes. It is read with Python's own ``ast``, checked
against a short list of words, and never passed to ``eval``. The same tree is evaluated with 50-digit numbers to make the
reference, and with tensors to make the code; before tensors it is rewritten so that nothing spoils a value or a gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ._latex import latex
from ._stable import stabilise
from ._syntax import WORDS, Call, Constant, Infix, Name, Node, Vocabulary, children, evaluate, read, rebuilt, walk
from ._words import infix_words, numpy_words, torch_words

__all__ = [
    "WORDS", "Call", "Constant", "Formula", "Infix", "Name", "Node", "Vocabulary", "children", "evaluate", "infix_words",
    "numpy_words", "rebuilt", "stabilise", "torch_words", "walk",
]  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """A formula in ``z`` and its parameters. ``text`` is kept as it was written; ``positive`` are parameters above 0.

    >>> Formula("where(z >= 0, z, a*(exp(z) - 1))").names
    ('a', 'z')
    >>> Formula("z/(1 + abs(z))").latex
    '\\\\frac{z}{1 + \\\\left|z\\\\right|}'
    """

    text: str
    positive: frozenset[str] = frozenset()

    @cached_property
    def tree(self) -> Node:
        """The syntax tree; raises LanguageError with the column where the text cannot be read."""
        return read(self.text)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Free names in alphabetical order, without the constants ``pi`` and ``e``."""
        return tuple(sorted({node.name for node in walk(self.tree) if isinstance(node, Name)} - {"pi", "e"}))

    @property
    def latex(self) -> str:
        """The formula for a page."""
        return latex(self.tree)

    def __call__(self, z: Any, **parameters: Any) -> Any:
        """Values on a numpy array or a float, in float64, as written (no rewriting): the definition.

        >>> float(Formula("a*z**2")(3.0, a=2.0))
        18.0
        """
        import numpy as np

        with np.errstate(all="ignore"):  # an infinity is an answer here, not news
            return evaluate(self.tree, {"z": np.asarray(z, dtype=float), **parameters}, numpy_words())

    def torch(self, z: Any, **parameters: Any) -> Any:
        """Values on a tensor of any shape; parameters broadcast. The tree is first rewritten by ``stabilise``."""
        return evaluate(self.stable_tree, {"z": z, **parameters}, torch_words(z))

    @cached_property
    def stable_tree(self) -> Node:
        """The tree that tensors are given."""
        return stabilise(self.tree, self.positive)

    def ready(self) -> Formula:
        """Itself, read and rewritten now: torch.compile cannot trace a first use that would do so."""
        _ = self.stable_tree
        return self
