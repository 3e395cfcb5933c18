"""The examples of one unit as HTML: pictures, words or rows, by what they show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._numbers import number
from ._tables import e

__all__ = ["gallery", "pictures"]

KINDS = (
    ("highest", "Where it fires most"), ("outside", "Fires though the formula does not hold"),
    ("missed", "Silent though the formula holds"), ("made", "Made to be preferred (activation beside its controls)"),
)  # fmt: skip


def pictures(examples: Iterable[Mapping[str, Any]]) -> tuple[dict[str, str], str]:
    """The name of every picture, and all of them once, hidden: many units are highest at the same samples."""
    found = {x["picture"]: x for x in examples if "picture" in x}
    names = {picture: f"picture-{i}" for i, picture in enumerate(found)}
    images = "".join(
        f'<image id="{name}" href="{e(picture)}" width="{found[picture]["width"]}" height="{found[picture]["height"]}" '
        'image-rendering="pixelated"/>'
        for picture, name in names.items()
    )
    return names, f'<svg class="heard" aria-hidden="true"><defs>{images}</defs></svg>\n' if images else ""


def gallery(examples: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """All examples of a unit, those of one kind together under a heading. names: those of the pictures."""
    groups = [(title, [x for x in examples if x.get("kind", "highest") == kind]) for kind, title in KINDS]
    groups = [(title, group) for title, group in groups if group]
    rows = [(title, [x for x in group if "row" in x]) for title, group in groups]
    made = _table([(title, group) for title, group in rows if group]) if any(group for _, group in rows) else ""
    for title, group in groups:
        shown = "".join(_example(x, names) for x in group)
        made += f'<div class="kind"><h3>{title}</h3><ul class="examples">{shown}</ul></div>' if shown else ""
    return f'<div class="kinds">{made}</div>' if made else ""


def _example(example: Mapping[str, Any], names: Mapping[str, str]) -> str:
    caption = f"<figcaption>{e(example['sample'])}{_shares(example)}</figcaption>"
    if "words" in example:
        return f'<li class="wordy"><figure><p>{" ".join(map(_word, example["words"]))}</p>{caption}</figure></li>'
    if "picture" not in example:
        return ""
    width, height = example["width"], example["height"]
    paths = "".join(
        f'<path class="{name}" d="{e(example[path])}"/>'
        for name, path in (("outside", "outside"), ("inside", "inside"), ("under", "formula"), ("formula", "formula"),
                           ("fires", "fires"))
        if example.get(path)
    )  # fmt: skip
    words = f"example {example['sample']}{_shares(example)}"
    drawn = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{e(words)}"><use href="#{names[example["picture"]]}"/>'
        f"{paths}</svg>"
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
        said.append(f"{number(example['hits'], '.0%')} of its firing inside")
    if example.get("misses") is not None:
        said.append(f"{number(example['misses'], '.0%')} of the formula silent")
    return f": {', '.join(said)}" if said else ""


# --- Rows -------------------------------------------------------------------------------------------------------------


def _table(groups: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> str:
    """Samples without places: a line each, with the concepts of the formula and the values behind them."""
    first = groups[0][1][0]["row"]
    text = any(x["row"].get("text") for _, group in groups for x in group)
    heads = ["sample", "activation", "unit", "formula", *(concept["text"] for concept in first["concepts"])]
    heads += ["text"] if text else []
    head = "".join(f'<th scope="col">{e(name)}</th>' for name in heads)
    body = ""
    for title, group in groups:
        body += f'<tbody><tr><th class="kind" colspan="{len(heads)}" scope="rowgroup">{title}</th></tr>'
        body += "".join(_line(x, text=text, wanted=len(first["concepts"])) for x in group) + "</tbody>"
    return f'<div class="scroll"><table class="rows"><thead><tr>{head}</tr></thead>{body}</table></div>'


def _line(example: Mapping[str, Any], *, text: bool, wanted: int) -> str:
    row = example["row"]
    fires = '<td class="fires">fires</td>' if row["fires"] else '<td class="silent">silent</td>'
    cells = [_truth(row["formula"], "")]
    cells += [_truth(concept["true"], concept["value"]) for concept in row["concepts"][:wanted]]
    cells += ["<td></td>"] * (wanted - len(row["concepts"]))
    said = f'<td class="text">{e(row["text"])}</td>' if text else ""
    return (
        f'<tr><td>{e(example["sample"])}</td><td class="n">{e(number(row["activation"], ".3g"))}</td>{fires}'
        f"{''.join(cells)}{said}</tr>"
    )


def _truth(true: bool, value: str) -> str:
    """A tick or a cross with its meaning for those who hear the page, and the value behind it."""
    mark = (
        '<span class="yes" aria-hidden="true">✓</span><span class="heard">true</span>'
        if true
        else '<span class="no" aria-hidden="true">✗</span><span class="heard">false</span>'
    )
    return f"<td>{mark}{f' {e(value)}' if value else ''}</td>"
