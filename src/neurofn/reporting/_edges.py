"""Curves of edges as plain data of the right shape: layers, the inputs of each, and the curves of each input."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._errors import DataError
from ._numbers import number, plural
from ._plain import clean

__all__ = ["MOST", "Edge", "Edges", "Input", "Layer", "is_edges", "plain_edges", "shown_edges"]

MOST = 400
"""So many edges are drawn, those that count most; a page of more would tell nobody anything."""
PLACES = ("layer", "input", "output")
CURVES = ("x", "y", "density")
HINT = "write: report(curves(model, x), 'edges.html')"


@dataclass(frozen=True)
class Edge:
    """One edge. ``centred`` is its curve about its mean over the data, None where it is not finite; ``span`` the whole of it.

    ``share`` of 1 is the edge of its layer that counts most.
    """

    part: str
    output: str
    x: tuple[float, ...]
    centred: tuple[float | None, ...]
    span: tuple[float, float]
    importance: float
    share: float


@dataclass(frozen=True)
class Input:
    """An input of a layer with its edges, in the order of the outputs, and the data that reach them."""

    name: str
    range: tuple[float, float]
    density: tuple[float, ...]
    importance: float
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Layer:
    """A layer with its inputs, first those that count most. ``heights``: for each output half the height of its charts."""

    name: str
    inputs: tuple[Input, ...]
    heights: Mapping[tuple[str, str], float]
    count: int

    @property
    def drawn(self) -> int:
        """How many of its edges are shown."""
        return sum(len(one.edges) for one in self.inputs)


@dataclass(frozen=True)
class Edges:
    """What every form of the report of edges reads."""

    data: Mapping[str, Any]
    layers: tuple[Layer, ...]

    @property
    def title(self) -> str:
        """The question, or a plain one."""
        return str(self.data.get("question") or "What does each edge compute?")

    @property
    def answer(self) -> str:
        """How many edges there are, and which input counts most."""
        count = sum(layer.count for layer in self.layers)
        first = self.layers[0].inputs
        said = f"{plural(count, 'edge')} in {plural(len(self.layers), 'layer')}"
        if len(first) < 2 or first[0].importance <= 0:
            return f"{said}."
        return f"{said}; of the inputs {first[0].name} counts most ({number(first[0].importance, '.0%')})."


def is_edges(result: object) -> bool:
    """Whether this is a list of curves, of their dicts, or a dict with that list as "edges"."""
    if isinstance(result, Mapping):
        return "edges" in result
    if not isinstance(result, Sequence) or isinstance(result, str | bytes) or not result:
        return False
    first = result[0]
    return set(CURVES) <= set(first if isinstance(first, Mapping) else getattr(first, "__dataclass_fields__", ()))


def plain_edges(result: object) -> dict[str, Any]:
    """The curves as one dict of plain values; raises DataError for none, and for entries of another shape."""
    data: dict[str, Any] = dict(result) if isinstance(result, Mapping) else {"edges": result}
    entries = data["edges"]
    if not isinstance(entries, Sequence) or isinstance(entries, str | bytes) or not entries:
        raise DataError(f"there are no edges to report; {HINT}")
    plain = [clean(entry.to_dict() if hasattr(entry, "to_dict") else entry) for entry in entries]
    for i, entry in enumerate(plain):
        _check(entry, i)
    return {"schema": 1, **clean({name: value for name, value in data.items() if name != "edges"}), "edges": plain}


def _check(entry: Any, i: int) -> None:
    if not isinstance(entry, dict) or not {*PLACES, *CURVES} <= set(entry):
        raise DataError(f"entry {i} of a list for a report is no edge, but {str(entry)[:60]!r}; {HINT}")
    for name in CURVES:
        if not isinstance(entry[name], list) or not all(map(_is_number, entry[name])):
            raise DataError(f"edge {i}: {name} must be a list of numbers, not {str(entry[name])[:60]!r}; {HINT}")
    if len(entry["x"]) != len(entry["y"]) or len(entry["x"]) < 2 or None in entry["x"]:
        raise DataError(f"edge {i}: x and y must be as many finite numbers, at least 2; {HINT}")
    if not _is_number(entry.get("importance")):
        raise DataError(f"edge {i}: importance must be a number, not {str(entry['importance'])[:60]!r}; {HINT}")


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def shown_edges(data: Mapping[str, Any], *, most: int = MOST) -> Edges:
    """What the report shows, from plain data."""
    entries = data["edges"]
    order = sorted(range(len(entries)), key=lambda i: -_importance(entries[i]))
    kept = set(order[:most])
    names = list(dict.fromkeys(str(entry["layer"]) for entry in entries))
    layers = []
    for name in names:
        here = [i for i, entry in enumerate(entries) if str(entry["layer"]) == name]
        if drawn := [entries[i] for i in here if i in kept]:
            layers.append(_layer(name, [entries[i] for i in here], drawn))
    return Edges(data, tuple(layers))


def _layer(name: str, every: Sequence[Mapping[str, Any]], drawn: Sequence[Mapping[str, Any]]) -> Layer:
    top = max(map(_importance, every)) or 1.0
    inputs = []
    for number_of in dict.fromkeys(str(entry["input"]) for entry in drawn):
        mine = [entry for entry in drawn if str(entry["input"]) == number_of]
        density = tuple(value or 0.0 for value in mine[0]["density"])
        inputs.append(
            Input(
                str(mine[0].get("name") or number_of),
                (mine[0]["x"][0], mine[0]["x"][-1]),
                density,
                sum(_importance(entry) for entry in every if str(entry["input"]) == number_of),
                tuple(_edge(entry, density, top) for entry in mine),
            )
        )
    inputs.sort(key=lambda one: -one.importance)
    heights: dict[tuple[str, str], float] = {}
    for edge in (edge for one in inputs for edge in one.edges):
        place = (edge.part, edge.output)
        far = max((abs(value) for value in edge.centred if value is not None), default=0.0)
        heights[place] = max(heights.get(place, 0.0), far)
    return Layer(name, tuple(inputs), heights, len(every))


def _edge(entry: Mapping[str, Any], density: Sequence[float], top: float) -> Edge:
    y = entry["y"]
    known = [value for value in y if value is not None]
    mean = _mean(y, density)
    return Edge(
        part=str(entry.get("part") or ""),
        output=str(entry["output"]),
        x=tuple(entry["x"]),
        centred=tuple(None if value is None else value - mean for value in y),
        span=(min(known, default=0.0), max(known, default=0.0)),
        importance=_importance(entry),
        share=min(1.0, _importance(entry) / top),
    )


def _importance(entry: Mapping[str, Any]) -> float:
    value = entry.get("importance")
    return max(0.0, float(value)) if value is not None else 0.0


def _mean(y: Sequence[float | None], density: Sequence[float]) -> float:
    """The mean of a curve over the data: of its values in the middle of each interval, by density."""
    total = mean = 0.0
    weights = density if sum(density) > 0 else [1.0] * len(y)
    for cell, weight in enumerate(weights):
        place = (cell + 0.5) / len(weights) * (len(y) - 1)
        left, right = y[math.floor(place)], y[math.ceil(place)]
        if left is not None and right is not None:
            total += weight
            mean += weight * (left + (right - left) * (place % 1))
    return mean / total if total > 0 else 0.0
