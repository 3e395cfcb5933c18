"""The report of explanations as one HTML file: a card for each unit, sorted and filtered in the page, nothing loaded."""

from __future__ import annotations

from ._explanations import NUMBERS, Explained
from ._explanations_card import card
from ._explanations_gallery import pictures
from ._explanations_overview import overview
from ._html import content_hash, foot, repeat, resource
from ._tables import e
from ._view import View

__all__ = ["as_page"]

SORTS = (
    ("rank", "trust, best first"), ("order", "unit, as given"), ("score", "score, highest first"),
    ("holdout", "held-out score, highest first"), ("gain", "score above chance, highest first"),
    ("p", "p, smallest first"), ("coverage", "coverage, highest first"), ("formula", "formula, A to Z"),
)  # fmt: skip


def as_page(shown: Explained) -> str:
    """The page, with a policy that allows its own script and style and nothing else."""
    script, style = resource("explanations.js"), resource("page.css") + resource("explanations.css")
    policy = (
        f"default-src 'none'; script-src {content_hash(script)}; style-src {content_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    view = View(shown.data, (), (), shown.answer)
    again = repeat(view)
    names, images = pictures(example for unit in shown.units for example in unit.examples)
    cards = "".join(card(place, rank, shown, names=names) for rank, place in enumerate(shown.ranked))
    notes = "".join(f"<li>{e(note)}</li>" for note in view.get("notes", []))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{e(shown.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#units">Skip to the units</a>\n<header>\n<p class="kicker">neurofn report</p>\n'
        f'<h1>{e(shown.title)}</h1>\n<p class="answer">{e(shown.answer)}</p>\n</header>\n'
        f'<main id="main">\n{images}{overview(shown)}{_facts(view, shown)}'
        f'<section id="all"><h2>Every unit</h2>\n{_controls(shown)}{_legend(shown)}'
        f'<ol class="units" id="units">\n{cards}</ol>\n'
        f'<p id="none" class="caption" hidden>No unit passes these filters.</p></section>\n'
        + (f'<section id="repeat"><h2>How to repeat this</h2>\n{again}</section>\n' if again else "")
        + (f'<section id="notes"><h2>Notes</h2>\n<ul>{notes}</ul></section>\n' if notes else "")
        + f"</main>\n{foot(view)}<script>{script}</script>\n</body>\n</html>\n"
    )


def _facts(view: View, shown: Explained) -> str:
    languages = sorted({unit.language for unit in shown.units if unit.language})
    facts = [
        ("units", f"{len(shown.units):,}"), ("score", shown.measure), ("at", view.get("at")),
        ("search", view.get("search")), ("formulas", "; ".join(languages)),
        ("started", str(view.get("started")).replace("T", " ")[:16]),
    ]  # fmt: skip
    said = "".join(f"<div><dt>{e(name)}</dt><dd>{e(value)}</dd></div>" for name, value in facts if value)
    return f'<dl class="facts">{said}</dl>\n'


def _controls(shown: Explained) -> str:
    """What filters and sorts; hidden where there is no script to hear it."""
    has = {name: any(unit.numbers[name] is not None for unit in shown.units) for name in NUMBERS}
    needs = {"holdout": "holdout_score", "gain": "null_score"}
    options = "".join(
        f'<option value="{name}">{e(text)}</option>' for name, text in SORTS if has.get(needs.get(name, ""), True)
    )
    top = max((abs(unit.numbers["score"] or 0.0) for unit in shown.units), default=0.0)
    boxes = '<label><input type="checkbox" id="chance"> better than chance</label>' if has["p"] else ""
    if any(unit.failed for unit in shown.units):
        boxes += '<label><input type="checkbox" id="explained"> explained</label>'
    return (
        '<div class="controls" id="controls" role="search" aria-label="Filter and sort the units" hidden>'
        '<label>Find <input type="search" id="find" placeholder="unit or concept" autocomplete="off"></label>'
        f'<label>{e(shown.measure)} at least <input type="range" id="least" min="0" max="100" value="0" '
        f'data-top="{top:.6g}"> <output id="least-said" for="least">0</output></label>{boxes}'
        f'<label>Sort by <select id="sort">{options}</select></label>'
        f'<p id="count" role="status">{len(shown.units):,} of {len(shown.units):,} units</p></div>\n'
        '<noscript><p class="caption">Sorting and filtering need JavaScript (it is inside this file).</p></noscript>\n'
    )


def _legend(shown: Explained) -> str:
    """What the marks in examples mean; nothing where there are none."""
    examples = [example for unit in shown.units for example in unit.examples]
    said = ""
    if any("picture" in example for example in examples):
        said = "".join(
            f'<li><svg viewBox="0 0 22 14" width="22" height="14" aria-hidden="true"><path class="{name}" '
            f'd="M2 2h18v10h-18z"/></svg>{text}</li>'
            for name, text in (("fires", "the unit fires"), ("formula", "the formula holds"),
                               ("outside", "fires outside the formula"), ("inside", "silent inside it"))
        )  # fmt: skip
        said += "<li>point at a picture to see it bare</li>"
    if any("words" in example for example in examples):
        said += (
            "<li><mark class='both'>fires inside the formula</mark></li>"
            "<li><mark class='outside'>fires outside the formula</mark></li>"
            "<li><mark class='inside'>silent inside it</mark></li>"
        )
    return f'<ul class="legend marks">{said}</ul>\n' if said else ""
