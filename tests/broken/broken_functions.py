"""For every check of the function suite, functions that fail this check and no other. None is in the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from neurofn._errors import SettingError
from neurofn.functions import Facts, Fixed, Function, Learn
from neurofn.functions._module import FunctionModule
from neurofn.testing._functions import FUNCTION_CHECKS

SOUND_FACTS: dict[str, Any] = {
    "odd": True, "monotone": "increasing", "range": (-1, 1), "limits": (-1, 1), "at_zero": (0, 1),
}  # fmt: skip
BELL_FACTS: dict[str, Any] = {"even": True, "range": (0, 1), "limits": (0, 0), "at_zero": (1, 0)}


def tanh(code: Callable[..., Any] | None = None, *, kind: type[Function] = Function, **changed: Any) -> Function:
    """A sound tanh, but for ``code``, ``kind`` or the fields in ``changed``; facts are added to the sound ones."""
    stated = {**SOUND_FACTS, **changed.pop("facts", {})}
    given = {"name": "broken", "formula": "tanh(z)", "source": "an2001", "facts": Facts(**stated), "code": code}
    return kind(**{**given, **changed})


def bell(**facts: Any) -> Function:
    return Function("broken", "exp(-z**2)", "an2001", facts=Facts(**{**BELL_FACTS, **facts}))


def leaky(**facts: Any) -> Function:
    stated = {"monotone": "increasing", "limits": (-torch.inf, torch.inf), "kinks": (0,), **facts}
    return Function("broken", "where(z >= 0, z, a*z)", "an2001", {"a": Learn(0.25, per="channel")}, Facts(**stated))


# ---- code that is wrong in one way --------------------------------------------------------------------------------------


def rounded_constant(z: Tensor) -> Tensor:
    return z.tanh() + (0.6931471806 - 0.6931471805599453)  # as when ln 2 is typed with ten digits


def tilted(z: Tensor) -> Tensor:
    return z.tanh() + 0.001 * (z - z.detach())


def flat_slope(z: Tensor) -> Tensor:
    return z.tanh().detach() + (z - z.detach()) * (1 - z.tanh() ** 2).detach()


def hole(z: Tensor) -> Tensor:
    return torch.where(z == 2.71875, torch.nan, z).tanh()  # a removable singularity that was not removed


def swallows_nan(z: Tensor) -> Tensor:
    return torch.where(z.isnan(), 0, z).tanh()


def always_double(z: Tensor) -> Tensor:
    return z.double().tanh() if z.dtype == torch.float32 else z.tanh()


def flattens(z: Tensor) -> Tensor:
    return z.view(-1).tanh().view(z.shape)


def fills_in_place(z: Tensor) -> Tensor:
    result = torch.zeros(z.shape, dtype=z.dtype, device=z.device)
    return result.copy_(z).tanh()


def breaks_the_graph(z: Tensor) -> Tensor:
    torch._dynamo.graph_break()
    return z.tanh()


def knows_its_batch(z: Tensor) -> Tensor:
    return z.tanh() if z.ndim == 0 or z.shape[0] > 3 else z.tanh() + 0


def detached_parameter(z: Tensor, a: Any) -> Tensor:
    return torch.where(z >= 0, z, (a.detach() if isinstance(a, Tensor) else a) * z)


# ---- modules and functions that are wrong in one way --------------------------------------------------------------------


class Forgets(FunctionModule):
    """Part of what it is does not go into its state_dict."""

    def __init__(self, function: Function, channels: int | None, settings: Any) -> None:
        super().__init__(function, channels, settings)
        self.register_buffer("shift", torch.zeros(()), persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z) + self.shift.to(z.dtype)


class CannotBeCopied(FunctionModule):
    def __init__(self, function: Function, channels: int | None, settings: Any) -> None:
        super().__init__(function, channels, settings)
        self.lock = threading.Lock()

    def __deepcopy__(self, memo: Any) -> FunctionModule:
        twin = FunctionModule(self.function, self.channels, self.settings)
        for name, parameter in self.named_parameters():
            twin.register_parameter(name, parameter)
        return twin


class WidensTypes(FunctionModule):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z) * torch.ones(1, device=z.device, dtype=torch.float64)


class StaysBehind(FunctionModule):
    def __init__(self, function: Function, channels: int | None, settings: Any) -> None:
        super().__init__(function, channels, settings)
        self.one = torch.ones(1, device="cpu")

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z) * self.one.to(z.dtype)


class AnyChannels(FunctionModule):
    def forward(self, z: Tensor) -> Tensor:
        return self.function(z, **self.values())


class Unclamped(FunctionModule):
    def values(self) -> dict[str, Any]:
        return {**self.fixed, **dict(self.named_parameters())}


def with_module(made: type[FunctionModule]) -> type[Function]:
    class Made(Function):
        def module(self, channels: int | None = None, **settings: Any) -> nn.Module:
            return made(self, channels, settings)

    return Made


class TakesIntegers(Function):
    def __call__(self, z: Tensor, **settings: Any) -> Tensor:
        return super().__call__(z if z.is_floating_point() else z.abs().float(), **settings)


class TakesAnySetting(Function):
    def split(self, settings: Any) -> Any:
        try:
            return super().split(settings)
        except SettingError:
            return self, {}


class OpenBrace(Function):
    @property
    def latex(self) -> str:
        return super().latex + r"\frac{1"


def leaky_as(kind: type[Function]) -> Function:
    sound = leaky()
    return kind(sound.name, sound.formula, sound.source, sound.parameters, sound.facts)


SLOPED = Function(
    "broken", "z*(a*a)", "an2001", {"a": Learn(1.0, low=0.5)}, Facts(odd=True, at_zero=(0, 1), monotone="increasing")
)
BROKEN: dict[str, list[Function]] = {
    "source is given": [tanh(source=""), tanh(source="a friend")],
    "formula is readable": [tanh(parameters={"a": Fixed(1.0)}, code=lambda z, a: z.tanh())],
    "latex is balanced": [tanh(kind=OpenBrace)],
    "values equal the formula": [tanh(rounded_constant)],
    "slopes equal the formula": [tanh(tilted)],
    "second derivatives equal the formula": [tanh(flat_slope)],
    "finite where the truth is": [tanh(hole)],
    "nan is not swallowed": [tanh(swallows_nan)],
    "enough facts are stated": [Function("broken", "tanh(z)", "an2001", facts=Facts(odd=True))],
    "parity is true": [tanh(facts={"even": True}), bell(odd=True)],
    "monotone is true": [bell(monotone="increasing"), tanh(facts={"monotone": "decreasing"})],
    "range is true": [tanh(facts={"range": (-1, 2)}), bell(range=(0.01, 1)), bell(range=(0, torch.inf))],
    "limits are true": [
        tanh(facts={"limits": (0, 1)}),
        tanh(facts={"limits": (-1, None)}),
        leaky(limits=(-torch.inf, None)),
        bell(limits=(0, torch.inf)),
    ],
    "value at zero is true": [tanh(facts={"at_zero": (0, 0.9)}), bell(at_zero=(1, None)), leaky(at_zero=(0, 1))],
    "kinks are true": [tanh(facts={"kinks": (1.0,)}), leaky(kinks=(), range=(-torch.inf, torch.inf))],
    "special cases are true": [leaky(cases={"a=0": "abs"})],
    "parameters matter": [tanh(formula="tanh(z) + 0*a", parameters={"a": Fixed(1.0)})],
    "learned parameters get a gradient": [replace(leaky(), code=detached_parameter)],
    "learned parameters stay in their domain": [
        replace(SLOPED, formula="z/a", parameters={"a": Learn(1.0, low=0)}),
        with_module(Unclamped)(SLOPED.name, SLOPED.formula, SLOPED.source, SLOPED.parameters, SLOPED.facts),
    ],
    "state_dict comes back": [tanh(kind=with_module(Forgets))],
    "copies are independent": [leaky_as(with_module(CannotBeCopied))],
    "module moves to a dtype": [tanh(kind=with_module(WidensTypes))],
    "module moves to a device": [tanh(kind=with_module(StaysBehind))],
    "channels have their own parameters": [leaky_as(with_module(AnyChannels))],
    "wrong settings are refused": [leaky_as(TakesAnySetting)],
    "integer tensors are refused": [tanh(kind=TakesIntegers)],
    "result has the dtype of the input": [tanh(always_double)],
    "any shape works": [tanh(flattens)],
    "vmap equals a loop": [tanh(fills_in_place)],
    "compiles": [tanh(breaks_the_graph)],
    "exports": [tanh(knows_its_batch)],
}
"""Check -> functions that must fail it and pass all others."""

SOUND = [tanh(), bell(), leaky(), SLOPED]


def failing(function: Function, *, among: Any = FUNCTION_CHECKS) -> list[str]:
    """The names of the checks that the function fails."""
    failed = []
    for name in among:
        try:
            FUNCTION_CHECKS[name](function)
        except AssertionError:
            failed.append(name)
    return failed
