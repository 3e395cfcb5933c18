"""The report as one HTML file that needs nothing else: no network, no other file, no evaluation of text as code."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from .._errors import MissingExtraError
from ._figures import Figure, figures
from ._numbers import number, p_value, plural
from ._rows import Rows, row_figures
from ._tables import (
    e,
    effect_svg,
    key,
    leaderboard_table,
    per_seed_table,
    settings_table,
    summary_table,
)
from ._view import Verdict, View, effect_text, is_control, neuron_name

__all__ = ["as_html", "content_hash", "foot", "repeat", "resource"]

Spec = dict[str, Any]
CLAIMS = 10  # claims that stand open; the rest waits under one line
SIGNS = {"holds": "✓", "fails": "✗", "undecided": "?", "uncontrolled": "!"}
MEANINGS = {
    "holds": "the effect is there, and its control does not show it",
    "fails": "the effect is not there",
    "undecided": "the interval allows both",
    "uncontrolled": "the control shows the effect too, or there was none",
}


class Page:
    """Collects sections and the specifications of their charts."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.specs: list[Spec] = []
        self.sections: list[tuple[str, str, str]] = []

    def add(self, name: str, title: str, body: str) -> None:
        """A section, unless its body is empty."""
        if body:
            self.sections.append((name, title, body))

    def chart(self, spec: Spec, words: str) -> str:
        """The place of a chart on the page; the script fills it from the list of specifications."""
        self.specs.append(spec)
        return f'<div class="chart" data-chart="{len(self.specs) - 1}" role="img" aria-label="{e(words)}"></div>'


def as_html(view: View) -> str:
    """The page. Raises MissingExtraError without altair and vl-convert."""
    for package in ("altair", "vl_convert"):
        if importlib.util.find_spec(package) is None:
            name = package.replace("vl_convert", "vl-convert-python")
            raise MissingExtraError(name, extra="report", purpose="the HTML report (Markdown and JSON need nothing)")
    from ._charts import CONFIG

    page = Page(view)
    _fill(page)
    script, style, bundle = resource("page.js"), resource("page.css"), _bundle()
    policy = (
        f"default-src 'none'; script-src {content_hash(bundle)} {content_hash(script)}; style-src {content_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    question = view.get("question") or view.get("study", "report")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{e(question)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"{_top(view, page)}<main id='main'>\n{''.join(map(_section, page.sections))}</main>\n{foot(view)}"
        f'<script type="application/json" id="charts">{_json({"config": CONFIG, "specs": page.specs})}</script>\n'
        f"<script>{bundle}</script>\n<script>{script}</script>\n</body>\n</html>\n"
    )


def _fill(page: Page) -> None:
    view, rows = page.view, row_figures(page.view)
    board = view.leaderboard
    forest = _rows(page, rows.get("forest"))
    if board:
        page.add("leaderboard", str(board.get("title") or "Leaderboard"), leaderboard_table(board) + forest)
    page.add("verdicts", "Claims and verdicts", _verdicts(view))
    for summary in view.get("summaries", []):
        if summary is not board and summary.get("rows"):
            caption = f'<p class="caption">{e(summary["caption"])}</p>' if summary.get("caption") else ""
            name = f"summary-{len(page.sections)}"
            page.add(
                name, str(summary.get("title") or summary.get("name") or "Summary"), summary_table(summary) + caption
            )
    for figure in figures(view):
        page.add(figure.name, figure.title, _panels(page, figure))
    page.add("dead", "Dead neurons", _rows(page, rows.get("dead")))
    costs = "".join(_rows(page, rows.get(name), titled=True) for name in ("seconds", "parameters"))
    page.add("cost", "Time and parameters", f'<div class="pair">{costs}</div>' if costs else "")
    page.add("repeat", "How to repeat this", repeat(view))
    notes = [*view.get("missing", []), *view.get("notes", [])]
    page.add("notes", "Notes", f"<ul>{''.join(f'<li>{e(note)}</li>' for note in notes)}</ul>" if notes else "")
    table = view.get("table", {})
    if table.get("rows"):
        body = f"<details><summary>{plural(len(table['rows']), 'row')}, one per seed</summary>{per_seed_table(table)}</details>"
        page.add("seeds", "Every seed", body)


def _top(view: View, page: Page) -> str:
    source = view.get("source")
    facts = [
        ("study", view.get("study")),
        ("size", view.get("size")),
        ("started", str(view.get("started")).replace("T", " ")[:16]),
        ("computed in", _duration(view.get("seconds", None))),
        ("on", view.get("machine")),
        ("source", source),
    ]
    said = "".join(f"<div><dt>{e(name)}</dt><dd>{e(value)}</dd></div>" for name, value in facts if value)
    warnings = "".join(f"<li>{e(warning)}</li>" for warning in view.warnings)
    box = f'<aside class="warning" aria-label="Warnings"><strong>Read this first</strong><ul>{warnings}</ul></aside>'
    links = "".join(f'<li><a href="#{e(name)}">{e(title)}</a></li>' for name, title, _ in page.sections)
    best = view.leaderboard["rows"][0] if view.leaderboard else {}
    return (
        '<a class="skip" href="#main">Skip to the results</a>\n<header>\n'
        f'<p class="kicker">neurofn report</p>\n<h1>{_unbroken(view.get("question") or view.get("study"))}</h1>\n'
        f'<p class="answer">{_unbroken(view.answer)}</p>\n{_best(view, best)}{box if warnings else ""}'
        f'<dl class="facts">{said}</dl>\n<nav aria-label="Sections"><ul>{links}</ul></nav>\n'
        '<noscript><p class="caption">The charts need JavaScript (it is inside this file; nothing is loaded). '
        "Tables and verdicts do not.</p></noscript>\n</header>\n"
    )


def _best(view: View, row: Mapping[str, Any]) -> str:
    if not view.leaderboard or row.get("score") is None:
        return ""
    column: Spec = next((c for c in view.leaderboard["columns"] if c.get("name") == "score"), {})
    score = number(row["score"], str(column.get("format") or ""), str(column.get("unit") or ""))
    tag = ", the linear control" if is_control(neuron_name(row)) else ""
    return f'<p class="best">First on the leaderboard: <code>{e(neuron_name(row))}</code>{tag}, {e(score)}.</p>\n'


def _duration(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return ""
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"


def _unbroken(text: object) -> str:
    """The text, escaped, with "ε-rank" and "p = 0.01" each kept on one line."""
    hyphens = re.sub(r"\b([^\W\d_])-(?=\w)", "\\1\u2011", e(text))
    return re.sub(r"\bp (=|&lt;) (?=\d)", "p\u00a0\\1\u00a0", hyphens)


def _section(made: tuple[str, str, str]) -> str:
    name, title, body = made
    label = f"{name}-title"
    return f'<section id="{name}" aria-labelledby="{label}"><h2 id="{label}">{e(title)}</h2>\n{body}</section>\n'


def _verdicts(view: View) -> str:
    if not view.verdicts:
        return ""
    cards = [_card(verdict, view.verdicts) for verdict in view.verdicts]
    made = f'<ol class="verdicts">{"".join(cards[:CLAIMS])}</ol>'
    if len(cards) > CLAIMS:
        more = f"<summary>{plural(len(cards) - CLAIMS, 'more claim')}</summary>"
        made += f'<details>{more}<ol class="verdicts">{"".join(cards[CLAIMS:])}</ol></details>'
    used = [word for word in SIGNS if any(verdict.word == word for verdict in view.verdicts)]
    words = "; ".join(f"<b>{SIGNS[word]} {word}</b>: {MEANINGS[word]}" for word in used)
    return f'{made}<p class="caption">{words}.</p>'


def _card(verdict: Verdict, others: Sequence[Verdict]) -> str:
    raw = verdict.numbers
    smallest = raw.get("smallest_effect")
    facts = [
        effect_text(verdict),
        p_value(raw.get("p")),
        plural(int(raw["seeds"]), "seed") if isinstance(raw.get("seeds"), int | float) else "",
        f"smallest effect that counts: {number(smallest, '.3g', str(raw.get('unit') or ''))}"
        if smallest is not None
        else "",
    ]
    drawn = effect_svg(verdict, others)
    sign = f'<span aria-hidden="true">{SIGNS[verdict.word]}</span>'
    source = f' <span class="source">· {e(raw["source"])}</span>' if raw.get("source") else ""
    return (
        f'<li class="verdict {verdict.word}"><p class="word">{sign} {verdict.word}</p>'
        f'<div><p class="sentence">{_unbroken(verdict.sentence)}</p><p class="claim">Claim: {e(verdict.claim)}{source}</p>'
        f'<p class="numbers">{drawn}<span>{e(" · ".join(fact for fact in facts if fact))}</span></p>'
        f'<p class="control"><b>Control:</b> {e(verdict.control)}</p></div></li>'
    )


def _rows(page: Page, figure: Rows | None, *, titled: bool = False) -> str:
    if figure is None:
        return ""
    from ._charts import rows_spec

    words = f"{figure.title}: " + "; ".join(f"{row.label} {row.name} {row.text}" for row in figure.rows)
    title = (
        f"<h3>{e(figure.title)}{f' <small>{e(figure.axis.title)}</small>' if figure.axis.title else ''}</h3>"
        if titled
        else ""
    )
    caption = f"<figcaption>{e(figure.caption)}</figcaption>" if figure.caption else ""
    chart = page.chart(rows_spec(figure), words)
    return f'<figure class="rows">{title}{key(figure.key, shapes=True)}{chart}{caption}</figure>'


def _panels(page: Page, figure: Figure) -> str:
    from ._charts import pane_spec

    made, few = [], len(figure.panels) <= 4
    for panel in figure.panels:
        charts = "".join(
            page.chart(
                pane_spec(figure, pane, last=pane is panel.panes[-1], height=150 if few else 112),
                f"{figure.title}, {panel.label}: {panel.note}",
            )
            for pane in panel.panes
        )
        head = f'<p class="head"><code>{e(panel.label)}</code> <span>{e(panel.note)}</span></p>'
        made.append(f'<div class="panel">{head}{charts}</div>')
    keys = key(figure.key, reference=figure.reference)
    kind = "panels two" if len(figure.panels) in (2, 4) else "panels"
    caption = f"<figcaption>{e(figure.caption)} {e(figure.drawing)}</figcaption>"
    return f'<figure>{caption}{keys}<div class="{kind}">{"".join(made)}</div></figure>'


def repeat(view: View) -> str:
    """Command, settings and versions, as far as there are any."""
    command = view.get("command")
    made = ""
    if command:
        shown = re.sub(r"(?<!\S)(--[\w-]+)", r'<span class="option">\1</span>', e(command))
        made = (
            f'<p>One click selects the whole command.</p><pre class="command" tabindex="0"><code>{shown}</code></pre>'
        )
    versions = {str(name): value for name, value in dict(view.get("versions", {})).items()}
    groups = [("Settings", settings_table(view.get("settings", {})))]
    groups.append(
        ("Versions and machine", settings_table({**versions, "machine": view.get("machine")} if versions else {}))
    )
    tables = "".join(f"<div><h3>{title}</h3>{body}</div>" for title, body in groups if body)
    return made + (f'<div class="pair">{tables}</div>' if tables else "")


def foot(view: View) -> str:
    """The foot of a page."""
    made = f"Written by neurofn {e(dict(view.get('versions', {})).get('neurofn', ''))}".rstrip()
    return f"<footer><p>{made}. This file is complete in itself and loads nothing.</p></footer>\n"


def _json(value: object) -> str:
    """JSON that can stand inside a script element: nothing in it can end the element or open a comment."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def content_hash(script: str) -> str:
    """How a policy names a script or style that is in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def resource(name: str) -> str:
    """The text of a file beside this one."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@functools.cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, in the version that altair writes for."""
    import altair
    import vl_convert

    wanted = altair.SCHEMA_VERSION.lstrip("v").rsplit(".", 1)[0]
    known = {"vl_version": wanted} if wanted in vl_convert.get_vegalite_versions() else {}
    bundle: str = vl_convert.javascript_bundle(**known)
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--").replace("\r\n", "\n")
