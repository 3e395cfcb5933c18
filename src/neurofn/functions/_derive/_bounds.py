"""Branch and bound with intervals: the range of a function and of its slope, enclosed, and proved to 1e-9 where boxes allow.

Every real number that float64 holds lies in a box; breakpoints are known to the last digits, and beside them each branch is
taken as a little farther out. A box is dropped when its enclosure lies within what sample points have
reached; the others are halved. What remains when time is up widens the answer, and the answer then says that it is not proved.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...formula import Node
from ._expand import expand
from ._interval import Interval
from ._kinds import intervals
from ._points import Curve

__all__ = ["FAR", "TOLERANCE", "Bounds", "Region", "bound", "halved", "look", "start"]

TOLERANCE = 1e-9
_LARGE = 1e12  # a value beyond counts as unbounded
_MOST = 40_000  # boxes
FAR = 2.0**512  # beyond, squares overflow


@dataclass(frozen=True)
class Region:
    """Boxes to begin with, and how a box and a point in it are expanded."""

    tree: Node
    values: Mapping[str, Interval]
    cuts: tuple[float, ...] = ()
    ends: tuple[float, float] = (-FAR, FAR)
    reach: float = math.inf  # how far regions beside this one go

    def start(self) -> tuple[Any, Any]:
        """Boxes over all of float64: fine in the middle, one per power of 16 far out, cut beside every breakpoint."""
        far = [2.0**k for k in range(5, 513, 4)]
        middle = [
            *np.arange(-16, 16.25, 0.25),
            *(10.0**k for k in (-300, -12, -6, -3)),
            *(-(10.0**k) for k in (-300, -12, -6, -3)),
        ]
        beside = [cut + step for cut in self.cuts for step in (-_beside(cut), 0.0, _beside(cut))]
        edges = np.unique(np.clip([*middle, *far, *(-x for x in far), *beside], *self.ends))
        return edges[:-1], edges[1:]

    def place(self, at: Any) -> Any:
        """The z of a coordinate of boxes."""
        return at

    def bend(self, lo: Any, hi: Any) -> tuple[Interval, Any]:
        """The second derivative on boxes, and where no branch was in doubt."""
        _, changes, smooth = self.enclose(lo, hi)
        return changes[1], smooth

    def enclose(self, lo: Any, hi: Any) -> tuple[list[Interval], list[Interval], Any]:
        """Value and slope on boxes, the derivatives of both, and where no branch was in doubt."""
        jet, diary = expand(self.tree, Interval(lo, hi), self.values, kind=intervals(), order=2)
        smooth = np.ones(np.shape(lo), dtype=bool)
        for sure in diary:
            smooth = smooth & sure
        terms = [_spread(term, np.shape(lo)) for term in jet.terms]
        beside = self._beside_cuts(lo, hi) & ~smooth
        if beside.any():
            self._decide(terms, lo, hi, beside)
            smooth = smooth | beside
        f, slope, bend = terms[0], terms[1], terms[2] * 2.0
        return [f, slope], [slope, bend], smooth

    def _beside_cuts(self, lo: Any, hi: Any) -> Any:
        """Which boxes are the tiny ones just left or right of a breakpoint."""
        found = np.zeros(np.shape(lo), dtype=bool)
        for cut in self.cuts:
            step = _beside(cut) * 1.01
            found |= ((lo >= cut - step) & (hi <= cut)) | ((lo >= cut) & (hi <= cut + step))
        return found

    def _decide(self, terms: list[Interval], lo: Any, hi: Any, rows: Any) -> None:
        """On boxes beside a breakpoint every branch is taken as a little farther out on that side."""
        cuts, centres = np.array(self.cuts), (lo[rows] + hi[rows]) / 2
        at = cuts[np.argmin(np.abs(cuts[:, None] - centres), axis=0)]
        side = np.where(centres < at, -1, 1)
        middle = {name: float(value.lo) for name, value in self.values.items()}
        points = at + side * 300 * np.array([_beside(cut) for cut in at])
        signs = Curve(self.tree, middle).sides(points)
        jet, _ = expand(self.tree, Interval(lo[rows], hi[rows]), self.values, kind=intervals(), order=2, signs=signs)
        for term, better in zip(terms, jet.terms, strict=True):
            better = _spread(better, at.shape)
            term.lo, term.hi = term.lo.copy(), term.hi.copy()
            term.lo[rows], term.hi[rows] = better.lo, better.hi


def _beside(cut: float) -> float:
    """How far from a breakpoint rounding may leave a branch in doubt."""
    return max(abs(cut), 1.0) * 4e-15


def _spread(term: Any, shape: tuple[int, ...]) -> Interval:
    lo, hi = np.broadcast_to(term.lo, shape), np.broadcast_to(term.hi, shape)
    outside = np.isnan(lo) & ~np.isnan(hi) | np.isnan(hi) & ~np.isnan(lo)
    return Interval(np.where(outside, -np.inf, lo), np.where(outside, np.inf, hi))


@dataclass
class Side:
    """One bound that is sought: what points have reached, and what boxes may still hold. Signs turn a least into a largest."""

    part: int
    sign: int
    reached: float = -math.inf
    where: float = 0.0
    above: float = -math.inf

    @property
    def unbounded(self) -> bool:
        """Whether a point is so high that the answer is infinite."""
        return self.reached > _LARGE

    def open(self, top: Any) -> Any:
        """Which boxes may hold something higher."""
        if self.unbounded:
            return np.zeros(np.shape(top), dtype=bool)
        return top > self.reached + TOLERANCE * max(1.0, abs(self.reached))


@dataclass
class Bounds:
    """Least and largest value and slope: each as (low end, high end) of what is known of it."""

    sides: dict[tuple[int, int], Side] = field(default_factory=dict)
    limits: dict[int, tuple[float, float]] = field(default_factory=dict)  # by side; as enclosures
    to_infinity: bool = True

    def of(self, part: int, sign: int) -> tuple[float, float]:
        """The enclosure of the largest (sign 1) or least (-1) value (part 0) or slope (part 1)."""
        side = self.sides[part, sign]
        if side.unbounded:
            return (sign * math.inf,) * 2
        ends = sign * side.reached, sign * max(side.reached, side.above)
        return min(ends), max(ends)

    def proved(self, part: int) -> bool:
        """Whether both ends are known to the tolerance."""
        pairs = [self.of(part, sign) for sign in (-1, 1)]
        return all(low == high or high - low <= 2 * TOLERANCE * max(1, abs(low)) for low, high in pairs)


def start() -> Bounds:
    """Nothing known yet."""
    return Bounds({(part, sign): Side(part, sign) for part in (0, 1) for sign in (-1, 1)})


def look(region: Any, found: Bounds) -> None:
    """What points of a region reach, so that no time goes into proving what another region exceeds."""
    middle = _middle(*region.start())
    points, _, _ = region.enclose(middle, middle)
    for side in found.sides.values():
        _reach(side, points[side.part], region.place(middle))


def bound(region: Any, found: Bounds, *, seconds: float) -> None:
    """Bounds over a region, added to what is known of others."""
    lo, hi = region.start()
    end = time.monotonic() + seconds
    first = True
    while len(lo):
        enclosed, points = _tightened(region, lo, hi)
        for side in found.sides.values():
            _reach(side, points[side.part], region.place(_middle(lo, hi)))
        keep = np.zeros(len(lo), dtype=bool)
        for side in found.sides.values():
            keep |= side.open(_top(enclosed[side.part], side.sign))
        settled = ~keep
        for side in found.sides.values():
            top = _top(enclosed[side.part], side.sign)
            if settled.any():
                side.above = max(side.above, float(np.fmax.reduce(top[settled], initial=-np.inf)))
        lo, hi, enclosed = lo[keep], hi[keep], [part.at(keep) for part in enclosed]
        if not first and (time.monotonic() > end or len(lo) > _MOST or _all_thin(lo, hi)):
            _give_up(found, enclosed)
            break
        first = False
        lo, hi = halved(lo, hi)


def _give_up(found: Bounds, enclosed: list[Interval]) -> None:
    for side in found.sides.values():
        top = _top(enclosed[side.part], side.sign)
        side.above = max(side.above, float(np.fmax.reduce(top, initial=-np.inf)))


def _tightened(region: Any, lo: Any, hi: Any) -> tuple[list[Interval], list[Interval]]:
    """Enclosures of value and slope on boxes, made tighter by the mean value theorem; and the same at their middles."""
    terms, changes, smooth = region.enclose(lo, hi)
    middle = _middle(lo, hi)
    points, _, _ = region.enclose(middle, middle)
    way = Interval(lo, hi) - Interval(middle, middle)
    enclosed = []
    for part in (0, 1):
        by_mean = points[part] + changes[part] * way
        usable = smooth & np.isfinite(by_mean.lo) & np.isfinite(by_mean.hi)
        tight = terms[part].within(by_mean)
        enclosed.append(
            Interval(np.where(usable, tight.lo, terms[part].lo), np.where(usable, tight.hi, terms[part].hi))
        )
    return enclosed, points


def _top(part: Interval, sign: int) -> Any:
    top = part.hi if sign > 0 else -part.lo
    return np.where(np.isnan(top), -np.inf, top)  # the function is defined nowhere in the box


def _reach(side: Side, at: Interval, middle: Any) -> None:
    sure = at.lo if side.sign > 0 else -at.hi
    sure = np.where(np.isnan(sure), -np.inf, sure)
    best = int(np.argmax(sure))
    if sure[best] > side.reached:
        side.reached, side.where = float(sure[best]), float(middle[best])


def _middle(lo: Any, hi: Any) -> Any:
    """The middle; the geometric one where a box spans powers."""
    plain = lo / 2 + hi / 2
    wide = (np.sign(lo) == np.sign(hi)) & (np.fmax(np.abs(lo), np.abs(hi)) > 4 * np.fmin(np.abs(lo), np.abs(hi)))
    with np.errstate(all="ignore"):
        geometric = np.sign(lo) * np.sqrt(np.abs(lo)) * np.sqrt(np.abs(hi))
    return np.clip(np.where(wide & (geometric != 0), geometric, plain), lo, hi)


def halved(lo: Any, hi: Any) -> tuple[Any, Any]:
    """Every box in two."""
    middle = _middle(lo, hi)
    return np.concatenate([lo, middle]), np.concatenate([middle, hi])


def _all_thin(lo: Any, hi: Any) -> bool:
    return bool(np.all(hi <= np.nextafter(np.nextafter(lo, np.inf), np.inf))) if len(lo) else False
