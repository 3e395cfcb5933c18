"""Rules on what single layers do: dead, dormant, saturated, of little rank, read on too few rows."""

from __future__ import annotations

import re

import numpy as np

from ._finding import LAST, Book, Evidence, Rule, Series, evidence, last, lasts, numbers
from ._numbers import number

__all__ = ["RULES"]

DEAD = 0.01  # active share of a layer up to which it counts as dead
HALF = 0.5  # dormant or saturated share of a layer from which on it is told
COLLAPSED = 0.25  # of the highest rank so far
HAD = 8.0  # rank that a layer must have had to have lost it
ONE = 1.5  # effective rank up to which a layer computes hardly more than one function
SMALL = 16  # neurons from which on that is remarkable
STEADY = 5  # readings from which on a layer is not just beginning
MEAN = 100.0  # squared mean of the neurons over their variance from which on an uncentred rank is that of the mean
ENOUGH = 4  # rows per neuron from which on entropies are less than a tenth too low where a spectrum falls slowly
FEW = 4  # a layer of fewer neurons may well be never above 0


def _dead(book: Book) -> list[Evidence] | None:
    shares = [one for one in book.outputs("share", "ActivatedNeurons") if _by_sign(one)]
    deviations = book.outputs("average std", "Moments")
    if not shares and not deviations:
        return None
    found = [one for share in shares for one in _never_active(book, share)]
    told = {(one.site, one.seed) for one in found}
    for seed in book.seeds():
        own = [one for one in deviations if one.seed == seed]
        still = [one for one in own if lasts(one, lambda values: values == 0)]
        if still and len(still) < len(own) and not any(place[1] == seed for place in told):
            behind = f"; so are {len(still) - 1} more sites" if len(still) > 1 else ""
            found.append(evidence(still[0], f"its outputs are the same for every row{behind}"))
    return found


def _never_active(book: Book, share: Series) -> list[Evidence]:
    if not lasts(share, lambda values: values <= DEAD) or (book.neurons(share.site) or FEW) < FEW:
        return []
    deviation = book.beside(share, "average std", "Moments")
    if deviation is not None and (last(deviation) > 0).any():
        return []  # never above 0, but not constant: a logarithm of a softmax, or what stands before the function
    active = float(last(share)[-1])
    some = f"only {number(active, '.1%')} of its neurons are" if active else "none of its neurons is"
    words = f"{some} above 0 for any row that was read, since step {_since(share, DEAD):,}"
    return [evidence(share, words, confidence="medium" if deviation is None else "")]


def _by_sign(one: Series) -> bool:
    """Whether "activated" means above 0; the largest of a layer are active in any layer."""
    return one.instrument in ("ActivatedNeurons", "ActivatedNeurons(active=above(0))")


def _since(one: Series, level: float) -> int:
    """The step from which on the values stay at or below ``level``."""
    above = np.flatnonzero(~(numbers(one) <= level))
    return int(one.steps[above[-1] + 1 if len(above) else 0])


def _dormant(book: Book) -> list[Evidence] | None:
    dormant = book.outputs("share", "Dormant")
    active = [one for one in book.outputs("share", "ActivatedNeurons") if _by_sign(one)]
    if not dormant and not active:
        return None
    found = [
        evidence(one, f"{number(float(last(one)[-1]), '.0%')} of its neurons are dormant")
        for one in dormant
        if lasts(one, lambda values: values >= HALF)
    ]
    told = {(one.site, one.seed) for one in found}
    for one in active:
        partly = lasts(one, lambda values: (values > DEAD) & (values <= 1 - HALF))
        if partly and (one.site, one.seed) not in told and (book.neurons(one.site) or FEW) >= FEW:
            share = number(1 - float(last(one)[-1]), ".0%")
            found.append(evidence(one, f"{share} of its neurons are above 0 for no row that was read"))
    return sorted(found, key=lambda one: one.value, reverse=True)


def _saturated(book: Book) -> list[Evidence] | None:
    shares = book.outputs("share", "Saturated")
    if not shares:
        return None
    found = []
    for one in shares:
        bounded = _bounded(book, one)
        if lasts(one, lambda values: values >= HALF) and bounded is not False:
            words = f"{number(float(last(one)[-1]), '.0%')} of its neurons are near an end of their range in most rows"
            found.append(evidence(one, words, confidence="low" if bounded is None else ""))
    return sorted(found, key=lambda one: one.value, reverse=True)


def _bounded(book: Book, share: Series) -> bool | None:
    """Whether the moments of the neurons fit into the range that the instrument was told; None where nothing tells."""
    ends = {"low": -1.0, "high": 1.0}
    for name, value in re.findall(r"\b(low|high)=(None|-?\d+(?:\.\d*)?(?:e[-+]?\d+)?)(?=[,)])", share.instrument):
        ends[name] = np.nan if value == "None" else float(value)
    mean, deviation = book.beside(share, "mean", "Moments"), book.beside(share, "std", "Moments")
    if mean is None or deviation is None:
        return None
    low, high = ends["low"], ends["high"]
    slack = 1e-3 * (1.0 if np.isnan(high - low) else high - low)
    outside = (mean.values[-1] < low - slack) | (mean.values[-1] > high + slack)
    wide = deviation.values[-1] > (high - low) / 2 + slack  # no variable within its range deviates more
    return not bool((outside | wide).any())


def _collapsed(book: Book) -> list[Evidence] | None:
    ranks = [*book.outputs("effective rank", "Spectrum"), *book.outputs("rank", "EpsilonRank")]
    if not ranks:
        return None
    found: dict[tuple[str, int], Evidence] = {}
    for one in (rank for rank in ranks if not _mean_alone(book, rank)):
        values, highest = numbers(one), float(np.fmax.reduce(numbers(one)))
        now = number(float(values[-1]), ".3g")
        lost = last(one) <= COLLAPSED * highest
        if highest >= HAD and len(values) > LAST and len(lost) == LAST and lost.all():
            at = number(int(one.steps[int(np.nanargmax(values))]))
            words = f"{one.reading} {now}, it was {number(highest, '.3g')} at step {at}"
        elif _single(book, one, values):
            words = f"{one.reading} {now} of {book.neurons(one.site)} neurons, and it does not rise"
        else:
            continue
        found.setdefault((one.site, one.seed), evidence(one, words))
    return list(found.values())


def _mean_alone(book: Book, one: Series) -> bool:
    """Whether a rank about 0 says nothing: one direction, the mean, is far larger than all deviations from it."""
    mean, deviation = book.beside(one, "mean", "Moments"), book.beside(one, "std", "Moments")
    if mean is None or deviation is None or "centred=True" in one.instrument:
        return False
    return bool(np.nansum(mean.values[-1] ** 2) > MEAN * np.nansum(deviation.values[-1] ** 2))


def _single(book: Book, one: Series, values: np.ndarray) -> bool:
    enough = (book.neurons(one.site) or 0) >= SMALL and len(values) >= STEADY and one.reading != "rank"
    return bool(enough and lasts(one, lambda values: values <= ONE) and values[-1] <= 1.2 * values[0])


def _few_rows(book: Book) -> list[Evidence] | None:
    flags = book.find("too few rows")
    if not flags:
        return None
    found = []
    for one in flags:
        own = book.beside(one, "rows", one.instrument.partition("(")[0])
        rows, neurons = (float(numbers(own)[-1]) if own is not None else 0.0), book.neurons(one.site)
        if lasts(one, lambda values: values >= 1) and not (neurons and rows >= ENOUGH * neurons):
            of = f" for {neurons} neurons" if neurons else ""
            found.append(evidence(one, f"{number(rows)} rows{of}", confidence="high" if neurons else "medium"))
    return found


RULES = (
    Rule(
        "dead layer",
        "alarm",
        _dead,
        "The layer {where} is dead: it passes nothing on, and no gradient passes through it.",
        "ActivatedNeurons(), Moments()",
        "arXiv:1903.06733",
        (
            'start again with weights for the function: `init_for(model, "relu")`, and a smaller learning rate',
            'a function with a slope on both sides: `swap(model, "relu", "leaky_relu")`, `swap(model, "relu", "gelu")`',
            "look for the step at which it died: one step that was too large often shows in the loss too",
        ),
        "a neuron that is active on other data: `measure(model, loader, ActivatedNeurons())` over all of them; a layer whose "
        "function is never above 0",
    ),
    Rule(
        "dormant share",
        "warning",
        _dormant,
        "Half of the neurons or more do hardly anything in {where}.",
        "Dormant() or ActivatedNeurons()",
        "arXiv:2302.12902",
        (
            'a function without a flat side: `swap(model, "relu", "leaky_relu")`, `swap(model, "relu", "silu")`',
            "a smaller learning rate or fewer neurons; where targets change, start dormant neurons anew as the paper does",
        ),
        "few rows: dormant on these rows is an upper bound; measure over all data. In sparse models it is what was wanted",
    ),
    Rule(
        "saturation",
        "warning",
        _saturated,
        "Most neurons of {where} are at an end of their range, where their slope is near 0.",
        "Saturated(), Moments()",
        "Glorot and Bengio, AISTATS 2010",
        (
            'weights of the right gain: `init_for(model, "tanh")`',
            "inputs of mean 0 and deviation 1, a normalisation before the function, or weight decay",
            'a function with wider slopes: `swap(model, "tanh", "softsign")`, `swap(model, "tanh", "silu")`',
        ),
        "a function without these ends: Saturated(low=..., high=...) must name those of the function at the site; a gate that "
        "should be open or shut",
    ),
    Rule(
        "rank collapse",
        "warning",
        _collapsed,
        "The neurons of {where} have become copies of a few.",
        "Spectrum() or EpsilonRank(eps=1e-3, relative=True)",
        "arXiv:2010.14498",
        (
            "a smaller learning rate, less weight decay, or a normalisation between the layers",
            'weights that keep directions apart: `init_for(model, "gelu")` for a model of gelu; in deep models a path around',
        ),
        "a classifier at the end of its training: its last hidden layer goes to as many directions as classes less one "
        "(arXiv:2008.08186), and held-out accuracy does not fall",
    ),
    Rule(
        "too few rows for a rank",
        "note",
        _few_rows,
        "Ranks at {where} stand on too few rows and are too low.",
        "Spectrum()",
        "Roy and Vetterli, EUSIPCO 2007",
        ("measure at some steps over more rows: `measure(model, loader, Spectrum())`; it asks for 16 rows per neuron",),
        "a spectrum that falls fast: the participation ratio and the stable rank are right with fewer rows",
    ),
)
