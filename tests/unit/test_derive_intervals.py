"""Intervals hold the true values, series of them hold the derivatives, tails hold to infinity; each beside many digits."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from neurofn.formula import WORDS, Call, Formula, walk
from neurofn.functions._derive import _interval, _symbolic
from neurofn.functions._derive._expand import expand, words
from neurofn.functions._derive._far import TailRegion
from neurofn.functions._derive._interval import Interval, number
from neurofn.functions._derive._kinds import floats, intervals
from neurofn.functions._derive._points import Curve
from neurofn.functions._derive._tails import Unsupported
from neurofn.testing._reference import derivatives

FORMULAS = {
    "z*tanh(softplus(z))": {},
    "where(z >= 0, z, a*(exp(z) - 1))": {"a": 1.5},
    "z + sin(a*z)**2/a": {"a": 1.0},
    "z/(1 + abs(z))": {},
    "hypot(z, 0.1) + logaddexp(z, 0.3)": {},
    "clip(0.2*z + 0.5, 0, 1)*relu(z)": {},
    "z**3/(1 + 2**z) - abs(z)**0.3": {},
    "sinc(z) + T(3, tanh(z))": {},
    "z*erfc(z) + erf(z)*Phi(z) - phi(z)": {},
    "atan(z)*sech(z) + asinh(z)": {},
    "log1p(z**2) + expm1(z/9) + sinh(z)/cosh(z)": {},
    "1/sigma(z)**3 + sqrt(1 + z**2)*gamma(a)": {"a": 0.5},
    "atan(z)*(2 + cos(z)) + max(z, e) - min(z, -pi)*sign(z)": {},
    "ln(1 + exp(z))**z": {},
}
POINTS = np.linspace(-3.03, 3.1, 31)


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("width", [0.0, 1e-3, 0.3])
def test_boxes_hold_value_and_three_derivatives(text: str, width: float) -> None:
    boxes = {name: Interval(value, value) for name, value in FORMULAS[text].items()}
    lo, hi = POINTS - width, POINTS + width
    with np.errstate(all="ignore"):
        jet, _ = expand(Formula(text).tree, Interval(lo, hi), boxes, kind=intervals(), order=3)
    for k, z in enumerate(POINTS):
        for order, true in enumerate(derivatives(Formula(text), float(z), FORMULAS[text])):
            term = jet.terms[order]
            low, high = (np.broadcast_to(end, POINTS.shape)[k] for end in (term.lo, term.hi))
            assert mpmath.mpf(float(low)) <= true / math.factorial(order) <= mpmath.mpf(float(high)), (z, order)
            assert width or high - low <= 1e-11 * max(1, abs(true))


@pytest.mark.parametrize("text", FORMULAS)
def test_series_of_floats_are_the_reference(text: str) -> None:
    found = Curve(Formula(text).tree, FORMULAS[text]).jets(POINTS, order=3)
    for k, z in enumerate(POINTS):
        true = [float(one) for one in derivatives(Formula(text), float(z), FORMULAS[text])]
        assert [float(term[k]) for term in found] == pytest.approx(true, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("text", FORMULAS)
def test_the_derivative_formula_is_the_reference(text: str) -> None:
    made = _symbolic.derivative(Formula(text).tree)
    assert made is not None
    printed = _symbolic.text(made)
    values = Formula(printed)(POINTS, **FORMULAS[text])
    true = [float(derivatives(Formula(text), float(z), FORMULAS[text])[1]) for z in POINTS]
    assert values == pytest.approx(true, rel=1e-9, abs=1e-9)
    assert Formula(_symbolic.text(Formula(text).tree))(POINTS, **FORMULAS[text]) == pytest.approx(
        Formula(text)(POINTS, **FORMULAS[text]), rel=1e-12
    )


def test_every_word_of_the_language_has_a_rule() -> None:
    assert set(WORDS) <= set(words(floats()))
    covered = {node.word for text in FORMULAS for node in walk(Formula(text).tree) if isinstance(node, Call)}
    assert set(WORDS) <= covered


TRUE = {
    "exp": mpmath.exp, "expm1": mpmath.expm1, "ln": mpmath.log, "log1p": lambda u: mpmath.log1p(u), "sqrt": mpmath.sqrt,
    "sin": mpmath.sin, "cos": mpmath.cos, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh,
    "sech": mpmath.sech, "sigma": lambda u: 1 / (1 + mpmath.exp(-u)), "softplus": lambda u: mpmath.log1p(mpmath.exp(u)),
    "bump": lambda u: 1 / (2 + mpmath.exp(u) + mpmath.exp(-u)), "erf": mpmath.erf, "erfc": mpmath.erfc,
    "phi": mpmath.npdf, "Phi": mpmath.ncdf, "bell": lambda u: mpmath.exp(-u * u) * 2 / mpmath.sqrt(mpmath.pi),
    "atan": mpmath.atan, "asinh": mpmath.asinh,
}  # fmt: skip


@pytest.mark.parametrize("name", TRUE)
def test_library_functions_err_less_than_intervals_allow(name: str) -> None:
    z = (
        np.abs(np.random.default_rng(3).normal(0, 4, 300))
        if name in ("ln", "log1p", "sqrt")
        else np.linspace(-30, 30, 301)
    )
    with np.errstate(all="ignore"):
        box, plain = intervals().table[name](number(z)), floats().table[name](z)
    with mpmath.workdps(40):
        for k, x in enumerate(z):
            true = TRUE[name](mpmath.mpf(float(x)))
            assert mpmath.mpf(float(box.lo[k])) <= true <= mpmath.mpf(float(box.hi[k]))
            if name not in ("Phi", "erfc", "bell", "phi"):  # their argument is rounded first, far out
                assert abs(float(plain[k]) - true) <= 4 * 2.0**-52 * abs(true) + 1e-300


def test_a_sum_without_outward_rounding_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_interval, "outward", Interval)
    total = Interval(0.1, 0.1) + Interval(0.2, 0.2)
    with mpmath.workdps(40):
        assert not mpmath.mpf(float(total.lo)) <= mpmath.mpf(0.1) + mpmath.mpf(0.2) <= mpmath.mpf(float(total.hi))


def test_division_by_a_box_around_zero_has_no_bounds() -> None:
    found = Interval(1.0, 2.0) / Interval(-1.0, 1.0)
    assert (float(found.lo), float(found.hi)) == (-math.inf, math.inf)


def test_what_is_defined_nowhere_is_empty() -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(intervals().table["ln"](Interval(-2.0, -1.0)).lo)


TAILS = [
    "z/(1 + abs(z))", "z*atan(z)", "sqrt(z**2 + 1)", "z*tanh(exp(z))", "sign(z)*ln(1 + abs(z))", "asinh(z)", "z*Phi(z)",
    "z/(1 + 2.5**(-z))", "z*exp(-z**2)", "(z**2 + 1)/(z**2 - z + 5)", "relu(z)**3", "erf(z)*z**2", "abs(z)**0.5",
    "ln(cosh(z))", "z*log1p(sigma(z))", "z*clip(z + 3, 0, 6)/6",
]  # fmt: skip


@pytest.mark.parametrize("text", TAILS)
@pytest.mark.parametrize("side", [-1, 1])
def test_tails_hold_value_slope_and_curvature(text: str, side: int) -> None:
    tree = Formula(text).tree
    region = TailRegion(tree, {}, 64.0, side)
    x = np.array([70.0, 100.0, 700.0, 1e4, 1e6])
    t = 1 / x
    with np.errstate(all="ignore"):
        try:
            parts, changes, _ = region.enclose(t * (1 - 1e-3), t * (1 + 1e-3))
        except Unsupported as error:
            pytest.fail(str(error))
        bend, _ = region.bend(t * (1 - 1e-3), t * (1 + 1e-3))
    assert len(changes) == 2
    for k, one in enumerate(x):
        true = [float(v) for v in derivatives(Formula(text), side * float(one), {})[:3]]
        for term, value in zip((*parts, bend), true, strict=True):
            assert term.lo[k] - 1e-300 <= value <= term.hi[k] + 1e-300, (one, term.lo[k], value, term.hi[k])


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("tanh(z)", (-1, 1)), ("z*sigma(z)", (0, math.inf)), ("z/(1 + abs(z))", (-1, 1)),
        ("atan(z)", (-math.pi / 2, math.pi / 2)),
        ("sign(z)*ln(1 + abs(z))", (-math.inf, math.inf)), ("exp(-z**2)", (0, 0)), ("(2*z**2 + z)/(z**2 + 1)", (2, 2)),
    ],
)  # fmt: skip
def test_limits(text: str, limits: tuple[float, float]) -> None:
    with np.errstate(all="ignore"):
        for side, true in zip((-1, 1), limits, strict=True):
            low, high = TailRegion(Formula(text).tree, {}, 64.0, side).limit()
            assert low - 1e-15 <= true <= high + 1e-15
            assert low == high or high - low < 1e-12


def test_a_sine_has_no_tail() -> None:
    with pytest.raises(Unsupported, match="sin far out"):
        TailRegion(Formula("sin(z)").tree, {}, 64.0, 1).expand(np.array([0.0]), np.array([0.01]))
