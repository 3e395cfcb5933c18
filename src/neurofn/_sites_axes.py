"""Along which axis the neurons lie, by a table: of modules, of calls, and of what comes behind them."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

__all__ = [
    "BOXES",
    "ELEMENTWISE",
    "SILENT",
    "after_call",
    "axes_of",
    "input_axes",
    "outside_layers",
    "own_axis",
    "parents",
]

_AXES: tuple[tuple[tuple[type[nn.Module], ...], int], ...] = (
    ((_ConvNd, _NormBase, nn.GroupNorm), 1),
    ((nn.Linear, nn.Bilinear, nn.LayerNorm, nn.RMSNorm, nn.Embedding, nn.RNNBase, nn.RNNCellBase,
      nn.MultiheadAttention), -1),
)  # fmt: skip
BOXES = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
"""Modules that hold layers and compute nothing of their own."""

_CALLS = {
    **dict.fromkeys(
        ("linear", "addmm", "bilinear", "layer_norm", "rms_norm", "embedding", "scaled_dot_product_attention",
         "multi_head_attention_forward"), -1),
    **dict.fromkeys(
        ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "batch_norm",
         "group_norm", "instance_norm"), 1),
}  # fmt: skip
ELEMENTWISE = frozenset({
    "relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "tanh",
    "sigmoid", "logsigmoid", "hardtanh", "hardswish", "hardsigmoid", "softplus", "softsign", "softshrink",
    "hardshrink", "tanhshrink", "threshold", "softmax", "log_softmax", "softmin", "gumbel_softmax", "add",
    "sub", "mul", "truediv", "pow", "square", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "sin", "cos",
    "abs", "neg", "clamp", "clip", "clamp_min", "maximum", "minimum", "where", "erf", "atan", "sinh", "cosh",
    "asinh", "normalize", "lerp",
})  # fmt: skip
"""Calls that keep the shape, and so the axis, of the tensor they are given."""

SILENT = frozenset({
    "dropout", "alpha_dropout", "feature_dropout", "dropout1d", "dropout2d", "dropout3d", "contiguous", "clone",
    "detach", "to", "float", "double", "half", "bfloat16", "type_as", "requires_grad", "masked_fill",
})  # fmt: skip
"""Calls that keep the axis and whose result is no new reading."""

_POOLS = frozenset({
    "max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool1d",
    "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d", "interpolate",
    "pad",
})  # fmt: skip  # an axis in front, that of channels, stays where it is


def own_axis(module: nn.Module) -> int | None:
    """What the module says itself with ``neuron_axis``, or the table; None for a module of another kind."""
    declared = getattr(module, "neuron_axis", None)
    if isinstance(declared, int):
        return declared
    return next((axis for kinds, axis in _AXES if isinstance(module, kinds)), None)


def after_call(name: str, inputs: Sequence[int | None]) -> int | None:
    """The axis of the result of a call, from those of the tensors it is given; None where the table does not say.

    >>> after_call("conv2d", [None]), after_call("relu", [1]), after_call("permute", [1])
    (1, 1, None)
    """
    if name in _CALLS:
        return _CALLS[name]
    known = {axis for axis in inputs if axis is not None}
    if len(known) != 1:
        return None
    axis = known.pop()
    stays = name in ELEMENTWISE or name in SILENT or name == "cat" or (name in _POOLS and axis > 0)
    return axis if stays else None


def axes_of(modules: dict[str, nn.Module]) -> dict[str, int]:
    """The axis of every module: its own, else that of the last layer inside it, else of the one in front of it."""
    own = {path: own_axis(module) for path, module in modules.items()}
    last: dict[str, int] = {}  # of the layers inside each module
    for path in outside_layers(modules):
        axis = own[path]
        if axis is not None:
            last.update(dict.fromkeys(parents(path), axis))
    axes: dict[str, int] = {}
    outer, before = set(outside_layers(modules)), -1
    for path, axis in own.items():
        axes[path] = axis if axis is not None else last.get(path, before)
        if path in outer and axis is not None:
            before = axis
    return axes


def input_axes(modules: dict[str, nn.Module]) -> dict[str, int]:
    """The axis of what every module is given: its own, else that of the first layer inside it, else of the one in front."""
    outer, first = outside_layers(modules), dict[str, int]()
    for path in outer:
        axis = own_axis(modules[path])
        if axis is not None:
            for around in parents(path):
                first.setdefault(around, axis)
    before, kept, axes = -1, set(outer), dict[str, int]()
    for path, module in modules.items():
        axis = own_axis(module)
        axes[path] = axis if axis is not None else first.get(path, before)
        before = axis if axis is not None and path in kept else before
    return axes


def outside_layers(modules: dict[str, nn.Module]) -> list[str]:
    """The paths that lie in no layer: in no other module whose neuron axis is known."""
    layers = {path for path, module in modules.items() if own_axis(module) is not None}
    return [path for path in modules if layers.isdisjoint(parents(path))]


def parents(path: str) -> list[str]:
    """The paths of the modules around one."""
    steps = path.split(".")
    return ["", *(".".join(steps[:i]) for i in range(1, len(steps)))] if path else []
