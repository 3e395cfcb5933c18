"""The instruments' states at the sites of a model, fed by hooks; what `watch` and `measure` share."""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._errors import NeurofnError, SettingError, ShapeError
from .._sites_address import OUTPUT, address_of
from ..instruments import Instrument, Probe
from ..instruments._column_sums import column_sums
from ..sites import Site, find_module, find_sites, tap, to_rows, to_tensor
from ._callback import callback
from ._chunks import Chunk, chunks_of
from ._places import Feed, Name, Place, of_rows
from ._reduce import Share, over_processes
from .views import View, split_views

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Sampler", "recomputing", "uncompiled"]


_ONE_GRAPH = (
    "a watched model is one graph where the compiled model itself is watched, at outputs of modules: watch what torch.compile "
    "gave, leave out gradients, inputs and functions, or compile without fullgraph=True"
)


class Sampler:
    """Places by their text, and the hooks that feed them.

    fast:   by the fast kernels of the instruments that have one; else every batch by `Instrument.update`.
    strict: what goes wrong in a hook is raised. Else a training goes on: the place is marked in ``failed`` with the step, and
            one warning is given; but what is wrong from the first time on, such as a bad shape, is raised then.
    """

    def __init__(
        self,
        model: nn.Module,
        instruments: Sequence[Instrument],
        at: str | Site | View | Sequence[str | Site | View],
        *,
        fast: bool = False,
        strict: bool = True,
    ) -> None:
        self.instruments, self.fast, self.strict = _checked(instruments), fast, strict
        self.sides = {side: {site.path: site for site in find_sites(model, of)} for side, of in split_views(at).items()}
        self.sites = {path: site for sites in self.sides.values() for path, site in sites.items()}
        self.modules = {path: find_module(model, site) for path, site in self.sites.items()}
        named = [one for of in split_views(at).values() for one in (of if isinstance(of, tuple) else (of,))]
        self.named = {getattr(one, "path", one) for one in named}
        self.model = model
        self.weights: Tensor | None = None
        self.targets: Tensor | None = None
        self.seen: set[str] = set()
        self.failed: dict[str, tuple[int, str]] = {}
        self.nonfinite: dict[str, int] = {}  # place -> the first step at which something was not finite
        self.names: dict[str, Name] = {}  # of all places there ever were
        self.sums = column_sums() if fast else None  # built before the first step, which would pay for it
        self.step, self.ticket, self.spent = 0, 0, 0.0
        self.clock = time.perf_counter
        self.feed, self.side, self.touched = Feed(), "", False
        self.close()
        self.clear()

    def clear(self) -> None:
        """Forget all rows."""
        self.places: dict[str, Place] = {}
        self.calls: dict[str, int] = {}
        self._sorted: list[str] = []

    def open(self, feed: Feed, side: str = "") -> None:
        """A pass begins, of which ``side`` is read as ``feed`` says; gradients go with training passes."""
        self.calls = {}
        self.touched = False
        self.feed, self.side = feed, side
        self.on = True

    def close(self) -> None:
        """What the hooks see from now on is not read; gradients of the pass may still come."""
        self.on = False

    @property
    def in_training(self) -> bool:
        """Whether anything of training passes is read."""
        return "" in self.sides or "gradient" in self.sides

    def attach(self, stack: ExitStack) -> None:
        """Hook every site; leaving ``stack`` takes the hooks off."""
        for path, site in self.sites.items():
            if _is_output(site):
                stack.callback(self.modules[path].register_forward_hook(self._hook(site, stack)).remove)
            else:
                stack.callback(tap(self.model, site, self._receiver(site), active=lambda: self.on))

    def _receiver(self, site: Site) -> Callable[[Any], None]:
        return uncompiled(lambda value: self.see(site, value))

    def _hook(self, site: Site, stack: ExitStack) -> Callable[[nn.Module, Any, Any], None]:
        # A function, not a bound method: copy.deepcopy of a watched model copies methods with all they belong to.
        import torch

        owner, receive = self.modules[site.path], self._receiver(site)
        whole = replace(site, address=replace(address_of(site), parts=()))
        hand_over = callback(lambda value: self.see(whole, value), stack)
        tracing = torch.compiler.is_dynamo_compiling
        traceable = "gradient" not in self.sides  # what is handed over has none

        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if not self.on or module is not owner:
                return
            if traceable and tracing():
                hand_over(to_tensor(output, site))
            else:
                receive(output)

        return hook

    def see(self, site: Site, output: Any) -> None:
        """Read one output of the module at ``site``, and the gradient by it when it comes."""
        import torch

        if recomputing():
            return
        if torch.is_inference_mode_enabled():  # tensors made in it could not be changed later
            with torch.inference_mode(False), torch.no_grad():
                self.see(site, output)
            return
        self.touched = True
        self.calls[site.path] = call = self.calls.get(site.path, 0) + 1
        if not self.side and site.path in self.sides.get("gradient", {}) and getattr(output, "requires_grad", False):
            self._await_gradient(site, output, call)
        if site.path in self.sides.get(self.side, {}):
            self.take(site, output, call, self.side)

    def _await_gradient(self, site: Site, output: Tensor, call: int) -> None:
        ticket = self.ticket
        self.seen.add(site.path)

        def arrived(gradient: Tensor) -> None:
            if ticket == self.ticket:  # the backward pass of an earlier forward pass is not this step's
                self.take(site, gradient, call, "gradient")

        output.register_hook(arrived)  # type: ignore[no-untyped-call]

    def take(self, site: Site, output: Any, call: int, side: str) -> None:
        """Add one output of the module at ``site`` in this call of it."""
        begin = self.clock()
        self.seen.add(site.path)
        if self.feed.only is not None and self.feed.only != site.path:
            return
        key = f"{call}:{side}:{site.path}"
        try:
            values = self._block(site, output)
            place = self.places.get(key)
            if place is None:
                place = self.places[key] = Place(self.instruments, values, self.sums)
                self.names[key] = Name(site.path, call, side)
            if self.fast:
                self._add(place, values, key)
            else:
                self._add_exactly(place, values)
        except Exception as error:
            name = Name(site.path, call, side)
            if self.strict or (isinstance(error, NeurofnError) and key not in self.names):
                if isinstance(error, ShapeError):
                    raise ShapeError(f"at the site {str(name)!r}: {error}") from error
                raise
            self._mark(name, key, error)
        self.spent += self.clock() - begin

    def _block(self, site: Site, output: Any) -> Tensor:
        """The rows, or for kernels the samples, neurons and places where no copy is needed for them."""
        shape: tuple[int, ...] = getattr(output, "shape", ())
        if self.fast and len(shape) > 1 and output.is_contiguous() and not address_of(site).parts:
            if site.axis == -1 and output.is_floating_point() and output.numel():
                return output if len(shape) == 2 else output.view(-1, shape[-1])  # type: ignore[no-any-return]
            if site.axis == 1 and output.is_floating_point() and output.numel():
                return output if len(shape) == 2 else output.flatten(2)  # type: ignore[no-any-return]
        return to_rows(output, site)

    def _add(self, place: Place, values: Tensor, key: str) -> None:
        if values.shape[1] != place.neurons:
            raise ShapeError(f"{place.neurons} neurons became {values.shape[1]} within one window")
        if not place.add(values, self.feed):
            self.nonfinite.setdefault(str(self.names[key]), self.step)

    def _add_exactly(self, place: Place, values: Tensor) -> None:
        rows = len(values)
        weights = None if self.weights is None else of_rows(self.weights, rows=rows, what="weights")
        targets = None if self.targets is None else of_rows(self.targets, rows=rows, what="targets")
        place.exactly(values.detach(), range(len(self.instruments)), weights, targets)

    def _mark(self, name: Name, key: str, error: Exception) -> None:
        self.places.pop(key, None)  # its sums may lack a part of this batch
        if str(name) not in self.failed:
            self.failed[str(name)] = self.step, f"{type(error).__name__}: {error}"
            warnings.warn(
                f"watch could not read {str(name)!r} at step {self.step}, and its rows since the last reading are lost "
                f"({type(error).__name__}: {error}); the training goes on",
                stacklevel=2,
            )

    def ordered(self) -> list[str]:
        """The keys of all places, in the order of the model, the sides and the calls."""
        if self._sorted and len(self._sorted) == len(self.places) == len(self.names):
            return self._sorted
        order = {path: i for i, path in enumerate(self.sites)}
        sides = {side: i for i, side in enumerate(self.sides)}
        self._sorted = sorted(self.places, key=lambda key: _rank(self.names[key], order, sides))
        return self._sorted

    def read(self, step: int, seed: int, sides: Sequence[str], *, together: bool = False) -> Iterator[Chunk]:
        """All readings of all places of these sides, which are forgotten; ``together``: on the rows of all processes."""
        places = {key: self.places.pop(key) for key in self.ordered() if self.names[key].side in sides}
        shares = [
            Share(str(self.names[key]), part, *place.take(i))
            for key, place in places.items()
            for i, part in enumerate(self.instruments)
        ]
        for share in over_processes(shares, step=step) if together else shares:
            if share is not None:
                yield from chunks_of(share.part, share.state, (step, seed, share.place))


def uncompiled(hook: Callable[..., None]) -> Callable[..., None]:
    """``hook`` as one that torch.compile calls and does not trace; itself where nothing has loaded the compiler."""
    import torch

    if "torch._dynamo" not in sys.modules:
        return hook
    active = getattr(torch._C._dynamo.eval_frame, "get_eval_frame_callback", lambda: True)
    disabled: Any = torch.compiler.disable(hook)  # type: ignore[no-untyped-call]
    disabled._torchdynamo_disable_msg = _ONE_GRAPH

    def either(*arguments: Any) -> None:  # a call of what is disabled takes microseconds, where no compiler is near too
        if torch.compiler.is_dynamo_compiling() or active() is not None:
            disabled(*arguments)
        else:
            hook(*arguments)

    return either


def recomputing() -> bool:
    """Whether this forward pass is a recomputation inside a backward pass (activation checkpointing)."""
    import torch

    task = getattr(torch._C, "_current_graph_task_id", None)  # private; without it recomputed rows would count twice
    return task is not None and task() != -1


def _checked(instruments: Sequence[Instrument]) -> tuple[Instrument, ...]:
    wrong: list[Any] = [part for part in instruments if not isinstance(part, Instrument)]
    if wrong and isinstance(wrong[0], Probe):
        raise SettingError(f"{wrong[0]} reads a model and data, not rows: neurofn.measure(model, loader, {wrong[0]})")
    if wrong or not instruments:
        given = f"{wrong[0]!r}" if wrong else "none"
        raise SettingError(f"instruments: {given} given; give one or more, for example EpsilonRank(eps=1e-3)")
    twice = [text for text, times in Counter(map(str, instruments)).items() if times > 1]
    if twice:
        raise SettingError(f"instruments: {twice[0]} was given twice; give each one once")
    return tuple(instruments)


def _is_output(site: Site) -> bool:
    """Whether it is the output of a module, or a part of it, so that a hook on the module sees it."""
    address = address_of(site)
    return address.place is None and address.port == OUTPUT


def _rank(name: Name, order: dict[str, int], sides: dict[str, int]) -> tuple[int, int, int]:
    return sides[name.side], order[name.path], name.call
