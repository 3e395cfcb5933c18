"""How a part file states a function: as a formula alone, with tensor code, or as a family of formulas."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from .._errors import DefinitionError
from ._facts import ENTRY, Count, Entry, Facts, Parameter
from ._spec import Function, Member, TensorCode, catalogue, from_member

__all__ = ["declare", "family", "function"]


def declare(name: str, formula: str, *, source: str, aliases: tuple[str, ...] = (), **details: Any) -> Function:
    """Add a function that is its formula. ``details`` are parameters (``a=Fixed(1.0)``) and the fields of Facts and Entry.

    ``stable`` is the same formula written so that tensors lose no digits, where the rewriting of formulas does not find it.
    ``far=(0, 1)``: towards -inf the function comes to a constant, towards inf it grows as z; beyond 2**60 this alone is
    computed, so that no square overflows on the way. ``code`` is tensor code for where no formula says it.

    >>> from neurofn.functions import catalogue, declare
    >>> _ = declare("cube_root_like", "z/(1 + z**2)", source="an example", odd=True, range=(-0.5, 0.5))
    >>> catalogue["cube_root_like"].facts.odd
    True
    >>> catalogue.remove("cube_root_like")
    """
    parameters = {key: details.pop(key) for key in [*details] if isinstance(details[key], Parameter)}
    forms = {key: details.pop(key) for key in ("code", "stable", "far") if key in details}
    entry = Entry(**{key: details.pop(key) for key in [*details] if key in ENTRY})
    made = Function(name, formula, source, MappingProxyType(parameters), Facts(**details), entry=entry, **forms)
    free = set(made.definition.names) - {"z"}
    if free != set(parameters):
        raise DefinitionError(
            f"{name}: the formula has the parameters {sorted(free)}, declared are {sorted(parameters)}"
        )
    catalogue.add(name, made, aliases=aliases)
    return made


def function(
    formula: str, *, source: str, aliases: tuple[str, ...] = (), **facts: Any
) -> Callable[[TensorCode], TensorCode]:
    """Declare the decorated tensor code as the code of ``formula``; its keyword defaults are the parameters.

    >>> from neurofn.functions import catalogue, function
    >>> @function("z/(1 + abs(z))", source="an example", odd=True)
    ... def my_softsign(z):
    ...     return z / (1 + z.abs())
    >>> catalogue.remove("my_softsign")
    """

    def register(code: TensorCode) -> TensorCode:
        import inspect

        defaults = {
            p.name: p.default for p in inspect.signature(code).parameters.values() if isinstance(p.default, Parameter)
        }
        declare(code.__name__, formula, source=source, aliases=aliases, code=code, **defaults, **facts)
        return code

    return register


def family(
    *, source: str, aliases: tuple[str, ...] = (), **details: Any
) -> Callable[[Callable[..., Member]], Function]:
    """Declare a family from a function of whole-number settings (``degree=Count(3)``) that gives its Member.

    >>> from neurofn.functions import Count, Learn, Member, catalogue, family
    >>> @family(source="an example", degree=Count(2, low=1))
    ... def powers(degree):
    ...     names = tuple(f"a{k}" for k in range(degree + 1))
    ...     formula = " + ".join(f"a{k}*z**{k}" for k in range(degree + 1))
    ...     return Member(formula, {name: Learn(1.0) for name in names}, names, lambda z: [z**k for k in range(degree + 1)])
    >>> powers.shaped(degree=3).formula
    'a0*z**0 + a1*z**1 + a2*z**2 + a3*z**3'
    >>> catalogue.remove("powers")
    """
    structure = {key: value for key, value in details.items() if isinstance(value, Count)}
    entry = Entry(**{key: details.pop(key) for key in [*details] if key in ENTRY})
    facts = Facts(**{key: value for key, value in details.items() if key not in structure})

    def register(build: Callable[..., Member]) -> Function:
        shape = {name: count.default for name, count in structure.items()}
        frame = Function(
            build.__name__, "z", source, facts=facts, entry=entry, structure=MappingProxyType(structure), build=build
        )
        made = from_member(frame, shape, build(**shape))
        catalogue.add(made.name, made, aliases=aliases)
        return made

    return register
