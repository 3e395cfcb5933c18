"""The grammar of formulas: text -> safe syntax tree, read with Python's own ``ast``, checked against a short list of words."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._errors import LanguageError, did_you_mean

__all__ = [
    "WORDS", "Call", "Constant", "Infix", "Name", "Node", "Vocabulary", "children", "evaluate", "read", "rebuilt", "substitute",
    "walk",
]  # fmt: skip


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
    "where": 3, "clip": 3, "max": 2, "min": 2, "abs": 1, "sign": 1, "relu": 1,
    "exp": 1, "expm1": 1, "ln": 1, "log1p": 1, "logaddexp": 2, "sqrt": 1, "hypot": 2,
    "sin": 1, "cos": 1, "sinc": 1, "atan": 1,
    "sinh": 1, "cosh": 1, "sech": 1, "asinh": 1, "tanh": 1, "sigma": 1, "softplus": 1,
    "erf": 1, "erfc": 1, "Phi": 1, "phi": 1, "gamma": 1, "T": 2,
}  # fmt: skip
"""Words of the language and how many arguments each takes: ``sigma`` is the logistic function, ``Phi`` and ``phi`` the normal
distribution and density, ``sinc(u)`` is sin(u)/u, ``clip(u, low, high)`` holds u between two numbers, ``logaddexp(u, v)`` is
ln(exp(u) + exp(v)), ``T(k, u)`` the Chebyshev polynomial of degree k. ``gamma`` takes an expression without z."""

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_ZERO = Constant("0")


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


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below one."""
    return node.arguments if isinstance(node, Call) else (node.left, node.right) if isinstance(node, Infix) else ()


def rebuilt(node: Node, below: Sequence[Node]) -> Node:
    """The same node with other children."""
    if isinstance(node, Call):
        return Call(node.word, tuple(below))
    return Infix(node.operator, *below) if isinstance(node, Infix) else node


def walk(node: Node) -> list[Node]:
    """A node and all below it, from the top."""
    return [node, *(below for child in children(node) for below in walk(child))]


def substitute(node: Node, replacement: Node) -> Node:
    """The same tree with the input z replaced."""
    if node == Name("z"):
        return replacement
    return rebuilt(node, [substitute(child, replacement) for child in children(node)])


# ---- reading ------------------------------------------------------------------------------------------------------------

_LONGEST, _DEEPEST, _HIGHEST = 10_000, 200, 256  # characters, levels, degree of T: far more than a page shows


def read(text: str) -> Node:
    """The syntax tree of a formula; raises LanguageError with the column where the text cannot be read."""
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
    if word == "gamma" and any(isinstance(below, ast.Name) and below.id == "z" for below in ast.walk(first)):
        raise _error("gamma takes an expression of parameters, without z", first, text)
    begin = _convert_condition if word == "where" else _convert
    return Call(word, (begin(first, text), *(_convert(argument, text) for argument in node.args[1:])))


def _convert_condition(node: ast.expr, text: str) -> Node:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _OPERATORS:
        return Infix(_OPERATORS[type(node.ops[0])], _convert(node.left, text), _convert(node.comparators[0], text))
    raise _error("where begins with one comparison, < <= > or >=", node, text)


def _error(message: str, node: ast.expr, text: str) -> LanguageError:
    return LanguageError(message, text=text, column=len(text.encode()[: node.col_offset].decode()))  # ast counts bytes
