"""The index of the gallery: a card for each function, and what searches, filters and sorts them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ._gallery_drawing import key, small
from ._numbers import number, plural
from ._tables import e

__all__ = ["FLAGS", "index"]

FLAGS = {
    "bounded": ("bounded", "the range is finite"),
    "monotone": ("monotone", "it never falls, or never rises"),
    "odd": ("odd", "f(−z) = −f(z)"),
    "even": ("even", "f(−z) = f(z)"),
    "convex": ("convex", "the slope never falls"),
    "smooth": ("smooth", "no jump of value, slope or curvature"),
    "kinks": ("kinks", "the slope jumps, or the value"),
    "zero": ("f(0) = 0", "the value at 0 is 0"),
    "centred": ("zero-centred", "the mean is 0 for a standard normal input"),
    "learned": ("learned parameters", "training moves a parameter of it"),
}
"""Property -> its word and what it means."""

_SECTIONS = {
    "3": "3 fixed functions, all", "3.1": "3.1 steps", "3.2": "3.2 sigmoids and tanh", "3.3": "3.3 SiLU, GELU and kin",
    "3.4": "3.4 gated linear units", "3.6": "3.6 rectifiers", "3.7": "3.7 exponential units", "3.8": "3.8 squares",
    "4": "4 adaptive functions, all", "4.2": "4.2 adaptive rectifiers", "4.3": "4.3 adaptive sigmoids",
    "4.4": "4.4 adaptive swishes", "4.16": "4.16 adaptive slopes", "4.55": "4.55 mollified", "beyond": "beyond the survey",
}  # fmt: skip
_SORTS = (
    ("name", "name"), ("gain", "gain, smallest first"), ("lipschitz", "Lipschitz constant, smallest first"),
    ("cost", "cost, fewest special functions first"),
)  # fmt: skip
_WIDEST = 34  # signs of a row of a formula that a card has room for; a wider one is text, which wraps


def index(entries: Sequence[Mapping[str, Any]]) -> str:
    """The body of the page."""
    kinds = Counter(str(entry["kind"]) for entry in entries)
    plain = kinds["elementwise"] + kinds["family"]
    said = (
        f"{plain:,} functions of one number and {len(entries) - plain:,} of whole layers, each with its formula, what follows "
        "from it, its source, and where it departs from the survey or the source, and why."
    )
    cards = "".join(map(_card, entries))
    return (
        '<a class="skip" href="#cards">Skip to the functions</a>\n<header>\n<p class="kicker">neurofn gallery</p>\n'
        f'<h1>Activation functions</h1>\n<p class="answer">{e(said)}</p>\n</header>\n<main id="main">\n'
        f'{_controls(entries, kinds)}{_legend()}<ul class="cards" id="cards">\n{cards}</ul>\n'
        '<p id="none" class="caption" hidden>No function passes these filters.</p>\n</main>\n'
    )


def _controls(entries: Sequence[Mapping[str, Any]], kinds: Mapping[str, int]) -> str:
    """What searches, filters and sorts; hidden where there is no script to hear it."""
    kind_options = "".join(f'<option value="{e(kind)}">{e(kind)} ({count})</option>' for kind, count in kinds.items())
    sections = [(name, text, sum(_in(entry, name) for entry in entries)) for name, text in _SECTIONS.items()]
    section_options = "".join(
        f'<option value="{name}">{e(text)} ({count})</option>' for name, text, count in sections if count
    )
    sort_options = "".join(f'<option value="{name}">{text}</option>' for name, text in _SORTS)
    boxes = "".join(
        f'<label title="{e(meaning)}"><input type="checkbox" value="{name}"> {e(word)}</label>'
        for name, (word, meaning) in FLAGS.items()
    )
    return (
        '<div class="controls" id="controls" role="search" aria-label="Search, filter and sort the functions" hidden>\n'
        '<label class="find">Find <input type="search" id="find" placeholder="name, formula or source" autocomplete="off">'
        f'</label>\n<label>Kind <select id="kind"><option value="">every kind</option>{kind_options}</select></label>\n'
        f'<label title="Section of arXiv:2402.09092">Survey <select id="section"><option value="">all</option>'
        f"{section_options}</select></label>\n"
        f'<label>Sort by <select id="sort">{sort_options}</select></label>\n'
        f'<fieldset id="flags"><legend class="heard">Properties</legend>{boxes}</fieldset>\n'
        f'<p id="count" role="status">{plural(len(entries), "function")}</p>\n</div>\n'
        '<noscript><p class="caption">Searching needs JavaScript (it is inside this file; nothing is loaded).</p></noscript>\n'
    )


def _legend() -> str:
    keys = "".join(f"<li>{key(kind)}{word}</li>" for kind, word in (("f", "f"), ("slope", "its slope")))
    return f'<ul class="legend curves">{keys}<li>gain: 1/√E f², the input standard normal</li></ul>\n'


def _in(entry: Mapping[str, Any], section: str) -> bool:
    return f"{entry['section']}.".startswith(f"{section}.")


def _card(entry: Mapping[str, Any]) -> str:
    name = str(entry["name"])
    words = [name, name.replace("_", " "), *entry["aliases"], entry["formula"], entry["source"]]
    numbers = {key: value for key, value in entry["numbers"].items() if value is not None}
    data = {
        "text": " ".join(map(str, words)).lower(), "name": name, "kind": entry["kind"],
        "section": entry["section"], "flags": " ".join(entry["flags"]),
        **{key: f"{value:.9g}" for key, value in numbers.items()},
    }  # fmt: skip
    said = "".join(f' data-{key}="{e(value)}"' for key, value in data.items())
    picture = small(entry["graph"], name) if entry["graph"] else ""
    told = "" if entry["graph"] else f'<p class="told">{e(entry["kind_words"])}</p>'
    aliases = f'<p class="aliases">{e(", ".join(entry["aliases"]))}</p>' if entry["aliases"] else ""
    return (
        f'<li{said}><a href="functions/{quote(name)}.html">{picture}<h2>{e(name).replace("_", "_<wbr>")}</h2></a>{aliases}'
        f'{_formula(entry)}{told}<p class="marks">{_marks(entry, numbers)}</p></li>\n'
    )


def _formula(entry: Mapping[str, Any]) -> str:
    text = str(entry["formula"])
    rows = re.split("</mtr>", str(entry["card"]))
    if entry["card"] and max(len(re.sub("<[^>]*>|&[^;]*;", "", row)) for row in rows) <= _WIDEST:
        return f'<div class="formula">{entry["card"]}</div>'
    return f'<div class="formula"><code>{e(text)}</code></div>'


def _marks(entry: Mapping[str, Any], numbers: Mapping[str, float]) -> str:
    if entry["kind"] not in ("elementwise", "family"):
        return f'<span class="tag">{e(entry["kind"])}</span>'
    gain, slope = numbers.get("gain"), numbers.get("lipschitz")
    steepest = "∞" if slope == float("inf") else number(slope, ".3g")
    family = '<span class="tag">family</span> ' if entry["kind"] == "family" else ""
    return f"{family}gain {e(number(gain, '.3g'))} · Lipschitz {e(steepest)}"
