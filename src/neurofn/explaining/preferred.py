"""Preferred inputs: what input would a unit be most active for? Found by gradient ascent, and put beside real ones.

An input that is made says little alone: any unit can be driven up. So each comes with the best real input, the activation in
random inputs that the prior allows, and, if handed in, the same search in the untrained network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._errors import DataError, SettingError, ShapeError, SiteError
from ..sites import Site, find_sites
from ._ascent import FLAT, Climb, Steps, climb
from ._found import PreferredInput
from ._listening import each_input, listening, undisturbed
from .priors import Bounded, Prior, Space
from .starts import Facets, Start

__all__ = ["Ascent", "PreferredInput", "find_preferred_inputs"]

Array = np.ndarray[Any, Any]
_BATCH = 64
_DRAWS = 64
_TOGETHER = 16  # starts that climb side by side


@dataclass(frozen=True)
class Ascent:
    """How to search. prior: Bounded(), Smooth(), PCA.fit(inputs, components=20), Learned(generator, codes), or your own.

    start: Facets(clusters=3), Noise(), Examples(). over: what of a unit with several places is made large, a function of
    (values, axis): torch.amax, as in find_top_examples, torch.mean, torch.logsumexp. steps: how many. rate: the length of
    the first step as a share of the usual length of a code; they become shorter evenly. seed: that of jitter and of the
    random inputs of the control. Raises SettingError for no steps or a rate that is not positive.

    >>> Ascent(steps=100).rate
    0.1
    """

    prior: Prior = field(default_factory=Bounded)
    start: Start = field(default_factory=Facets)
    over: Callable[[Tensor, int], Tensor] = torch.amax
    steps: int = 256
    rate: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 < self.rate < math.inf:
            raise SettingError(f"steps={self.steps}, rate={self.rate}: give at least 1 step and a rate such as 0.1")


def find_preferred_inputs(
    model: nn.Module,
    inputs: Any,
    *,
    at: str | Site,
    units: int | Sequence[int],
    search: Ascent = Ascent(),
    untrained: nn.Module | None = None,
) -> list[PreferredInput]:
    """For each unit of the module at ``at`` the inputs that make it most active, one result for each start, in order.

    inputs: real ones, a tensor or array (samples, ...) or batches as for Units.from_model; all are kept in memory, some
    hundreds will do. They give the scale, the starts and the control. untrained: the network before training.

    Each step follows the gradient of activation / deviation over real inputs - price of the prior, so that prices mean the
    same for every unit; the best point is kept. Networks run in evaluation mode, and are left as they were: parameters,
    gradients, buffers, mode, hooks and torch's random state. A unit that no gradient reaches, or that becomes NaN, gets a
    result that says so in ``problem``.

    Raises SiteError where ``at`` is not one module, SettingError for a unit that does not exist, DataError for inputs that
    are not finite floating-point numbers, ShapeError where the prior makes inputs of another shape.

    Sources: priors by a generator after arXiv:1605.09304, facets after arXiv:1602.03616.

    >>> model = nn.Sequential(nn.Linear(2, 1, bias=False))
    >>> model[0].weight.data = torch.tensor([[3.0, 4.0]])
    >>> real = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    >>> prior = Bounded(norm=1.0, span=(-math.inf, math.inf))
    >>> (found,) = find_preferred_inputs(model, real, at="0", units=0, search=Ascent(prior=prior))
    >>> found.input.round(3).tolist(), round(found.activation, 3)
    ([0.6000000238418579, 0.800000011920929], 5.0)
    """
    with undisturbed(model, *([] if untrained is None else [untrained])):
        real = _real(inputs, model)
        space = search.prior.space(real)
        with undisturbed(*space.modules):
            made = space.decode(space.draw(1, torch.Generator(real.device)))
            if made.shape[1:] != real.shape[1:]:
                raise ShapeError(f"the prior makes inputs of shape {tuple(made.shape)}, the real {tuple(real.shape)}")
            networks = [_Network(one, at, real, space, search) for one in (model, untrained) if one is not None]
            wanted = np.atleast_1d(units).tolist()
            for network in networks:
                network.require(wanted)
            return _of_all(wanted, networks)


class _Network:
    """A network at one site, with what its units do in real and in random inputs."""

    def __init__(self, model: nn.Module, at: str | Site, real: Tensor, space: Space, search: Ascent) -> None:
        sites = find_sites(model, at)
        if len(sites) > 1:
            raise SiteError(f"at={at!r} matches {len(sites)} modules; name one, such as at={sites[0].path!r}")
        self.model, self.site, self.real, self.space, self.search = model, sites[0], real, space, search
        generator = torch.Generator(real.device).manual_seed(search.seed)
        drawn = space.decode(space.limit(space.draw(_DRAWS, generator))).detach()
        self.values, self.random = self._all(real), self._all(drawn)

    def read(self, inputs: Tensor) -> Tensor:
        """Activations, (samples, units), over places as the search says."""
        with listening(self.model, [self.site]) as heard:
            self.model(inputs)
        values = heard.get(self.site.path)
        if values is None:
            raise SiteError(f"no output of {self.site.path!r} was seen; name a module that is called")
        if len(values) != len(inputs):
            raise ShapeError(f"{len(inputs)} inputs gave {len(values)} samples at {self.site.path!r}: give a network, "
                             "or wrap it, that takes the sample as first axis")  # fmt: skip
        found = self.search.over(values.reshape(*values.shape[:2], -1), -1)
        if found.shape != values.shape[:2]:
            raise ShapeError(f"over={self.search.over!r} gave shape {tuple(found.shape)} for (samples, units, places); give "
                             "a function such as torch.amax, that takes (values, axis) and leaves that axis out")  # fmt: skip
        return found

    def _all(self, inputs: Tensor) -> Array:
        """float64 (samples, units), NaN where not finite."""
        with torch.no_grad():
            read = torch.cat([self.read(inputs[i : i + _BATCH]) for i in range(0, len(inputs), _BATCH)])
        values = read.double().cpu().numpy()
        return np.where(np.isfinite(values), values, np.nan)

    def require(self, units: Sequence[int]) -> None:
        """Raise SettingError unless these units exist."""
        count = self.values.shape[1]
        wrong = [unit for unit in units if not 0 <= unit < count]
        if wrong:
            raise SettingError(f"units={wrong}: {self.site.path!r} has {count}; give numbers from 0 to {count - 1}")

    def controls(self, unit: int) -> PreferredInput:
        """What is known of a unit before any search; with a problem where it is NaN in all real inputs."""
        known = PreferredInput(unit=unit, site=self.site.path)
        values, random = self.values[:, unit], self.random[:, unit]
        if np.isnan(values).all():
            return replace(known, problem="activation is NaN or infinite in every real input")
        usable = not np.isnan(random).all()
        return replace(
            known,
            best_sample=int(np.nanargmax(values)),
            best_example=float(np.nanmax(values)),
            real_mean=float(np.nanmean(values)),
            real_deviation=float(np.nanstd(values)),
            random_mean=float(np.nanmean(random)) if usable else None,
            random_best=float(np.nanmax(random)) if usable else None,
        )

    def climb(self, begun: Sequence[PreferredInput], codes: Tensor) -> list[PreferredInput]:
        """One result for each of the codes; ``begun`` says of each which unit it is for, and what is known of that."""
        units = torch.tensor([one.unit for one in begun], device=codes.device)
        scale = codes.new_tensor([one.real_deviation or 1.0 for one in begun])
        steps = Steps(self.search.steps, self.search.rate, self.search.seed)

        def score(inputs: Tensor) -> Tensor:
            return self.read(inputs).gather(1, units[:, None])[:, 0]

        found = climb(score, self.space, codes, scale=scale, steps=steps)
        with torch.no_grad():
            inputs = self.space.decode(found.codes)
            values = score(inputs).tolist()
        made = inputs.detach().cpu().numpy()
        return [_result(one, found, i, (made[i], values[i])) for i, one in enumerate(begun)]


def _result(begun: PreferredInput, found: Climb, i: int, made: tuple[Array, float]) -> PreferredInput:
    row = replace(begun, trajectory=tuple(found.trajectory[i]), problem=found.problems[i])
    if row.trajectory and math.isfinite(made[1]):
        return replace(row, input=made[0].copy(), activation=made[1])
    if row.problem == FLAT and begun.real_deviation:
        return replace(row, problem=f"{FLAT}: start elsewhere, for example start=Examples()")
    if row.problem == FLAT:
        return replace(row, problem=f"dead: activation is {begun.best_example:g} in every real input, and {FLAT}")
    return replace(row, problem=row.problem or "activation is NaN or infinite in the input found")


def _of_all(units: Sequence[int], networks: Sequence[_Network]) -> list[PreferredInput]:
    """Results in the order of the units."""
    first = networks[0]
    begun: list[tuple[PreferredInput, Tensor | None]] = []
    for unit in units:
        known = first.controls(unit)
        if known.problem:
            begun.append((known, None))
            continue
        codes, made_of = first.search.start.begin(first.space, first.real, first.values[:, unit])
        begun += [(replace(known, facet=i, made_of=made_of[i]), code.detach()) for i, code in enumerate(codes)]
    rows = _climbed(first, begun)
    for other in networks[1:]:
        beside = [
            (replace(other.controls(row.unit), facet=row.facet, made_of=row.made_of), start) for row, start in begun
        ]
        rows = [replace(row, untrained=one) for row, one in zip(rows, _climbed(other, beside), strict=True)]
    return _with_likeness(rows, first.real)


def _climbed(network: _Network, begun: Sequence[tuple[PreferredInput, Tensor | None]]) -> list[PreferredInput]:
    """The results from the starts, in their order; all starts of all units climb side by side, some at a time."""
    rows = [row for row, _ in begun]
    going = [(i, start) for i, (row, start) in enumerate(begun) if start is not None and not row.problem]
    for k in range(0, len(going), _TOGETHER):
        places, starts = zip(*going[k : k + _TOGETHER], strict=True)
        for i, row in zip(places, network.climb([rows[i] for i in places], torch.stack(starts)), strict=True):
            rows[i] = row
    return rows


def _with_likeness(rows: Sequence[PreferredInput], real: Tensor) -> list[PreferredInput]:
    mean = real.double().mean(dim=0).cpu().numpy()
    found = []
    for row in rows:
        others = [one.input - mean for one in rows if one.unit == row.unit and one is not row and one.input is not None]
        cosines = [] if row.input is None else [_cosine(row.input - mean, one) for one in others]
        found.append(replace(row, likeness=max(cosines, default=None)))
    return found


def _cosine(first: Array, second: Array) -> float:
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return min(1.0, max(-1.0, float(np.vdot(first, second)) / size)) if size else 0.0


def _real(inputs: Any, model: nn.Module) -> Tensor:
    """The real inputs as one tensor of the model's kind, on its device."""
    batches = list(each_input(torch.as_tensor(inputs) if isinstance(inputs, np.ndarray) else inputs))
    if any(isinstance(batch, dict) for batch in batches):
        raise DataError("a batch is a dict; give tensors: a preferred input is one tensor")
    real = torch.cat(batches).detach()
    if not real.is_floating_point() or real.ndim < 2 or not len(real) or not torch.isfinite(real).all():
        raise DataError(
            f"inputs are {real.dtype} {tuple(real.shape)}: give finite floating-point numbers (samples, ...); tokens have "
            "no gradient, so give their embeddings to the part of the model that takes these"
        )
    like = next((one for one in model.parameters() if one.is_floating_point()), real)
    return real.to(like.device, like.dtype).clone()
