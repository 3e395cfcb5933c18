"""Reading a written page in tests, and texts that would do harm on a careless one."""

from __future__ import annotations

import copy
import json
from html.parser import HTMLParser
from typing import Any

import _example_results as examples

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<!--<script>",
    "\"onmouseover='alert(3)' x=\"",
    "<img src=x onerror=alert(4)>",
    "[a](javascript:alert(5)) | **b** `c`",
    "{{datum.x}} \\u003c \u2028 &lt;b&gt;",
]


class Elements(HTMLParser):
    """All start tags with their attributes, and the text of each script and style."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.texts: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in self.raw else ""
        if self._inside:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside][-1] += data
        else:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def charts(self) -> Any:
        """The configuration and the specifications of all charts."""
        return json.loads(self.raw["script"][0])


def hostile(result: Any) -> Any:
    """The result with every free text replaced or followed by hostile ones."""
    made, turn = copy.deepcopy(result), iter(range(10**6))

    def poison(text: str) -> str:
        return text + HOSTILE[next(turn) % len(HOSTILE)]

    for name in ("question", "source", "command", "machine", "study", "size", "started"):
        made[name] = poison(str(made[name]))
    made["notes"], made["missing"] = list(HOSTILE), list(HOSTILE)
    made["settings"] = {text: {text: text} for text in HOSTILE}
    made["versions"] = {text: text for text in HOSTILE}
    names = {name: poison(name) for name in examples.NEURONS}
    for part in ("table", "readings"):
        made[part]["rows"] = [[names.get(row[0], row[0]), *row[1:]] for row in made[part]["rows"]]
    sites = {"hidden.0": poison("hidden.0"), "hidden.1": poison("hidden.1"), "EpsilonRank(eps=0.001)": poison("rank")}
    made["readings"]["rows"] = [[sites.get(value, value) for value in row] for row in made["readings"]["rows"]]
    for summary in made["summaries"]:
        summary["title"], summary["caption"] = poison("title"), poison("caption")
        summary["columns"] = [{**c, "unit": poison(""), "format": poison("")} for c in summary["columns"]]
        summary["rows"] = [{**row, "neuron": names[row["neuron"]]} for row in summary["rows"]]
    made["verdicts"] = [
        {key: poison(value) if isinstance(value, str) else value for key, value in verdict.items()}
        for verdict in made["verdicts"]
    ]
    return made
