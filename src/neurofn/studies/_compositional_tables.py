"""The tables of the study compositional: the paper's statistics, each beside the networks that control it."""

from __future__ import annotations

from typing import Any

from ._base import Cells
from ._statistics import mean_interval

__all__ = ["summarise"]

Table = dict[str, Any]
_KINDS = {"trained": "Trained", "untrained": "Untrained", "shuffled": "Trained on shuffled labels"}


def summarise(cells: Cells) -> list[Table]:
    """IoU by length, uniqueness and granularity by length, and one table for everything that has one number a network."""
    return [_iou(cells), _uniqueness(cells), _networks(cells)]


def _column(name: str, label: str, unit: str = "", form: str = "") -> dict[str, str]:
    return {"name": name, "label": label, "unit": unit, "format": form}


def _mean(cells: Cells, metric: str, kind: str) -> float | None:
    values = cells.values(metric, network=kind)
    return mean_interval(values).mean if len(values) else None


def _kinds(cells: Cells) -> dict[str, str]:
    return {kind: label for kind, label in _KINDS.items() if kind in cells.levels("network")}


def _iou(cells: Cells) -> Table:
    rows, columns = [], [_column("length", "Longest formula", "concepts")]
    for kind, label in _kinds(cells).items():
        columns += [_column(kind, label, "IoU", ".3f"), _column(f"{kind} held out", "held out", "IoU", ".3f")]
    for length in range(1, cells.settings["length"] + 1):
        row: Table = {"length": length}
        for kind in _kinds(cells):
            row[kind] = _mean(cells, f"IoU {length}", kind)
            row[f"{kind} held out"] = _mean(cells, f"held-out IoU {length}", kind)
        rows.append(row)
    return {
        "name": "iou",
        "title": "IoU by formula length",
        "caption": "Mean over units and seeds. In sample IoU cannot fall with length; on held-out scenes it can.",
        "columns": columns,
        "rows": rows,
    }


def _uniqueness(cells: Cells) -> Table:
    names = ("occurrences by text", "unique by text", "occurrences by mask", "unique by mask")
    rows = [
        {"network": label, "length": length, **{name: _mean(cells, f"{name} {length}", kind) for name in names}}
        for kind, label in _kinds(cells).items()
        for length in range(1, cells.settings["length"] + 1)
    ]
    return {
        "name": "uniqueness",
        "title": "Uniqueness and granularity by formula length",
        "caption": "Units per different explanation, and the share of these that one unit has alone; by text, and by mask, "
        "where formulas that are true at the same pixels of every scene are one.",
        "columns": [
            _column("network", "Network"), _column("length", "Longest formula", "concepts"),
            _column(names[0], "Units per text", "", ".2f"), _column(names[1], "Unique texts", "", ".0%"),
            _column(names[2], "Units per mask", "", ".2f"), _column(names[3], "Unique masks", "", ".0%"),
        ],
        "rows": rows,
    }  # fmt: skip


def _networks(cells: Cells) -> Table:
    columns = [
        _column("network", "Network"), _column("test accuracy", "Test accuracy", "", ".1%"),
        _column("beyond chance", "Units beyond chance", "", ".0%"), _column("null IoU", "IoU by chance", "", ".3f"),
        _column("r with accuracy", "r of IoU with accuracy when firing", "", ".2f"),
        _column("causes named", "Classes with a cause named", "", ".0%"),
        _column("flips explained", "Turned by the object asked for", "", ".1%"),
        _column("flips dealt out", "by explanations of other units", "", ".1%"),
        _column("flips random", "by a random object", "", ".1%"),
        _column("concepts shared with contributors", "Concepts shared with contributors", "", ".2f"),
        _column("concepts shared with any", "with any unit before", "", ".2f"),
        _column("concepts shared with inhibitors", "with inhibitors", "", ".2f"),
    ]  # fmt: skip
    rows = [
        {"network": label, **{c["name"]: _mean(cells, c["name"], kind) for c in columns[1:]}}
        for kind, label in _kinds(cells).items()
    ]
    return {
        "name": "networks",
        "title": "Accuracy, counterfactuals and contributions",
        "caption": "Turned: the share of scenes of other classes whose prediction becomes the class an object was chosen for, "
        "once it is pasted in. Contributors: the 5 % of connections to the layer before with the largest weights; shared: "
        "intersection over union of the concepts asked for.",
        "columns": columns,
        "rows": rows,
    }
