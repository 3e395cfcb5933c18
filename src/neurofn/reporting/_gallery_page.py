"""The page of one function: formula, graphs, what follows from it, how sure that is, how to type it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ._gallery_drawing import beside as moved_graph
from ._gallery_drawing import key, main
from ._gallery_index import FLAGS
from ._tables import e, table

__all__ = ["page", "sourced"]

Entry = Mapping[str, Any]
_GROUPS = {
    "In a network at its start": ("moments", "gains", "fixed point", "edge of chaos"), "Cost": ("cost", "backward"),
}  # fmt: skip
_LABELS = {
    "lipschitz": "Lipschitz constant", "slopes": "range of the slope", "form": "form", "bends": "bends (of the curvature)",
    "backward": "kept for backward",
}  # fmt: skip
_SURVEY = "arXiv:2402.09092"


def page(entry: Entry, *, names: frozenset[str], beside: tuple[Entry | None, Entry | None]) -> str:
    """The body of the page; ``names`` are those that have a page, ``beside`` the entries before and after."""
    sections = [
        ("formula", "Formula", _formula(entry)), ("graph", "Graph", _graph(entry)),
        ("parameters", "Parameters", _parameters(entry)),
        *((_anchor(title), title, body) for title, body in _derived(entry)),
        ("facts", "Stated facts", _facts(entry, names)), ("errata", "Errata", _list(entry["errata"])),
        ("related", "Related functions", _related(entry, names)), ("use", "How to type it", _use(entry)),
        ("accuracy", "What is promised of the code", _list(entry["promises"])),
    ]  # fmt: skip
    body = "".join(
        f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{e(title)}</h2>\n{made}</section>\n'
        for name, title, made in sections
        if made
    )
    return f"{_top(entry, beside)}<main id='main'>\n{body}</main>\n{_around(beside)}"


def sourced(text: str) -> str:
    """A source, escaped, with every arXiv number and DOI in it as a link."""
    made = ""
    for part in re.split(r"(arXiv:[\w./-]*\w|doi:10\.\S*\w)", text):
        kind, _, rest = part.partition(":")
        home = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/"}.get(kind) if rest else None
        made += f'<a href="{home}{e(quote(rest))}" rel="noreferrer">{e(part)}</a>' if home else e(part)
    return made


def _top(entry: Entry, beside: tuple[Entry | None, Entry | None]) -> str:
    aliases = f'<p class="aliases">also called {e(", ".join(entry["aliases"]))}</p>' if entry["aliases"] else ""
    said = [("source", sourced(str(entry["source"]))), ("survey", _section(str(entry["section"])))]
    said.append(("kind", f"{e(entry['kind'])}: {e(entry['kind_words'])}"))
    facts = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>" for name, text in said if text)
    tags = "".join(f'<li class="tag" title="{e(FLAGS[f][1])}">{e(FLAGS[f][0])}</li>' for f in entry["flags"])
    return (
        f'<a class="skip" href="#main">Skip to the formula</a>\n<header>\n{_around(beside)}'
        f'<h1>{e(entry["name"]).replace("_", "_<wbr>")}</h1>\n{aliases}<ul class="tags">{tags}</ul>\n'
        f'<dl class="facts">{facts}</dl>\n</header>\n'
    )


def _section(section: str) -> str:
    if section in ("", "beyond"):
        return "beyond it" if section else ""
    return f"section {e(section)} of {sourced(_SURVEY)}"


def _around(beside: tuple[Entry | None, Entry | None]) -> str:
    before, after = (f'<a rel="{rel}" href="{_page(one)}">{_arrow(one, rel)}</a>' if one else "<span></span>"
                     for one, rel in zip(beside, ("prev", "next"), strict=True))  # fmt: skip
    return (
        f'<nav class="around" aria-label="Functions">{before}<a href="../index.html">All functions</a>{after}</nav>\n'
    )


def _arrow(entry: Entry, rel: str) -> str:
    return f"← {e(entry['name'])}" if rel == "prev" else f"{e(entry['name'])} →"


def _page(entry: Entry) -> str:
    return f"{quote(str(entry['name']))}.html"


def _link(name: str, names: frozenset[str]) -> str:
    return f'<a href="{quote(name)}.html">{e(name)}</a>' if name in names else f"<code>{e(name)}</code>"


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z]+", "-", title.lower())


def _formula(entry: Entry) -> str:
    made = f'<div class="math">{entry["mathml"]}</div>' if entry["mathml"] else ""
    made += _copied("as text", entry["formula"], opened=not entry["mathml"]) + _copied("as LaTeX", entry["latex"])
    slope = entry["derivative"]
    if slope:
        made += (
            f'<h3>Derivative</h3><div class="math">{slope["mathml"]}</div>'
            if slope["mathml"]
            else "<h3>Derivative</h3>"
        )
        made += _copied("as text", slope["formula"], opened=not slope["mathml"]) + _copied("as LaTeX", slope["latex"])
    return made


def _copied(title: str, text: str, *, opened: bool = False) -> str:
    """Text that one click selects."""
    if not text:
        return ""
    block = f'<pre class="command" tabindex="0"><code>{e(text)}</code></pre>'
    return block if opened else f"<details><summary>{e(title)}</summary>{block}</details>"


def _graph(entry: Entry) -> str:
    if not entry["graph"]:
        return ""
    keys = "".join(f"<li>{key(kind)}{word}</li>" for kind, word in (("f", "f"), ("slope", "slope f′")))
    figure = f'<figure><ul class="legend curves">{keys}</ul>{main(entry["graph"], str(entry["name"]))}'
    if entry["graph"]["turns"]:
        figure += "<figcaption>Rings are the two sides of a jump; a full dot is the value there.</figcaption>"
    made = figure + "</figure>"
    if entry["moved"]:
        graphs = "".join(moved_graph(part, str(entry["name"])) for part in entry["moved"])
        more = f'<p class="caption">{entry["undrawn"]} more parameters are not drawn.</p>' if entry["undrawn"] else ""
        made += f'<div><h3>One parameter moved, the others at their defaults</h3><div class="panels">{graphs}</div>{more}</div>'
    return made


def _parameters(entry: Entry) -> str:
    rows = [[f"<code>{e(name)}</code>", *(e(_signs(text)) for text in rest)] for name, *rest in entry["parameters"]]
    head = ["name", "default", "domain", "who changes it"]
    return table(head, rows, caption="Parameters", numeric=[False, True, False, False]) if rows else ""


def _derived(entry: Entry) -> list[tuple[str, str]]:
    """What follows from the formula, in tables by what it is about."""
    rest = [line for line in entry["lines"] if not any(line[0] in labels for labels in _GROUPS.values())]
    title = "Shape" if not entry["graph"] else "Derived from the formula"
    groups = [(title, rest)]
    groups += [(name, [line for line in entry["lines"] if line[0] in labels]) for name, labels in _GROUPS.items()]
    return [
        (name, _pairs((_LABELS.get(label, label), e(_signs(text))) for label, text in group)) for name, group in groups
    ]


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """A list of terms; the second of each pair is HTML already."""
    made = "".join(f"<div><dt>{e(name)}</dt><dd>{text}</dd></div>" for name, text in pairs)
    return f'<dl class="pairs">{made}</dl>' if made else ""


def _signs(text: str) -> str:
    text = re.sub(r"-(?=[\d∞])", "−", re.sub(r"\binf\b", "∞", text))
    return text.replace("^2", "²").replace("f'", "f′")


def _facts(entry: Entry, names: frozenset[str]) -> str:
    if not entry["facts"]:
        return ""
    checked = '<p class="caption">Each is checked against the formula and the code.</p>'
    if all(not name for name, _ in entry["facts"]):
        return "<ul>" + "".join(f"<li>{_fact(text, names)}</li>" for _, text in entry["facts"]) + f"</ul>{checked}"
    return _pairs((name, e(text)) for name, text in entry["facts"]) + checked


def _fact(text: str, names: frozenset[str]) -> str:
    """A sentence, with a link where it says which other function this one is."""
    found = re.search(r"\bf is ([a-z]\w*)(?=$|\()", text)
    if not found or found[1] not in names:
        return e(text)
    return e(text[: found.start(1)]) + _link(found[1], names) + e(text[found.end(1) :])


def _related(entry: Entry, names: frozenset[str]) -> str:
    pairs = [(f"with {setting}", _link(str(case), names)) for setting, case in entry["cases"]]
    for title, others in (("equal at default parameters", entry["equal"]),
                          ("equal up to a change of input and output", entry["affine"])):  # fmt: skip
        if others:
            pairs.append((title, ", ".join(_link(name, names) for name in others)))
    return _pairs(pairs)


def _use(entry: Entry) -> str:
    return "".join(f"<h3>{e(title)}</h3>{_copied('', text, opened=True)}" for title, text in entry["use"])


def _list(texts: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{sourced(str(text))}</li>" for text in texts) + "</ul>" if texts else ""
