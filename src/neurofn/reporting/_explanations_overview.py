"""The first picture of the report of explanations: the best formulas on one scale with chance, and where all others lie."""

from __future__ import annotations

from ._explanations import Explained, Unit, small
from ._explanations_card import WIDTH, drawing, formula
from ._numbers import number, plural
from ._tables import e

__all__ = ["overview"]

BEST = 8  # units with a line of their own


def overview(shown: Explained) -> str:
    """The figure; nothing where no unit has a score."""
    scored = [place for place in shown.ranked if shown.units[place].numbers["score"] is not None]
    if not scored:
        return ""
    best, rest = scored[:BEST], scored[BEST:]
    lines = "".join(_line(place, shown) for place in best)
    lines += _others([shown.units[place] for place in rest], shown) if rest else ""
    return (
        f'<figure class="overview" aria-label="The best explained units, their scores and what chance gives">'
        f"{_legend(shown)}<ol>{lines}</ol><figcaption>{e(_caption(shown))}</figcaption></figure>\n"
    )


def _line(place: int, shown: Explained) -> str:
    unit = shown.units[place]
    said = e(number(unit.trusted, ".2f"))
    if unit.numbers["null_score"] is not None:
        said += f" <small>chance {e(small(unit.numbers['null_score']).replace('less than', '<'))}</small>"
    weak = "" if unit.better_than_chance or unit.numbers["p"] is None else ' class="weak"'
    return (
        f'<li{weak}><a class="name" href="#unit-{place}">{e(unit.name)}</a>{formula(unit)}{drawing(unit, shown.top)}'
        f'<span class="said">{said}</span></li>'
    )


def _others(units: list[Unit], shown: Explained) -> str:
    """All other units as dots on the same scale."""
    dots = "".join(
        f'<circle class="{"other" if unit.better_than_chance or unit.numbers["p"] is None else "other weak"}" '
        f'cx="{WIDTH * max(0.0, unit.trusted or 0.0) / shown.top:.1f}" cy="9" r="3"/>'
        for unit in units
    )
    box = f'viewBox="-5 0 {WIDTH + 10:.0f} 18" width="{WIDTH + 10:.0f}" height="18"'
    drawn = f'<svg class="bar" {box} aria-hidden="true"><path class="base" d="M0 9h{WIDTH:.0f}"/>{dots}</svg>'
    low, high = (number(end(unit.trusted or 0.0 for unit in units), ".2f") for end in (min, max))
    return (
        f'<li class="others"><a class="name" href="#all">others</a><span>{plural(len(units), "more unit")}, each a dot'
        f'</span>{drawn}<span class="said">{e(low)} to {e(high)}</span></li>'
    )


def _legend(shown: Explained) -> str:
    has = {
        name: any(unit.numbers[name] is not None for unit in shown.units) for name in ("holdout_score", "null_score")
    }
    marks = (
        '<li><svg viewBox="0 0 28 14" width="28" height="14" aria-hidden="true"><path class="scored" d="M0 7h28"/></svg>'
        f"{e(shown.measure)} where the formula was sought</li>"
    )
    if has["holdout_score"]:
        marks += (
            '<li><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><circle class="held" cx="7" cy="7" '
            'r="4"/></svg>on held-out samples</li>'
        )
    if has["null_score"]:
        marks += (
            '<li><svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true"><path class="null" d="M7 1v12"/>'
            "</svg>by chance</li>"
        )
    return f'<ul class="legend marks">{marks}</ul>'


def _caption(shown: Explained) -> str:
    said = ""
    if shown.measure == "IoU":
        said = "IoU: of all places where the unit fires or its formula holds, the share where both do; 1 is the same thing. "
    if any(unit.numbers["holdout_score"] is not None for unit in shown.units):
        said += "Trust the ring, on samples where nothing was sought, and how far it lies from chance."
    return said.strip()
