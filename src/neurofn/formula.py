"""The printed language of formulas: text -> safe syntax tree -> numbers (numpy, mpmath, torch, ...) or LaTeX.

A formula such as ``where(z >= 0, z, a*(exp(z) - 1))`` is what a reader believes. It is read with Python's own ``ast``, checked
against a short list of words, and never passed to ``eval``. The same tree is evaluated with 50-digit numbers to make the
reference, and with tensors to make the code; before tensors it is rewritten so that no unused branch spoils a gradient.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from ._errors import LanguageError, did_you_mean

__all__ = ["WORDS", "Call", "Constant", "Formula", "Infix", "Name", "Node", "Vocabulary", "evaluate", "stabilise"]


@dataclass(frozen=True)
class Constant:
    """A number as it was written, so that 0.1 can mean one tenth to any number of digits."""

    text: str


@dataclass(frozen=True)
class Name:
    """The input ``z``, a parameter, or one of the constants ``pi`` and ``e``."""

    name: str


@dataclass(frozen=True)
class Call:
    """A word of the vocabulary applied to arguments."""

    word: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Infix:
    """``left operator right``; the negation of ``right`` has the operator ``neg`` and a left side of 0."""

    operator: str
    left: Node
    right: Node


Node = Constant | Name | Call | Infix
Vocabulary = Mapping[str, Callable[..., Any]]
WORDS = {
    "where": 3, "max": 2, "min": 2, "abs": 1, "sign": 1, "exp": 1, "ln": 1, "sqrt": 1, "sin": 1, "cos": 1, "tanh": 1,
    "sigma": 1, "softplus": 1, "erf": 1, "Phi": 1, "phi": 1, "T": 2,
}  # fmt: skip
"""Words of the language and how many arguments each takes: ``sigma`` is the logistic function, ``Phi`` and ``phi`` the normal
distribution and density, ``T(k, u)`` the Chebyshev polynomial of degree k."""

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_ZERO = Constant("0")


@dataclass(frozen=True)
class Formula:
    """A formula in ``z`` and its parameters. ``text`` is kept as it was written.

    >>> Formula("where(z >= 0, z, a*(exp(z) - 1))").names
    ('a', 'z')
    >>> Formula("z/(1 + abs(z))").latex
    '\\\\frac{z}{1 + \\\\left|z\\\\right|}'
    """

    text: str

    @cached_property
    def tree(self) -> Node:
        """The syntax tree; raises LanguageError with the column where the text cannot be read."""
        return _read(self.text)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Free names in alphabetical order, without the constants ``pi`` and ``e``."""
        return tuple(sorted({node.name for node in _walk(self.tree) if isinstance(node, Name)} - {"pi", "e"}))

    @property
    def latex(self) -> str:
        """The formula for a page."""
        from ._latex import latex

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
        return evaluate(self._stable, {"z": z, **parameters}, torch_words())

    @cached_property
    def _stable(self) -> Node:
        return stabilise(self.tree)

    def ready(self) -> Formula:
        """Itself, read and rewritten now: torch.compile cannot trace a first use that would do so."""
        _ = self._stable
        return self


def evaluate(node: Node, values: Mapping[str, Any], words: Vocabulary) -> Any:
    """The value of a tree: ``values`` holds the free names, ``words`` the meaning of every word and operator."""
    if isinstance(node, Constant):
        return words["number"](node.text)
    if isinstance(node, Name):
        return values[node.name] if node.name in values else words[node.name]()
    if isinstance(node, Call):
        return words[node.word](*(evaluate(argument, values, words) for argument in node.arguments))
    if node.operator == "neg":
        return -evaluate(node.right, values, words)
    return words[node.operator](evaluate(node.left, values, words), evaluate(node.right, values, words))


def stabilise(node: Node) -> Node:
    """The same function, written so that neither values nor gradients meet an avoidable infinity.

    A branch that is not chosen is fed the border of its condition; ``exp(u) - 1`` becomes ``expm1``; a square is a product,
    since the slope 2u of a power overflows before u*u*0 does.
    """
    if isinstance(node, Call):
        if node.word == "where":
            return _guard(*(stabilise(argument) for argument in node.arguments))
        return Call(node.word, tuple(stabilise(argument) for argument in node.arguments))
    if not isinstance(node, Infix):
        return node
    left, right = stabilise(node.left), stabilise(node.right)
    if node.operator == "-" and isinstance(left, Call) and left.word == "exp" and right == Constant("1"):
        return Call("expm1", left.arguments)
    if node.operator == "**" and right == Constant("2"):
        return Infix("*", left, left)
    return Infix(node.operator, left, right)


def _guard(condition: Node, yes: Node, no: Node) -> Node:
    variable = Name("z")
    if isinstance(condition, Infix) and condition.left == variable and variable not in _walk(condition.right):
        border = condition.right
        yes = _substitute(yes, Call("where", (condition, variable, border)))
        no = _substitute(no, Call("where", (condition, border, variable)))
    return Call("where", (condition, yes, no))


def _substitute(node: Node, replacement: Node) -> Node:
    if node == Name("z"):
        return replacement
    if isinstance(node, Call):
        return Call(node.word, tuple(_substitute(argument, replacement) for argument in node.arguments))
    if isinstance(node, Infix):
        return Infix(node.operator, _substitute(node.left, replacement), _substitute(node.right, replacement))
    return node


def _walk(node: Node) -> list[Node]:
    children = node.arguments if isinstance(node, Call) else (node.left, node.right) if isinstance(node, Infix) else ()
    return [node, *(below for child in children for below in _walk(child))]


# ---- reading ------------------------------------------------------------------------------------------------------------

_LONGEST, _DEEPEST, _HIGHEST = 10_000, 200, 256  # characters, levels, degree of T: far more than a page shows


def _read(text: str) -> Node:
    if len(text) > _LONGEST:
        raise LanguageError(f"a formula has at most {_LONGEST:,} characters, got {len(text):,}")
    line = re.sub(r"\s", " ", text)  # columns count from the start
    try:
        parsed = ast.parse(line, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = (error.offset or len(line) + 1) - 1 if isinstance(error, SyntaxError) else 0
        why = error.args[0] if error.args else "it is nested too deeply"
        raise LanguageError(f"this is not a formula: {why}", text=line, column=column) from None
    level: list[ast.AST] = [parsed]
    for _ in range(_DEEPEST):
        level = [below for node in level for below in ast.iter_child_nodes(node)]
    if level:
        raise LanguageError(f"a formula has at most {_DEEPEST} levels, and a sum of n terms has n")
    return _convert(parsed, line)


def _convert(node: ast.expr, text: str) -> Node:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        text = ast.get_source_segment(text, node) or ""
        return Constant(text if re.fullmatch(r"[0-9.eE+-]+", text) else repr(node.value))
    if isinstance(node, ast.Name):
        return Name(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return Infix("neg", _ZERO, _convert(node.operand, text))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return Infix(_OPERATORS[type(node.op)], _convert(node.left, text), _convert(node.right, text))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _convert_call(node.func.id, node, text)
    raise _error("a formula has numbers, names, + - * / ** and function calls; this is none of them", node, text)


def _convert_call(word: str, node: ast.Call, text: str) -> Node:
    if word not in WORDS:
        raise _error(f"no function of the formula language is called {word!r}; {did_you_mean(word, WORDS)}", node, text)
    if len(node.args) != WORDS[word]:
        raise _error(f"{word} takes {WORDS[word]} arguments, got {len(node.args)}", node, text)
    first = node.args[0]
    if word == "T" and getattr(first, "value", None) not in range(_HIGHEST + 1):
        raise _error(f"the degree of T is a whole number from 0 to {_HIGHEST}", first, text)
    begin = _convert_condition if word == "where" else _convert
    return Call(word, (begin(first, text), *(_convert(argument, text) for argument in node.args[1:])))


def _convert_condition(node: ast.expr, text: str) -> Node:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPERATORS:
        return Infix(_OPERATORS[type(node.ops[0])], _convert(node.left, text), _convert(node.comparators[0], text))
    raise _error("where begins with one comparison, < <= > or >=", node, text)


def _error(message: str, node: ast.expr, text: str) -> LanguageError:
    return LanguageError(message, text=text, column=len(text.encode()[: node.col_offset].decode()))  # ast counts bytes


# ---- what the words mean ------------------------------------------------------------------------------------------------


def _infix_words() -> dict[str, Callable[..., Any]]:
    import operator

    return {
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    }  # fmt: skip


def _chebyshev(degree: Any, u: Any) -> Any:
    """T_k by its three-term recurrence: stable on [-1, 1], and differentiable in u."""
    before, now = u * 0 + 1, u
    for _ in range(int(degree)):
        before, now = now, 2 * u * now - before
    return before


@cache
def numpy_words() -> Vocabulary:
    """The words on numpy arrays in float64, each by its plain definition."""
    import math

    import numpy as np  # scipy would load for erf alone; the standard library has it

    erf = np.vectorize(math.erf, otypes=[float])
    normal = np.vectorize(lambda u: 0.5 * math.erfc(-u / math.sqrt(2)), otypes=[float])
    return _infix_words() | {
        "number": float, "pi": lambda: math.pi, "e": lambda: math.e,
        "where": np.where, "max": np.maximum, "min": np.minimum, "abs": np.abs, "sign": np.sign,
        "exp": np.exp, "ln": np.log, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "tanh": np.tanh,
        "sigma": lambda u: np.exp(-np.logaddexp(0, -u)), "softplus": lambda u: np.logaddexp(u, 0),
        "erf": erf, "Phi": normal, "phi": lambda u: np.exp(-u * u / 2) / math.sqrt(2 * math.pi), "T": _chebyshev,
    }  # fmt: skip


def torch_words() -> Vocabulary:
    """The words on tensors: one accurate operation each, so that a compiler can fuse them, and warns of no cache here."""
    import math

    import torch
    from torch import Tensor

    def tensor_pair(one: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def pair(u: Tensor, v: Tensor | float) -> Tensor:
            return one(u, v if isinstance(v, Tensor) else torch.as_tensor(v, dtype=u.dtype, device=u.device))

        return pair

    return _infix_words() | {
        "number": float, "pi": lambda: math.pi, "e": lambda: math.e,
        "where": torch.where, "max": tensor_pair(torch.maximum), "min": tensor_pair(torch.minimum),
        "abs": torch.abs, "sign": torch.sign, "exp": torch.exp, "expm1": torch.expm1, "ln": torch.log,
        "sqrt": torch.sqrt, "sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh, "sigma": torch.sigmoid,
        # beyond 40 the difference to u is below half a unit in the last place of float64
        "softplus": lambda u: torch.nn.functional.softplus(u, threshold=40.0),
        "erf": torch.erf, "Phi": lambda u: 0.5 * torch.erfc(u * -math.sqrt(0.5)),
        "phi": lambda u: torch.exp(-0.5 * (u * u)) * (1 / math.sqrt(2 * math.pi)), "T": _chebyshev,
    }  # fmt: skip
