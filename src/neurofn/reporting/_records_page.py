"""The report of a record as one HTML file: curves as inline drawings, no script, nothing loaded, every text escaped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from ._diagnosis_page import _card
from ._html import content_hash, foot, resource
from ._numbers import number
from ._records import Curve, Shown, Site
from ._tables import e
from ._view import View

__all__ = ["as_record_page"]

WIDTH, HEIGHT = 300, 90  # of a curve
CELL, ROW = 4, 3  # of a strip: a step wide, a bin high
CARDS = 8

Scale = Callable[[float], float]


def as_record_page(shown: Shown) -> str:
    """The page; its policy allows its own style and nothing else."""
    style = resource("page.css") + resource("findings.css") + resource("records.css")
    policy = f"default-src 'none'; style-src {content_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    title = "What did the instruments read?"
    sections = [
        ("findings", "Findings", _findings(shown)),
        ("training", "The training", _training(shown)),
        *((f"site-{i}", site[0], _site(site)) for i, site in enumerate(shown.sites)),
    ]
    made = "".join(_section(*one) for one in sections if one[2])
    links = "".join(
        f'<li><a href="#{name}">{e(said or "the training")}</a></li>' for name, said, body in sections if body
    )
    facts = "".join(f"<div><dt>{e(name)}</dt><dd>{e(text)}</dd></div>" for name, text in shown.facts)
    more = f'<p class="caption">Not drawn: {e(shown.left_out)}.</p>' if shown.left_out else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the readings</a>\n<header>\n<p class="kicker">neurofn report of a record</p>\n'
        f'<h1>{title}</h1>\n<p class="answer">{e(_answer(shown))}</p>\n<dl class="facts">{facts}</dl>\n'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n</header>\n<main id="main">\n'
        f'<p class="caption">{_how(shown)}</p>{more}\n{made}</main>\n{foot(View({}, (), (), ""))}</body>\n</html>\n'
    )


def _section(name: str, title: str, body: str) -> str:
    said = f"<code>{e(title)}</code>" if name.startswith("site-") and title else e(title or "Of the training")
    return f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{said}</h2>\n{body}</section>\n'


def _answer(shown: Shown) -> str:
    fired = [finding for finding in shown.findings if finding.fires]
    said = [finding.title for finding in (fired or shown.findings)[:2] if fired or finding.kind == "nothing"]
    return " ".join(said) or "No rule found anything to say."


def _how(shown: Shown) -> str:
    drawn = "" if not shown.steps else f"Curves run from step {shown.steps[0]:,} to step {shown.steps[-1]:,}"
    return (
        f"{drawn}. A line is the mean of the steps that a point stands for, the band around it reaches from the lowest to the "
        "highest value, so that no single step disappears. The number is the last value. Strips show how the neurons are "
        "spread over values, darker where there are more."
    ).lstrip(". ")


def _findings(shown: Shown) -> str:
    fired = [finding for finding in shown.findings if finding.fires]
    more = f'<p class="caption">And {len(fired) - CARDS} more: neurofn diagnose.</p>' if len(fired) > CARDS else ""
    return f'<ul class="findings">{"".join(map(_card, fired[:CARDS]))}</ul>{more}' if fired else ""


def _training(shown: Shown) -> str:
    losses = "".join(_panel(one, wide=True) for one in shown.losses)
    ranks = "".join(_panel(one, wide=True) for one in shown.ranks)
    if not losses and not ranks:
        return ""
    said = '<p class="caption">ε-ranks, with a mark below at every step at which one rose above all before.</p>'
    return f'<div class="curves wide">{losses}{ranks}</div>{said if shown.ranks else ""}'


def _site(site: Site) -> str:
    _, curves, profiles, strips = site
    made = "".join(map(_panel, curves))
    made += "".join(_panel(one, over=True) for one in profiles)
    made += "".join(map(_strip, strips))
    return f'<div class="curves">{made}</div>' if made else ""


def _panel(one: Curve, *, wide: bool = False, over: bool = False) -> str:
    known = [value for value in (*one.low, *one.high) if value is not None and math.isfinite(value)]
    last, low, high = (
        number(value, ".3g") for value in (one.ends[1], min(known, default=None), max(known, default=None))
    )
    ends = tuple(number(value, ",.0f") for value in (one.x[0], one.x[-1])) if one.x else ("", "")
    words = f"{one.name}: last {last}, from {low} to {high}"
    head = f"<span>{e(one.name)}</span><b>{e(last)}</b>"
    return _figure(
        head, (low, high), _drawn(one, words), (ends[0], ends[1], "over units, last step" if over else one.instrument)
    )


def _figure(head: str, values: tuple[str, str], svg: str, foot: tuple[str, str, str]) -> str:
    """A drawing with its values at the left and its x below; ``foot`` is the first x, the last one and a remark."""
    first, last, remark = map(e, foot)
    return (
        f'<figure class="curve"><figcaption>{head}</figcaption><div class="plot">'
        f'<div class="values"><i>{e(values[1])}</i><i>{e(values[0])}</i></div>{svg}</div>'
        f'<div class="ends"><span>{first}</span><small>{remark}</small><span>{last}</span></div></figure>'
    )


def _drawn(one: Curve, words: str) -> str:
    known = [value for value in (*one.low, *one.high) if value is not None]
    x, y = _scale(one.x, 0, WIDTH, log=_spread(one.x)), _scale(known, HEIGHT - 4, 4, log=one.log)
    places = list(zip(one.x, one.low, one.mean, one.high, strict=True))
    bands, lines = [], []
    for there, run in groupby(places, key=lambda place: place[2] is not None):
        points = [(x(at), y(low), y(mean), y(high)) for at, low, mean, high in run] if there else []  # type: ignore[arg-type]
        if not points:
            continue
        top, bottom = ([f"{at:.1f} {each[i]:.1f}" for at, *each in points] for i in (2, 0))
        bands.append(f"M{'L'.join(top)}L{'L'.join(reversed(bottom))}z")
        lines.append(
            "M" + "L".join(f"{at:.1f} {mean:.1f}" for at, _, mean, _ in points) + ("h.1" if len(points) == 1 else "")
        )
    stairs = "".join(f"M{x(at):.1f} {HEIGHT}v-7" for at in one.rises if one.x and one.x[0] <= at <= one.x[-1])
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{e(words)}">'
        f'<title>{e(words)}</title><path class="band" d="{"".join(bands)}"/><path class="line" d="{"".join(lines)}"/>'
        f'<path class="stairs" d="{stairs}"/></svg>'
    )


def _spread(x: Sequence[float]) -> bool:
    """Whether steps were taken on a logarithmic scale: half of them in the first fifth."""
    return len(x) > 5 and x[0] >= 0 and x[len(x) // 2] < x[-1] / 5


def _scale(values: Sequence[float], start: float, end: float, *, log: bool) -> Scale:
    """From values to places; 0 of a logarithmic scale stands at its beginning."""
    positive = [value for value in values if value > 0]
    log = log and bool(positive)
    low, high = (min(positive), max(positive)) if log else (min(values, default=0.0), max(values, default=1.0))
    under, over = (math.log(low), math.log(high)) if log else (low, high)
    width = over / 2 - under / 2  # halves, as the largest numbers have no difference

    def place(value: float) -> float:
        at = math.log(max(value, low)) if log else value
        share = (at / 2 - under / 2) / width if width else 0.5
        return start + (end - start) * share

    return place


def _strip(one: dict[str, Any]) -> str:
    low, high = (number(value, ".3g") for value in one["range"])
    bins = max((len(column) for column in one["columns"]), default=1)
    by_ink: dict[str, list[str]] = {}
    for i, column in enumerate(one["columns"]):
        for j, ink in enumerate(column):
            if ink != "0":
                by_ink.setdefault(ink, []).append(f"M{i * CELL} {(bins - 1 - j) * ROW}h{CELL}v{ROW}h-{CELL}z")
    cells = "".join(f'<path opacity="{int(ink) / 9:.2f}" d="{"".join(d)}"/>' for ink, d in sorted(by_ink.items()))
    words = f"{one['name']} of the neurons, from {low} to {high}"
    ends = tuple(number(value, ",.0f") for value in (one["x"][0], one["x"][-1])) if one["x"] else ("", "")
    svg = (
        f'<svg class="strip" viewBox="0 0 {CELL * len(one["columns"])} {ROW * bins}" preserveAspectRatio="none" role="img" '
        f'aria-label="{e(words)}"><title>{e(words)}</title>{cells}</svg>'
    )
    head = f"<span>{e(one['name'])}</span><small>of each neuron</small>"
    return _figure(head, (low, high), svg, (ends[0], ends[1], one["instrument"]))
