"""Rules on the training as a whole: what is not finite, scale over depth and time, plateaus, the cost of watching."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ._finding import Book, Evidence, Rule, Series, evidence, is_gradient, numbers
from ._numbers import number

__all__ = ["LOSSES", "RULES", "new_highs"]

LOSSES = ("loss", "training loss", "validation loss")

DECADES = 3.0  # of the deviation, over depth or over time
DEPTH = 4  # sites from which on there is a depth
ORDERED = 0.7  # rank correlation of deviation and depth
BUDGET, OVER = 0.03, 1.2  # share of a step that watching may cost, where the record names none, and the slack
WORTH = 1.0  # seconds that are worth a word; a short training pays mostly for the start of its watch
FLAT, LASTING = 1.05, 1.3  # a plateau: the loss falls by less than this factor while steps grow by more than this one
FELL = 1.5  # factor of the fall that ended an earlier plateau
BEGUN = 10  # the first steps, in which an optimiser fits the mean
POINTS = 30  # readings of a loss that has a course


def _not_finite(book: Book) -> list[Evidence] | None:
    rows = book.find("nonfinite rows")
    losses = [one for name in LOSSES for one in book.find(name)]
    if not rows and not losses:
        return None
    bad = [(one, np.flatnonzero(numbers(one) > 0)) for one in rows]
    bad += [(one, np.flatnonzero(~np.isfinite(numbers(one)))) for one in losses]
    hits = [_hit(book, one, int(places[0])) for one, places in bad if len(places)]
    found = []
    for seed in dict.fromkeys(one.seed for _, _, one in hits):
        own = [hit for hit in hits if hit[2].seed == seed]
        step, at, one = min(own, key=lambda hit: (hit[0], book.sites[hit[2].site]))
        of_rows = one.reading == "nonfinite rows"
        words = f"{number(float(numbers(one)[at]))} rows of its outputs are" if of_rows else f"the {one.reading} is"
        sites = len({hit[2].site for hit in own})
        more = f"; it is the first of {sites} places" if sites > 1 else ""
        found.append(replace(evidence(one, f"{words} not finite{more}", at=at, confidence="high"), step=step))
    return found


def _hit(book: Book, one: Series, at: int) -> tuple[int, int, Series]:
    """When a site was first not finite, and the place of the reading that says so; the watch may know the step itself."""
    known = book.beside(one, "first nonfinite step", "Watch") if one.reading == "nonfinite rows" else None
    step, told = int(one.steps[at]), math.nan if known is None else float(numbers(known)[0])
    return (min(step, int(told)) if math.isfinite(told) else step), at, one


def _depth(book: Book) -> list[list[Series]]:
    """The deviations of each seed in the order in which signals run: of outputs from the first site on, of gradients back."""
    made: dict[tuple[int, str], list[Series]] = {}
    for one in book.find("average std", "Moments"):
        made.setdefault((one.seed, one.site.partition("@")[2]), []).append(one)
    ordered = [own[::-1] if side == "gradient" else own for (_, side), own in made.items()]
    return [own for own in ordered if len(own) >= DEPTH]


def _along(own: Sequence[Series], at: int) -> tuple[list[Series], float]:
    """The sites with a deviation at the first (0) or last (-1) reading, and the decades by which it grows along them."""
    known = [one for one in own if np.isfinite(numbers(one)[at]) and numbers(one)[at] > 0]
    if len(known) < DEPTH:
        return known, 0.0
    logs = np.log10([numbers(one)[at] for one in known])
    depth = np.arange(len(known))
    order = float(np.corrcoef(np.argsort(np.argsort(logs)), depth)[0, 1])
    slope = float(np.polyfit(depth, logs, 1)[0])
    return known, slope * (len(known) - 1) if abs(order) >= ORDERED else 0.0


def _by_depth(book: Book, sign: int) -> list[Evidence]:
    found = []
    for own in _depth(book):
        for at, when in ((-1, "now"), (0, "at the first reading")):
            known, decades = _along(own, at)
            if sign * decades >= DECADES:
                first, deepest = known[0], known[-1]
                low, high = (number(float(numbers(one)[at]), ".2g") for one in (first, deepest))
                what = "the deviation of gradients" if is_gradient(deepest) else "the deviation"
                words = f"{what} goes from {low} at '{first.site}' to {high} here, {len(known)} sites on, {when}"
                found.append(evidence(deepest, words, at=at, confidence="high"))
                break
    return found


def _exploding(book: Book) -> list[Evidence] | None:
    deviations = book.find("average std", "Moments")
    if not deviations:
        return None
    found = _by_depth(book, 1)
    told = {(one.site, one.seed) for one in found}
    for one in deviations:
        values = numbers(one)
        start = values[np.isfinite(values) & (values > 0)][:1]
        if (one.site, one.seed) not in told and len(start) and values[-1] >= 10**DECADES * max(start[0], 1e-3):
            words = f"the deviation grew from {number(float(start[0]), '.2g')} to {number(float(values[-1]), '.2g')}"
            found.append(evidence(one, words))
    return found


def _vanishing(book: Book) -> list[Evidence] | None:
    return _by_depth(book, -1) if _depth(book) else None


def new_highs(one: Series) -> list[int]:
    """Steps at which a rank is higher than ever before, each but the first; NaN is no rank."""
    values = np.fmax.accumulate(numbers(one))
    return [int(step) for step in one.steps[1:][np.diff(values) > 0]]


def _plateau(book: Book) -> list[Evidence] | None:
    losses = [one for name in LOSSES for one in book.find(name)]
    ranks = book.outputs("rank", "EpsilonRank")
    if not losses or not ranks:
        return None
    found = []
    for loss in losses:
        own = [one for one in ranks if one.seed == loss.seed]
        flats = _flats(loss)
        if not own or not flats or flats[-1][1] < loss.steps[-1]:
            continue
        rises = sorted({step for one in own for step in new_highs(one)})
        left = [end for _, end in flats[:-1] if any(end / LASTING <= step <= FELL * end for step in rises)]
        since, level = flats[-1][0], float(np.fmin.reduce(numbers(loss)))
        if left and not any(since < step for step in rises):
            words = (f"flat at {number(level, '.3g')} since step {since:,}; it left the plateau before at about step "
                     f"{left[-1]:,}, at a rise of the rank, and the rank has not risen since")  # fmt: skip
            found.append(evidence(loss, words, confidence="low"))
    return found


def _flats(loss: Series) -> list[tuple[int, int]]:
    """Plateaus of the lowest loss so far as (first step, last step); all but the last end with a fall that counts."""
    known = (loss.steps >= BEGUN) & np.isfinite(numbers(loss)) & (numbers(loss) > 0)
    steps, lowest = loss.steps[known], np.minimum.accumulate(numbers(loss)[known])
    if len(steps) < POINTS:
        return []
    found, start = [], 0
    while start < len(steps) - 1:
        end = int(np.searchsorted(-lowest, -lowest[start] / FLAT, side="right")) - 1
        until = int(np.searchsorted(steps, FELL * steps[end]))
        after = float(lowest[min(until, len(steps) - 1)])
        if steps[end] >= LASTING * steps[start] and (end == len(steps) - 1 or after <= lowest[start] / FELL):
            found.append((int(steps[start]), int(steps[end])))
        start = max(end, start + 1)
    return found


def _failed(book: Book) -> list[Evidence]:
    return [
        evidence(one, "an instrument failed here, and reads nothing since") for one in book.find("failed step", "Watch")
    ]


def _cost(book: Book) -> list[Evidence] | None:
    shares = book.find("cost share", "Watch")
    if not shares:
        return None
    found = []
    for one in shares:
        named = book.beside(one, "budget", "Watch")
        budget = float(numbers(named)[-1]) if named is not None else BUDGET
        share, spent = float(numbers(one)[-1]), book.beside(one, "seconds", "Watch")
        little = spent is not None and float(numbers(spent)[-1]) < WORTH
        if math.isfinite(share) and share > OVER * budget and not little:
            words = f"watching cost {number(share, '.1%')} of the time of a step, the budget is {number(budget, '.1%')}"
            found.append(evidence(one, words, confidence="high"))
    return found


RULES = (
    Rule(
        "first value that is not finite",
        "alarm",
        _not_finite,
        "Values that are not finite begin at {where}.",
        "Moments()",
        "arXiv:1710.03740",
        (
            "look at the step before: a smaller learning rate, gradients that are clipped, a warm-up",
            "in float16 or bfloat16: scale the loss, or keep this layer in float32",
            'weights that keep the variance: `init_for(model, "relu")`; a division or logarithm in the layer needs a floor',
        ),
        "inputs that were not finite: then it begins at the first site of the model; measure over the batch of that step",
    ),
    Rule(
        "exploding variance",
        "alarm",
        _exploding,
        "The scale of what the layers pass on explodes at {where}.",
        "Moments()",
        "arXiv:1611.01232",
        (
            'weights that keep the variance through depth: `init_for(model, "relu")`, with the function of the model',
            "a smaller learning rate, or a normalisation between the layers",
        ),
        "a site of another unit, such as a sum over many tokens or a last layer of large targets: compare like layers",
    ),
    Rule(
        "vanishing variance",
        "warning",
        _vanishing,
        "The scale of the activations vanishes with depth, down to {where}.",
        "Moments() at four layers or more",
        "arXiv:1611.01232",
        (
            'weights that keep the variance through depth: `init_for(model, "tanh")`, with the function of the model',
            'a function that keeps it by itself: `swap(model, "relu", "selu")`; or a normalisation between the layers',
        ),
        "a normalisation behind the last of these sites: it brings the scale back, and the gradient with it",
    ),
    Rule(
        "plateau with stairs",
        "note",
        _plateau,
        "The loss stands on a step of a staircase; so far it fell where the rank rose.",
        "EpsilonRank(eps=1e-3), and rows of the loss",
        "arXiv:2412.05144",
        (
            "wait: the last plateau ended too; a larger learning rate or another start may shorten plateaus",
            'weights that begin with a higher rank: `init_for(model, "tanh")`, or another function such as '
            '`swap(model, "tanh", "sine")`',
        ),
        "two curves that move one way always agree: only `neurofn run staircase` tests the claim, against shifted jumps; a "
        "training that has found its end is flat too",
    ),
    Rule(
        "reading failed",
        "note",
        _failed,
        "Readings of {where} stopped; the training went on.",
        "",
        "",
        ("the warning in the terminal of the training has the exception; leave the instrument or the site out",),
        "a warning that was expected, such as shapes that change by design",
    ),
    Rule(
        "watching costs more than its budget",
        "note",
        _cost,
        "Watching this training is dearer than it should be.",
        "watch(model, budget=0.03)",
        "",
        ("read at fewer steps: `watch(model, Moments(), every=50)`; keep spectra of wide layers for a few steps",),
        "a machine that others use too: then the clock counts them",
    ),
)
