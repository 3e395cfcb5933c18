"""Start the layers of any network so that signals keep their size through a given function, by that function's own gain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from .._errors import SettingError, did_you_mean
from ..functions import Function, catalogue, gains, moments
from .init import start
from .language import Term

__all__ = ["MODES", "init_for"]

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_TURNED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_STEADY = 0.75  # the slope of the map of variances that "stable" asks for; the width of a layer disturbs every step

Start = tuple[float, float, float]  # gain of the weights, share of fan-in among both fans, deviation of the biases


def init_for(
    module: nn.Module,
    function: Function | str,
    *,
    mode: str = "stable",
    generator: torch.Generator | None = None,
    **settings: Any,
) -> nn.Module:
    """Draw the weights of every linear and convolution layer anew, in place, for ``function`` between them; gives ``module``.

    Weights are normal with deviation gain/sqrt(fan), biases 0. ``mode`` says which gain: "forward", 1/sqrt(E f**2) over
    fan-in, keeps the mean square of activations; "backward", 1/sqrt(E f'**2) over fan-out, that of gradients; "mean" is
    between both. For some functions (gelu, silu, mish) variance 1 is a fixed point of the forward map but an unstable one:
    a hundredth too much at one layer is a hundredfold at the fiftieth. "stable" is "forward" where the fixed point holds, else
    weights are smaller and biases are normal, so that it does. Embeddings, norms and all else stay as they are, and so does a
    weight that is shared with an embedding. ``settings`` are those of the function. Raises SettingError where the module has
    no such layer, or the function no gain. Source: the gain as in arXiv:1502.01852, the map of variances as in
    arXiv:1606.05340.

    >>> import torch
    >>> from neurofn import init_for
    >>> layer = torch.nn.Linear(1000, 1000)
    >>> _ = init_for(layer, "relu", generator=torch.Generator().manual_seed(0))
    >>> round(layer.weight.var().item() * 1000, 1)
    2.0
    """
    part = catalogue[function] if isinstance(function, str) else function
    if mode not in MODES:
        raise SettingError(f"no mode is called {mode!r}; {did_you_mean(mode, MODES)}")
    gain, share, bias_std = MODES[mode](part, settings)
    if not math.isfinite(gain):
        raise SettingError(f"{part.name} has no {mode} gain: its mean square is 0 or not finite")
    layers = list(_layers(module))
    if not layers:
        raise SettingError(f"{type(module).__name__} has no linear or convolution layer to initialise")
    edge = (Term("linear"),)
    with torch.no_grad():
        for layer in layers:
            fan = share * _fan(layer, inward=True) + (1 - share) * _fan(layer, inward=False)
            std = gain * start("sum", edge, max(1, round(fan))).edge_std
            layer.weight.normal_(0.0, std, generator=generator)
            if layer.bias is not None:
                layer.bias.normal_(0.0, bias_std, generator=generator) if bias_std else layer.bias.zero_()
    return module


def _layers(module: nn.Module) -> Iterator[Any]:
    """Layers with weights of their own, each once."""
    seen = {id(part.weight) for part in module.modules() if isinstance(part, nn.Embedding | nn.EmbeddingBag)}
    for name, layer in module.named_modules():
        if not isinstance(layer, _LAYERS):
            continue
        if isinstance(layer.weight, nn.parameter.UninitializedParameter):
            raise SettingError(f"the layer {name!r} has no weights yet; run the network once on a batch")
        if id(layer.weight) not in seen:
            seen.add(id(layer.weight))
            yield layer


def _fan(layer: Any, *, inward: bool) -> int:
    """How many inputs make one output, or how many outputs one input reaches."""
    weight = layer.weight
    taps = math.prod(weight.shape[2:])
    first = weight.shape[0] // getattr(layer, "groups", 1)
    return int((weight.shape[1] if inward != isinstance(layer, _TURNED) else first) * taps)


def _forward(part: Function, settings: dict[str, Any]) -> Start:
    return gains(part, **settings)["forward"], 1.0, 0.0


def _backward(part: Function, settings: dict[str, Any]) -> Start:
    return gains(part, **settings)["backward"], 0.0, 0.0


def _mean(part: Function, settings: dict[str, Any]) -> Start:
    return gains(part, **settings)["mean"], 0.5, 0.0


def _stable(part: Function, settings: dict[str, Any]) -> Start:
    normal = moments(part, **settings)
    gain = gains(part, **settings)["forward"]
    slope = normal["zfs"] / normal["ff"] if normal["ff"] else math.nan  # of the map of variances at 1, with this gain
    if not slope > 1 + 1e-6:
        return gain, 1.0, 0.0
    return gain * math.sqrt(_STEADY / slope), 1.0, math.sqrt(1 - _STEADY / slope)


MODES: dict[str, Callable[[Function, dict[str, Any]], Start]] = {
    "stable": _stable,
    "forward": _forward,
    "backward": _backward,
    "mean": _mean,
}
"""Ways to start: from a function and its settings to a gain, the share of fan-in, and the deviation of biases."""
