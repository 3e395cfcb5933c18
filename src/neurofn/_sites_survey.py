"""All places of a model that can be read, and what cannot, with the reason: what ``neurofn sites`` prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ._sites_attention import HEADS, SCORES
from ._sites_calls import CallSite, Found, calls_of
from ._sites_find import Finder

__all__ = ["Seen", "Survey", "survey"]

_STATES = {  # what recurrent layers and cells give beside their output
    nn.LSTM: {"[1][0]": "last hidden state of each layer", "[1][1]": "last cell state of each layer"},
    nn.GRU: {"[1]": "last hidden state of each layer"},
    nn.RNN: {"[1]": "last hidden state of each layer"},
    nn.LSTMCell: {"[1]": "cell state"},
    nn.MultiheadAttention: {"[1]": "attention weights, mean over heads; None where they are not asked for"},
}
_GATES = (
    "gates and the states between steps are computed inside one call of torch; a cell called in a loop shows each state"
)
_MIXED = (
    "its out_proj is computed inside one call of torch and never called: read {0}:heads in front of it and {0} behind"
)


@dataclass(frozen=True)
class Seen:
    """A place that can be read. axis, shape, fires: None where they are not known; fires: how often in one pass."""

    path: str
    kind: str
    axis: int | None
    shape: tuple[int, ...] | None
    fires: int | None
    note: str = ""


@dataclass(frozen=True)
class Survey:
    """The places of a model that can be read, and (path, reason) of what cannot."""

    places: tuple[Seen, ...]
    unseen: tuple[tuple[str, str], ...]


def survey(model: nn.Module, on: Any = None) -> Survey:
    """What can be read of a model. With a batch ``on`` a copy is run: shapes, how often a place fires, calls of functions.

    Raises SettingError where the model does not run on the batch.

    >>> from torch import nn
    >>> [place.path for place in survey(nn.Sequential(nn.Linear(2, 3), nn.LSTM(3, 4))).places]
    ['', '0', '1', '1[1][0]', '1[1][1]']
    """
    finder = Finder(model, on)
    found = calls_of(finder.modules, on)
    places: list[Seen] = []
    unseen = list(found.unseen.items())
    for path, module in finder.modules.items():
        if path in finder.common or path == "":
            places += _of_module(path, module, finder, found)
            places += [_of_call(call) for call in found.calls.get(path, [])]
            unseen += _hidden(path, module, found, ran=on is not None)
    return Survey(tuple(places), tuple(unseen))


def _of_module(path: str, module: nn.Module, finder: Finder, found: Found) -> Iterator[Seen]:
    kind, axis, runs = type(module).__name__, finder.axes[path], found.outputs.get(path)
    notes = next((notes for one, notes in _STATES.items() if isinstance(module, one)), {})
    shapes = runs[0] if runs else []
    fires = None if runs is None else len(runs)
    yield Seen(path, kind, axis, shapes[0][1] if shapes else None, fires, "" if fires != 0 else "never called")
    known = dict(shapes[1:]) if runs else dict.fromkeys(notes)
    for parts, shape in known.items():
        averaged = isinstance(module, nn.MultiheadAttention)
        yield Seen(f"{path}{parts}", kind, None if averaged else axis, shape, fires, notes.get(parts, ""))
    if isinstance(module, nn.MultiheadAttention):
        heads = shapes[0][1] if shapes else None
        yield Seen(f"{path}:{HEADS}", kind, -1, heads, fires, "features of all heads, before out_proj; computed again")
        yield Seen(f"{path}:{SCORES}", kind, -3, None, fires, "attention weights of each head; computed again")


def _of_call(call: CallSite) -> Seen:
    path = f"{call.path}:{call.name}" + (f"@{call.number}" if call.number > 1 else "")
    note = "function called in the code" if call.axis is not None else f"give Site({path!r}, {call.name!r}, AXIS)"
    return Seen(path, call.name, call.axis, call.shape, call.fires, note)


def _hidden(path: str, module: nn.Module, found: Found, *, ran: bool) -> Iterator[tuple[str, str]]:
    if isinstance(module, nn.RNNBase):
        yield path, _GATES
    if isinstance(module, nn.MultiheadAttention):
        yield path, _MIXED.format(path)
    if isinstance(module, torch.jit.ScriptModule):
        yield path, "is compiled by TorchScript: its output can be read, calls inside cannot"
    if ran and not found.outputs.get(path) and path not in found.unseen:
        yield path, "was not called by this batch"
