"""One curve, one form: a*f(b*x + c) + d by variable projection.

For every b and c the best a and d are known in closed form, so that the search has at most two dimensions: a coarse grid, then
steps of Levenberg-Marquardt from its best places, all of them at once. ``fit_slowly`` says the same with a dense grid and
scipy's least squares over all four numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._library import Array, Form

__all__ = ["Affine", "Samples", "fit_form", "fit_slowly"]

_GRID_POINTS, _STARTS, _STEPS = 96, 5, 40


@dataclass(frozen=True)
class Affine:
    """The four numbers of a*f(b*x + c) + d and the weighted mean square that is left."""

    a: float
    b: float
    c: float
    d: float
    loss: float

    def __call__(self, form: Form, x: Array) -> Array:
        """The values at x."""
        if self.a == 0:
            return np.full_like(x, self.d)
        return self.a * form(self.b * x + self.c) + self.d


@dataclass(frozen=True)
class Samples:
    """A curve: x, y and weights that sum to one."""

    x: Array
    y: Array
    weight: Array

    def part(self, keep: Array | slice) -> Samples:
        """Some of the samples, weights renewed."""
        weight = self.weight[keep]
        return Samples(self.x[keep], self.y[keep], weight / weight.sum())


def project(values: Array, y: Array, weight: Array) -> tuple[Array, Array, Array]:
    """a, d and the mean square left for values (..., n); infinite where a value is not finite or does not vary."""
    with np.errstate(all="ignore"):
        centre = values @ weight
        moved = values - centre[..., None]
        spread = (moved * moved) @ weight
        target = y - y @ weight
        a = (moved @ (weight * target)) / spread
        left = np.square(target - a[..., None] * moved) @ weight
        good = np.isfinite(left) & (spread > 1e-26 * np.square(centre)) & (spread > 0)
        return a, (y @ weight) - a * centre, np.where(good, left, np.inf)


def fit_form(form: Form, samples: Samples) -> Affine | None:
    """The best a, b, c, d of one form; None where it is not defined on the samples."""
    low, high = float(samples.x.min()), float(samples.x.max())
    middle, half = (low + high) / 2, (high - low) / 2 or 1.0
    t = np.clip((samples.x - middle) / half, -1.0, 1.0)
    places = _best_places(form, t, samples)
    if not len(places):
        return None
    if form.free:
        places = _descend(form, Samples(t, samples.y, samples.weight), places)
    fits = [_in_units(form, samples, b / half, c - b * middle / half) for b, c in places]
    return min((fit for fit in fits if fit is not None), key=lambda fit: fit.loss, default=None)


def _best_places(form: Form, t: Array, samples: Samples) -> Array:
    """The (b, c) of the grid where least is left, each a local best of its sign."""
    grid = _grid(form, len(t))
    thin = np.unique(np.linspace(0, len(t) - 1, min(len(t), _GRID_POINTS)).astype(int))
    part = Samples(t, samples.y, samples.weight).part(thin)
    values = form(grid[:, :1] * part.x + grid[:, 1:])
    left = project(values, part.y, part.weight)[2]
    order = np.argsort(left, kind="stable")[: 8 * _STARTS]
    order = order[np.isfinite(left[order])]
    # Not all starts from one valley: the best few, then the best that are some places apart.
    chosen = list(order[:2])
    for index in order[2:]:
        if len(chosen) < _STARTS and min(np.abs(grid[index] - grid[j]).sum() for j in chosen) > 0.15:
            chosen.append(index)
    return grid[chosen]


def _grid(form: Form, count: int) -> Array:
    signs = (1.0,) if form.parity else (1.0, -1.0)
    if form.free == "":
        return np.array([[1.0, 0.0]])
    if form.free == "b":
        size = np.geomspace(0.02, 60.0, 40)
        return np.stack([np.concatenate([size, -size]), np.zeros(80)], axis=1)
    beyond = 1 + np.geomspace(1e-4, 30.0, 20)
    if form.free == "c":
        place = np.concatenate([-beyond, np.linspace(-1, 1, 41), beyond])
        return np.array([(sign, -sign * p) for sign in signs for p in place])
    if form.period is not None:
        fastest = min(80.0, max(4.0, 0.8 * count))
        sizes = np.concatenate([np.array([0.1, 0.2]), np.arange(0.3, fastest, 0.45)])
        return np.array([(b, c) for b in sizes for c in np.arange(5) * form.period / 5])
    sizes = np.concatenate([np.geomspace(0.1, 80.0, 26), np.array([0.7, 0.8, 0.9, 0.95, 0.99])])
    place = np.concatenate([np.array([-6.0, -3.0, -1.8]), np.linspace(-1.2, 1.2, 21), np.array([1.8, 3.0, 6.0])])
    return np.array([(sign * b, -sign * b * p) for sign in signs for b in sizes for p in place])


def _descend(form: Form, samples: Samples, places: Array) -> Array:
    """Levenberg-Marquardt in (b, c) for all starts at once; a step that leaves the domain is refused."""
    free = np.array(["b" in form.free, "c" in form.free])
    places, damping = places.copy(), np.full(len(places), 1e-3)
    left = project(form(_inside(places, samples.x)), samples.y, samples.weight)[2]
    for _ in range(_STEPS):
        step = _step(form, samples, places, damping) * free
        trial = places + step
        after = project(form(_inside(trial, samples.x)), samples.y, samples.weight)[2]
        better = after < left
        gain = np.where(better, left - after, np.inf)
        places = np.where(better[:, None], trial, places)
        done = (gain <= 1e-9 * left) | (damping > 1e12) | (left <= 1e-32)
        left = np.where(better, after, left)
        damping = np.where(better, np.maximum(damping / 8, 1e-15), damping * 8)
        if done.all():
            break
    return places[np.isfinite(left)]


def _inside(places: Array, t: Array) -> Array:
    return places[:, :1] * t + places[:, 1:]


def _step(form: Form, samples: Samples, places: Array, damping: Array) -> Array:
    """The damped Gauss-Newton step; what a and d can do is projected out of the slopes."""
    t, weight = samples.x, samples.weight
    u = _inside(places, t)
    values = form(u)
    a, d, _ = project(values, samples.y, weight)
    residual = samples.y - (a[:, None] * values + d[:, None])
    slope = np.nan_to_num(a[:, None] * form.slope(u), nan=0.0, posinf=0.0, neginf=0.0)
    moved = values - (values @ weight)[:, None]
    spread = (moved * moved) @ weight
    columns = []
    for column in (slope * t, slope):
        column = column - (column @ weight)[:, None]
        columns.append(column - ((column * moved) @ weight / spread)[:, None] * moved)
    jb, jc = columns
    if form.free == "b":
        jc = np.zeros_like(jc)
    elif form.free == "c":
        jb = np.zeros_like(jb)
    bb, bc, cc = (jb * jb) @ weight, (jb * jc) @ weight, (jc * jc) @ weight
    gb, gc = (jb * residual) @ weight, (jc * residual) @ weight
    tiny = 1e-300
    bb, cc = bb * (1 + damping) + tiny, cc * (1 + damping) + tiny
    determinant = bb * cc - bc * bc
    with np.errstate(all="ignore"):
        step = np.stack([(gb * cc - gc * bc) / determinant, (gc * bb - gb * bc) / determinant], axis=1)
    return np.nan_to_num(step, nan=0.0, posinf=0.0, neginf=0.0)


def _in_units(form: Form, samples: Samples, b: float, c: float) -> Affine | None:
    """The canonical b and c in the units of x, and a and d anew."""
    b, c = canonical(form, b, c)
    values = form(b * samples.x + c)
    a, d, left = project(values[None], samples.y, samples.weight)
    if not np.isfinite(left[0]):
        return None
    return Affine(float(a[0]), b, c, float(d[0]), float(left[0]))


def canonical(form: Form, b: float, c: float) -> tuple[float, float]:
    """One pair among all that mean the same curve once a and d are free.

    b is above 0 for even and odd functions, 1 or -1 where its size means nothing; c is 0 for the exponential and lies within
    half a period of 0 (a quarter for sine and cosine, whose sign a takes).
    """
    if form.free == "":
        return 1.0, 0.0
    if form.free == "b":
        return b, 0.0
    if form.free == "c":
        c, b = c / abs(b), float(np.sign(b))
    if form.parity and b < 0:
        b, c = -b, -c
    if form.period is not None:
        turn = form.period / 2 if form.name in ("sin", "cos") else form.period
        c -= turn * round(c / turn)
    return b, c


def fit_slowly(form: Form, samples: Samples, *, density: int = 60) -> Affine | None:
    """The slow twin of ``fit_form``: a dense grid over b and c and scipy's least squares over all of a, b, c, d."""
    from scipy.optimize import least_squares

    root = np.sqrt(samples.weight)
    low, high = samples.x.min(), samples.x.max()
    half = (high - low) / 2 or 1.0
    sizes = np.geomspace(0.05, 80.0, 2 * density) / half if "b" in form.free else np.array([1.0])
    places = np.linspace(low - 2 * half, high + 2 * half, 3 * density + 1)
    found: list[tuple[float, float, float]] = []
    for b in np.concatenate([sizes, -sizes]):
        shifts = -b * places if "c" in form.free else np.zeros(1)
        left = project(form(b * samples.x + shifts[:, None]), samples.y, samples.weight)[2]
        found += [
            (float(value), float(b), float(c)) for value, c in zip(left, shifts, strict=True) if np.isfinite(value)
        ]
    best: Affine | None = None
    for _, b, c in sorted(found)[:40]:
        a, d, _ = project(form(b * samples.x + c)[None], samples.y, samples.weight)

        def residual(p: Array) -> Array:
            value = p[0] * form(p[1] * samples.x + p[2]) + p[3] - samples.y
            return np.asarray(root * np.nan_to_num(value, nan=1e6, posinf=1e6, neginf=-1e6))

        result = least_squares(residual, [a[0], b, c, d[0]], xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=400)
        fit = _in_units(form, samples, float(result.x[1]), float(result.x[2]))
        if fit is not None and (best is None or fit.loss < best.loss):
            best = fit
    return best
