"""For every check of the suite of layer functions, parts that fail this check and no other. None is in the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neurofn._errors import SettingError
from neurofn.functions.layerwise import Axis, Fact, LayerFunction, Slot, fixed, learned, running, sampled
from neurofn.functions.layerwise._facts import at_zero, even, homogeneous, lipschitz
from neurofn.functions.layerwise._module import LayerModule
from neurofn.testing._layer_functions import LAYER_CHECKS

A = learned(0.5, shape=("channels",), low=0, high=10)
FACTS = (at_zero(0), homogeneous(), lipschitz(0.5))


def defined(x: Any, *, a: Any) -> Any:
    return a * np.maximum(x, 0)


def coded(x: Tensor, *, a: Tensor) -> Tensor:
    return a * x.relu()


def scaled(code: Callable[..., Any] = coded, *, net: type[LayerModule] = LayerModule, **changed: Any) -> LayerFunction:
    """A sound a*relu(z), but for the tensor code, the module, or the fields in ``changed``."""
    given = {
        "name": "broken", "kind": "vector", "formula": "a*relu(z)", "source": "an2001", "code": code, "definition": defined,
        "slots": {"a": A}, "facts": FACTS,
    }  # fmt: skip
    return made(net, **{**given, **changed})


def made(net: type[LayerModule], /, **fields: Any) -> LayerFunction:
    """A layer function whose modules are of this class."""

    class Made(LayerFunction):
        def module(self, channels: int | None = None, **settings: Any) -> LayerModule:
            return net(self, channels, settings)

    return Made(**{**fields, "slots": MappingProxyType(fields["slots"])})


def noisy(net: type[LayerModule] = LayerModule, *, variance: float = 1.0) -> LayerFunction:
    """A sound relu(z) + s*E, but for the module or the declared variance."""
    return made(
        net, name="broken", kind="stochastic", formula="relu(z) + s*E", source="an2001", facts=FACTS,
        slots={"s": fixed(0.3, low=0), "draw": sampled("normal")},
        code=lambda x, *, s, draw: x.relu() / 2 + (0 if draw is None else s * draw),
        definition=lambda x, *, s, draw: np.maximum(x, 0) / 2 + (0 if draw is None else s * draw),
        law=lambda x, *, s: (np.maximum(x, 0) / 2, variance * s**2 + 0 * x),
    )  # fmt: skip


def centred(net: type[LayerModule] = LayerModule) -> LayerFunction:
    """A sound (z - mean of the batch)/2, but for the module."""

    def means(x: Any) -> dict[str, Any]:
        return {"mean": x.reshape(-1, x.shape[-1]).mean(0)}

    return made(
        net, name="broken", kind="normalised", formula="(z - mean)/2", source="an2001", facts=FACTS, mixes_batch=True,
        slots={"mean": running(0.0, shape=("channels",))}, statistics=(means, means),
        code=lambda x, *, mean: (x - mean) / 2, definition=lambda x, *, mean: (x - mean) / 2,
    )  # fmt: skip


def stepped(*, slope_at_3: float = 0.5) -> LayerFunction:
    """A sound sign with a straight-through slope, but for the slope that is declared beyond 3."""
    return made(
        LayerModule, name="broken", kind="surrogate", formula="sign(z)", source="an2001", slots={},
        facts=(at_zero(1), even_steps(), lipschitz(1e6)),
        code=lambda x: (x >= 0).to(x.dtype) * 2 - 1 + (x - x.detach()) / 2,
        definition=lambda x: np.where(x >= 0, 1.0, -1.0),
        slope=lambda x: {"x": np.where(abs(x) > 3, slope_at_3, 0.5)},
    )  # fmt: skip


def even_steps() -> Any:
    return Fact("every output is -1 or 1", lambda f, x: bool((abs(f(x)) == 1).all()))


# ---- code that is wrong in one way --------------------------------------------------------------------------------------


def a_little_off(x: Tensor, *, a: Tensor) -> Tensor:
    return a * x.relu() * (1 + 1e-6)


def half_the_slope(x: Tensor, *, a: Tensor) -> Tensor:
    y = x.relu()
    return a * (y.detach() + (y - y.detach()) / 2)


def squares(x: Tensor, *, a: Tensor) -> Tensor:
    safe = torch.where(x == 0, 1, x)
    return a * (safe + (safe * safe).sqrt()) / 2 * (x != 0)


def looks_at_all(x: Tensor, *, a: Tensor) -> Tensor:
    return a * x.relu() + 0 * x.detach().amax()


def deaf(x: Tensor, *, a: Tensor, b: float) -> Tensor:
    return a * x.relu() + 0 * b


def stair(x: Tensor, *, a: Tensor, c: Tensor) -> Tensor:
    return a * x.relu() * (1 + (c > 0.75))


def stays_on_the_cpu(x: Tensor, *, a: Tensor) -> Tensor:
    return a * x.relu() * torch.ones(x.shape[-1], device="cpu")


def fills_in_place(x: Tensor, *, a: Tensor) -> Tensor:
    return a * torch.zeros(x.shape, dtype=x.dtype, device=x.device).copy_(x).relu()


def breaks_the_graph(x: Tensor, *, a: Tensor) -> Tensor:
    torch._dynamo.graph_break()
    return a * x.relu()


def knows_its_batch(x: Tensor, *, a: Tensor) -> Tensor:
    return a * x.relu() if x.ndim < 2 or x.shape[0] > 3 else a * x.relu() + 0


# ---- modules that are wrong in one way ----------------------------------------------------------------------------------


class NeverRuns(LayerModule):
    def _observe(self, x: Tensor) -> dict[str, Tensor]:
        kept = {name: buffer.clone() for name, buffer in self.named_buffers()}
        found = super()._observe(x)
        for name, buffer in self.named_buffers():
            buffer.copy_(kept[name])
        return found


class TakesAnyWidth(LayerModule):
    def _check_width(self, width: int) -> None:
        pass


class Unclamped(LayerModule):
    def values(self, dtype: torch.dtype | None = None) -> dict[str, Any]:
        return {"a": self.a if dtype is None else self.a.to(dtype)}


class Forgets(LayerModule):
    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return None


class IsItsCopy(LayerModule):
    def __deepcopy__(self, memo: object) -> IsItsCopy:
        return self


class Draws(LayerModule):
    """Draws a number that it does not need, in training or in evaluation."""

    when = False

    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        if self.training == self.when and torch._C._functorch.maybe_current_level() is None:
            torch.rand(())
        return super().forward(x, generator=generator)


class DrawsInTraining(Draws):
    when = True


class TakesIntegers(LayerModule):
    def _check(self, x: Tensor) -> None:
        if x.is_floating_point():
            super()._check(x)


class Widens(LayerModule):
    def forward(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        y = super().forward(x, generator=generator)
        return y.float() if x.dtype == torch.bfloat16 else y


class Lenient(LayerFunction):
    """Ignores settings that are not allowed."""

    def module(self, channels: int | None = None, **settings: Any) -> LayerModule:
        try:
            return LayerModule(self, channels, settings)
        except SettingError:
            return LayerModule(self, channels, {})


def lenient() -> LayerFunction:
    sound = scaled()
    return Lenient(**{name: value for name, value in vars(sound).items() if name != "uses"})


def with_slot(code: Callable[..., Any], definition: Callable[..., Any], **slots: Slot) -> LayerFunction:
    return scaled(code, definition=definition, slots={"a": A, **slots})


BROKEN: dict[str, list[LayerFunction]] = {
    "source is given": [scaled(source="a paper")],
    "formula is printable": [scaled(formula=""), scaled(section="somewhere"), scaled(errata=("wrong",))],
    "enough facts are stated": [scaled(facts=FACTS[:2]), scaled(facts=(*FACTS[:2], FACTS[0]))],
    "facts are true": [scaled(facts=(*FACTS, even()))],
    "module equals the definition": [scaled(a_little_off)],
    "slopes are right": [scaled(half_the_slope), stepped(slope_at_3=0.0)],
    "finite where the truth is": [scaled(squares)],
    "draws follow their law": [noisy(variance=1.3), noisy(variance=0.8)],
    "running statistics run": [centred(NeverRuns)],
    "shapes keep the contract": [scaled(looks_at_all)],
    "samples mix as declared": [scaled(mixes_batch=True)],
    "wrong widths are refused": [scaled(net=TakesAnyWidth), scaled(net=TakesAnyWidth, axis=Axis(multiple=2))],
    "wrong settings are refused": [lenient()],
    "settings matter": [with_slot(deaf, lambda x, *, a, b: a * np.maximum(x, 0), b=fixed(1.0))],
    "learned parameters get a gradient": [
        with_slot(stair, lambda x, *, a, c: a * np.maximum(x, 0) * (1 + (c > 0.75)), c=learned(0.5))
    ],
    "learned parameters stay in their domain": [scaled(net=Unclamped)],
    "state_dict comes back": [scaled(net=Forgets)],
    "copies are independent": [scaled(net=IsItsCopy)],
    "evaluation is deterministic": [scaled(net=Draws)],
    "a given generator is used": [scaled(net=DrawsInTraining), noisy(DrawsInTraining)],
    "integer tensors are refused": [scaled(net=TakesIntegers)],
    "dtypes are kept": [scaled(net=Widens)],
    "module moves to a device": [scaled(stays_on_the_cpu)],
    "vmap equals a loop": [scaled(fills_in_place)],
    "compiles": [scaled(breaks_the_graph)],
    "exports": [scaled(knows_its_batch)],
}
"""Check -> layer functions that must fail it and pass all others."""

SOUND = [scaled(), noisy(), centred(), stepped()]


def failing(function: LayerFunction, *, among: Any = LAYER_CHECKS) -> list[str]:
    """The names of the checks that the function fails."""
    failed = []
    for name in among:
        try:
            with torch.random.fork_rng(devices=[]):  # some of them draw where they should not
                LAYER_CHECKS[name](function)
        except AssertionError:
            failed.append(name)
    return failed
