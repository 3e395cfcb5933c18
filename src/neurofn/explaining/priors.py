"""What a preferred input may look like: priors. Each gives a space of codes in which the input is sought.

A prior of one's own is a class with a method ``space(inputs)`` that gives a `Space`; see `Bounded` for the simplest.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod
from typing import Protocol

import torch
from torch import Tensor, nn

from .._errors import SettingError, ShapeError

__all__ = ["Bounded", "Prior", "Smooth", "Space"]

_HALVINGS = 30  # of the interval in which the length of a vector is matched


class Space:
    """Codes (n, ...) and the inputs (n, ...) they stand for. This one has the inputs themselves as codes, without bounds."""

    modules: tuple[nn.Module, ...] = ()
    """What is put into evaluation mode during the search, and back after it: a generator, for example."""
    takes_last = False
    """Whether the last point is the result in place of the best, because `guide` leads away from the best on purpose."""

    def __init__(self, inputs: Tensor) -> None:
        """inputs: real ones, (samples, ...)."""
        self.centre, self.spread = inputs.mean(dim=0), inputs.std(dim=0, correction=0)
        self.reach = float(inputs.flatten(1).norm(dim=1).median()) or 1.0
        """The usual length of a code: steps are shares of it."""

    def encode(self, inputs: Tensor) -> Tensor:
        """The codes of inputs, or of what is nearest to them."""
        return inputs

    def decode(self, codes: Tensor) -> Tensor:
        """The inputs of codes; differentiable."""
        return codes

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Random codes: here independent normal entries with mean and deviation of the real ones."""
        noise = torch.randn(
            (count, *self.centre.shape), generator=generator, dtype=self.centre.dtype, device=self.centre.device
        )
        return self.centre + self.spread * noise  # fmt: skip

    def limit(self, codes: Tensor) -> Tensor:
        """The nearest codes that are allowed."""
        return codes

    def cost(self, codes: Tensor) -> Tensor:
        """What is taken off the activation, for each code: in standard deviations of the unit over real inputs."""
        return codes.new_zeros(len(codes))

    def disturb(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """What the network is shown during the search in place of the inputs."""
        return inputs

    def guide(self, codes: Tensor, gradient: Tensor, progress: float) -> Tensor:
        """The direction to go; progress goes from 0 to 1."""
        return gradient


class Prior(Protocol):
    """Such as Bounded, Smooth, PCA or Learned."""

    def space(self, inputs: Tensor) -> Space:
        """The space in which to search; inputs: real ones, (samples, ...)."""


@dataclass(frozen=True)
class Bounded:
    """Inputs of any shape, no longer than ``norm``, with entries inside ``span``; nothing else is asked.

    span: (smallest, largest); if not given that of the real inputs, (-inf, inf) for no bound. norm: the largest Euclidean
    distance from 0, or from the point of the span that is nearest to 0; if not given that of the real inputs, so that each
    of them is allowed, inf for no bound. Random inputs have the mean and deviation of real ones, and that norm. Raises
    SettingError for a norm that is not positive or an empty span.

    >>> real = torch.tensor([[3.0, 4.0], [-4.0, 3.0]])
    >>> Bounded(span=(-inf, inf)).space(real).limit(torch.tensor([[6.0, 8.0]]))
    tensor([[3., 4.]])
    """

    norm: float | None = None
    span: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.norm is not None and not self.norm > 0:
            raise SettingError(f"norm={self.norm}: give a positive number, or None for that of the real inputs")
        if self.span is not None and not self.span[0] < self.span[1]:
            raise SettingError(f"span={self.span}: the first number must be smaller than the second")

    def space(self, inputs: Tensor) -> Space:
        """Inputs are their own codes."""
        return _Box(inputs, norm=self.norm, span=self.span)


class _Box(Space):
    """Inputs inside a box and a ball around the point of the box that is nearest to 0."""

    def __init__(self, inputs: Tensor, *, norm: float | None, span: tuple[float, float] | None) -> None:
        super().__init__(inputs)
        self.low, self.high = span or (float(inputs.min()), float(inputs.max()))
        self.nearest = min(max(0.0, self.low), self.high)
        own = _lengths(inputs - self.nearest)
        self.norm = float(own.max()) if norm is None else norm
        self.reach = (float(own.median()) if self.norm == inf else self.norm) or 1.0

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """As noise with the statistics of the real inputs, but as long as may be."""
        offset = super().draw(count, generator) - self.nearest
        length = _wide(_lengths(offset), offset)
        if self.norm < inf:
            offset = offset * torch.where(length > 0, self.norm / length, 0)
        return self.nearest + offset

    def limit(self, codes: Tensor) -> Tensor:
        """The nearest point of the box within the ball: codes are drawn together until their part in the box fits."""
        offset = codes - self.nearest

        def inside(share: Tensor) -> Tensor:
            return (offset * _wide(share, offset)).clamp(self.low - self.nearest, self.high - self.nearest)

        low, high = torch.zeros_like(offset.flatten(1)[:, 0]), torch.ones_like(offset.flatten(1)[:, 0])
        long = _lengths(inside(high)) > self.norm
        if not long.any():
            return self.nearest + inside(high)
        if self.low == -inf and self.high == inf:
            return self.nearest + inside(torch.where(long, self.norm / _lengths(offset), high))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            fits = _lengths(inside(middle)) <= self.norm
            low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
        return self.nearest + inside(torch.where(long, low, torch.ones_like(low)))

    def guide(self, codes: Tensor, gradient: Tensor, progress: float) -> Tensor:
        """Not out of the box, lest entries at its sides use up the length of the step."""
        out = ((codes >= self.high) & (gradient > 0)) | ((codes <= self.low) & (gradient < 0))
        return gradient.masked_fill(out, 0)


def _wide(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.ndim - 1))


def _lengths(values: Tensor) -> Tensor:
    lengths: Tensor = values.flatten(1).norm(dim=1)
    return lengths


@dataclass(frozen=True)
class Smooth(Bounded):
    """Inputs with axes of space, (samples, channels, *space), such as images: bounded, and smooth.

    variation: what an input as rough as the usual real one costs, in standard deviations of the unit over real inputs; rough
    is the sum of absolute differences of neighbours (total variation). jitter: at each step the input is moved around its
    edges by up to so many places along every axis of space, so that no single pixel counts. centre: 0, or a share of the
    size: steps are first taken everywhere and in the end only around the centre, weighted by a Gaussian with this standard
    deviation, so that one thing is drawn in the middle instead of many all over. norm, span: as for Bounded.

    Raises SettingError for negative values, ShapeError for inputs without axes of space.

    Sources: total variation and centre-biased steps after arXiv:1602.03616, there by a margin, here by a Gaussian.

    >>> Smooth(jitter=1).space(torch.rand(4, 1, 8, 8)).cost(torch.zeros(2, 1, 8, 8))
    tensor([0., 0.])
    """

    variation: float = 1.0
    jitter: int = 0
    centre: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("variation", "jitter", "centre"):
            if not 0 <= getattr(self, name) < inf:
                raise SettingError(f"{name}={getattr(self, name)}: give 0 or a positive number")

    def space(self, inputs: Tensor) -> Space:
        """Inputs are their own codes."""
        if inputs.ndim < 3:
            raise ShapeError(
                f"inputs have shape {tuple(inputs.shape)}, expected (samples, channels, *space); for vectors take Bounded()"
            )
        return _Smooth(inputs, self)


class _Smooth(_Box):
    def __init__(self, inputs: Tensor, prior: Smooth) -> None:
        super().__init__(inputs, norm=prior.norm, span=prior.span)
        self.prior = prior
        self.usual = float(_variation(inputs).median()) or 1.0
        self.axes = tuple(range(2, inputs.ndim))
        distance = torch.zeros((), dtype=inputs.dtype, device=inputs.device)
        for axis in self.axes:
            place = torch.linspace(-0.5, 0.5, inputs.shape[axis], dtype=inputs.dtype, device=inputs.device)
            distance = distance[..., None] + place**2
        self.window = -distance / (2 * prior.centre**2) if prior.centre else None
        self.takes_last = self.window is not None

    def cost(self, codes: Tensor) -> Tensor:
        return self.prior.variation * _variation(codes) / self.usual

    def disturb(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        if not self.prior.jitter:
            return inputs
        most = self.prior.jitter
        steps = torch.randint(-most, most + 1, (len(self.axes),), generator=generator, device=generator.device)
        return inputs.roll(tuple(steps.tolist()), self.axes)

    def guide(self, codes: Tensor, gradient: Tensor, progress: float) -> Tensor:
        inward = super().guide(codes, gradient, progress)
        return inward if self.window is None else inward * (progress * self.window).exp()


def _variation(inputs: Tensor) -> Tensor:
    """The mean absolute difference of neighbours along the axes of space, summed over these; (n,)."""
    found = inputs.new_zeros(len(inputs))
    for axis in range(2, inputs.ndim):
        found = found + inputs.diff(dim=axis).abs().flatten(1).sum(dim=1)
    return found / max(1, prod(inputs.shape[1:]))
