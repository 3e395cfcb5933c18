"""Where in the user's code a call stands: its instruction, and the module whose method makes it."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import Any

import torch
from torch import nn

__all__ = ["Place", "code_running", "frame_of_call", "in_place", "module_of", "place_of", "tensors_of", "why_fixed"]

_TORCH = os.path.dirname(torch.__file__) + os.sep
_PACKAGE = os.path.dirname(__file__) + os.sep
_HERE = _PACKAGE + "_sites_", os.path.join(_PACKAGE, "neurons", "_swap_")

Place = tuple[str, str, int, Any]
"""File, qualified name and first line of the code, and lines and columns of the call in it."""

_positions: dict[CodeType, list[Any]] = {}


def frame_of_call() -> FrameType | None:
    """The innermost frame outside torch and outside this machinery."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((_TORCH, *_HERE)):
        frame = frame.f_back
    return frame


def place_of(frame: FrameType) -> Place:
    """The same for a call while it is traced and while it runs, and in every copy of the model.

    The offset of the instruction is not: while a call runs, Python may point at the call or at the cache behind it.
    """
    code = frame.f_code
    if code not in _positions:
        _positions[code] = list(code.co_positions())
    at = _positions[code][frame.f_lasti // 2]
    return code.co_filename, code.co_qualname, code.co_firstlineno, at if at[2] is not None else frame.f_lasti


_RUN_AGAIN = {  # files of torch between a call and its module, and why the call must stay
    os.path.join(
        _TORCH, "autograd", "function.py"
    ): "is inside a torch.autograd.Function, whose slope is written by hand",
    os.path.join(
        _TORCH, "utils", "checkpoint.py"
    ): "is computed again by torch.utils.checkpoint, outside of its module",
}


def why_fixed() -> str:
    """Why the call that is running must not be exchanged: its slope would be another function's; "" where it may be."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _module_in(frame) is None:
        if frame.f_code.co_filename in _RUN_AGAIN:
            return _RUN_AGAIN[frame.f_code.co_filename]
        frame = frame.f_back
    return ""


def _module_in(frame: FrameType) -> nn.Module | None:
    """The first argument of a frame, where it is a module of the user's model."""
    code = frame.f_code
    if not code.co_argcount or code.co_filename.startswith(_HERE):
        return None
    here = frame.f_locals.get(code.co_varnames[0])
    return here if isinstance(here, nn.Module) and type(here).__module__ != "torch.fx._symbolic_trace" else None


def module_of() -> tuple[nn.Module | None, set[str]]:
    """The module whose code is running, and the names of its methods from there up to its caller.

    The innermost frame whose first argument is a module decides; helper functions belong to the module that calls them.
    """
    owner: nn.Module | None = None
    methods: set[str] = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        here = _module_in(frame)
        if here is not None:
            if owner is not None and here is not owner:
                break
            owner = here
            if not frame.f_code.co_filename.startswith(_TORCH):
                methods.add(frame.f_code.co_name)
        frame = frame.f_back
    return owner, methods


def code_running() -> set[tuple[str, str, int]]:
    """The code of the user between the call and its module, as the beginning of a ``Place``."""
    owner, found = module_of()[0], set()
    frame = frame_of_call()
    while frame is not None:
        here = _module_in(frame)
        if here is not None and here is not owner:
            break
        found.add((frame.f_code.co_filename, frame.f_code.co_qualname, frame.f_code.co_firstlineno))
        frame = frame.f_back
    return found


def in_place(name: str, settings: dict[str, Any]) -> bool:
    """Whether a call of this name changes its argument: ``relu_``, ``x *= y``, ``inplace=True``."""
    if name.startswith("__"):
        return name.startswith("__i") and name not in ("__invert__", "__index__", "__int__")
    return name.endswith("_") or bool(settings.get("inplace"))


def tensors_of(args: Any, settings: Any, kind: type | tuple[type, ...]) -> list[Any]:
    """The tensors among the arguments of a call, in order; those inside lists are not looked at."""
    return [value for value in (*args, *settings.values()) if isinstance(value, kind)]
