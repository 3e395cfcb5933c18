"""The best functions of a library for one curve, with held-out error, price and the runner-ups that noise cannot tell apart."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..._errors import DataError, SettingError
from ._curve import Affine, Samples, fit_form
from ._library import Array, Form, form_of, library_of

__all__ = ["Candidate", "CurveReading", "read_curve"]

_FLOOR = 1e-12  # a relative error below this is rounding
_MOST = 1000


@dataclass(frozen=True)
class Candidate:
    """One function for a curve: a*f(b*x + c) + d.

    ``error`` is the held-out root mean square relative to the curve's standard deviation, ``score`` the number of bits
    log2(error) + price*complexity: less is better. ``within_noise``: its held-out errors cannot be told from those of the best.
    """

    function: str
    a: float
    b: float
    c: float
    d: float
    error: float
    complexity: float
    score: float
    within_noise: bool

    def __call__(self, x: Array) -> Array:
        """The values at x, of the same shape."""
        form = _CONSTANT if self.function == "constant" else form_of(self.function)
        return Affine(self.a, self.b, self.c, self.d, 0.0)(form, np.asarray(x, dtype=float))

    def __str__(self) -> str:
        if self.function == "constant":
            return f"{self.d:.6g}"
        inner = f"{self.b:.6g}*x" + (f" + {self.c:.6g}" if self.c else "")
        return f"{self.a:.6g}*{self.function}({inner})" + (f" + {self.d:.6g}" if self.d else "")


@dataclass(frozen=True)
class CurveReading:
    """What a curve may be: the candidates, best score first.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 200)
    >>> reading = read_curve(x, np.tanh(20*x - 3), library=["x", "x^2", "sin", "tanh"])
    >>> print(reading.best)
    1*tanh(20*x + -3)
    """

    candidates: tuple[Candidate, ...]
    low: float
    high: float
    spread: float
    samples: int

    @property
    def best(self) -> Candidate:
        """The candidate of the least score."""
        return self.candidates[0]

    @property
    def runner_ups(self) -> tuple[Candidate, ...]:
        """The others that the held-out data cannot tell from the one with the least error."""
        return tuple(candidate for candidate in self.candidates[1:] if candidate.within_noise)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts, lists and dicts."""
        return {**asdict(self), "candidates": [asdict(candidate) for candidate in self.candidates]}


_CONSTANT = Form("constant", "0*z", 0, free="")


def read_curve(
    x: Any,
    y: Any,
    *,
    weights: Any = None,
    library: Iterable[str | Form] | None = None,
    price: float = 0.3,
    keep: int = 8,
) -> CurveReading:
    """The functions f of a library with which a*f(b*x + c) + d is nearest to a curve, by variable projection.

    ``x``, ``y`` and ``weights`` (such as the density of data) are (samples,); every fourth in the order of x is held out.
    ``price`` is what a unit of complexity costs, in bits of error; ``keep`` is how many candidates are kept. A function is only
    tried where it is finite on all samples. Raises DataError for fewer than 8 samples and numbers that are not finite, and
    SettingError for a price below 0.

    >>> import numpy as np
    >>> x = np.linspace(0.5, 3, 100)
    >>> [c.function for c in read_curve(x, 2*np.log(x + 1) - 3).candidates[:1]]
    ['log']
    """
    if not price >= 0:
        raise SettingError(f"price must be at least 0, got {price!r}")
    forms = library_of(library)
    samples = _samples(x, y, weights)
    train, held = _split(samples)
    mean = float(samples.y @ samples.weight)
    spread = float(np.sqrt(np.square(samples.y - mean) @ samples.weight))
    constant = Affine(0.0, 1.0, 0.0, mean, spread**2)
    if spread <= 1e-14 * abs(mean) or spread == 0 or np.ptp(samples.x) == 0:
        flat = Candidate("constant", 0.0, 1.0, 0.0, mean, 1.0 if spread else 0.0, 0, 0.0, within_noise=True)
        return CurveReading((flat,), float(samples.x[0]), float(samples.x[-1]), spread, len(samples.x))
    fits = [(_CONSTANT, constant), *((form, fit) for form in forms if (fit := fit_form(form, train)) is not None)]
    chosen = _ranked(fits, held, spread, price)[:keep]
    return CurveReading(chosen, float(samples.x[0]), float(samples.x[-1]), spread, len(samples.x))


def _samples(x: Any, y: Any, weights: Any) -> Samples:
    """Sorted, checked, thinned where they are more than any fit needs."""
    x, y = (np.asarray(values, dtype=float) for values in (x, y))
    weight = np.ones_like(x) if weights is None else np.asarray(weights, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or x.shape != weight.shape:
        shapes = f"{x.shape}, {y.shape} and {weight.shape}"
        raise DataError(f"a curve is x, y and weights of one length, got the shapes {shapes}")
    if len(x) < 8:
        raise DataError(f"a curve needs at least 8 samples, got {len(x)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(weight).all() and (weight >= 0).all()):
        raise DataError("a curve has finite numbers and weights of at least 0; leave out samples that are not")
    if not weight.sum() > 0:
        raise DataError("the weights of a curve sum to 0; give some samples a weight above 0")
    order = np.argsort(x, kind="stable")
    if len(x) > _MOST:
        order = order[np.unique(np.linspace(0, len(x) - 1, _MOST).astype(int))]
    return Samples(x[order], y[order], weight[order] / weight[order].sum())


def _split(samples: Samples) -> tuple[Samples, Samples]:
    held = np.arange(len(samples.x)) % 4 == 2
    if not (samples.weight[held].sum() > 0 and samples.weight[~held].sum() > 0):
        return samples, samples
    return samples.part(~held), samples.part(held)


def _ranked(fits: list[tuple[Form, Affine]], held: Samples, spread: float, price: float) -> tuple[Candidate, ...]:
    with np.errstate(all="ignore"):
        wrong = [np.nan_to_num(np.square(fit(form, held.x) - held.y), nan=np.inf) for form, fit in fits]
    loss = [float(square @ held.weight) for square in wrong]
    least = wrong[int(np.argmin(loss))]
    found = []
    for (form, fit), square, value in zip(fits, wrong, loss, strict=True):
        if not math.isfinite(value):
            continue
        error = math.sqrt(value) / spread
        more = square - least
        mean = float(more @ held.weight)
        deviation = math.sqrt(float(np.square(more - mean) @ np.square(held.weight)))
        close = mean <= 2 * deviation or error <= _FLOOR
        score = math.log2(max(error, _FLOOR)) + price * form.price
        name, a, b, c = _best_name(form, fit)
        numbers = (float(a), float(b), float(c), float(fit.d))
        found.append(Candidate(name, *numbers, error, form.price, score, close))
    return _without_doubles(sorted(found, key=lambda candidate: candidate.score))


def _best_name(form: Form, fit: Affine) -> tuple[str, float, float, float]:
    """Sine and cosine are one function: the name is that with the smaller shift; both have one sign of a in the end."""
    a, b, c = fit.a, fit.b, fit.c
    if form.name not in ("sin", "cos"):
        return form.name, a, b, c
    if form.name == "cos":
        c += math.pi / 2  # as a sine
    turns = round(c / math.pi)
    c -= math.pi * turns
    a = a if turns % 2 == 0 else -a
    if abs(c) <= math.pi / 4:
        return "sin", a, b, c
    # sin(u + c) = cos(u + c - pi/2), and for c below 0 it is -cos(u + c + pi/2)
    return ("cos", a, b, c - math.pi / 2) if c > 0 else ("cos", -a, b, c + math.pi / 2)


def _without_doubles(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    seen: set[str] = set()
    kept = []
    for candidate in candidates:
        if candidate.function not in seen:
            seen.add(candidate.function)
            kept.append(candidate)
    return tuple(kept)
