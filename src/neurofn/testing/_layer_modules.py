"""Checks of how a layer function behaves in torch: shapes, state, copies, chance, types, vmap, compile and export."""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from .._errors import SettingError, ShapeError
from ..functions.layerwise import LayerFunction
from ._function_modules import attempt
from ._layer_probe import build, generator, inputs, moves, shift, valid_width

__all__: list[str] = []


def check_axis(function: LayerFunction) -> None:
    """Output width as declared; one sample, an empty batch, more axes in front, strided inputs; inputs stay as they are."""
    module, x = build(function).double(), inputs(function)
    out = function.axis.output(valid_width(function), module.counts)
    image = function.axis.layout == "image"
    cases = {
        "batch": x,
        "one sample": x[:1],
        "empty": x[:0],
        "strided": x[::2],
        "transposed": x.transpose(0, 1).contiguous().transpose(0, 1),
    }
    cases |= {} if image else {"more axes": x[:, None, None], "no batch": x[0]}
    for what, z in cases.items():
        for training in (False, True):
            before = z.clone()
            module.train(training)
            try:
                got = module(z, generator=generator())
            except RuntimeError as error:
                raise AssertionError(f"{function.name} fails on {what}, shape {tuple(z.shape)}: {error}") from error
            expected = (z.shape[0], out, *z.shape[2:]) if image else (*z.shape[:-1], out)
            _assert(
                got.shape == expected,
                f"{function.name}, {what}: {tuple(z.shape)} became {tuple(got.shape)}, not {expected}",
            )
            _assert(torch.equal(z, before), f"{function.name}, {what}: the input was changed")
    buffers = [tensor for tensor in module.state_dict().values() if not bool(tensor.isfinite().all())]
    _assert(not buffers, f"{function.name}: an empty batch spoils the running statistics")


def check_batch(function: LayerFunction) -> None:
    """What happens to a sample depends on no other one, unless that is declared; and then it does."""
    seen = False
    for training in (False, True) if moves(function) else (False,):
        x = inputs(function)
        y = x.clone()
        y[1:] = 3 * y[1:] - 1
        got = [build(function).double().train(training)(z, generator=generator())[0] for z in (x, y)]
        seen |= not torch.equal(*got)
    said = "depend" if function.mixes_batch else "do not depend"
    _assert(
        seen == function.mixes_batch, f"{function.name} declares that samples {said} on each other, and they differ"
    )


def check_widths_refused(function: LayerFunction) -> None:
    """A width that the contract does not allow, or that the module was not built for, raises ShapeError; so does a number."""
    x = inputs(function)
    axis, module = function.axis, build(function).double()
    wrong = [x[:, :-1], x.reshape(-1)[0]]
    wrong += [x[0]] if axis.layout == "image" else []
    with torch.random.fork_rng(devices=[]):  # where weights start at random
        loose = None if function.needs_channels else function.module().double().eval()
    for z in wrong:
        said = attempt(partial(module, z), ShapeError)
        _assert(said is not None and function.name in said, f"{function.name} takes the shape {tuple(z.shape)}: {said}")
    bad = [width for width in range(1, valid_width(function)) if not axis.takes(width, module.counts)]
    for width in bad:
        said = attempt(partial(function.module, channels=width), ShapeError)
        _assert(said is not None, f"{function.name}.module(channels={width}) is not refused")
        if loose is not None:
            _assert(
                attempt(partial(loose, x[:, :width]), ShapeError) is not None, f"{function.name} takes {width} features"
            )


def check_settings(function: LayerFunction) -> None:
    """A setting that is unknown, no number, or out of range raises SettingError; a misspelt one is told its near names."""
    known: dict[str, Any] = {**function.parameters, **function.counts}
    width = valid_width(function)
    wrong: list[tuple[str, Any, str]] = [(f"{name}_", 1, name) for name in known] + [("no_such", 1.0, "no_such")]
    for name, spec in known.items():
        outside = [bound + side for bound, side in ((spec.low, -1), (spec.high, 1)) if bound is not None]
        wrong += [(name, value, name) for value in (*outside, "abc", math.nan, math.inf, True, None)]
    for name, value, told in wrong:
        said = attempt(partial(function.module, width, **{name: value}), SettingError)
        fine = said is not None and told in said
        _assert(fine, f"{function.name}({name}={value!r}) raises no SettingError that tells {told!r}: {said}")


def check_settings_matter(function: LayerFunction) -> None:
    """Another value of any number that is set, learned or scheduled gives another output, in evaluation or in training."""
    x = inputs(function)
    plain = {n: slot for n, slot in function.parameters.items() if slot.shape in ((), ("channels",))}  # no whole array
    for name, slot in plain.items():
        default = 0.0 if callable(slot.default) else slot.default
        tried = [default + step for step in (0.37, -0.37, 1.0, -1.0)] + [default * 0.5]
        changes = any(_differ(function, x, {name: value}) for value in tried if _allowed(slot, value))
        _assert(changes, f"{function.name}: another value of {name} changes nothing")


def _allowed(slot: Any, value: float) -> bool:
    return (slot.low is None or value >= slot.low) and (slot.high is None or value <= slot.high)


def _differ(function: LayerFunction, x: Tensor, settings: dict[str, Any]) -> bool:
    """Whether these settings change an output, or a gradient, which is what acts on the backward pass alone."""
    both: tuple[dict[str, Any], ...] = ({}, settings)
    for training in (False, True):
        if not torch.equal(*(build(function, **s).double().train(training)(x, generator=generator()) for s in both)):
            return True
    return not torch.equal(*(_slope(function, x, s) for s in both))


def _slope(function: LayerFunction, x: Tensor, settings: dict[str, Any]) -> Tensor:
    """The gradients of the input and of every parameter, one after the other."""
    z, module = x.clone().requires_grad_(), build(function, **settings).double()
    result, asked = module(z), [z, *module.parameters()]
    slopes = torch.autograd.grad(result.sum(), asked, allow_unused=True) if result.requires_grad else ()
    return torch.cat([torch.zeros(1), *(slope.flatten() for slope in slopes if slope is not None)])


def check_learned_gradient(function: LayerFunction) -> None:
    """Every learned slot is a parameter of the module, and gets a finite gradient that is not all 0."""
    x, module = inputs(function), build(function, moved=0.1).double().train()
    learned = {name for name, slot in function.slots.items() if slot.role == "learned"}
    found = dict(module.named_parameters())
    _assert(set(found) == learned, f"{function.name} learns {sorted(learned)}, its module {sorted(found)}")
    if not found:
        return
    result = module(x, generator=generator())
    mix = torch.cos(torch.arange(result.numel(), dtype=x.dtype)).reshape(result.shape) + 0.3
    slopes = torch.autograd.grad((result * mix).sum(), list(found.values()), allow_unused=True)
    for name, slope in zip(found, slopes, strict=True):
        fine = slope is not None and bool(slope.isfinite().all()) and bool((slope != 0).any())
        _assert(fine, f"{function.name}: the gradient of {name} is {slope}")


def check_learned_domain(function: LayerFunction) -> None:
    """After an absurd step of an optimiser a learned parameter is used inside its domain."""
    for name, slot in function.slots.items():
        for step in (
            (-1e30, -50.0, 50.0, 1e30) if slot.role == "learned" and (slot.low, slot.high) != (None, None) else ()
        ):
            module = build(function)
            with torch.no_grad():
                module.get_parameter(name).add_(step)
            used = module.values()[name].detach()
            low, high = (-math.inf if slot.low is None else slot.low), (math.inf if slot.high is None else slot.high)
            fine = bool((used >= low - 1e-6 * abs(low)).all()) and bool((used <= high + 1e-6 * abs(high)).all())
            _assert(fine, f"{function.name}: {name} went to {step:g} and is used as {used.flatten()[:3].tolist()}")
            result = module(inputs(function, torch.float32))
            _assert(bool(result.isfinite().all()) or abs(step) > 1e6, f"{function.name}: not finite at {name}={used}")


def check_state_dict(function: LayerFunction) -> None:
    """What a module learned, saw and was set to comes back from its state_dict."""
    module, fresh, x = build(function, moved=0.25), build(function), inputs(function, torch.float32)
    fresh.load_state_dict(module.state_dict())
    _assert(torch.equal(module(x), fresh(x)), f"{function.name}: a module loaded from a state_dict has other values")


def check_deepcopy(function: LayerFunction) -> None:
    """A copy has the same values and nothing in common with the original."""
    module, x = build(function, moved=0.1), inputs(function, torch.float32)
    before = module(x).detach()
    other = copy.deepcopy(module)
    _assert(torch.equal(other(x), before), f"{function.name}: the copy of a module has other values")
    shift(other, 0.3)
    _assert(torch.equal(module(x), before), f"{function.name}: to change the copy changed the original")


def check_evaluation(function: LayerFunction) -> None:
    """Evaluation gives the same at every call and draws no random number."""
    module, x = build(function), inputs(function, torch.float32)
    before = torch.get_rng_state()
    with torch.random.fork_rng(devices=[]):
        same = torch.equal(module(x), module(x))
        drew = not torch.equal(before, torch.get_rng_state())
    _assert(same and not drew, f"{function.name}: evaluation {'draws' if drew else 'differs from call to call'}")


def check_draws_own_generator(function: LayerFunction) -> None:
    """In training a given generator is the only source of chance."""
    module, x = build(function).train(), inputs(function, torch.float32)
    before = torch.get_rng_state()
    with torch.random.fork_rng(devices=[]):
        got = [module(x, generator=generator()) for _ in range(2)]
        drew = not torch.equal(before, torch.get_rng_state())
    _assert(torch.equal(*got) and not drew, f"{function.name}: training draws from elsewhere than the given generator")


def check_integers_refused(function: LayerFunction) -> None:
    """A tensor that is not of floating point raises SettingError."""
    for dtype in (torch.int64, torch.bool, torch.complex64):
        z = torch.ones_like(inputs(function), dtype=dtype)
        _assert(
            attempt(partial(build(function), z), SettingError) is not None, f"{function.name} takes a tensor of {dtype}"
        )


def check_dtypes(function: LayerFunction) -> None:
    """The result has the type of the input, and ``module.to(dtype)`` moves the state."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        module = build(function).to(dtype)
        got = {tensor.dtype for tensor in module.state_dict().values()} | {module(inputs(function, dtype)).dtype}
        _assert(got == {dtype}, f"{function.name}: after module.to({dtype}) there are {got}")


def check_meta_device(function: LayerFunction) -> None:
    """A module made on, or moved to, the meta device gives shapes there, in training and evaluation."""
    with torch.device("meta"):
        made = function.module(channels=valid_width(function))
    x = inputs(function, torch.float32).to("meta")
    for how, module in (("made on", made), ("moved to", build(function).to("meta"))):
        for training in (False, True):
            try:
                got = module.train(training)(x)
            except RuntimeError as error:
                raise AssertionError(f"{function.name}: a module {how} the meta device fails there: {error}") from error
            _assert(
                got.device.type == "meta", f"{function.name}: a module {how} the meta device answers on {got.device}"
            )


def check_vmap(function: LayerFunction) -> None:
    """vmap equals a loop, over inputs and over the states of many modules."""
    x = inputs(function)
    stack, module = torch.stack([x, -x, 0.5 * x]), build(function).double()
    states = [dict(build(function, moved=by).double().state_dict()) for by in (0.0, 0.1, 0.2)]
    stacked = {name: torch.stack([state[name] for state in states]) for name in states[0]}

    def call(state: dict[str, Tensor]) -> Tensor:
        result: Tensor = functional_call(module, state, (x,))
        return result

    try:
        pairs = [(vmap(module)(stack), torch.stack([module(z) for z in stack]))]
        pairs += [(vmap(call)(stacked), torch.stack([call(state) for state in states]))] if stacked else []
    except RuntimeError as error:
        raise AssertionError(f"{function.name}: vmap fails: {error}") from error
    for got, expected in pairs:
        _assert(torch.allclose(got, expected, rtol=1e-9, atol=1e-9), f"{function.name}: vmap differs from a loop")


def check_compiles(function: LayerFunction) -> None:
    """``torch.compile(fullgraph=True)`` gives the same values and slopes, in evaluation; and compiles training (slow)."""
    fresh, x = replace(function), inputs(function, torch.float32).requires_grad_()
    module = build(fresh, moved=0.1)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.compiler.reset()
        try:
            compiled: Any = torch.compile(module, fullgraph=True, backend="aot_eager")
            results = [net(x) for net in (compiled, module)]
            slopes = [
                torch.autograd.grad(r.sum(), x, allow_unused=True)[0] if r.requires_grad else None for r in results
            ]
            compiled.train()(x)
        except Exception as error:
            raise AssertionError(f"{function.name} does not compile: {error}") from error
        finally:
            torch.compiler.reset()
    first, second = (torch.zeros_like(x) if slope is None else slope for slope in slopes)
    fine = torch.allclose(results[0], results[1], atol=1e-5) and torch.allclose(first, second, atol=1e-4)
    _assert(fine, f"{function.name}: compiled, it has other values or slopes")


def check_exports(function: LayerFunction) -> None:
    """``torch.export`` gives a program for any batch size, with the same values (slow)."""
    module, x = build(function), inputs(function, torch.float32)
    try:
        program = torch.export.export(module, (x,), dynamic_shapes={"x": {0: torch.export.Dim("batch")}})
        got = program.module()(x[:3])
    except Exception as error:
        raise AssertionError(f"{function.name} cannot be exported: {error}") from error
    _assert(torch.allclose(got, module(x[:3]), atol=1e-5), f"{function.name}: exported, it has other values")


def _assert(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
