"""The conformance suite of functions: small named checks, each of which raises AssertionError with what it saw.

    from neurofn.testing import check
    check(my_function)

The checks ask double entry of a function: what is printed (formula, facts, source) against what runs (tensor code, module).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .._errors import LanguageError
from ..functions import Function
from . import _function_facts as facts
from . import _function_modules as modules
from . import _function_numbers as numbers

__all__ = ["FUNCTION_CHECKS"]

_SOURCE = re.compile(
    r"arXiv:\d{4}\.\d{4,5}(v\d+)?|doi:10\.\d{4,9}/\S+|[a-z]+(_[a-z]+)*\d{4}[a-z]?|@\w+\{.+\}", re.DOTALL
)


def check_source(function: Function) -> None:
    """The source is an arXiv number, a DOI, a BibTeX entry, or the key of one (author and year)."""
    found = _SOURCE.fullmatch(function.source.strip())
    _assert(
        found is not None,
        f"{function.name}: the source {function.source!r} is none of arXiv:1234.56789, doi:10.1234/..., author2001, "
        "@article{...}",
    )


def check_formula(function: Function) -> None:
    """The formula can be read, and its parameters are the declared ones."""
    try:
        names = set(function.definition.names) - {"z"}
    except LanguageError as error:
        raise AssertionError(f"{function.name}: {error}") from error
    declared = set(function.parameters)
    _assert(
        names == declared,
        f"{function.name}: the formula has the parameters {sorted(names)}, declared are {sorted(declared)}",
    )
    missing = set(function.coefficients) - declared
    _assert(not missing, f"{function.name}: the coefficients {sorted(missing)} are no parameters")


def check_latex(function: Function) -> None:
    """The LaTeX is not empty, and its braces, \\left ... \\right and \\begin ... \\end close in order."""
    opened: list[str] = []
    pairs = {"}": "{", r"\right": r"\left", r"\end": r"\begin"}
    for token in re.findall(r"\\left(?![a-z])|\\right(?![a-z])|\\begin|\\end|(?<!\\)[{}]", function.latex):
        if token in pairs:
            last = opened.pop() if opened else "nothing"
            _assert(last == pairs[token], f"{function.name}: {token} closes {last} in {function.latex}")
        else:
            opened.append(token)
    _assert(function.latex != "" and not opened, f"{function.name}: {opened} is not closed in {function.latex!r}")


def _assert(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


FUNCTION_CHECKS: dict[str, Callable[[Function], None]] = {
    "source is given": check_source,
    "formula is readable": check_formula,
    "latex is balanced": check_latex,
    "values equal the formula": numbers.check_values,
    "slopes equal the formula": numbers.check_first_derivative,
    "second derivatives equal the formula": numbers.check_second_derivative,
    "finite where the truth is": numbers.check_finite,
    "nan is not swallowed": numbers.check_nan_and_infinity,
    "enough facts are stated": facts.check_facts_stated,
    "parity is true": facts.check_parity,
    "monotone is true": facts.check_monotone,
    "range is true": facts.check_range,
    "limits are true": facts.check_limits,
    "value at zero is true": facts.check_at_zero,
    "kinks are true": facts.check_kinks,
    "special cases are true": facts.check_cases,
    "parameters matter": modules.check_parameters_matter,
    "learned parameters get a gradient": modules.check_learned_gradient,
    "learned parameters stay in their domain": modules.check_learned_domain,
    "state_dict comes back": modules.check_state_dict,
    "copies are independent": modules.check_deepcopy,
    "module moves to a dtype": modules.check_module_dtype,
    "module moves to a device": modules.check_meta_device,
    "channels have their own parameters": modules.check_channels,
    "wrong settings are refused": modules.check_settings,
    "integer tensors are refused": modules.check_integers_refused,
    "result has the dtype of the input": modules.check_result_dtype,
    "any shape works": modules.check_shapes,
    "vmap equals a loop": modules.check_vmap,
    "compiles": modules.check_compiles,
    "exports": modules.check_exports,
}
"""Every check of a function by name: it returns, or raises AssertionError with function, input, got and expected."""
