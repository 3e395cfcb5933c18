"""Finding the places of one model by their text."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from torch import nn

from ._errors import SiteError, did_you_mean
from ._sites_address import INPUT, OUTPUT, Address, Site, parsed
from ._sites_attention import HEADS, SCORES
from ._sites_axes import BOXES, axes_of, input_axes, outside_layers
from ._sites_calls import Found, calls_of

__all__ = ["Finder", "modules_of", "near"]

_LOOKED_INTO = {HEADS: -1, SCORES: -3}  # of nn.MultiheadAttention: the axis of the features, of the heads
_WRAPS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")  # torch.compile, FSDP, checkpoint_wrapper


class Finder:
    """Finds the places of one model by their text."""

    def __init__(self, model: nn.Module, on: Any) -> None:
        self.model, self.on = model, on
        self.modules = modules_of(model)
        self.axes, self.common = axes_of(self.modules), _common(self.modules)
        self._calls: Found | None = None

    def sites(self, text: str, *, ask: bool) -> list[Site]:
        """All places that match; ``ask``: one whose axis nobody knows is an error, as nobody has given it either."""
        paths = self._paths(text)
        if paths:
            return [self._site(Address(path), self.axes[path]) for path in paths]
        address = parsed(text)
        exact = address.module in self.modules
        plain = address.port == OUTPUT and f":{OUTPUT}" not in text  # its brackets may as well be signs of a pattern
        paths = [] if plain and not exact else self._paths(address.module)
        if not paths:
            known = [path for path in self.modules if path]
            raise SiteError(f"no module of this {type(self.model).__name__} matches at={text!r}; "
                            f"{near(address.module if exact else text, known)}")  # fmt: skip
        if address.port == OUTPUT:
            layers = [path for path in paths if isinstance(self.modules[path], nn.MultiheadAttention)]
            if ask and layers and address.parts[:1] == (1,):
                raise SiteError(f"{text!r} has one number for each pair of places and no neurons; read {layers[0]}:scores, or "
                                "pass a Site with the axis you mean")  # fmt: skip
            return [self._site(replace(address, module=path), self.axes[path]) for path in paths]
        if address.port == INPUT:
            given = input_axes(self.modules)
            return [self._site(replace(address, module=path), given[path]) for path in paths]
        if address.port in _LOOKED_INTO:
            layers = [path for path in paths if isinstance(self.modules[path], nn.MultiheadAttention)]
            if layers:
                return [self._site(replace(address, module=path), _LOOKED_INTO[address.port]) for path in layers]
        return self._called(text, address, exact=exact, ask=ask)

    def _paths(self, pattern: str) -> list[str]:
        return [
            path for path in self.modules if path == pattern or (path in self.common and fnmatchcase(path, pattern))
        ]

    def _site(self, address: Address, axis: int, kind: str = "") -> Site:
        return Site(str(address), kind or type(self.modules[address.module]).__name__, axis, address)

    def _called(self, text: str, address: Address, *, exact: bool, ask: bool) -> list[Site]:
        if self._calls is None:
            self._calls = calls_of(self.modules, self.on)
        around = [
            call
            for path in self.modules
            for call in self._calls.calls.get(path, [])
            if path == address.module or (not exact and fnmatchcase(path, address.module))
        ]
        named = [call for call in around if fnmatchcase(call.name, address.port) and address.number in (0, call.number)]
        if "*" not in address.port and address.number == 0 and exact:
            named = named[:1]
        unknown = [call for call in named if call.axis is None]
        if ask and unknown and len(unknown) == len(named):
            raise SiteError(f"along which axis of {text!r} the neurons lie is not known; pass at=Site({text!r}, "
                            f"{unknown[0].name!r}, AXIS) with the axis of the neurons")  # fmt: skip
        if not named:
            said = [f"{call.path}:{call.name}" for call in around]
            why = "; ".join(
                f"{path!r} {why}" for path, why in self._calls.unseen.items() if exact and path == address.module
            )
            raise SiteError(f"no call {address.port!r} was found at {text!r}; {why or did_you_mean(text, said, what='call')}; "
                            "find_sites(model, at, on=batch) and neurofn sites --input find calls by running")  # fmt: skip
        return [
            self._site(Address(call.path, call.name, call.number, address.parts, call.place), call.axis or 0, call.name)
            for call in named
            if call.axis is not None or not ask
        ]


def modules_of(model: nn.Module) -> dict[str, nn.Module]:
    """Path -> module in the model's order; what wrappers wrap keeps its path and is looked into."""
    found: dict[str, nn.Module] = {}
    named = dict(model.named_modules())
    for path, module in named.items():
        steps = path.split(".") if path else []
        kept = [step for i, step in enumerate(steps) if not _is_wrap(step, named[".".join(steps[:i])])]
        found[".".join(kept)] = module
    return found


def _is_wrap(step: str, holder: nn.Module) -> bool:
    """Whether this step of a path leads from a wrapper to what it wraps."""
    return step in _WRAPS or (
        step == "module" and isinstance(holder, nn.DataParallel | nn.parallel.DistributedDataParallel)
    )


def _common(modules: dict[str, nn.Module]) -> set[str]:
    """The paths that a pattern finds: neither the model itself, nor boxes, nor the inside of a layer."""
    outer = outside_layers(modules)
    if len(outer) == 1:
        return {""}
    return {path for path in outer if path and not isinstance(modules[path], BOXES)}


def near(pattern: str, known: list[str]) -> str:
    """The end of a message: paths like the one that was not found."""
    return did_you_mean(pattern, known, what="path") if known else 'it holds no other modules: its own path is ""'
