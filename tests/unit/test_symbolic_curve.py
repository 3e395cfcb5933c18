"""The symbolic reading of one curve: planted functions, the slow twin, noise, domains, canonical forms, bad input."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest

from neurofn import NeurofnError
from neurofn.neurons.symbolic import read_curve
from neurofn.neurons.symbolic._curve import Samples, canonical, fit_form, fit_slowly
from neurofn.neurons.symbolic._library import DEFAULT_LIBRARY, Form, form_of, library_of

X = np.sort(np.random.default_rng(0).uniform(-1, 1, 300))
Curve = Callable[[np.ndarray], np.ndarray]

PLANTED: list[tuple[str, Curve]] = [
    ("tanh", lambda x: np.tanh(20 * x - 3)),
    ("sin", lambda x: 2 * np.sin(math.pi * x + 0.1) + 1),
    ("cos", lambda x: np.cos(30 * x)),
    ("x", lambda x: 3 - 2 * x),
    ("x^2", lambda x: (x - 0.3) ** 2),
    ("x^3", lambda x: -4 * (x + 1) ** 3),
    ("exp", lambda x: 5 * np.exp(-2 * x) - 1),
    ("log", lambda x: np.log(x + 1.01)),
    ("sqrt", lambda x: np.sqrt(1.02 - x)),
    ("1/x", lambda x: 1 / (x - 1.2)),
    ("abs", lambda x: np.abs(x - 0.25)),
    ("tan", lambda x: np.tan(1.4 * x)),
    ("arcsin", lambda x: np.arcsin(0.95 * x)),
    ("gaussian", lambda x: np.exp(-3 * (x - 0.2) ** 2)),
    ("softplus", lambda x: np.log1p(np.exp(4 * x - 1))),
]


@pytest.mark.parametrize(
    ("name", "curve"),
    [pytest.param(*pair, marks=() if k % 2 == 0 else pytest.mark.slow) for k, pair in enumerate(PLANTED)],
)
def test_a_planted_function_is_found(name: str, curve: Curve) -> None:
    best = read_curve(X[::2], curve(X[::2])).best
    assert best.function == name
    assert best.error < 1e-7
    assert np.allclose(best(X), curve(X), atol=1e-6)


def test_units_do_not_matter() -> None:
    far = 1000 + 50 * X
    reading = read_curve(far, 1e-6 * np.tanh(0.4 * (far - 1000) - 3))
    assert reading.best.function == "tanh"
    assert reading.best.b == pytest.approx(0.4, rel=1e-6)
    assert read_curve(far, np.log(far - 940)).best.c == pytest.approx(-940, rel=1e-6)


DEAR = [pytest.param(name, marks=pytest.mark.slow) for name in ("x^2", "exp", "log", "sqrt")]


@pytest.mark.parametrize("name", ["tanh", "gaussian", *DEAR])
def test_the_slow_twin_finds_nothing_better(name: str) -> None:
    x = X[::4]
    noise = 0.05 * np.random.default_rng(1).normal(size=len(x))
    y = {"x^2": x**2, "exp": np.exp(x), "log": np.log(x + 1.5), "sqrt": np.sqrt(x + 1.5)}.get(
        name, np.tanh(3 * x - 1)
    ) + noise
    samples = Samples(x, y, np.full(len(x), 1 / len(x)))
    fast, slow = fit_form(form_of(name), samples), fit_slowly(form_of(name), samples, density=12)
    assert fast is not None
    assert slow is not None
    assert fast.loss <= slow.loss * (1 + 1e-6)
    assert slow.loss <= fast.loss * (1 + 1e-4)  # and the slow one is a twin, no straw man


def test_the_twin_would_see_a_worse_fit() -> None:
    samples = Samples(X, np.tanh(20 * X - 3), np.full(len(X), 1 / len(X)))
    slow = fit_slowly(form_of("tanh"), samples, density=12)
    assert slow is not None
    assert slow.loss < 1e-12 < fit_form(form_of("arctan"), samples).loss  # type: ignore[union-attr]


def test_noise_is_a_constant() -> None:
    reading = read_curve(X, np.random.default_rng(3).normal(size=len(X)))
    assert reading.best.function == "constant"
    assert len(reading.runner_ups) > 2


def test_runner_ups_within_noise_are_kept_and_others_are_not() -> None:
    noise = np.random.default_rng(5).normal(size=len(X))
    noisy = read_curve(X, np.exp(X) + 0.3 * noise)
    clean = read_curve(X, np.exp(X) + 1e-6 * noise)
    assert "exp" in {c.function for c in noisy.candidates if c.within_noise}
    assert len(noisy.runner_ups) > 3
    assert clean.best.function == "exp"
    assert "x^2" not in {c.function for c in clean.runner_ups}


def test_weights_say_where_the_curve_counts() -> None:
    y = np.where(X < 0, X, np.cos(9 * X))
    assert read_curve(X, y, weights=(X < 0).astype(float)).best.function == "x"
    assert read_curve(X, y).best.function != "x"


def test_functions_are_tried_only_where_they_are_defined() -> None:
    samples = Samples(X, np.abs(X), np.full(len(X), 1 / len(X)))
    for name in ("log", "sqrt", "1/sqrt", "arcsin", "arctanh"):
        fit = fit_form(form_of(name), samples)
        assert fit is not None
        assert np.isfinite(fit(form_of(name), X)).all()
    nowhere = Form("nowhere", "ln(-1 - z**2)", 1)
    assert fit_form(nowhere, samples) is None


@pytest.mark.parametrize("name", DEFAULT_LIBRARY)
def test_one_pair_stands_for_all_that_mean_the_same_curve(name: str) -> None:
    form = form_of(name)
    weight = np.full(len(X), 1 / len(X))
    for b, c in ((0.4, 1.45), (-0.4, 1.45), (0.3, 0.31)):
        if not np.isfinite(form(b * X + c)).all():
            continue
        y = form(b * X + c)
        again = form(np.asarray(canonical(form, b, c)[0] * X + canonical(form, b, c)[1]))
        columns = np.stack([again, np.ones_like(X)], axis=1)
        left = y - columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
        assert np.square(left) @ weight < 1e-20 * (1 + np.square(y) @ weight)


def test_slopes_are_those_of_the_formulas() -> None:
    u = np.linspace(0.05, 0.95, 31)
    for form in library_of([*DEFAULT_LIBRARY, "mish", "gelu"]):
        step = 1e-6
        differences = (form(u + step) - form(u - step)) / (2 * step)
        assert np.allclose(form.slope(u), differences, rtol=1e-5, atol=1e-5), form.name


def test_a_reading_is_plain_json() -> None:
    reading = read_curve(X, X**2, library=["x", "x^2", "gelu"])
    again = json.loads(json.dumps(reading.to_json()))
    assert again["candidates"][0]["function"] == "x^2"
    assert "x^2(1*x" in str(reading.best)


def test_a_constant_curve_is_read() -> None:
    assert str(read_curve(X, 0 * X + 4).best) == "4"


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        ((X, X[:-1]), {}, "one length"),
        ((X[:5], X[:5]), {}, "at least 8"),
        ((X, np.where(X > 0.5, np.nan, X)), {}, "finite"),
        ((X, X), {"weights": 0 * X}, "sum to 0"),
        ((X, X), {"price": -1.0}, "at least 0"),
        ((X, X), {"library": ["sinn"]}, "did you mean"),
        ((X, X), {"library": "sin"}, "a list of names"),
        ((X, X), {"library": []}, "at least one"),
    ],
)
def test_bad_input(arguments: tuple[np.ndarray, np.ndarray], settings: dict[str, object], says: str) -> None:
    with pytest.raises(NeurofnError, match=says):
        read_curve(*arguments, **settings)  # type: ignore[arg-type]
