"""Formulas found from samples: exactly, with irrelevant inputs, with controls; and the command that does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
import torch

from neurofn import NeurofnError
from neurofn.cli import main
from neurofn.neurons.symbolic import discover, read_expression

POINTS = np.random.default_rng(0).uniform(-1, 1, (300, 3))


def samples(function: Callable[[Any], Any], *, count: int = 500, noise: float = 0.0) -> tuple[Any, Any]:
    generator = np.random.default_rng(11)
    x = generator.uniform(-1, 1, (count, 2))
    return x, function(x) + noise * generator.normal(size=count)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_the_formula_of_the_promise_is_found_exactly(seed: int) -> None:
    x, y = samples(lambda x: np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2), count=800)
    state = torch.random.get_rng_state()
    found = discover(x, y, inputs=["x", "y"], seed=seed)
    assert torch.random.get_rng_state().equal(state)
    assert found.verdict == "formula"
    assert found.held_out <= 1e-9
    assert sympy.simplify(found.expression - read_expression("exp(sin(pi*x) + y**2)")) == 0
    again = json.loads(json.dumps(found.to_json()))
    assert again["formula"] == found.formula
    assert float((found.network()(torch.as_tensor(x))[:, 0] - torch.as_tensor(y)).abs().max()) < 1e-9


def test_irrelevant_inputs_are_pruned() -> None:
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, (600, 4))
    found = discover(x, np.sqrt(x[:, 0] ** 2 + x[:, 2] ** 2), library=["x", "x^2", "sqrt", "exp", "sin"])
    assert sympy.simplify(found.expression - read_expression("sqrt(x0**2 + x2**2)")) == 0
    assert any(tried.edges < 5 for tried in found.trained if "1 hidden" in tried.shape)


def test_noise_has_no_formula() -> None:
    x, y = samples(lambda x: 0 * x[:, 0], noise=1.0)
    found = discover(x, y)
    assert found.verdict == "constant"
    assert "no formula is better than a constant" in str(found)
    assert found.expression.is_number


def test_a_function_outside_the_library_is_said_to_be_so() -> None:
    x, y = samples(lambda x: np.sin(6 * x[:, 0]) * np.exp(x[:, 0]) + x[:, 1])
    found = discover(x, y, library=["x", "x^2", "tanh"], seconds=1)
    assert found.verdict == "approximation"
    assert "no formula of the library reaches the network" in str(found)
    assert found.network_held_out < 0.1 * found.held_out


def test_noise_leaves_several_formulas_and_they_are_named() -> None:
    """Under noise another step does as well as tanh; without, there is one formula. What costs the same in vain is no rival."""
    near = ["x", "x^2", "tanh", "arctan", "erf"]
    x, y = samples(lambda x: x[:, 0] * np.tanh(2 * x[:, 1]), noise=0.02)
    found = discover(x, y, library=near)
    assert found.verdict == "candidates"
    assert "formulas that the data cannot tell apart" in str(found)
    rivals = [other for other in found.alternatives if other.within_noise]
    assert found.candidates == (found.formula, *(other.formula for other in rivals))
    assert {"tanh", "atan"} <= {word for word in ("tanh", "atan", "erf") if word in " ".join(found.candidates)}
    assert all(other.held_out < 1.2 * found.held_out for other in rivals)
    assert discover(x, x[:, 0] * np.tanh(2 * x[:, 1]), library=near).verdict == "formula"
    steps = ["x", "x^2", "tanh", "gaussian"]  # none of these is near
    assert discover(x, y, library=steps).verdict == "formula"


@pytest.mark.slow
def test_the_same_seed_finds_the_same() -> None:
    x, y = samples(lambda x: x[:, 0] * x[:, 1], noise=0.1, count=200)
    one, two = (discover(x, y, seed=3, seconds=1000, library=["x", "x^2"]) for _ in range(2))
    assert (one.verdict, one.shape, len(one.trained)) == (two.verdict, two.shape, len(two.trained))
    assert one.held_out == pytest.approx(two.held_out, rel=1e-6)
    assert one.formula.count("x0") == 1


@pytest.mark.parametrize(
    ("arguments", "settings", "says"),
    [
        ((POINTS, POINTS[:, 0][:-1]), {}, "samples"),
        ((POINTS[:10], POINTS[:10, 0]), {}, "at least 40"),
        ((POINTS, np.where(POINTS[:, 0] > 0.9, np.inf, 0.0)), {}, "finite"),
        ((POINTS, POINTS[:, 0]), {"inputs": ["a", "b"]}, "3 different plain names"),
        ((POINTS, POINTS[:, 0]), {"inputs": ["a", "b", "pi"]}, "3 different plain names"),
        ((POINTS, POINTS[:, 0]), {"seconds": 0}, "above 0"),
        ((POINTS, POINTS[:, 0]), {"library": ["sinn"]}, "did you mean"),
    ],
)
def test_bad_input(arguments: tuple[Any, Any], settings: dict[str, Any], says: str) -> None:
    with pytest.raises(NeurofnError, match=says):
        discover(*arguments, **settings)


# --- the command line -----------------------------------------------------------------------------------------------------


def table(path: Path, x: Any, y: Any) -> Path:
    lines = ["x,y,z", *(f"{a!r},{b!r},{c!r}" for (a, b), c in zip(x.tolist(), y.tolist(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_command_prints_the_formula(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = samples(lambda x: x[:, 0] * np.tanh(2 * x[:, 1]), count=200)
    file, out = table(tmp_path / "data.csv", x, y), tmp_path / "found.json"
    assert main(["discover", str(file), "--target", "z", "--library", "x,x^2,tanh,sin", "--out", str(out)]) == 0
    assert "z = x*tanh(2*y)" in capsys.readouterr().out
    assert json.loads(out.read_text(encoding="utf-8"))["verdict"] == "formula"


@pytest.mark.parametrize(
    ("text", "target", "says", "code"),
    [
        ("x,z\n1,2\n", "y", "no column 'y'", 2),
        ("x,z\n1,two\n", "z", "'two' is no number", 1),
        ("x,z\n1\n", "z", "1 values for 2 columns", 1),
        ("x,x\n1,2\n", "x", "a name of its own", 2),
        ("z\n1\n", "z", "no column beside", 1),
        ("", "z", "no rows", 1),
        ("x,z\n1,2\n", "z", "at least 40", 1),
        (None, "z", "cannot be read", 1),
    ],
)
def test_errors_of_the_command_are_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, target: str, says: str, code: int
) -> None:  # fmt: skip
    file = tmp_path / "data.csv"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert main(["discover", str(file), "--target", target]) == code
    error = capsys.readouterr().err
    assert says in error
    assert "Traceback" not in error
