"""What is derived of functions, beside closed forms, published constants, and slow twins: many digits, dense samples."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from neurofn._errors import LanguageError
from neurofn.formula import Formula
from neurofn.functions import Derived, catalogue, derived, gains, moments
from neurofn.functions._derive._compute import derive
from neurofn.functions._derive._moments import edge_of_chaos, fixed_points
from neurofn.functions._derive._points import Curve
from neurofn.testing._reference import derivatives

GAINS = {
    "tanh": 1.5925, "sigmoid": 1.8462, "gelu": 1.5335, "silu": 1.6765, "mish": 1.4868, "elu": 1.2452, "selu": 1.0000,
    "softsign": 2.3375, "relu": math.sqrt(2), "identity": 1.0, "abs": 1.0, "square": 3**-0.5,
}  # fmt: skip


def of(text: str, **values: float) -> Derived:
    return derive(Formula(text), values)


@pytest.mark.parametrize("name", GAINS)
def test_forward_gains_are_the_published_ones(name: str) -> None:
    assert gains(catalogue[name])["forward"] == pytest.approx(GAINS[name], abs=5e-5)


def test_moments_of_relu_are_their_closed_forms() -> None:
    assert dict(moments(catalogue["relu"])) == pytest.approx(
        {
            "f": 1 / math.sqrt(2 * math.pi),
            "ff": 0.5,
            "fs": 1 / math.sqrt(2 * math.pi),
            "ss": 0.5,
            "zfs": 0.5,
            "error": 0,
        },
        abs=1e-14,
    )
    squared = of("relu(z)**2")
    assert squared.gains["forward"] == pytest.approx(1.5**-0.5)  # 0.8165
    assert squared.gains["backward"] == pytest.approx(2**-0.5)


@pytest.mark.parametrize("name", ["gelu", "mish", "selu", "snake", "softsign", "gaussian"])
def test_moments_equal_an_adaptive_rule_of_many_digits(name: str) -> None:
    function = catalogue[name]
    weights = {
        "f": lambda z, f, s: f, "ff": lambda z, f, s: f * f, "fs": lambda z, f, s: f * s, "ss": lambda z, f, s: s * s,
        "zfs": lambda z, f, s: z * f * s,
    }  # fmt: skip
    found = moments(function)
    with mpmath.workdps(20):
        for key in ("f", "ss", "zfs"):

            def integrand(z: mpmath.mpf, key: str = key) -> mpmath.mpf:
                f, slope = derivatives(function.definition, float(z), function.defaults)[:2]
                return weights[key](z, f, slope) * mpmath.npdf(z)

            true, error = mpmath.quad(integrand, [-9, -4, -1, 0, 1, 4, 9], maxdegree=4, error=True)
            assert error < 1e-7
            assert found[key] == pytest.approx(float(true), abs=3e-9)
    assert found["error"] < 1e-9


def test_an_infinite_moment_is_said_to_be_none() -> None:
    root = of("where(z >= 0, sqrt(z), -sqrt(-z))")
    assert math.isnan(root.moments["ss"])
    assert math.isnan(root.gains["backward"])
    assert root.moments["ff"] == pytest.approx(math.sqrt(2 / math.pi))
    assert math.isnan(of("exp(z**2)").moments["f"])


SLOPES = {
    "gelu": (-0.12890414518515483, 1.128904145185155), "silu": (-0.09983932012886697, 1.099839320128867), "tanh": (0, 1),
    "relu": (0, 1), "sigmoid": (0, 0.25), "leaky_relu": (0.01, 1), "selu": (0, 1.7580993408473766), "snake": (0, 2),
    "softplus": (0, 1), "sine": (-1, 1), "gaussian": (-math.sqrt(2 / math.e), math.sqrt(2 / math.e)), "identity": (1, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_are_proved_and_lipschitz_follows(name: str) -> None:
    record = derived(catalogue[name])
    assert record.slope.proved
    assert (record.slope.low, record.slope.high) == pytest.approx(SLOPES[name], abs=1e-12)
    assert record.lipschitz == pytest.approx(max(map(abs, SLOPES[name])), abs=1e-12)
    assert math.isinf(record.reach)


def test_every_range_of_the_catalogue_agrees_with_its_facts() -> None:
    """Facts are reached by a point; a supremum that waves only come near is wider."""
    for name in catalogue:
        function = catalogue[name]
        record = derived(function)
        if function.facts.range is not None:
            (low, high), near = function.facts.range, 1e-9 if math.isinf(record.reach) else 1e-3
            assert record.range.low <= low + 1e-9, name
            assert record.range.high >= high - 1e-9, name
            assert (record.range.low, record.range.high) == pytest.approx((low, high), abs=near, rel=1e-9), name


@pytest.mark.parametrize(
    "text",
    [
        "z*tanh(exp(z))", "z*exp(-z**2)", "where(z >= 1, 2*z - 2, sin(z - 1))", "(z**2 - 1)/(z**2 + z + 1)", "sinc(z)",
        "abs(sin(z))",
    ],
)  # fmt: skip
def test_enclosures_hold_a_dense_sample_and_are_reached(text: str) -> None:
    record = of(text)
    z = np.concatenate([np.linspace(-30, 30, 200_001), *(side * np.geomspace(30, 1e6, 2001) for side in (-1, 1))])
    f, slope = Curve(Formula(text).tree, {}).jets(z, order=1)
    for found, seen in ((record.range, f), (record.slope, slope)):
        assert found.proved
        assert np.nanmin(seen) >= found.low - 1e-9
        assert np.nanmax(seen) <= min(found.high, 1e300) + 1e-9
        assert math.isinf(found.low) or np.nanmin(seen) == pytest.approx(found.low, abs=1e-5)
        assert math.isinf(found.high) or np.nanmax(seen) == pytest.approx(found.high, abs=1e-5)


def test_what_is_not_proved_says_so() -> None:
    record = derive(Formula("T(9, tanh(z))"), {}, seconds=1e-4)
    assert not record.slope.proved
    assert record.slope.width > 1e-9


def test_kinks_jumps_and_bends() -> None:
    assert [one[:2] for one in of("clip(0.2*z + 0.5, 0, 1)").breaks] == [(-2.5, "kink"), (2.5, "kink")]
    assert of("where(z > 1.1, 1, z**2 - 0.3)").breaks[0][:3] == (1.1, "jump", pytest.approx((0.91, 1.0)))
    assert of("relu(z)**2").breaks[0][1] == "bend"
    assert of("where(z >= 0, z, z)").breaks == ()
    assert of("where(z > 1, 2, z)").lipschitz == math.inf
    assert [round(one[0] / math.pi, 9) for one in of("abs(sin(z))").breaks][:3] == [-6, -5, -4]
    assert of("abs(z - 0.3)").kinks == (0.3,)


def test_zeros() -> None:
    assert of("z**3 - z").zeros == pytest.approx((-1, 0, 1))
    assert of("(z - 2)**2*(z + 0.25)").zeros == pytest.approx((-0.25, 2))
    assert (of("relu(z - 1)").zeros, of("relu(z - 1)").zero_stretches) == ((), ((-math.inf, 1.0),))
    assert of("exp(-z**2)").zeros == ()
    assert of("1/(1 + exp(-z))").zeros == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tanh(z)", ("increasing", "odd", None)),
        ("exp(-z)", ("decreasing", None, "convex")),
        ("3", ("constant", "even", "affine")),
        ("z*tanh(z)", (None, "even", None)),
        ("-softplus(z)", ("decreasing", None, "concave")),
        ("2*z - 1", ("increasing", None, "affine")),
        ("relu(z)", ("increasing", None, "convex")),
        ("sign(z)", ("increasing", "odd", None)),
        ("z + z**2", (None, None, "convex")),
    ],
)
def test_forms(text: str, words: tuple[str | None, ...]) -> None:
    record = of(text)
    assert (record.monotone.value, record.parity.value, record.convexity.value) == words
    assert record.monotone.proved


def test_parity_that_only_points_show_is_not_called_proved() -> None:
    record = of("where(z >= 0, ln(1 + z), -ln(1 - z))")
    assert (record.parity.value, record.parity.proved) == ("odd", False)
    assert of("z + 1e-9").parity.value is None


def test_fixed_points_and_the_edge_of_chaos() -> None:
    tanh = Curve(Formula("tanh(z)").tree, {})
    for point in edge_of_chaos(tanh, ()):
        q = point["q"]
        scaled = Curve(Formula("tanh(a*z)").tree, {"a": math.sqrt(q)})
        z = np.linspace(-12, 12, 20_001)
        weight = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
        assert point["sw"] ** 2 * (scaled(z) ** 2 * weight).sum() + point["sb"] ** 2 == pytest.approx(q)
        assert point["sw"] ** 2 * (tanh.jets(math.sqrt(q) * z)[1] ** 2 * weight).sum() == pytest.approx(1)
    relu = Curve(Formula("relu(z)").tree, {})
    assert fixed_points(relu, (0.0,), (2.0, 0.0)) == []  # every variance is one
    (fixed,) = fixed_points(tanh, (), (1.5925374197228312**2, 0.0))
    assert fixed["q"] == pytest.approx(1)
    assert fixed["slope"] < 1 < fixed["chi"]


def test_hermite_coefficients_of_relu_and_square() -> None:
    assert of("relu(z)").hermite[:4] == pytest.approx((1 / math.sqrt(2 * math.pi), 0.5, 1 / math.sqrt(4 * math.pi), 0))
    assert of("z**2").hermite == pytest.approx((1, 0, math.sqrt(2), 0, 0, 0))


def test_cost_and_what_backward_keeps() -> None:
    assert dict(of("z*tanh(softplus(z))").cost) == {"arithmetic": 1, "functions": 2, "branches": 0}
    assert of("z*sigma(z) + sigma(z)").cost["functions"] == 1  # counted once
    assert of("tanh(z)").backward["bytes_kept"] == 0
    assert of("relu(z)").backward["bytes_kept"] == 1 / 8
    assert of("z*sigma(z)").backward == {"needs": "input", "bytes_kept": 4.0, "bytes_saved": 0.0}


def test_json_there_and_back() -> None:
    for name in ("relu", "gelu", "sine"):
        record = derived(catalogue[name])
        assert Derived.from_json(record.to_json()) == record
    assert derived(catalogue["relu"]).to_json()["range"]["high"] == "inf"


def test_nothing_finite_is_refused() -> None:
    with pytest.raises(LanguageError, match="no finite value"):
        of("sqrt(-1 - z**2)")
