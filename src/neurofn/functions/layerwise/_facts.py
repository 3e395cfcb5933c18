"""Facts of layer functions: a sentence for a reader and a test for the machine, on whatever implementation it is given.

``f(x, **settings)`` maps an array (..., features) to one; ``f.trained(x, **draws)`` is the same in training, ``f.slope(x)`` its
backward pass, ``f.law(x)`` mean and variance over the draws. ``x`` holds a few samples, none of them special.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Fact",
    "at_zero",
    "becomes",
    "between",
    "equals",
    "even",
    "homogeneous",
    "idempotent",
    "increasing",
    "keeps_norm",
    "keeps_sum",
    "lipschitz",
    "nonzero",
    "odd",
    "order_kept",
    "permutation_equivariant",
    "permutation_invariant",
    "scale_invariant",
    "shift_invariant",
    "sums_to",
    "unbiased",
    "zero_beyond",
]

Map = Any


@dataclass(frozen=True)
class Fact:
    """``holds(f, x)`` says whether the sentence is true of the map f, at its default numbers, for the samples x.

    >>> import numpy as np
    >>> even().holds(np.square, np.array([[-1.0, 2.0]]))
    True
    """

    text: str
    holds: Callable[[Map, Any], bool]


def _same(a: Any, b: Any, tolerance: float = 1e-9) -> bool:
    import numpy as np

    return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance))


def sums_to(total: float) -> Fact:
    """The outputs of a sample add up to ``total``."""
    return Fact(f"the outputs of a sample sum to {total:g}", lambda f, x: _same(f(x).sum(-1), total + 0 * x[..., 0]))


def between(low: float, high: float) -> Fact:
    """Every output lies in [low, high]."""

    def holds(f: Map, x: Any) -> bool:
        y = f(3 * x)
        return bool((y >= low - 1e-12).all() and (y <= high + 1e-12).all())

    return Fact(f"every output lies in [{low:g}, {high:g}]", holds)


def permutation_equivariant() -> Fact:
    """Features in another order give the outputs in that order."""
    return Fact(
        "features in another order give the outputs in that order", lambda f, x: _same(f(x[:, _p(x)]), f(x)[:, _p(x)])
    )


def permutation_invariant() -> Fact:
    """Features in another order give the same outputs."""
    return Fact("features in another order give the same outputs", lambda f, x: _same(f(x[:, _p(x)]), f(x)))


def _p(x: Any) -> Any:
    import numpy as np

    return np.random.default_rng(1).permutation(x.shape[1])


def shift_invariant() -> Fact:
    """A number added to all features of a sample changes nothing."""
    return Fact("a number added to all features changes nothing", lambda f, x: _same(f(x + 1.7), f(x)))


def homogeneous(degree: float = 1) -> Fact:
    """f(t x) = t**degree f(x) for t > 0."""
    text = "f(t x) = t f(x) for t > 0" if degree == 1 else f"f(t x) = t**{degree:g} f(x) for t > 0"
    return Fact(text, lambda f, x: _same(f(2.5 * x), 2.5**degree * f(x), 1e-7))


def scale_invariant(tolerance: float = 1e-9) -> Fact:
    """f(t x) = f(x) for t > 0, up to a small constant under a root."""
    return Fact("f(t x) = f(x) for t > 0", lambda f, x: _same(f(2.5 * x), f(x), tolerance))


def odd() -> Fact:
    """f(-x) = -f(x)."""
    return Fact("f(-x) = -f(x)", lambda f, x: _same(f(-x), -f(x)))


def even() -> Fact:
    """f(-x) = f(x)."""
    return Fact("f(-x) = f(x)", lambda f, x: _same(f(-x), f(x)))


def idempotent() -> Fact:
    """f(f(x)) = f(x)."""
    return Fact("f(f(x)) = f(x)", lambda f, x: _same(f(f(x)), f(x)))


def keeps_norm() -> Fact:
    """The Euclidean norm of a sample is kept."""
    return Fact("the Euclidean norm of a sample is kept", lambda f, x: _same((f(x) ** 2).sum(-1), (x**2).sum(-1)))


def keeps_sum() -> Fact:
    """The sum of the features of a sample is kept."""
    return Fact("the sum over the features of a sample is kept", lambda f, x: _same(f(x).sum(-1), x.sum(-1)))


def lipschitz(bound: float = 1.0) -> Fact:
    """|f(x) - f(y)| <= bound |x - y| in the Euclidean norm of a sample, near and far."""

    def holds(f: Map, x: Any) -> bool:
        import numpy as np

        rng, fine = np.random.default_rng(2), True
        for distance in (1e-4, 0.1, 1.0, 10.0):
            y = x + distance * rng.standard_normal(x.shape)
            moved = np.sqrt(((f(x) - f(y)) ** 2).reshape(len(x), -1).sum(-1))
            fine &= bool((moved <= bound * np.sqrt(((x - y) ** 2).reshape(len(x), -1).sum(-1)) * (1 + 1e-6)).all())
        return fine

    return Fact(f"|f(x) - f(y)| <= {bound:g} |x - y| in the Euclidean norm", holds)


def increasing() -> Fact:
    """No output falls when a feature rises."""

    def holds(f: Map, x: Any) -> bool:
        import numpy as np

        return all(bool((f(x + 0.3 * row) - f(x) >= -1e-12).all()) for row in np.eye(x.shape[-1]))

    return Fact("no output falls when a feature rises", holds)


def order_kept() -> Fact:
    """The larger of two features of a sample has no smaller output."""

    def holds(f: Map, x: Any) -> bool:
        import numpy as np

        y = np.take_along_axis(f(x), np.argsort(x, axis=-1), axis=-1)
        return bool((np.diff(y, axis=-1) >= -1e-12).all())

    return Fact("the larger of two features has no smaller output", holds)


def at_zero(value: float) -> Fact:
    """Every output at x = 0."""

    def holds(f: Map, x: Any) -> bool:
        y = f(0 * x)
        return _same(y, value + 0 * y)

    return Fact(f"at x = 0 every output is {value:.6g}", holds)


def nonzero(count: int, *, at_most: bool = False) -> Fact:
    """How many outputs of a sample are not 0."""

    def holds(f: Map, x: Any) -> bool:
        found = (f(x) != 0).sum(-1)
        return bool((found <= count if at_most else found == count).all())

    return Fact(f"{'at most' if at_most else 'exactly'} {count} outputs of a sample are not 0", holds)


def zero_beyond(**settings: Any) -> Fact:
    """With these settings every output is 0."""
    words = ", ".join(f"{name}={value}" for name, value in settings.items())
    return Fact(f"{words}: every output is 0", lambda f, x: bool((f(x, **settings) == 0).all()))


def becomes(formula: str, **settings: Any) -> Fact:
    """With these settings f is the printed formula of z, elementwise; of z and z2, the two halves, where it names z2."""

    def holds(f: Map, x: Any) -> bool:
        import numpy as np

        from ...formula import Formula

        read, y = Formula(formula), f(x, **settings)
        half = x.shape[-1] // 2
        expected = read(x[..., :half], z2=x[..., half:]) if "z2" in read.names else read(x)
        return _same(y, expected + np.zeros_like(y))

    words = ", ".join(f"{name}={value:g}" for name, value in settings.items())
    return Fact(f"{words + ': ' if words else ''}f is {formula}", holds)


def equals(name: str, *, here: dict[str, Any] | None = None, there: dict[str, Any] | None = None) -> Fact:
    """With the settings ``here`` f is the layer function ``name`` with the settings ``there``."""

    def holds(f: Map, x: Any) -> bool:
        import torch

        from ._spec import catalogue

        other = catalogue[name].module(**(there or {})).double().eval()
        with torch.no_grad():
            return _same(f(x, **(here or {})), other(torch.as_tensor(x)).numpy())

    first = ", ".join(f"{key}={value:g}" for key, value in (here or {}).items())
    second = ", ".join(f"{key}={value:g}" for key, value in (there or {}).items())
    return Fact(f"{first + ': ' if first else ''}f is {name}{'(' + second + ')' if second else ''}", holds)


def unbiased() -> Fact:
    """Evaluation is the mean over the draws of training, by the declared law."""
    return Fact("evaluation is the mean of training", lambda f, x: _same(f(x), f.law(x)[0] + 0 * x))
