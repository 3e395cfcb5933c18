"""Neurons over the windows of sequences, images and volumes: any neuron as a convolution, grouped and depthwise too.

The inputs of a neuron are then the pixels of one window in all channels of its group, channel by channel. Around an image lie
zeros, as in ``torch.nn``, and they are inputs like any other: a term that is not 0 at 0, such as a cosine, counts there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict

import torch
from torch import Tensor, nn

from .._errors import SettingError, ShapeError, did_you_mean
from ._convolve import convolved, vanishing
from ._unfold import Windows, in_blocks, padded, taps, windows
from .language import Neuron
from .layer import NeuronLayer

if TYPE_CHECKING:
    from .composites import Composite

__all__ = ["Convolution", "Geometry"]

_SPACE = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


class Geometry(TypedDict, total=False):
    """How a convolution lies on its images: the words of ``torch.nn.Conv2d``, and ``init`` of ``Neuron.dense``.

    >>> Geometry(kernel_size=3, padding="same")
    {'kernel_size': 3, 'padding': 'same'}
    """

    kernel_size: Required[int | tuple[int, ...]]
    stride: int | tuple[int, ...]
    padding: int | tuple[int, ...] | Literal["same", "valid"]
    dilation: int | tuple[int, ...]
    groups: int
    init: str


class Convolution(nn.Module):
    """Neurons over windows, (..., n_in, *space) -> (..., n_out, *places); made by ``Neuron.conv1d``, ``conv2d``, ``conv3d``.

    ``layers`` holds one dense layer per group, over the n_in/groups * prod(kernel_size) inputs of a window. ``conv(x)`` is the
    fast path, which ``conv.path`` names: "conv" where every aggregate is a weighted sum of terms that are the same at every
    place, so that they are computed once per pixel and a convolution adds them up, else "unfold", where windows are laid out,
    a block after the other. ``conv.definition(x)`` lays out all windows and asks the definition of the dense layers.

    Raises SettingError for sizes that cannot be, ShapeError for images of other channels or smaller than a window.

    >>> import torch
    >>> from neurofn import neuron
    >>> conv = neuron("sum(linear)").conv2d(3, 8, kernel_size=3, padding=1)
    >>> conv
    Convolution(sum(linear), 3 -> 8, kernel_size=(3, 3), padding=(1, 1), path=conv)
    >>> conv(torch.zeros(5, 3, 16, 16)).shape
    torch.Size([5, 8, 16, 16])
    """

    neuron_axis = 1

    def __init__(
        self, neuron: Neuron | Composite, size: tuple[int, int], dimensions: int, geometry: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.neuron, (self.n_in, self.n_out), self.dimensions = neuron, size, dimensions
        self.geometry = _complete(geometry, dimensions)
        self.groups: int = self.geometry["groups"]
        for name, count in (("n_in", self.n_in), ("n_out", self.n_out)):
            _whole(name, count, low=1)
            if count % self.groups:
                raise SettingError(f"{name}={count} cannot be divided into {self.groups} groups")
        self.at = Windows(*(self.geometry[name] for name in ("kernel_size", "stride", "dilation", "padding")))
        window = self.n_in // self.groups * prod(self.at.kernel)
        more = {"init": self.geometry["init"]} if isinstance(neuron, Neuron) else {}
        make: Callable[..., nn.Module] = neuron.dense
        self.layers = nn.ModuleList(make(window, self.n_out // self.groups, **more) for _ in range(self.groups))
        self._vanishing = vanishing(self._bodies) if isinstance(neuron, Neuron) else False

    @property
    def path(self) -> str:
        """ "conv" or "unfold", with the path of the dense layers where they have one."""
        if self._fused:
            return "conv"
        inner = getattr(self.layers[0], "path", "")
        return f"unfold + {inner}" if inner else "unfold"

    @property
    def _bodies(self) -> list[nn.Module]:
        return [layer.body for layer in self.layers if isinstance(layer, NeuronLayer)]

    @property
    def _fused(self) -> bool:
        layers = [layer for layer in self.layers if isinstance(layer, NeuronLayer)]
        return bool(layers) and all(_same_everywhere(layer) for layer in layers)

    def forward(self, x: Tensor) -> Tensor:
        """The neurons' outputs at every place."""
        images = self._checked(x).reshape(-1, *x.shape[-self.dimensions - 1 :]) if x.ndim != self.dimensions + 2 else x
        images = self._checked(images)
        if self._fused:
            result = convolved(self._bodies, images, self.at, vanishing=self._vanishing)
        else:
            view = windows(padded(images, self.at), self.at)
            result = in_blocks(view, self.dimensions, self._grouped, whole=self._widening).movedim(-1, 1)
        return self._reshaped(result, x)

    def definition(self, x: Tensor) -> Tensor:
        """The same by definition: all windows, and the definition of the dense layers. Slow."""
        images = self._checked(x).reshape(-1, *x.shape[-self.dimensions - 1 :])
        laid_out = taps(padded(images, self.at), self.at).movedim(1, -self.dimensions - 1)
        inputs = laid_out.flatten(-self.dimensions - 1).chunk(self.groups, dim=-1)
        outputs = [layer.definition(part) for layer, part in zip(self.layers, inputs, strict=True)]  # type: ignore[operator]
        return self._reshaped(torch.cat(outputs, dim=-1).movedim(-1, 1), x)

    def fit_range(self, x: Tensor, *, margin: float = 0.0, quantile: float | None = None) -> None:
        """As ``NeuronLayer.fit_range``: the range of every channel of the images ``x``, without the zeros around them.

        The range is kept for every input of a window, so that the path is "unfold" from then on. Raises SettingError for
        composites, which have no ranges, and what ``NeuronLayer.fit_range`` raises.

        >>> import torch
        >>> from neurofn import neuron
        >>> conv = neuron("sum(bspline)").conv1d(1, 2, kernel_size=3)
        >>> conv.fit_range(1000 * torch.rand(8, 1, 20))
        >>> conv.outside()
        0.0
        """
        pixels = self._checked(x).movedim(-self.dimensions - 1, -1).reshape(-1, self.n_in)
        for layer, own in zip(self._neurons, pixels.chunk(self.groups, dim=-1), strict=True):
            layer.fit_range(own.repeat_interleave(prod(self.at.kernel), dim=-1), margin=margin, quantile=quantile)

    def learn_range(self, batches: int = 10) -> None:
        """As ``NeuronLayer.learn_range``: training batches widen the range, of every input of a window by itself."""
        for layer in self._neurons:
            layer.learn_range(batches)

    def outside(self) -> float:
        """As ``NeuronLayer.outside``: the fraction of pixels seen outside the range or the interval since this was asked."""
        counts = [gather.range.counts() for layer in self._neurons for _, gather in layer.gathers]
        seen = sum(count for _, count in counts)
        return sum(beyond for beyond, _ in counts) / seen if seen else 0.0

    def refine(self, grid: int | None = None, **settings: int) -> float:
        """As ``NeuronLayer.refine``, for every group: gives the largest relative change of their edges.

        >>> from neurofn import neuron
        >>> conv = neuron("sum(bspline(grid=4))").conv1d(1, 2, kernel_size=3)
        >>> conv.refine(8) < 1e-6, str(conv.neuron), conv.path
        (True, 'sum(bspline(grid=8))', 'conv')
        """
        changes = [layer.refine(grid, x=None, **settings) for layer in self._neurons]
        self.neuron, self._vanishing = self._neurons[0].neuron, vanishing(self._bodies)
        return max(changes)

    @property
    def _neurons(self) -> list[NeuronLayer]:
        """The dense layers; raises SettingError where they are no neurons of the language."""
        layers = [layer for layer in self.layers if isinstance(layer, NeuronLayer)]
        if not layers:
            raise SettingError(f"{self.neuron} is a composite: it has neither ranges nor grids")
        return layers

    @property
    def _widening(self) -> bool:
        """Whether a range is being learned: then a batch is not cut into blocks, since each would count as one."""
        layers = [layer for layer in self.layers if isinstance(layer, NeuronLayer)]
        return self.training and any(gather.range.learning for layer in layers for _, gather in layer.gathers)

    def _grouped(self, laid_out: Tensor) -> Tensor:
        inputs = laid_out.flatten(-self.dimensions - 1)
        if self.groups == 1:
            result: Tensor = self.layers[0](inputs)
            return result
        parts = inputs.chunk(self.groups, dim=-1)
        return torch.cat([layer(part) for layer, part in zip(self.layers, parts, strict=True)], dim=-1)

    def _reshaped(self, result: Tensor, x: Tensor) -> Tensor:
        return result.reshape(*x.shape[: -self.dimensions - 1], *result.shape[1:])

    def _checked(self, x: Tensor) -> Tensor:
        names = ", ".join(_SPACE[self.dimensions])
        if x.ndim <= self.dimensions or x.shape[-self.dimensions - 1] != self.n_in:
            raise ShapeError(
                f"{self.neuron} was built for {self.n_in} channels: expected (..., {self.n_in}, {names}), "
                f"got {tuple(x.shape)}"
            )
        if min(self.at.count(tuple(x.shape[-self.dimensions :]))) < 1:
            raise ShapeError(
                f"{self.neuron} looks through windows that reach over {self.at.spans} pixels: images of shape "
                f"{tuple(x.shape)} with padding {self.at.padding} are smaller; give larger ones, or more padding"
            )
        return x

    def extra_repr(self) -> str:
        plain = {"stride": (1,) * self.dimensions, "dilation": (1,) * self.dimensions, "groups": 1, "init": "fan_in"}
        shown = {name: value for name, value in self.geometry.items() if value != plain.get(name)}
        shown["padding"] = tuple(before if before == after else (before, after) for before, after in self.at.padding)
        if not any(shown["padding"]):
            del shown["padding"]
        words = "".join(f", {name}={value!r}" for name, value in shown.items())
        return f"{self.neuron}, {self.n_in} -> {self.n_out}{words}, path={self.path}"

    def __repr__(self) -> str:
        return f"Convolution({self.extra_repr()})"


def _same_everywhere(layer: NeuronLayer) -> bool:
    """Whether terms depend on the pixel alone: nothing is learned or fitted per input of the window."""
    fitted = any(not name.endswith(".mask") for name, _ in layer.named_buffers())
    return not fitted and all(gather.fused and not len(gather.inner) for _, gather in layer.gathers)


def _complete(geometry: Mapping[str, Any], dimensions: int) -> dict[str, Any]:
    """Every word of a geometry, as tuples; raises SettingError."""
    known = Geometry.__annotations__
    for name in geometry:
        if name not in known:
            raise SettingError(f"a convolution has no setting {name!r}; {did_you_mean(name, known, what='setting')}")
    if "kernel_size" not in geometry:
        raise SettingError("a convolution needs kernel_size, such as kernel_size=3")
    whole = {"kernel_size": 1, "stride": 1, "dilation": 1}
    found: dict[str, Any] = {
        name: _tuple(name, geometry.get(name, 1), dimensions, low=low) for name, low in whole.items()
    }
    found["padding"] = _padding(geometry.get("padding", 0), found, dimensions)
    found["groups"] = _whole("groups", geometry.get("groups", 1), low=1)
    found["init"] = geometry.get("init", "fan_in")
    return found


def _padding(value: object, found: Mapping[str, Any], dimensions: int) -> tuple[tuple[int, int], ...]:
    if value == "valid":
        return ((0, 0),) * dimensions
    if value != "same":
        return tuple((size, size) for size in _tuple("padding", value, dimensions, low=0))
    if any(step != 1 for step in found["stride"]):
        raise SettingError(f"padding='same' needs stride 1, got {found['stride']}")
    totals = [d * (k - 1) for k, d in zip(found["kernel_size"], found["dilation"], strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


def _tuple(name: str, value: object, dimensions: int, *, low: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * dimensions
    if len(values) != dimensions:
        raise SettingError(f"{name} is a whole number or {dimensions} of them, got {value!r}")
    return tuple(_whole(name, one, low=low) for one in values)


def _whole(name: str, value: object, *, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise SettingError(f"{name} must be a whole number of at least {low}, got {value!r}")
    return value
