"""Listening to a model: its own code is traced module by module, or it runs on a batch, and the calls in it are kept."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from .._sites_trace import is_code, run, running, trace
from ._swap_calls import Call, Observer, used_later

__all__ = ["Heard", "inputs", "listen", "run"]

Missed = tuple[str, str, Any]  # path, reason, class


@dataclass(frozen=True)
class Heard:
    """The calls with the paths of their modules, what was not heard, and modules whose change in place is seen elsewhere."""

    calls: list[tuple[str, Call]]
    missed: list[Missed]
    overwriting: frozenset[str]


def listen(model: nn.Module, paths: Iterable[str], observer: Observer, on: Any) -> Heard:
    """Listen to the modules at ``paths`` of a model that is thrown away afterwards; ``on`` is a batch to run, or None."""
    code = {path: model.get_submodule(path) for path in paths}
    code = {path: module for path, module in code.items() if is_code(module) and "_orig_mod" not in path.split(".")}
    modules: dict[int, str] = {}
    for path, module in code.items():
        modules.setdefault(id(module), path)
    missed = [] if on is None else _missed_by_running(model, code, observer, on)
    silent = Observer(observer.wanted)
    graphs = {path: trace(observer if on is None else silent, code[path]) for path in modules.values()}
    if on is None:
        reason = "cannot be traced ({}), calls in its forward could not be looked for; pass on=, a batch to run"
        missed = [(path, reason.format(why), type(code[path])) for path, why in graphs.items() if isinstance(why, str)]
    calls = [(modules[id(call.owner)], call) for call in observer.found.values() if id(call.owner) in modules]
    missed += [
        (modules[id(owner)], text, type(owner)) for owner, text in observer.fixed.values() if id(owner) in modules
    ]
    return Heard(calls, missed, frozenset(_overwriting(model, graphs)))


def inputs(model: nn.Module, paths: Iterable[str], on: Any) -> dict[str, Tensor]:
    """The lowest and the highest inputs (2, n_in) of linear layers while a copy of the model runs on a batch, by path."""
    copied = copy.deepcopy(model, {id(parameter): parameter for parameter in model.parameters()}).eval()
    found: dict[str, Tensor] = {}

    def note(path: str) -> Any:
        def hook(_: nn.Module, given: tuple[Any, ...]) -> None:
            rows = given[0].detach().reshape(-1, given[0].shape[-1])
            rows = torch.cat([rows, found[path]]) if path in found else rows
            if len(rows):
                found[path] = torch.stack([rows.amin(0), rows.amax(0)])

        return hook

    for path in paths:
        copied.get_submodule(path).register_forward_pre_hook(note(path))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        run(copied, on)
    return found


def _missed_by_running(model: nn.Module, code: dict[str, nn.Module], observer: Observer, on: Any) -> list[Missed]:
    reached: set[int] = set()

    def note(module: nn.Module, _: Any) -> None:
        reached.add(id(module))

    handles = [module.register_forward_pre_hook(note) for module in code.values()]
    try:
        with running(observer):
            run(model, on)
    finally:
        for handle in handles:
            handle.remove()
    owners = {id(call.owner) for call in observer.found.values()}
    return [
        (path, "was not reached by the batch on=, calls in it were not looked for", type(module))
        for path, module in code.items()
        if id(module) not in reached | owners
    ]


def _overwriting(model: nn.Module, graphs: dict[str, fx.Graph | str]) -> set[str]:
    """Paths of modules with ``inplace=True`` whose input is used again, or of whose use nothing is known."""
    paths = {id(module): path for path, module in reversed(list(model.named_modules(remove_duplicate=False)))}
    found: set[str] = set()
    for path, module in model.named_modules(remove_duplicate=False):
        for name, child in module.named_children():
            graph = graphs.get(paths[id(module)])
            seen = isinstance(graph, fx.Graph) and used_later(graph, name)
            unknown = isinstance(graph, str) or (graph is None and not isinstance(module, nn.Sequential))
            if getattr(child, "inplace", False) is True and (seen or unknown):
                found.add(f"{path}.{name}" if path else name)
    return found
