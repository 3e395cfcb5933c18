"""How a place in a model is written: the path of a module, what of it is read, and which part of that.

0.attn             the output of a module; the first tensor in it
0.attn[1]          a part of it, also nested: lstm[1][0], encoder['hidden']
0.attn:input       what the module is given: the first tensor; 0.attn:input[1] and 0.attn:input['mask'] name others
0.attn:heads       of nn.MultiheadAttention: what the heads give before they are mixed; :scores their attention weights
block:relu         a call in the module's own forward, by the name of the function; block:relu@2 the second such place
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._errors import SiteError

__all__ = ["INPUT", "OUTPUT", "Address", "Site", "address_of", "parsed", "part_of"]

OUTPUT, INPUT = "output", "input"
_PART = r"""\[(?:\d+|'[^']*'|"[^"]*")\]"""
_ADDRESS = re.compile(
    rf"(?P<module>.*?)(?::(?P<port>[^:@\[\]]+)(?:@(?P<number>\d+))?)?(?P<parts>(?:{_PART})*)", re.DOTALL
)

Part = int | str


@dataclass(frozen=True)
class Address:
    """A place that was read from its text.

    module: the path of the module, or a pattern of paths.  port: what of it: "output", "input", "heads", "scores", a function.
    number: which place of a function, 0 where none was said.  parts: the way into tuples and dicts.
    place: where the call stands in the code, once it is known.
    """

    module: str
    port: str = OUTPUT
    number: int = 0
    parts: tuple[Part, ...] = ()
    place: Any = None

    def __str__(self) -> str:
        port = f":{self.port}" if self.port != OUTPUT else ""
        number = f"@{self.number}" if self.number > 1 else ""
        return f"{self.module}{port}{number}{''.join(f'[{part!r}]' for part in self.parts)}"


@dataclass(frozen=True)
class Site:
    """One place of a model that is read.

    path: as it is written: the dotted path of a module as in ``model.named_modules()``, "" for the model, and what of it.
    kind: the name of the module's class, or of the function that is called.
    axis: the axis of its output along which the neurons lie, for example -1 for Linear and 1 for a convolution; the first
          of the other axes is the batch.

    >>> Site("0", "Linear", -1)
    Site(path='0', kind='Linear', axis=-1)
    """

    path: str
    kind: str
    axis: int
    address: Address | None = field(
        default=None, compare=False, repr=False
    )  # what the path means; found with the model


def parsed(text: str) -> Address:
    """The address in a text.

    >>> parsed("rnn[1][0]"), str(parsed("block:relu@2"))
    (Address(module='rnn', port='output', number=0, parts=(1, 0), place=None), 'block:relu@2')
    """
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return Address(text)
    inside = [part[1:-1] for part in re.findall(_PART, found["parts"])]
    parts = tuple(int(part) if part.isdigit() else part[1:-1] for part in inside)
    return Address(found["module"], found["port"] or OUTPUT, int(found["number"] or 0), parts)


def part_of(value: Any, parts: Sequence[Part], *, where: str) -> Any:
    """The part of nested tuples, lists and dicts; raises SiteError, with what is there, where it is not."""
    for part in parts:
        inside = value if isinstance(value, Mapping) else {}
        if isinstance(value, tuple | list):
            inside = dict(enumerate(value))
        if part not in inside:
            raise SiteError(f"{where} has no part [{part!r}]: it is {described(value)}; see: neurofn sites")
        value = inside[part]
    return value


def described(value: Any) -> str:
    """What an output is, in a few words."""
    if isinstance(value, Mapping):
        return f"{type(value).__name__} with {', '.join(f'[{key!r}]' for key in list(value)[:8]) or 'nothing in it'}"
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} of {len(value)}"
    return f"one {type(value).__name__}"


def address_of(site: Site) -> Address:
    """What the path of a site means."""
    return parsed(site.path) if site.address is None else site.address
