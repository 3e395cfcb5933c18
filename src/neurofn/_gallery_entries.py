"""What the gallery says of each function, as plain dicts: what is declared, what is derived, and how to type it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from . import _function_page, _gallery_curves
from ._mathml import mathml

if TYPE_CHECKING:
    from .formula import Formula
    from .functions import Derived, Function
    from .functions.layerwise import LayerFunction

__all__ = ["UNITS", "entries"]

UNITS = {"value": 4, "slope": 16, "second derivative": 1024}
"""What the suite holds every function to; a test holds these numbers to those of the suite."""

_LONGEST = 1500  # characters of a derivative that is typeset
_F = "<mi>f</mi><mo>&#x2061;</mo><mrow><mo>(</mo><mi>z</mi><mo>)</mo></mrow><mo>=</mo>"
_SLOPE = _F.replace("<mi>f</mi>", '<mi>f</mi><mo lspace="0" rspace="0">′</mo>')
_KINDS = {
    "elementwise": "each output depends on one number of the input",
    "family": "elementwise, with whole-number settings that say how many coefficients there are",
}
_NAMES = {
    "at_zero": "value and slope at 0", "range": "infimum and supremum", "limits": "limits towards −∞ and ∞",
    "kinks": "the slope jumps at",
}  # fmt: skip


def entries() -> list[dict[str, Any]]:
    """Every function and layer function of the catalogue, by name."""
    from .functions import catalogue
    from .functions.layerwise import catalogue as layers

    relatives = {affine: _relatives(affine=affine) for affine in (False, True)}
    made = []
    for name, function in catalogue.items():
        equal = relatives[False].get(name, [])
        affine = [other for other in relatives[True].get(name, []) if other not in equal]
        related = {"equal": [n for n in equal if n in catalogue], "affine": [n for n in affine if n in catalogue]}
        made.append({**_of_function(function), **related, "aliases": list(catalogue.aliases(name))})
    made += [{**_of_layer(layer), "aliases": list(layers.aliases(name))} for name, layer in layers.items()]
    return sorted(made, key=lambda entry: str(entry["name"]))


def _relatives(*, affine: bool) -> dict[str, list[str]]:
    from .functions._derive import groups

    return {name: [other for other in group if other != name] for group in groups(affine=affine) for name in group}


def _of_function(function: Function) -> dict[str, Any]:
    from .functions import derived

    record = derived(function)
    formula, defaults = function.definition, function.defaults
    span = _gallery_curves.window(formula, defaults)
    kind = "family" if function.structure else "elementwise"
    return {
        "name": function.name, "kind": kind, "kind_words": _KINDS[kind],
        "source": function.source, "section": function.entry.section or "",
        "formula": function.formula, "latex": function.latex,
        "mathml": mathml(formula.tree, before=_F), "card": mathml(formula.tree),
        "derivative": _derivative(record), "flags": list(_flags(function, record)),
        "numbers": _numbers(record),
        "graph": _gallery_curves.graph(formula, defaults, span),
        "moved": _gallery_curves.moved(formula, defaults, function.parameters, span),
        "undrawn": max(0, len(function.parameters) - 6),
        "lines": [list(line) for line in _function_page.lines(record) if line[0] != "derivative"],
        "parameters": [_setting(name, one) for name, one in {**function.structure, **function.parameters}.items()],
        "facts": list(_facts(function)), "cases": [list(pair) for pair in function.facts.cases.items()],
        "promises": list(_promises(function)), "errata": [function.entry.errata] if function.entry.errata else [],
        "use": list(_use(function)),
    }  # fmt: skip


def _derivative(record: Derived) -> dict[str, str] | None:
    from .formula import Formula

    if not record.derivative:
        return None
    made = {"formula": record.derivative, "latex": record.derivative_latex or "", "mathml": ""}
    if len(record.derivative) <= _LONGEST:
        made["mathml"] = mathml(Formula(record.derivative).tree, before=_SLOPE)
    return made


def _flags(function: Function, record: Derived) -> Iterator[str]:
    """The properties that the index filters by; seen at points counts, the page says what is proved."""
    finite = math.isfinite(record.range.low) and math.isfinite(record.range.high)
    sharp = any(one[1] != "bend" for one in record.breaks)
    learned = any(parameter.learned for parameter in function.parameters.values())
    mean = record.moments["f"]
    flags = {
        "bounded": finite, "monotone": record.monotone.value in ("increasing", "decreasing"),
        "odd": record.parity.value == "odd", "even": record.parity.value == "even",
        "convex": record.convexity.value in ("convex", "affine"),
        "smooth": not record.breaks, "kinks": sharp, "learned": learned, "zero": abs(record.at_zero[0]) < 1e-9,
        "centred": math.isfinite(mean) and abs(mean) < 1e-9,
    }  # fmt: skip
    yield from (name for name, true in flags.items() if true)


def _numbers(record: Derived) -> dict[str, float | None]:
    cost = record.cost
    found = {
        "gain": record.gains["forward"], "lipschitz": record.lipschitz,
        "cost": float(1000 * cost["functions"] + cost["arithmetic"] + cost["branches"]),  # functions first
    }  # fmt: skip
    return {name: None if math.isnan(value) else value for name, value in found.items()}


def _setting(name: str, spec: Any) -> list[str]:
    """Name, default, domain, and who changes it, in words."""
    default = spec.default
    low, high = getattr(spec, "low", None), getattr(spec, "high", None)
    role = getattr(spec, "role", None) or ("learned" if getattr(spec, "learned", False) else "fixed")
    if isinstance(default, int):
        role = "whole number"
    elif role in ("learned", "running", "sampled"):
        role += ", an array" if spec.per == "array" else f", one per {spec.per}"
    shown = f"{getattr(spec, 'law', '')} draws" if role.startswith("sampled") else "computed from the shape"
    shown = shown if callable(default) or role.startswith("sampled") else f"{default:g}"
    bounds = f"{'−∞' if low is None else f'{low:g}'} to {'∞' if high is None else f'{high:g}'}"
    return [name, shown, bounds, role]


def _facts(function: Function) -> Iterator[list[str]]:
    for name, value in function.facts.stated().items():
        if name == "cases":
            continue
        if isinstance(value, bool):
            yield [name, "f(−z) = f(z)" if name == "even" else "f(−z) = −f(z)"]
        elif isinstance(value, tuple):
            yield [_NAMES.get(name, name), " and ".join(map(_word, value)) if name != "kinks" else _listed(value)]
        else:
            yield [_NAMES.get(name, name), str(value)]


def _word(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:.9g}".replace("inf", "∞").replace("-", "−") if isinstance(value, int | float) else str(value)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(_word, values))


def _promises(function: Function) -> Iterator[str]:
    yield (
        f"In float64, float32, bfloat16 and float16 the value is within {UNITS['value']} units of rounding of the formula "
        f"at 50 digits, the slope within {UNITS['slope']}, the second derivative within {UNITS['second derivative']}; a unit "
        "counts what rounding the input alone may move."
    )
    yield (
        "Value and slope are finite wherever the true one, rounded to the format, is: tested at every number of the 16-bit "
        "formats, and in the wider ones on a grid to the largest number."
    )
    if function.entry.resolution:
        yield (
            f"Near its zeros the value is accurate to {function.entry.resolution:g} times the precision of the format, "
            "not to its own size."
        )


def _use(function: Function) -> Iterator[list[str]]:
    name = function.name
    settings = "".join(f", {key}={count.default}" for key, count in function.structure.items())
    if not settings and function.parameters:
        key, parameter = next(iter(function.parameters.items()))
        settings = f", {key}={parameter.default:g}"
    yield ["A neuron", f"{name}(sum(linear){settings})"]
    if function.structure:
        yield ["A basis of an edge", f"sum({name}({settings.removeprefix(', ')}))"]
    yield ["Python, on a tensor", f'from neurofn import catalogue\n\ny = catalogue["{name}"](x)']
    learned = any(parameter.learned for parameter in function.parameters.values())
    yield ["Python, as a module", f'catalogue["{name}"].module({"channels=64" if learned else ""})']
    yield ["In any model", f'from neurofn import swap\n\nswapped = swap(model, "relu", "{name}")']
    yield ["Command line", f"neurofn show {name}\nneurofn check {name}"]


# ---- layer functions ----------------------------------------------------------------------------------------------------


def _of_layer(layer: LayerFunction) -> dict[str, Any]:
    from .functions.layerwise import KINDS

    learned = any(slot.learned for slot in layer.slots.values())
    channels = "channels=64" if layer.needs_channels else ""
    module, whole = f'catalogue["{layer.name}"].module({channels})', _whole(layer.formula)
    return {
        "name": layer.name, "kind": layer.kind, "kind_words": KINDS[layer.kind],
        "source": layer.source, "section": layer.section,
        "formula": layer.formula, "latex": "", "mathml": whole, "card": whole, "derivative": None,
        "flags": ["learned"] if learned else [], "numbers": {}, "graph": None, "moved": [], "undrawn": 0,
        "lines": [["axis", layer.axis.text], *([["batch", "samples of a batch see each other"]] * layer.mixes_batch)],
        "parameters": [_setting(name, one) for name, one in {**layer.counts, **layer.slots}.items()],
        "facts": [["", fact.text] for fact in layer.facts], "cases": [], "equal": [], "affine": [],
        "promises": ["Code and a plain numpy definition agree: value, gradient, and the law of its draws where it has some."],
        "errata": list(layer.errata),
        "use": [
            ["Python, as a module", f"from neurofn.functions.layerwise import catalogue\n\n{module}"],
            ["Command line", f"neurofn show {layer.name}\nneurofn check {layer.name}"],
        ],
    }  # fmt: skip


def _whole(text: str) -> str:
    """The formula of a layer function typeset, where it is one in z and z2 and no sentence."""
    from ._errors import LanguageError
    from .formula import Formula

    try:
        tree: Formula = Formula(text)
        return mathml(tree.tree)
    except LanguageError:
        return ""
