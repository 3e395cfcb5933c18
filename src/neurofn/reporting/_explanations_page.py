"""The report of explanations as one HTML file: a card for each unit, sorted and filtered in the page, nothing loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ._explanations import NUMBERS, Explained, Unit
from ._html import content_hash, foot, repeat, resource
from ._numbers import number, p_value
from ._tables import e
from ._view import View

__all__ = ["as_page"]

SORTS = (
    ("order", "as given"), ("score", "score, highest first"), ("holdout", "held-out score, highest first"),
    ("gain", "score above chance, highest first"), ("p", "p, smallest first"), ("coverage", "coverage, highest first"),
    ("formula", "formula, A to Z"),
)  # fmt: skip
WIDTH = 200.0  # of the drawing of scores


def as_page(shown: Explained) -> str:
    """The page, with a policy that allows its own script and style and nothing else."""
    script, style = resource("explanations.js"), resource("page.css") + resource("explanations.css")
    policy = (
        f"default-src 'none'; script-src {content_hash(script)}; style-src {content_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    view = View(shown.data, (), (), shown.answer)
    again = repeat(view)
    notes = "".join(f"<li>{e(note)}</li>" for note in view.get("notes", []))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{e(shown.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#units">Skip to the units</a>\n<header>\n<p class="kicker">neurofn report</p>\n'
        f'<h1>{e(shown.title)}</h1>\n<p class="answer">{e(shown.answer)}</p>\n{_facts(view, shown)}</header>\n'
        f'<main id="main">\n{_controls(shown)}{_legend(shown)}'
        f'<ol class="units" id="units">\n{"".join(_card(unit, i, shown) for i, unit in enumerate(shown.units))}</ol>\n'
        f'<p id="none" class="caption" hidden>No unit passes these filters.</p>\n'
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
    numbers = (
        '<li><svg viewBox="0 0 28 14" width="28" height="14" aria-hidden="true"><path class="scored" d="M0 7h28"/></svg>'
        f"{e(shown.measure)}</li>"
        '<li><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><circle class="held" cx="7" cy="7" r="4"/>'
        "</svg>on held-out samples</li>"
        '<li><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><path class="null" d="M7 1v12"/></svg>'
        "by chance</li>"
    )
    pictures = words = ""
    if any("picture" in example for unit in shown.units for example in unit.examples):
        pictures = "".join(
            f'<li><svg viewBox="0 0 22 14" width="22" height="14" aria-hidden="true"><path class="{name}" '
            f'd="M2 2h18v10h-18z"/></svg>{text}</li>'
            for name, text in (("fires", "the unit fires"), ("formula", "the formula is true"),
                               ("outside", "hit outside the formula"), ("inside", "miss inside it"))
        )  # fmt: skip
    if any("words" in example for unit in shown.units for example in unit.examples):
        words = (
            "<li><mark class='both'>both</mark></li><li><mark class='outside'>hit outside the formula</mark></li>"
            "<li><mark class='inside'>miss inside it</mark></li>"
        )
    return f'<ul class="legend marks">{numbers}{pictures}{words}</ul>\n'


def _card(unit: Unit, i: int, shown: Explained) -> str:
    values = unit.numbers
    gain = None if values["score"] is None or values["null_score"] is None else values["score"] - values["null_score"]
    given = {
        "order": i, "score": values["score"], "holdout": values["holdout_score"], "gain": gain, "p": values["p"],
        "coverage": values["coverage"],
    }  # fmt: skip
    data = "".join(f' data-{name}="{value:.6g}"' for name, value in given.items() if value is not None)
    data += f' data-formula="{e(unit.formula)}" data-text="{e(f"{unit.name} {unit.formula} {unit.problem}".lower())}"'
    data += ' data-chance="1"' if unit.better_than_chance else ""
    data += "" if unit.failed else ' data-explained="1"'
    label = f"unit-{i}"
    head = f'<h2 id="{label}"><span class="name">{e(unit.name)}</span> {_formula(unit)}</h2>'
    body = f'<p class="problem">{e(unit.problem)}</p>' if unit.problem else ""
    if values["score"] is not None:
        body += f'<div class="scores">{_drawing(values, _top(shown))}<p>{_said(unit, shown)}</p></div>{_runners(unit)}'
    gallery = "".join(map(_example, unit.examples))
    body += f'<ul class="examples">{gallery}</ul>' if gallery else ""
    return f'<li class="unit"{data}><article aria-labelledby="{label}">{head}{body}</article></li>\n'


def _top(shown: Explained) -> float:
    ends = [unit.numbers[name] or 0.0 for unit in shown.units for name in ("score", "holdout_score", "null_score")]
    return max([*ends, 1e-12])


def _formula(unit: Unit) -> str:
    """The formula with its operators set apart."""
    if not unit.formula:
        return '<span class="nothing">no formula</span>'
    text = re.sub(r"\b(AND NOT|AND|OR|NOT)\b", r'<span class="operator">\1</span>', e(unit.formula))
    return f"<code>{text}</code>"


def _drawing(values: Mapping[str, float | None], top: float) -> str:
    """Score, held-out score and chance on one scale with all other units."""

    def at(name: str) -> float | None:
        value = values[name]
        return None if value is None else WIDTH * max(0.0, value) / top

    score, held, null = at("score") or 0.0, at("holdout_score"), at("null_score")
    marks = f'<path class="base" d="M0 9h{WIDTH:.0f}"/><path class="scored" d="M0 9h{score:.1f}"/>'
    marks += "" if null is None else f'<path class="null" d="M{null:.1f} 2v14"/>'
    marks += "" if held is None else f'<circle class="held" cx="{held:.1f}" cy="9" r="4"/>'
    box = f'viewBox="-5 0 {WIDTH + 10:.0f} 18" width="{WIDTH + 10:.0f}" height="18"'
    return f'<svg class="bar" {box} aria-hidden="true">{marks}</svg>'


def _said(unit: Unit, shown: Explained) -> str:
    values = unit.numbers
    facts = [f"<b>{e(shown.measure)} {e(number(values['score'], '.3f'))}</b>"]
    for name, text in (("holdout_score", "held out"), ("null_score", "by chance")):
        if values[name] is not None:
            facts.append(f"{text} {e(number(values[name], '.3f'))}")
    facts += [e(p_value(values["p"]))] if values["p"] is not None else []
    if values["coverage"] is not None:
        facts.append(f"{e(number(values['coverage'], '.0%'))} of its firing inside")
    if unit.optimal is not None:
        facts.append("best of all formulas" if unit.optimal else "best found, perhaps not the best")
    return " · ".join(facts)


def _runners(unit: Unit) -> str:
    if not unit.runners_up:
        return ""
    listed = "".join(
        f"<li><code>{e(text)}</code>{'' if score is None else ' ' + e(number(score, '.3f'))}</li>"
        for text, score in unit.runners_up[:10]
    )
    return f"<details><summary>Almost as good: {len(unit.runners_up)}</summary><ul>{listed}</ul></details>"


def _example(example: Mapping[str, Any]) -> str:
    caption = f"<figcaption>{e(example['sample'])}{_shares(example)}</figcaption>"
    if "words" in example:
        return f'<li class="wordy"><figure><p>{" ".join(map(_word, example["words"]))}</p>{caption}</figure></li>'
    if "picture" not in example:
        return ""
    width, height = example["width"], example["height"]
    paths = "".join(
        f'<path class="{name}" d="{e(example[name])}"/>'
        for name in ("outside", "inside", "formula", "fires")
        if example.get(name)
    )
    words = f"example {example['sample']}{_shares(example)}"
    drawn = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{e(words)}"><image href="{e(example["picture"])}" '
        f'width="{width}" height="{height}" image-rendering="pixelated"/>{paths}</svg>'
    )
    return f"<li><figure>{drawn}{caption}</figure></li>"


def _word(word: Mapping[str, Any]) -> str:
    fires, true = bool(word.get("fires")), bool(word.get("formula"))
    text = e(word.get("text", ""))
    if not fires and not true:
        return text
    return f'<mark class="{"both" if fires and true else "outside" if fires else "inside"}">{text}</mark>'


def _shares(example: Mapping[str, Any]) -> str:
    said = []
    if example.get("hits") is not None:
        said.append(f"{number(example['hits'], '.0%')} of hits inside")
    if example.get("misses") is not None:
        said.append(f"{number(example['misses'], '.0%')} of it missed")
    return f": {', '.join(said)}" if said else ""
