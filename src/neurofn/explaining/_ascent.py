"""Gradient ascent over codes: several starts at once, each with its own step, the best point of each kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from .priors import Space

__all__ = ["FLAT", "Climb", "Steps", "climb"]

Score = Callable[[Tensor], Tensor]
FLAT = "the gradient is zero at the start"


@dataclass(frozen=True)
class Steps:
    """``count`` steps, the first ``rate`` times the usual length of a code, then ever shorter; ``seed`` is that of jitter."""

    count: int
    rate: float
    seed: int


@dataclass(eq=False)
class Climb:
    """What was found from each start: ``codes`` (starts, ...), the best or last; none where ``trajectory`` is empty."""

    codes: Tensor
    goal: Tensor
    takes_last: bool
    trajectory: list[list[float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def note(self, codes: Tensor, values: Tensor, slopes: Tensor, goal: Tensor) -> Tensor:
        """Keep what is better than before, or the last, and say which starts go on, bool (starts,)."""
        finite = torch.isfinite(values) & torch.isfinite(slopes.flatten(1)).all(dim=1)
        steep = slopes.flatten(1).any(dim=1)
        for i, problem in enumerate(self.problems):
            step = len(self.trajectory[i])
            if not problem and not finite[i]:
                self.problems[i] = f"activation or gradient became NaN or infinite at step {step}"
            elif not problem and step == 0 and not steep[i]:
                self.problems[i] = FLAT
        alive = torch.tensor([not problem for problem in self.problems], device=codes.device)
        for path, value, goes_on in zip(self.trajectory, values.tolist(), alive.tolist(), strict=True):
            if goes_on:
                path.append(value)
        better = alive & (torch.isfinite(goal) if self.takes_last else goal > self.goal)
        self.goal = torch.where(better, goal, self.goal)
        self.codes = torch.where(_wide(better, codes), codes, self.codes)
        return alive


def climb(score: Score, space: Space, codes: Tensor, *, scale: Tensor, steps: Steps) -> Climb:
    """Make ``score(input) / scale - cost(code)`` large, from each of the codes (starts, ...).

    score: inputs (starts, ...) -> activations (starts,). scale: (starts,). The direction is the gradient, its length is
    fixed by the step, and after it the code is put back to where codes may lie.
    """
    generator = torch.Generator(codes.device).manual_seed(steps.seed)
    codes = space.limit(codes.detach())
    count = len(codes)
    lowest = codes.new_full((count,), -torch.inf)
    found = Climb(codes, lowest, space.takes_last, [[] for _ in range(count)], [""] * count)
    for step in range(steps.count + 1):
        codes = codes.detach().requires_grad_()
        values = score(space.disturb(space.decode(codes), generator))
        cost = space.cost(codes)
        slopes = _gradient(values, codes)
        alive = found.note(codes.detach(), values.detach(), slopes, (values / scale - cost).detach())
        if not alive.any():
            break
        progress = step / steps.count
        uphill = slopes / _wide(scale, codes) - _gradient(cost, codes)
        direction = space.guide(codes.detach(), uphill, progress).flatten(1)
        size = direction.norm(dim=1, keepdim=True)
        length = steps.rate * space.reach * (1 - progress)
        move = (length * torch.where(size > 0, direction / size, 0)).view_as(codes)
        codes = torch.where(_wide(alive, codes), space.limit((codes + move).detach()), found.codes)
    return found


def _gradient(values: Tensor, codes: Tensor) -> Tensor:
    """Of the sum of values; zero where nothing leads from the codes to the values."""
    if not values.requires_grad:
        return torch.zeros_like(codes)
    (found,) = torch.autograd.grad(values.sum(), codes, allow_unused=True)
    return torch.zeros_like(codes) if found is None else found.detach()


def _wide(which: Tensor, like: Tensor) -> Tensor:
    return which.view(-1, *[1] * (like.ndim - 1))
