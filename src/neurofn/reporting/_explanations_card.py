"""One explained unit as HTML: its formula, its scores beside chance, formulas almost as good, and its examples."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ._explanations import Explained, Unit
from ._explanations_gallery import gallery
from ._numbers import number, p_value
from ._tables import e

__all__ = ["WIDTH", "card", "drawing", "formula"]

WIDTH = 200.0  # of the drawing of scores


def card(place: int, rank: int, shown: Explained, *, names: Mapping[str, str]) -> str:
    """The unit at this place of the list as an item of the page, with all that the page sorts and filters by.

    names: those of the pictures.
    """
    unit = shown.units[place]
    values = unit.numbers
    gain = None if values["score"] is None or values["null_score"] is None else values["score"] - values["null_score"]
    given = {
        "order": place, "rank": rank, "score": values["score"], "holdout": values["holdout_score"], "gain": gain,
        "p": values["p"], "coverage": values["coverage"],
    }  # fmt: skip
    data = "".join(f' data-{name}="{value:.6g}"' for name, value in given.items() if value is not None)
    data += f' data-formula="{e(unit.formula)}" data-text="{e(f"{unit.name} {unit.formula} {unit.problem}".lower())}"'
    data += ' data-chance="1"' if unit.better_than_chance else ""
    data += "" if unit.failed else ' data-explained="1"'
    label = f"unit-{place}"
    head = f'<h2 id="{label}"><span class="name">{e(unit.name)}</span> {formula(unit)}</h2>'
    body = f'<p class="problem">{e(unit.problem)}</p>' if unit.problem else ""
    if values["score"] is not None:
        body += f'<div class="scores">{drawing(unit, shown.top)}<p>{_said(unit, shown)}</p></div>{_runners(unit)}'
    body += gallery(unit.examples, names)
    return f'<li class="unit"{data}><article aria-labelledby="{label}">{head}{body}</article></li>\n'


def formula(unit: Unit) -> str:
    """The formula with its operators set apart."""
    if not unit.formula:
        return '<span class="nothing">no formula</span>'
    text = re.sub(r"\b(AND NOT|AND|OR|NOT)\b", r'<span class="operator">\1</span>', e(unit.formula))
    return f"<code>{text}</code>"


def drawing(unit: Unit, top: float) -> str:
    """Score, held-out score and chance on one scale with all other units."""
    values = unit.numbers

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
    if len(unit.nulls) > 1:
        each = ", ".join(f"{e(name)} {e(number(mean, '.3f'))}" for name, mean in unit.nulls)
        facts[-1] += f" ({each})"
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
