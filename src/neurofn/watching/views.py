"""Views: where a site is read other than in training passes. They are given to ``watch(model, ..., at=...)``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sites import Site

__all__ = ["View", "in_evaluation", "in_gradient", "split_views"]


@dataclass(frozen=True)
class View:
    """Sites, and what is read of them: outputs in evaluation passes, or gradients of the loss by their outputs.

    >>> View("1", "evaluation")
    View(at='1', side='evaluation')
    """

    at: str | Site | tuple[str | Site, ...]
    side: str


def in_evaluation(at: str | Site | Sequence[str | Site] = "*") -> View:
    """The outputs at the sites ``at`` while the model is in evaluation mode; rows of the record call them "path@evaluation".

    All passes between two training passes are one window, read when training goes on or the watch ends.

    >>> in_evaluation("1").side
    'evaluation'
    """
    return View(_fixed(at), "evaluation")


def in_gradient(at: str | Site | Sequence[str | Site] = "*") -> View:
    """The gradients of the loss by the outputs at the sites ``at``, as they come in the backward pass: "path@gradient".

    They are those of the loss as it is: a loss that is the mean of a batch of 128 gives gradients 128 times smaller than its
    sum. A pass without a backward pass has none.

    >>> in_gradient(["1", "3"]).at
    ('1', '3')
    """
    return View(_fixed(at), "gradient")


def split_views(
    at: str | Site | View | Sequence[str | Site | View],
) -> dict[str, str | Site | tuple[str | Site, ...]]:
    """Side -> what to read on it; "" is the outputs of training passes.

    >>> split_views(["0", in_gradient("1")])
    {'': ('0',), 'gradient': '1'}
    """
    if isinstance(at, View):
        return {at.side: at.at}
    if isinstance(at, str) or not isinstance(at, Sequence):
        return {"": at}
    plain = tuple(one for one in at if not isinstance(one, View))
    sides: dict[str, str | Site | tuple[str | Site, ...]] = {"": plain} if plain or not at else {}
    for view in (one for one in at if isinstance(one, View)):
        before = sides.get(view.side)
        sides[view.side] = view.at if before is None else (*_tuple(before), *_tuple(view.at))
    return sides


def _fixed(at: str | Site | Sequence[str | Site]) -> str | Site | tuple[str | Site, ...]:
    return tuple(at) if isinstance(at, Sequence) and not isinstance(at, str) else at


def _tuple(at: str | Site | tuple[str | Site, ...]) -> tuple[str | Site, ...]:
    return at if isinstance(at, tuple) else (at,)
