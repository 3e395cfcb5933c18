"""The formulas of a docstring, read from the mathematics in it: what a package says that it computes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._errors import NeurofnError
from ..formula import Formula

__all__ = ["docstring_formulas"]

_ROLE = re.compile(r":math:`([^`]+)`", re.DOTALL)
_BLOCK = re.compile(r"\.\. math::[ \t]*\n?(.*?)(?:\n[ \t]*\n(?=[ \t]*\w)|\Z)", re.DOTALL)
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+\.?\d*|\.\d+|[A-Za-z]|[-+*/^_(){}\[\]|,<>=&!;']")
_NAMES = {
    "alpha": "alpha", "beta": "beta", "gamma": "gamma", "lambda": "lambda", "pi": "pi", "Phi": "Phi", "phi": "phi",
}  # fmt: skip
_FUNCTIONS = {
    "exp": "exp", "ln": "ln", "log": "ln", "tanh": "tanh", "sinh": "sinh", "cosh": "cosh", "sin": "sin", "cos": "cos",
    "arctan": "atan", "max": "max", "min": "min", "erf": "erf", "sigmoid": "sigma", "softplus": "softplus", "sgn": "sign",
    "sign": "sign", "relu": "relu", "arcsinh": "asinh", "abs": "abs", "sigma": "sigma", "sech": "sech", "Phi": "Phi",
}  # fmt: skip
_INVERSE = {"tan": "atan", "sinh": "asinh"}
_COMPARE = {"geq": ">=", "ge": ">=", "leq": "<=", "le": "<=", ">": ">", "<": "<"}
_MOST = 2000  # characters of one formula


def docstring_formulas(doc: str) -> list[Formula]:
    r"""Every formula of the text that can be read, in z and its settings.

    >>> docstring_formulas(r"Applies :math:`\text{Swish}(x) = x \cdot \sigma(a \cdot x)`.")[0].text
    '((z)*(sigma(((a)*(z)))))'
    """
    found = []
    for text in (*_ROLE.findall(doc), *_BLOCK.findall(doc)):
        if "=" not in text or len(text) > _MOST:
            continue
        try:
            formula = Formula(_Reader(text).right_side())
            _ = formula.tree
        except (_UnreadableError, NeurofnError, IndexError, RecursionError):
            continue
        if "z" in formula.names:
            found.append(formula)
    return found


class _UnreadableError(Exception):
    pass


def _tokens(text: str) -> Iterator[str]:
    text = re.sub(r"\\(left|right|big|Big|bigl|bigr|,|;|!|quad|displaystyle|dfrac|tfrac)(?![A-Za-z])",
                  lambda m: r"\frac" if m[1] in ("dfrac", "tfrac") else " ", text)  # fmt: skip
    text = re.sub(r"\\(?:text|mathrm|operatorname)\s*\{([^{}]*)\}", _worded, text)
    text = re.sub(r"\\\\", r" \\n ", text)
    yield from _TOKEN.findall(text)


def _worded(found: re.Match[str]) -> str:
    word = found[1].strip().lower()
    return rf" \{word} " if word in _FUNCTIONS else " " if word in ("if", "for", "otherwise", "else") else r" \unknown "


class _Reader:
    """A reader by descent: sums of products of powers, with cases."""

    def __init__(self, text: str) -> None:
        self.tokens = list(_tokens(text))
        self.at = 0

    def right_side(self) -> str:
        """The expression after the first equals sign, up to a second one."""
        self.at = self.tokens.index("=") + 1 if "=" in self.tokens else len(self.tokens)
        made = self.sum()
        if self.peek() not in ("", "=", ",", r"\n", ";"):
            raise _UnreadableError(self.peek())
        return made

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise _UnreadableError(token)
        self.at += 1
        return token

    def sum(self) -> str:
        sign = self.take() if self.peek() in ("-", "+") else ""
        made = f"({sign}{self.product()})" if sign == "-" else self.product()
        while self.peek() in ("+", "-"):
            operator = self.take()
            made = f"({made} {operator} {self.product()})"
        return made

    def product(self) -> str:
        made = self.power()
        while True:
            token = self.peek()
            if token in (r"\cdot", r"\times", "*"):
                self.take()
                made = f"(({made})*({self.power()}))"
            elif token == "/":
                self.take()
                made = f"(({made})/({self.power()}))"
            elif self._begins(token):
                made = f"(({made})*({self.power()}))"
            else:
                return made

    @staticmethod
    def _begins(token: str) -> bool:
        return bool(token) and (
            token[0].isalnum() or token in ("(", "{") or token in (r"\frac", r"\sqrt", r"\begin")
            or token[1:] in _FUNCTIONS or token[1:] in _NAMES or token[1:] in _INVERSE
        )  # fmt: skip

    def power(self) -> str:
        base = self.atom()
        while self.peek() == "^":
            self.take()
            base = f"(({base})**({self.exponent()}))"
        return base

    def exponent(self) -> str:
        return self.braced() if self.peek() == "{" else self.atom()

    def braced(self) -> str:
        self.take("{")
        made = self.sum()
        self.take("}")
        return made

    def atom(self) -> str:
        token = self.take()
        if token[0].isdigit() or token[0] == ".":
            return token
        if token in ("(", "{", "["):
            made = self.sum()
            self.take({"(": ")", "{": "}", "[": "]"}[token])
            return f"({made})"
        if token == "|":
            made = self.sum()
            self.take("|")
            return f"abs({made})"
        if token.isalpha():
            self.index()
            return {"x": "z", "z": "z", "e": "e"}.get(token, token)
        return self.command(token[1:])

    def index(self) -> None:
        """A lower index that only says "of this element"."""
        if self.peek() == "_":
            self.take()
            if self.peek() == "{" or self.peek() not in ("i", "j"):
                raise _UnreadableError("index")
            self.take()

    def command(self, word: str) -> str:
        if word == "frac":
            above = self.braced()
            return f"(({above})/({self.braced()}))"
        if word == "sqrt":
            return f"sqrt({self.braced()})"
        if word == "begin":
            return self.cases()
        if word in _INVERSE and self.tokens[self.at : self.at + 5] == ["^", "{", "-", "1", "}"]:
            self.at += 5
            return self.call(_INVERSE[word])
        if word in _FUNCTIONS:
            return self.call(_FUNCTIONS[word])
        if word in _NAMES:
            self.index()
            return _NAMES[word]
        raise _UnreadableError(word)

    def call(self, name: str) -> str:
        power = ""
        if self.peek() == "^":
            self.take()
            power = self.exponent()
        if self.peek() not in ("(", "{", "["):
            made = f"{name}({self.power()})"
        else:
            close = {"(": ")", "{": "}", "[": "]"}[self.take()]
            parts = [self.sum()]
            while self.peek() == ",":
                self.take()
                parts.append(self.sum())
            self.take(close)
            made = f"{name}({', '.join(parts)})"
        return f"({made})**({power})" if power else made

    def cases(self) -> str:
        for token in "{cases}":
            self.take(token)
        made: list[tuple[str, str]] = []
        while self.peek() != r"\end":
            value = self.sum()
            while self.peek() in (",", "&"):
                self.take()
            made.append((value, self.condition()))
            while self.peek() in (",", r"\n", ";"):
                self.take()
        for token in (r"\end", *"{cases}"):
            self.take(token)
        *before, (last, _) = made
        for value, condition in reversed(before):
            last = f"where({condition}, {value}, {last})"
        return last

    def condition(self) -> str:
        """z >= 0, or a < z < b as a product of two; "1 > 0" where there is none."""
        if self.peek() in (r"\n", r"\end"):
            return "1 > 0"
        sides, signs = [self.sum()], []
        while (word := self.peek().removeprefix("\\")) in _COMPARE:
            self.take()
            signs.append(_COMPARE[word])
            sides.append(self.sum())
        if not signs or len(signs) > 2:
            raise _UnreadableError("condition")
        if len(signs) == 1:
            return f"{sides[0]} {signs[0]} {sides[1]}"
        low, middle, high = sides if "<" in signs[0] else sides[::-1]
        return f"min({middle} - ({low}), ({high}) - ({middle})) >= 0"
