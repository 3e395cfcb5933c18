"""Checks of what a layer function computes: module against definition, slopes, facts, laws, extremes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..functions.layerwise import LayerFunction
from ._layer_probe import Probe, arrays, asked, build, define, generator, inputs, is_random, moves, valid_width

__all__: list[str] = []

_STEP = 1e-6
_SIGMAS = 5.5


def check_formula(function: LayerFunction) -> None:
    """The formula, its section and the contract of shapes can be printed; errata are sentences."""
    _assert(len(function.formula) >= 3, f"{function.name}: the formula is {function.formula!r}")
    numbered = function.section == "beyond" or function.section.replace(".", "").isdigit()
    _assert(numbered, f"{function.name}: the section {function.section!r} is no number of the survey, and not 'beyond'")
    for text in function.errata:
        _assert(len(text.split()) >= 4 and text.endswith("."), f"{function.name}: {text!r} is no sentence")


def check_facts_stated(function: LayerFunction) -> None:
    """At least three facts are stated, each once."""
    texts = {fact.text for fact in function.facts}
    _assert(
        len(texts) >= 3 and len(texts) == len(function.facts),
        f"{function.name} states {len(texts)} different facts, not 3",
    )


def check_facts(function: LayerFunction) -> None:
    """Every fact is true of module and definition, at samples none special and at whole numbers with ties and zeros."""
    x = inputs(function).numpy()
    for by_definition in (True, False):
        probe = Probe(function, by_definition=by_definition)
        for fact in function.facts:
            for kind, samples in (("", x), (" at whole numbers", np.rint(2 * x) + 0.0)):
                what = f"{function.name}: '{fact.text}' is false of the {'definition' if by_definition else 'module'}{kind}"
                _assert(bool(fact.holds(probe, samples)), what)


def check_values(function: LayerFunction) -> None:
    """Module and definition agree: at the start and moved, in several shapes, in training too, float64 and float32."""
    for moved in (0.0, 0.3):
        for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 1e-5)):
            module = build(function, moved=moved).to(dtype)
            for x in _shapes(function, inputs(function, dtype)):
                for training in (False, True) if moves(function) else (False,):
                    got, expected = _both(module, x, training=training)
                    scale = float(np.abs(expected).max()) if expected.size else 1.0
                    fine = got.shape == expected.shape and np.allclose(
                        got, expected, rtol=tolerance, atol=tolerance * scale
                    )
                    mode = "training" if training else "evaluation"
                    where = f"{function.name}, {dtype}, {tuple(x.shape)}, {mode}, moved by {moved}"
                    _assert(fine, f"{where}: {got.ravel()[:5]} of the module, {expected.ravel()[:5]} by the definition")


def check_slopes(function: LayerFunction) -> None:
    """Gradients are the slopes of the definition, by differences; those of a surrogate are the declared ones."""
    module, x = build(function, moved=0.1).double(), inputs(function).requires_grad_()
    for training in (False, True) if moves(function) else (False,):
        draws = module.draws(x, generator()) if training else None
        module.train(training)
        result = module(x, generator=generator())
        module.eval()
        mix = torch.cos(torch.arange(result.numel(), dtype=x.dtype)).reshape(result.shape) + 0.3
        named = {"x": x, **dict(module.named_parameters())}
        slopes = torch.autograd.grad((result * mix).sum(), list(named.values()), allow_unused=True)
        found = {n: torch.zeros_like(t) if s is None else s for (n, t), s in zip(named.items(), slopes, strict=True)}
        if function.slope is not None:
            _compare_declared(function, module, x, mix=mix, found=found)
            continue
        for name, tensor in named.items():
            _compare_differences(module, x, draws, mix=mix, moved=(name, tensor, found[name]))


def _compare_declared(
    function: LayerFunction, module: Any, x: Tensor, *, mix: Tensor, found: dict[str, Tensor]
) -> None:
    assert function.slope is not None
    declared = function.slope(x.detach().numpy(), **asked(function.slope, arrays(module.values())))
    _assert(set(declared) == set(found), f"{function.name}: slopes of {sorted(declared)}, expected {sorted(found)}")
    for name, slope in declared.items():
        expected = torch.as_tensor(np.asarray(slope)) * mix
        got = found[name]
        while expected.ndim > got.ndim:
            expected = expected.sum(0)
        fine = torch.allclose(got, expected, rtol=1e-8, atol=1e-8)
        _assert(
            fine, f"{function.name}: the gradient of {name} is {got.flatten()[:4]}, declared {expected.flatten()[:4]}"
        )


def _compare_differences(
    module: Any, x: Tensor, draws: dict[str, Tensor] | None, *, mix: Tensor, moved: tuple[str, Tensor, Tensor]
) -> None:
    name, tensor, slope = moved
    places = np.random.default_rng(0).choice(tensor.numel(), size=min(8, tensor.numel()), replace=False)
    with torch.no_grad():
        for place in places.tolist():
            loss = []
            for side in (1, -1):
                flat = tensor.view(-1)
                kept = float(flat[place])
                flat[place] = kept + side * _STEP
                loss.append(float((define(module, x, draws=draws) * mix.numpy()).sum()))
                flat[place] = kept
            expected, got = (loss[0] - loss[1]) / (2 * _STEP), float(slope.reshape(-1)[place])
            scale = max(1.0, abs(expected), abs(loss[0]) * 1e-4)
            where = f"{module.function.name}, {'evaluation' if draws is None else 'training'}, slope by {name}[{place}]"
            _assert(abs(got - expected) < 2e-4 * scale, f"{where}: {got} by autograd, {expected} by differences")


def check_finite(function: LayerFunction) -> None:
    """No NaN or infinity in value or gradient where the definition, rounded, is finite: zeros, ties, large numbers."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        top = {torch.float64: 1e60}.get(dtype, torch.finfo(dtype).max)
        module, wide = build(function).to(dtype), build(function).to(dtype).double()
        for training in (False, True) if moves(function) else (False,):
            for size in (0.0, 1e-6, 1e4, top):
                x = _extreme(function, size).to(dtype)
                where = f"{function.name}, {dtype}, size {size:g}, {'training' if training else 'evaluation'}"
                draws = module.draws(x.float() if dtype.itemsize == 2 else x, generator()) if training else None
                true = define(module, x, draws=draws)
                value, slope = _value_and_slope(module, x, training=training)
                limit = torch.finfo(dtype).max * (1 - 8 * torch.finfo(dtype).eps)
                bad = np.isfinite(true) & (np.abs(true) < limit) & ~value.isfinite().numpy()
                _assert(not bad.any(), f"{where}: value {value.numpy(force=True)[bad][:3]}, expected {true[bad][:3]}")
                ideal = _value_and_slope(wide, x.double(), training=training)[1]
                excused = (ideal.abs() >= limit) | (~ideal.isfinite() & (size > 1e4)) | _singular(true, x)
                broken = ~slope.isfinite() & ~excused
                _assert(not bool(broken.any()), f"{where}: the gradient has {slope[broken][:3].tolist()}")


def _singular(true: Any, x: Tensor) -> Tensor:
    """The samples at which the definition itself is not finite."""
    bad = torch.as_tensor(~np.isfinite(true)).flatten(1).any(1)
    return bad.reshape(-1, *[1] * (x.ndim - 1)).expand_as(x)


def _value_and_slope(module: Any, x: Tensor, *, training: bool) -> tuple[Tensor, Tensor]:
    x = x.detach().clone().requires_grad_()
    module.train(training)
    result = module(x, generator=generator())
    module.eval()
    (slope,) = (
        torch.autograd.grad(result, x, torch.ones_like(result), allow_unused=True) if result.requires_grad else (None,)
    )
    return result.detach().double(), torch.zeros_like(x).double() if slope is None else slope.double()


def _extreme(function: LayerFunction, size: float) -> Tensor:
    """All +, all -, alternating signs, one large among zeros, all sizes, negative zeros: a row each.

    One large number may be the largest there is; where many are, their sum must have room.
    """
    x = inputs(function, rows=6)
    signs, ladder = torch.sign(x[2]), torch.logspace(-8, 0, x[4].numel(), dtype=x.dtype).reshape(x[4].shape)
    one = torch.zeros_like(x[3])
    one.view(-1)[0] = 1
    room = 1 if size <= 1e4 else 2.0**-10
    whole = torch.ones_like(x[0])
    return torch.stack([room * whole, -room * whole, room * signs, one, room * ladder * signs, -0.0 * whole]) * size


def check_law(function: LayerFunction) -> None:
    """Mean and variance over many draws are the declared ones; a given generator is used, and alone."""
    if not is_random(function):
        return
    module, probe = build(function).double().train(), Probe(function, by_definition=False)
    x = 0.4 * inputs(function, rows=1)  # near 0, where no outcome is rare
    each = all(slot.shape[-1:] == ("input",) for slot in function.slots.values() if slot.role == "sampled")
    source, count = generator(11), 20000 if each else 2500
    with torch.no_grad():
        if each:
            sample = module(x.expand(count, *x.shape[1:]), generator=source).numpy()
        else:
            sample = np.concatenate([module(x, generator=source).numpy() for _ in range(count)])
        again = [module(x, generator=generator(2)) for _ in range(2)]
    _assert(torch.equal(*again), f"{function.name}: the same generator gives other draws")
    mean, variance = (np.broadcast_to(value, sample[:1].shape)[0] for value in probe.law(x.numpy()))
    got, spread = sample.mean(0), sample.var(0)
    fourth = ((sample - got) ** 4).mean(0)
    wrong = np.abs(got - mean) > _SIGMAS * np.sqrt(variance / count) + 1e-9
    _assert(not wrong.any(), f"{function.name}: the mean over draws is {got[wrong][:3]}, declared {mean[wrong][:3]}")
    allowed = _SIGMAS * np.sqrt(np.maximum(fourth - spread**2, 0) / count) + 2 * variance / count + 1e-9
    wrong = np.abs(spread - variance) > allowed
    _assert(
        not wrong.any(),
        f"{function.name}: the variance over draws is {spread[wrong][:3]}, declared {variance[wrong][:3]}",
    )


def check_running(function: LayerFunction) -> None:
    """In training the running statistics move from where they are towards those of the batch, by the declared momentum."""
    if function.statistics is None:
        return
    module, x = build(function).double(), inputs(function)
    before, expected = {n: b.clone() for n, b in module.named_buffers()}, function.statistics[1](x.numpy())
    module(x)
    _assert(
        all(torch.equal(b, before[n]) for n, b in module.named_buffers()),
        f"{function.name}: evaluation moves statistics",
    )
    module.train()(x, generator=generator())
    for name, value in expected.items():
        target = before[name] + function.momentum * (torch.as_tensor(np.asarray(value)) - before[name])
        got = module.get_buffer(name)
        _assert(torch.allclose(got, target), f"{function.name}: running {name} is {got}, expected {target}")


def _both(module: Any, x: Tensor, *, training: bool) -> tuple[Any, Any]:
    """What module and definition say, in training at the same draws."""
    module.train(training)
    with torch.no_grad():
        got = module(x, generator=generator()).double().numpy()
        expected = define(module, x, draws=module.draws(x, generator()) if training else None)
    module.eval()
    return got, expected


def _shapes(function: LayerFunction, x: Tensor) -> list[Tensor]:
    if function.axis.layout == "image":
        return [x, x[:2, :, :1, :1], x[:1].transpose(2, 3)]
    return [x, x[0], x.reshape(2, 3, valid_width(function))]


def _assert(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
