"""Findings as one HTML file: no script, nothing loaded, every text escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ._diagnosis_text import heading, place
from ._finding import Finding
from ._html import content_hash, foot, resource
from ._tables import e
from ._view import View

__all__ = ["as_findings_page"]

MOST = 12
SIGNS = {"alarm": "!", "warning": "△", "note": "i"}


def as_findings_page(found: Sequence[Finding], *, source: str = "") -> str:
    """The page; its policy allows its own style and nothing else."""
    style = resource("page.css") + resource("findings.css")
    policy = f"default-src 'none'; style-src {content_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    cards = "".join(_card(finding) for finding in found if finding.fires)
    calm = "".join(f"<p>{e(finding.title)}</p>" for finding in found if finding.kind == "nothing")
    title = heading(found)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{e(f'{title}: {source}' if source else title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<header>\n<p class="kicker">neurofn diagnosis {e(source)}</p>\n<h1>{e(title)}</h1>\n</header>\n<main id="main">\n'
        f'<section id="findings"><ul class="findings">{cards}</ul>{calm}</section>\n{_untold(found)}'
        f"</main>\n{foot(View({}, (), (), ''))}</body>\n</html>\n"
    )


def _card(finding: Finding) -> str:
    shown = "".join(f"<li><code>{e(place(one))}</code>: {e(one.words)}</li>" for one in finding.evidence[:MOST])
    if len(finding.evidence) > MOST:
        shown += f"<li>and {len(finding.evidence) - MOST} more of the kind</li>"
    advice = "".join(f"<li>{_coded(text)}</li>" for text in finding.advice)
    source = f" · {e(finding.source)}" if finding.source else ""
    return (
        f'<li class="finding is-{e(finding.kind)}"><p class="word"><span aria-hidden="true">{SIGNS[finding.kind]}</span> '
        f'{e(finding.kind)}</p><div><h2>{e(finding.title)}</h2><ul class="evidence">{shown}</ul>'
        f'<h3>What to try</h3><ul class="advice">{advice}</ul>'
        f'<p class="doubt"><b>Confidence {e(finding.confidence)}.</b> Against it would be: {_coded(finding.doubt)}.</p>'
        f'<p class="source">{e(finding.instrument)}{source}</p></div></li>\n'
    )


def _untold(found: Sequence[Finding]) -> str:
    untold = [finding for finding in found if finding.kind == "cannot tell"]
    rows = "".join(f"<li>{e(finding.rule)}: needs <code>{e(finding.instrument)}</code></li>" for finding in untold)
    return f'<section id="untold"><h2>What the record cannot tell</h2><ul>{rows}</ul></section>\n' if untold else ""


def _coded(text: str) -> str:
    """The text, escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", e(text))
