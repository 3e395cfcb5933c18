"""The live page itself: a frame that its script fills, from numbers alone."""

from __future__ import annotations

from ._html import content_hash, resource
from ._tables import e

__all__ = ["live_page"]


def live_page(source: str) -> tuple[bytes, str]:
    """The page for the record ``source``, and its policy: its own script and style, and its own server's JSON."""
    script, style = resource("live.js"), resource("page.css") + resource("findings.css") + resource("live.css")
    policy = (
        f"default-src 'none'; script-src {content_hash(script)}; style-src {content_hash(style)}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f'<link rel="icon" href="data:,">\n<title>{e(source)}: neurofn watch</title>\n<style>{style}</style>\n</head>\n<body>\n'
        '<a class="skip" href="#layers">Skip to the layers</a>\n<header>\n<p class="kicker">neurofn watch</p>\n'
        f'<h1>{e(source)}</h1>\n<p id="state" role="status">Asking for the record …</p>\n'
        '<ul id="problems" class="caption" hidden></ul>\n'
        "<noscript><p>This page is drawn by its script, which is inside it.</p></noscript>\n</header>\n"
        '<main hidden>\n<section id="alarms" aria-labelledby="alarms-title"><h2 id="alarms-title">Alarms</h2>'
        '<p id="calm" hidden></p><ul class="findings"></ul><details id="untold" hidden><summary></summary><ul></ul></details>'
        '</section>\n<section id="loss" aria-labelledby="loss-title" hidden><h2 id="loss-title">Loss and stairs</h2>'
        '<p class="switch"><label><input type="checkbox" id="log-steps"> steps on a logarithmic scale</label></p>'
        '<div class="curves"></div><p class="caption"></p></section>\n'
        '<section id="layers" aria-labelledby="layers-title" hidden><h2 id="layers-title">Layers</h2>'
        '<p class="switch"><label>Show sites with <input type="search" id="only" placeholder="all" autocomplete="off">'
        "</label></p>"
        '<div class="sites"></div><p class="caption"></p></section>\n</main>\n'
        "<footer><p>This page only reads. It asks its own server every two seconds while it is in view, and nobody else.</p>"
        f"</footer>\n<script>{script}</script>\n</body>\n</html>\n"
    )
    return page.encode(), policy
