"""The command sites: what can be read of a network, before anybody names a place."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from . import _terminal
from ._errors import SettingError
from ._explain_sources import made, network

if TYPE_CHECKING:
    from ._sites_survey import Seen, Survey

__all__ = ["sites"]

_SHAPE = re.compile(r"(int:)?(\d+(?:[,x]\d+)*)")
_NOTE = (
    "Patterns: at='*' reads every module above, '*:input' what it is given, 'a.b:relu' a function in its code. "
    "? stands for an axis that no table knows."
)


def sites(
    model: str,
    /,
    *,
    input: Annotated[
        tuple[str, ...],
        Parameter(
            name="--input",
            negative=(),
            help="Run it: a shape such as 2,3,32,32, of tokens int:2,16, or MODULE:NAME of a batch; once for each argument",
        ),
    ] = (),
    at: Annotated[str, Parameter(help="Only places that match this pattern")] = "",
    as_json: Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON")] = False,
) -> int:
    """List the places of a network whose neurons can be read, for at=, and what cannot be seen and why.

    Parameters
    ----------
    model
        MODULE:NAME of a network, or of a function that makes one.
    """
    from ._sites_survey import survey

    net = network(model)
    given = [_batch(text) for text in input]
    found = survey(net, None if not given else given[0] if len(given) == 1 else tuple(given))
    places = [place for place in found.places if not at or fnmatchcase(place.path, at) or place.path == at]
    if not places:
        raise SettingError(f"no place of {model} matches --at {at}; leave it out to see all {len(found.places)}")
    if as_json:
        print(json.dumps({"places": [asdict(place) for place in places], "unseen": found.unseen}, indent=1))
        return 0
    _show(places, found, ran=bool(given))
    return 0


def _batch(text: str) -> Any:
    """A batch by its shape, or MODULE:NAME."""
    import torch

    found = _SHAPE.fullmatch(text)
    if found is None:
        if ":" not in text:
            raise SettingError(f"--input {text}: give a shape such as 2,3,32,32, of tokens int:2,16, or MODULE:NAME")
        return made(text)
    shape = [int(size) for size in re.split("[,x]", found[2])]
    if found[1]:
        return torch.zeros(shape, dtype=torch.int64)
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _show(places: list[Seen], found: Survey, *, ran: bool) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = _terminal.console()
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name, justify in (("site", "left"), ("kind", "left"), ("axis", "right"), ("shape", "left"), ("fires", "right")):
        if ran or name not in ("shape", "fires"):
            table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    table.add_column("", overflow="fold")
    for place in places:
        axis = "?" if place.axis is None else str(place.axis)
        shape = "" if place.shape is None else " × ".join(map(str, place.shape)) or "one number"
        run = [shape, "" if place.fires is None else str(place.fires)] if ran else []
        cells = [place.path or "'' (the network)", place.kind, axis, *run, place.note]
        table.add_row(*(Text(_terminal.clean(cell)) for cell in cells))
    out.print(table)
    if found.unseen:
        out.print("Not seen", style="bold")
        for path, reason in found.unseen:
            out.print(_terminal.clean(f"  {path or '(the network)'}: {reason}"))
    out.print(_NOTE if ran else _NOTE + " With --input also shapes, and functions that tracing cannot find.")
