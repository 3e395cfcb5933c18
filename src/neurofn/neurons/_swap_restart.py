"""Drawing the layers around swapped places anew, for the new function."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .._errors import SettingError
from ..functions._module import FunctionModule
from .gains import init_for
from .layer import NeuronLayer

__all__ = ["restart"]

_LAYERS = (nn.Linear, nn.modules.conv._ConvNd)


def restart(
    model: nn.Module, sites: tuple[str, ...], *, mode: str, generator: torch.Generator | None
) -> tuple[str, ...]:
    """Draw them with ``init_for``, each once; gives their paths in the order of the model."""
    order = [path for path, module in model.named_modules() if isinstance(module, _LAYERS) or path in sites]
    layers: dict[str, nn.Module] = {path: part for path, part in model.named_modules() if isinstance(part, _LAYERS)}
    drawn: dict[str, Any] = {}
    for site in sites:
        new = model.get_submodule(site)
        if isinstance(new, NeuronLayer):
            raise SettingError("layers of neurons start as what they replace; init_for is for swapped functions")
        function = next(part for part in new.modules() if isinstance(part, FunctionModule))
        for path in _around(site, order, layers):
            drawn.setdefault(path, function)
    if not drawn:
        raise SettingError("there is no linear or convolution layer around the places that were swapped")
    for path, module in drawn.items():
        init_for(layers[path], module.function.name, mode=mode, generator=generator, **module.settings)
    return tuple(path for path in layers if path in drawn)


def _around(site: str, order: list[str], layers: dict[str, nn.Module]) -> list[str]:
    owner, _, name = site.rpartition(".")
    inside = [path for path in layers if path.rpartition(".")[0] == owner]
    if "_call" in name and inside:
        return inside
    if site not in order:  # another path of a module that is met earlier
        return []
    at = order.index(site)
    before = next((path for path in reversed(order[:at]) if path in layers), None)
    behind = next((path for path in order[at:] if path in layers), None)
    return [path for path in (before, behind) if path is not None]
