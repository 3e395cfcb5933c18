"""Checks of how a function behaves in torch: its parameters, its module, shapes and types, vmap, compile and export."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from .._errors import SettingError, ShapeError
from ..functions import Count, Function, Parameter
from ._function_numbers import DTYPES, settings_to_try

__all__: list[str] = []

_CHANNELS = 5


def check_parameters_matter(function: Function) -> None:
    """Another value of any parameter of the formula gives other values of the function."""
    moved, z = settings_to_try(function)[-1], _inputs()
    for name in set(function.definition.names) & set(function.parameters):
        same = torch.equal(function(z), function(z, **{name: moved[name]}))
        _assert(
            not same, f"{function.name}: the values with {name}={moved[name]:g} are those with {name} at its default"
        )


def check_learned_gradient(function: Function) -> None:
    """Every parameter declared as learned is one of the module's, and its gradient is finite and not 0."""
    for channels in (None, _CHANNELS):
        module, z = function.module(channels=channels), _inputs()
        result = module(z)
        found = dict(module.named_parameters())
        learned = {name for name, parameter in function.parameters.items() if parameter.learned}
        _assert(set(found) == learned, f"{function.name} learns {sorted(learned)}, its module {sorted(found)}")
        _assert(result.requires_grad or not found, f"{function.name}: no gradient comes to {sorted(found)}")
        total = (result * _mixture(z)).sum()
        grads = torch.autograd.grad(total, list(found.values()), allow_unused=True) if found else ()
        for name, slope in zip(found, grads, strict=True):
            fine = slope is not None and bool(slope.isfinite().all()) and bool((slope != 0).all())
            _assert(fine, f"{function.name}: the gradient of {name} is {slope}")


def check_learned_domain(function: Function) -> None:
    """After an absurd step of an optimiser a learned parameter is used inside its domain, and all is finite there."""
    for name, spec in function.parameters.items():
        for step in (-1e30, -50.0, 50.0, 1e30) if spec.learned and (spec.low, spec.high) != (None, None) else ():
            module, z = function.module(), _inputs(torch.float32)
            parameter = module.get_parameter(name)
            with torch.no_grad():
                parameter.add_(step)
                used = float(_values(module)[name])
            low, high = (-math.inf if spec.low is None else spec.low), (math.inf if spec.high is None else spec.high)
            where = f"{function.name}: {name} went to {step:g} and is used as {used:g}"
            _assert(low - 1e-6 * abs(low) <= used <= high + 1e-6 * abs(high), f"{where}, outside [{low:g}, {high:g}]")
            result = module(z)
            (slope,) = torch.autograd.grad((result * _mixture(z)).sum(), [parameter])
            finite = bool(result.isfinite().all()) and bool(slope.isfinite())
            _assert(finite or abs(used) > 1e6, f"{where}, where a value or the gradient is not finite")


def check_state_dict(function: Function) -> None:
    """What a module learned comes back from its state_dict."""
    module, fresh, z = _moved(function), function.module(), _inputs(torch.float32)
    for buffer in module.buffers():
        buffer += 0.25
    fresh.load_state_dict(module.state_dict())
    _assert(torch.equal(module(z), fresh(z)), f"{function.name}: a module loaded from a state_dict has other values")


def check_deepcopy(function: Function) -> None:
    """A copy has the same values and nothing in common with the original."""
    module, z = function.module(), _inputs(torch.float32)
    before = module(z).detach()
    other = copy.deepcopy(module)
    _assert(torch.equal(other(z), before), f"{function.name}: the copy of a module has other values")
    _move(other, function)
    _assert(torch.equal(module(z), before), f"{function.name}: to change the copy changed the original")
    learned = any(parameter.learned for parameter in function.parameters.values())
    _assert(
        not (learned and torch.equal(other(z), before)), f"{function.name}: the copy does not use its own parameters"
    )


def check_module_dtype(function: Function) -> None:
    """``module.to(dtype)`` moves everything: the state and the result have that type."""
    for dtype in (torch.float64, torch.bfloat16, torch.float16):
        module = function.module(channels=_CHANNELS).to(dtype)
        types = {tensor.dtype for tensor in module.state_dict().values()} | {module(_inputs(dtype)).dtype}
        _assert(types == {dtype}, f"{function.name}: after module.to({dtype}) there are {types}")


def check_meta_device(function: Function) -> None:
    """Modules can be made on, and moved to, the meta device: they hold no tensor that stays behind."""
    z = _inputs().to("meta")
    with torch.device("meta"):
        made = function.module(channels=_CHANNELS)
    for how, module in (("made on", made), ("moved to", function.module().to("meta"))):
        try:
            result = module(z)
        except RuntimeError as error:
            raise AssertionError(f"{function.name}: a module {how} the meta device fails there: {error}") from error
        here = result.device.type == "meta" and result.shape == z.shape
        _assert(here, f"{function.name}: a module {how} the meta device gives {result.device}, {tuple(result.shape)}")


def check_channels(function: Function) -> None:
    """With ``channels`` each channel has its own value of every parameter that is per channel; others are refused."""
    module, z = _moved(function, channels=_CHANNELS), _inputs()
    for name, parameter in module.named_parameters():
        expected = (_CHANNELS,) if function.parameters[name].per == "channel" else ()
        _assert(
            parameter.shape == expected, f"{function.name}: {name} has shape {tuple(parameter.shape)}, not {expected}"
        )
    whole = module(z)
    for channel in range(_CHANNELS):
        own = {name: p.detach().expand(_CHANNELS)[channel] for name, p in module.named_parameters()}
        _close(whole[:, channel], function(z[:, channel], **own), f"{function.name}, channel {channel} alone")
    for wrong in (z[:, :-1], z[0, 0]):
        said = attempt(partial(module, wrong), ShapeError)
        where = f"{function.name} for {_CHANNELS} channels, given the shape {tuple(wrong.shape)}"
        _assert(said is not None, f"{where}, raises no ShapeError")


def check_settings(function: Function) -> None:
    """A setting that is unknown, no number, or out of range raises SettingError; a misspelt one is told its near names."""
    known: dict[str, Parameter | Count] = {**function.parameters, **function.structure}
    wrong: list[tuple[str, Any, str]] = [(f"{name}_", 1, name) for name in known] + [("no_such", 1.0, "no_such")]
    for name, spec in known.items():
        outside = [] if spec.low is None else [spec.low - 1]
        outside += [] if spec.high is None else [spec.high + 1]
        wrong += [(name, value, name) for value in (*outside, "abc", math.nan, math.inf, True, None)]
    for name, value, told in wrong:
        said = attempt(partial(function.module, **{name: value}), SettingError)
        fine = said is not None and told in said
        _assert(fine, f"{function.name}({name}={value!r}) does not raise a SettingError that tells {told!r}: {said}")


def check_integers_refused(function: Function) -> None:
    """A tensor that is not of floating point raises SettingError; it is not rounded in silence."""
    for dtype in (torch.int64, torch.bool, torch.complex64):
        said = attempt(partial(function, torch.ones(3, dtype=dtype)), SettingError)
        _assert(said is not None, f"{function.name} takes a tensor of {dtype}")


def check_result_dtype(function: Function) -> None:
    """The result has the type of the input."""
    for dtype in DTYPES:
        got = function(_inputs(dtype)).dtype
        _assert(got == dtype, f"{function.name} of {dtype} is of {got}")


def check_shapes(function: Function) -> None:
    """Empty, 0-d, transposed, strided and expanded tensors give elementwise results of the same shape; inputs stay."""
    z = _inputs()
    for what, other in {
        "empty": z[:0], "0-d": z[0, 0], "transposed": z.T, "strided": z[::2, 1::3], "expanded": z[:1].expand(4, -1),
    }.items():  # fmt: skip
        before = other.clone()
        try:
            got = function(other)
        except RuntimeError as error:
            raise AssertionError(f"{function.name} fails on a tensor that is {what}: {error}") from error
        shape = f"{function.name}: {what}, shape {tuple(other.shape)} became {tuple(got.shape)}"
        _assert(got.shape == other.shape, shape)
        _assert(torch.equal(other, before), f"{function.name} changed its input")
        alone = [function(one) for one in other.reshape(-1, 1)]
        _close(got.reshape(-1, 1), torch.stack(alone) if alone else got.reshape(-1, 1), f"{function.name}, {what}")


def check_vmap(function: Function) -> None:
    """vmap equals a loop: over inputs, over parameters (many seeds at once), and under grad."""
    z, module = _inputs(), function.module().double()
    states = [{name: p.detach() for name, p in _moved(function, by=by).named_parameters()} for by in (0.0, 0.5, 1.0)]
    stacked = {name: torch.stack([state[name] for state in states]) for name in states[0]}

    def call(state: dict[str, Tensor]) -> Tensor:
        result: Tensor = functional_call(module, state, (z,))
        return result

    pairs: list[tuple[str, Callable[[], Tensor], Callable[[], Tensor]]] = [
        ("inputs", lambda: vmap(function)(z), lambda: torch.stack([function(row) for row in z])),
        (
            "slopes",
            lambda: vmap(vmap(grad(function)))(z),
            lambda: torch.stack([torch.stack([grad(function)(one) for one in row]) for row in z]),
        ),
    ]
    if stacked:
        pairs.append(
            ("parameters", lambda: vmap(call)(stacked), lambda: torch.stack([call(state) for state in states]))
        )
    for over, fast, slow in pairs:
        try:
            got = fast()
        except RuntimeError as error:
            raise AssertionError(f"{function.name}: vmap over {over} fails: {error}") from error
        _close(got, slow(), f"{function.name}: vmap over {over}")


def check_compiles(function: Function) -> None:
    """``torch.compile(fullgraph=True)`` traces it, forward and backward, with the same values and slopes.

    It is a function that was never called, so that nothing it keeps from its first call hides from the compiler.
    """
    _compiled(function, "aot_eager")


def check_machine_code(function: Function) -> None:
    """The same with the code that the default backend writes (seconds: it needs a compiler)."""
    _compiled(function, "inductor")


def _compiled(function: Function, backend: str) -> None:
    module, z = replace(function).module(), _inputs(torch.float32).requires_grad_()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():  # the compiler draws random numbers,
        warnings.simplefilter("ignore", DeprecationWarning)  # and uses parts of torch that torch advises against
        torch.compiler.reset()
        try:
            results = [net(z) for net in (torch.compile(module, fullgraph=True, backend=backend), module)]
            slopes = [torch.autograd.grad(result.sum(), z)[0] for result in results]
        except Exception as error:
            raise AssertionError(f"{function.name} does not compile: {error}") from error
        finally:
            torch.compiler.reset()
    _close(results[0], results[1], f"{function.name}, compiled", tolerance=1e-5)
    _close(slopes[0], slopes[1], f"{function.name}, slope, compiled", tolerance=1e-5)


def check_exports(function: Function) -> None:
    """``torch.export`` gives a program for any batch size, with the same values."""
    module, z = function.module(), _inputs(torch.float32)
    try:
        program = torch.export.export(module, (z,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        got = program.module()(z[:3])
    except Exception as error:
        raise AssertionError(f"{function.name} cannot be exported: {error}") from error
    _close(got, module(z[:3]), f"{function.name}, exported", tolerance=1e-5)


# ---- helpers ------------------------------------------------------------------------------------------------------------


def _assert(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _close(got: Tensor, expected: Tensor, what: str, *, tolerance: float = 1e-12) -> None:
    fine = got.shape == expected.shape and torch.allclose(got, expected, rtol=tolerance, atol=tolerance)
    _assert(fine, f"{what}: {got.flatten()[:6].tolist()} instead of {expected.flatten()[:6].tolist()}")


def _inputs(dtype: torch.dtype = torch.float64) -> Tensor:
    """Points between -3 and 3, none of them special, in the shape (7, channels)."""
    return torch.linspace(-3.01, 2.97, 7 * _CHANNELS, dtype=torch.float64).reshape(7, _CHANNELS).to(dtype)


def _mixture(z: Tensor) -> Tensor:
    return torch.cos(torch.arange(z.numel(), dtype=z.dtype)).reshape(z.shape) + 1.5


def _moved(function: Function, *, channels: int | None = None, by: float = 1.0) -> nn.Module:
    """A module whose learned parameters are not at their defaults."""
    module = function.module(channels=channels)
    _move(module, function, by=by)
    return module


def _move(module: nn.Module, function: Function, *, by: float = 1.0) -> None:
    moved = settings_to_try(function)[-1]
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            spread = torch.linspace(by, by / 2, max(parameter.numel(), 1)).reshape(parameter.shape)
            parameter.add_(spread * (moved[name] - function.parameters[name].default))


def _values(module: nn.Module) -> dict[str, Any]:
    """The parameters of a FunctionModule as it uses them."""
    values: Callable[[], dict[str, Any]] = getattr(module, "values")  # noqa: B009
    return values()


def attempt(action: Callable[[], Any], kind: type[Exception]) -> str | None:
    """What ``action`` said when it raised an exception of this kind; None where it raised another, or none."""
    try:
        action()
    except kind as error:
        return str(error)
    except Exception:
        return None
    return None
