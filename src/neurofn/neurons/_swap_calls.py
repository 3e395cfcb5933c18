"""Finding the calls inside ``forward`` methods that compute a function: ``F.relu(x)``, ``x.relu_()``, ``x * torch.sigmoid(x)``.

Every call is followed on numbers: a value that is made elementwise from one other value carries what it is on ``probe()``, so
that a function is recognised however it is written. The same observer listens while a batch runs and while torch.fx traces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from .._sites_places import Place, code_running, frame_of_call, in_place, module_of, place_of, tensors_of, why_fixed
from ._swap_recognise import agrees, probe

__all__ = ["Call", "Observer", "used_later"]

_ROOTS = 6  # so many values back a function is looked for


@dataclass(frozen=True)
class Call:
    """One call: whose it is, where it stands, and where its input is taken from.

    ``take`` is a place and the number among the tensors there at which the input is an argument: the call itself for a plain
    one, else the last place before it. ``methods`` lead from the module's entrance to the call.
    """

    owner: nn.Module
    place: Place
    take: tuple[Place, int]
    text: str
    methods: frozenset[str] = frozenset({"forward"})


@dataclass
class _Value:
    """A value as a function of others: by the root's identity, its numbers on ``probe()``."""

    of: dict[int, Tensor] = field(default_factory=dict)


class Observer:
    """Follows calls and keeps those that compute ``wanted`` (on ``probe()``) in ``found``.

    ``gates``: F.glu counts where the function is the gate of a gated linear unit.
    """

    def __init__(self, wanted: Tensor, *, gates: bool = False) -> None:
        self.wanted, self.gates = wanted, gates
        self.found: dict[tuple[int, Place], Call] = {}
        self.fixed: dict[tuple[int, Place], tuple[nn.Module, str]] = {}  # calls that must stay, with the reason
        self.values: dict[int, _Value] = {}
        self.last: dict[int, tuple[Place, int]] = {}  # where a value was an argument last
        self.kept: list[Any] = []  # so that no identity is used twice

    def call(self, run: Callable[..., Any], name: str, arguments: tuple[Any, dict[str, Any]], result: Any) -> None:
        """One call with its result; ``run`` computes it on other tensors."""
        with torch._C.DisableTorchFunction():  # an exchange of an earlier swap must not see what is computed here
            self._call(run, name, arguments, result)

    def _call(self, run: Callable[..., Any], name: str, arguments: tuple[Any, dict[str, Any]], result: Any) -> None:
        args, settings = arguments
        kinds = (Tensor, fx.Proxy)
        tensors = [_key(value) for value in tensors_of(args, settings, kinds)]
        frame = frame_of_call()
        if not tensors or frame is None or settings.get("out") is not None or isinstance(result, (int, float, bool)):
            return
        self.kept += [args, settings, result]
        place = place_of(frame)
        mine = self._functions(run, (args, settings), tensors)
        match = next((root for root, numbers in mine.items() if agrees(numbers, self.wanted)), None)
        gate = self.gates and name == "glu"
        if match is not None or gate:
            take = self.last[match] if match is not None and match not in tensors else (place, 0)
            take = (place, tensors.index(match)) if match in tensors else take
            self._keep(place, take, f"{name} at {_line(frame)}")
        for number, key in enumerate(tensors):
            self.last[key] = (place, number)
        if in_place(name, settings):
            self._forget(tensors[0])
        if mine and match is None:
            mine.pop(_key(result), None)  # changed in place: now it is another value
            self.values[_key(result)] = _Value(dict(list(mine.items())[:_ROOTS]))

    def _keep(self, place: Place, take: tuple[Place, int], text: str) -> None:
        owner, methods = module_of()
        reason = why_fixed()
        if take[0][:3] not in code_running():
            reason = "begins in code that another module runs"
        if owner is not None and methods and reason:
            self.fixed[id(owner), place] = (owner, f"{text} {reason}")
        elif owner is not None and methods:
            self.found.setdefault((id(owner), place), Call(owner, place, take, text, frozenset(methods)))

    def _forget(self, changed: int) -> None:
        """A value that was changed in place is no longer what it was, for itself or as a root of others."""
        self.values.pop(changed, None)
        self.last.pop(changed, None)
        for value in self.values.values():
            value.of.pop(changed, None)

    def _functions(
        self, run: Callable[..., Any], arguments: tuple[Any, dict[str, Any]], keys: list[int]
    ) -> dict[int, Tensor]:
        """The result as a function of every value from which all tensors of the call are made, the nearest first."""
        each = [{key: probe(), **self.values.get(key, _Value()).of} for key in dict.fromkeys(keys)]
        common = [root for root in each[0] if all(root in other for other in each)]
        known = dict(zip(dict.fromkeys(keys), each, strict=True))
        found: dict[int, Tensor] = {}
        for root in common:
            numbers = _on_numbers(run, arguments, {key: of[root] for key, of in known.items()})
            if numbers is not None:
                found[root] = numbers
        return found


def _on_numbers(run: Callable[..., Any], arguments: tuple[Any, dict[str, Any]], known: dict[int, Tensor]) -> Any:
    def put(value: Any) -> Any:
        return known[_key(value)].clone() if isinstance(value, (Tensor, fx.Proxy)) else value

    args, settings = arguments
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            result = run(*(put(value) for value in args), **{name: put(value) for name, value in settings.items()})
    except Exception:  # not made for these numbers: no elementwise function
        return None
    return result if isinstance(result, Tensor) and result.shape == probe().shape else None


def _key(value: Any) -> int:
    return id(value.node) if isinstance(value, fx.Proxy) else id(value)


def _line(frame: Any) -> str:
    return f"{frame.f_code.co_filename.replace(chr(92), '/').rpartition('/')[2]}:{frame.f_lineno}"


def used_later(graph: fx.Graph, target: str) -> bool:
    """Whether the input of a call of the module ``target`` is used again after that call: then a change in place is seen."""
    order = {node: number for number, node in enumerate(graph.nodes)}
    calls = [node for node in graph.nodes if node.op == "call_module" and node.target == target]
    return any(
        isinstance(argument, fx.Node) and any(order[user] > order[call] for user in argument.users)
        for call in calls
        for argument in call.args
    )
