"""The report of edges as one HTML file: a small chart of each, with the data behind it, faded where it counts little."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ._edges import MOST, Edge, Edges, Input, Layer
from ._html import content_hash, foot, repeat, resource
from ._numbers import number, plural
from ._tables import e
from ._view import View

__all__ = ["as_edges_page"]

WIDTH, HEIGHT, DATA = 120, 72, 20  # of a chart, and of the data at its foot
FAINT = 0.16  # what an edge that counts for nothing keeps of its ink


def as_edges_page(shown: Edges) -> str:
    """The page; it has no script, and a policy that allows its own style and nothing else."""
    style = resource("page.css") + resource("edges.css")
    policy = f"default-src 'none'; style-src {content_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    view = View(shown.data, (), (), shown.answer)
    again = repeat(view)
    notes = "".join(f"<li>{e(note)}</li>" for note in view.get("notes", []))
    links = "".join(f'<li><a href="#layer-{i}">{e(_title(layer))}</a></li>' for i, layer in enumerate(shown.layers))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{e(shown.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the edges</a>\n<header>\n<p class="kicker">neurofn report</p>\n'
        f'<h1>{e(shown.title)}</h1>\n<p class="answer">{e(shown.answer)}</p>\n'
        f'<p class="caption">{_explained(shown)}</p>\n'
        + (f'<nav aria-label="Layers"><ul>{links}</ul></nav>\n' if len(shown.layers) > 1 else "")
        + '</header>\n<main id="main">\n'
        + "".join(_section(i, layer) for i, layer in enumerate(shown.layers))
        + (f'<section id="repeat"><h2>How to repeat this</h2>\n{again}</section>\n' if again else "")
        + (f'<section id="notes"><h2>Notes</h2>\n<ul>{notes}</ul></section>\n' if notes else "")
        + f"</main>\n{foot(view)}</body>\n</html>\n"
    )


def _explained(shown: Edges) -> str:
    said = (
        "A chart is one edge: what it adds for each value of its input, about its mean. Grey is where the data lie. The edges "
        "of one output share a scale; an edge is the fainter the less it counts, and percentages say how much that is."
    )
    count, drawn = sum(layer.count for layer in shown.layers), sum(layer.drawn for layer in shown.layers)
    return said + (f" Shown are the {MOST:,} edges of {count:,} that count most." if drawn < count else "")


def _title(layer: Layer) -> str:
    return f"Layer {layer.name}" if layer.name else "Layer"


def _section(place: int, layer: Layer) -> str:
    label = f"layer-{place}"
    count = plural(layer.count, "edge")
    said = count if layer.drawn == layer.count else f"{layer.drawn:,} of {count}"
    most = max(len(one.edges) for one in layer.inputs)
    beside = "few" if most <= 2 else "some" if most <= 4 else "many"
    body = f'<div class="inputs {beside}">{"".join(_input(one, layer) for one in layer.inputs)}</div>'
    head = f'<h2 id="{label}-title">{e(_title(layer))} <small>{said}</small></h2>'
    return f'<section id="{label}" aria-labelledby="{label}-title">{head}\n{body}</section>\n'


def _input(one: Input, layer: Layer) -> str:
    low, high = (number(value, ".3g") for value in one.range)
    box = 'viewBox="0 0 100 6" width="100" height="6" aria-hidden="true"'
    scored = f'<path class="scored" d="M0 3h{100 * min(1.0, one.importance):.1f}"/>'
    bar = f'<svg class="counts" {box}><path class="base" d="M0 3h100"/>{scored}</svg>'
    head = (
        f'<h3><span class="name">{e(one.name)}</span>{bar}<small>{e(number(one.importance, ".0%"))}</small>'
        f'<small class="range">{e(low)} to {e(high)}</small></h3>'
    )
    several = len({edge.part for edge in one.edges}) > 1
    charts = "".join(_chart(edge, one, layer, several=several) for edge in one.edges)
    return f'<div class="input">{head}<ul class="edges">{charts}</ul></div>\n'


def _chart(edge: Edge, one: Input, layer: Layer, *, several: bool) -> str:
    height = layer.heights[edge.part, edge.output]
    to = f"{edge.output} in {edge.part}" if several and edge.part else edge.output
    low, high = (number(value, ".3g") for value in edge.span)
    counts = number(edge.importance, ".1%" if edge.importance < 0.0995 else ".0%")
    words = f"{one.name} to {to}: from {low} to {high}, counts {counts}"
    ink = FAINT + (1 - FAINT) * edge.share**0.75
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{e(words)}" preserveAspectRatio="none">'
        f'<title>{e(words)}</title><path class="data" d="{_data(one.density)}"/>'
        f'<path class="zero" d="M0 {HEIGHT / 2:g}h{WIDTH}"/>'
        f'<path class="curve" opacity="{ink:.2f}" d="{_curve(edge, height)}"/></svg>'
    )
    return f"<li><figure>{svg}<figcaption><span>→ {e(to)}</span> <span>{e(counts)}</span></figcaption></figure></li>"


def _data(density: Sequence[float]) -> str:
    top, wide = max(density, default=0.0) or 1.0, WIDTH / max(1, len(density))
    steps = "".join(f"V{HEIGHT - DATA * value / top:.1f}H{(i + 1) * wide:.1f}" for i, value in enumerate(density))
    return f"M0 {HEIGHT}{steps}V{HEIGHT}z"


def _curve(edge: Edge, height: float) -> str:
    """The curve in the middle of its chart, in pieces where it is not finite."""
    first, last = edge.x[0], edge.x[-1]
    wide, high = last - first or 1.0, height or 1.0
    flat = last == first  # one value reached it: a line across says that better than a dot
    places = [
        (WIDTH * (i / (len(edge.x) - 1) if flat else (x - first) / wide), y)
        for i, (x, y) in enumerate(zip(edge.x, edge.centred, strict=True))
    ]
    pieces = []
    for known, run in groupby(places, key=lambda place: place[1] is not None):
        if known:
            points = [f"{x:.1f} {HEIGHT / 2 - (HEIGHT / 2 - 4) * (y or 0.0) / high:.1f}" for x, y in run]
            pieces.append("M" + "L".join(points))
    return "".join(pieces)
