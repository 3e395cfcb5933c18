"""Commands about functions: show, derive, same, errata, list --count; and formulas that mean harm."""

from __future__ import annotations

import subprocess
import sys

import pytest

from neurofn import _function_page
from neurofn.cli import main
from neurofn.functions import catalogue, derived
from neurofn.functions._unsettled import UNSETTLED
from neurofn.functions.layerwise import catalogue as layers

HEAVY = ("torch", "scipy", "mpmath", "sympy", "pandas", "altair")


def output(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(list(arguments)) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return said.out if code == 0 else said.err


def test_show_prints_what_is_derived_and_a_plot(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "show", "mish")
    record = derived(catalogue["mish"])
    for words in (
        "z*tanh(softplus(z))", "arXiv:1908.08681", record.derivative, f"{record.lipschitz:.9g} (proved)", "forward 1.48684758",
        "E f^2 0.452342192", "0 and inf", "f: *   slope: .",
    ):  # fmt: skip
        assert str(words) in text
    plot = text[text.index("\n\n") :].splitlines()
    assert sum("*" in row for row in plot) > 10
    assert sum("." in row for row in plot) > 3


@pytest.mark.parametrize("name", ["relu", "where_it_jumps", "sine", "rational", "celu"])
def test_every_kind_of_point_is_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name == "where_it_jumps":
        text = output(capsys, "derive", "where(z > 1, 2, z)")
        assert "jumps          1 (1 left, 2 right)" in text
        assert "lipschitz      inf" in text
        return
    text = output(capsys, "show", name)
    expected = {
        "relu": ("kinks          0 (0 left, 1 right)", "all of [-inf, 0]", "0.125 bytes"), "sine": ("found)", "odd"),
        "celu": ("equal          elu", "bends          0", "convex"), "rational": ("derivative",),
    }  # fmt: skip
    assert all(words in text for words in expected[name])


@pytest.mark.parametrize(
    "arguments",
    [["show", "mish"], ["show", "rational"], ["same"], ["errata"], ["list", "--count"], ["derive", "z*tanh(exp(z))"]],
)
def test_no_torch_is_loaded(arguments: list[str]) -> None:
    code = (
        "import sys; from neurofn.cli import main; code = main(sys.argv[1:]); "
        f"print('LOADED', [name for name in {HEAVY} if name in sys.modules], code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.stdout.endswith("LOADED [] 0\n"), done.stdout + done.stderr


def test_a_formula_is_recognised(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "derive", "z/(1 + exp(-z))")
    assert "known as silu since 2017 (arXiv:1702.03118)" in text
    text = output(capsys, "derive", "3*z*sigma(a*z) - 1", "--set", "a=2")
    assert "known as " in text
    assert " with f = " in text
    assert "silu" in text
    text = output(capsys, "derive", "z*erf(z) - atan(z**3)*0.123")
    assert "no function of the catalogue equals it" in text
    assert "range          [-inf" not in text


def test_same_prints_groups(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "same")
    assert "elu (2015)" in next(line for line in text.splitlines() if "celu" in line)
    wider = output(capsys, "same", "--affine")
    assert int(text.split()[0]) <= int(wider.split()[0]) + 20
    assert any({"tanh", "sigmoid"} <= {word.strip("= ") for word in line.split()} for line in wider.splitlines())


def test_errata_are_those_that_are_declared(capsys: pytest.CaptureFixture[str]) -> None:
    written = [name for name in catalogue if catalogue[name].entry.errata]
    written += [name for name in layers if layers[name].errata]
    assert main(["errata"]) == 0
    said = capsys.readouterr()
    assert f"{len(written)} of {len(catalogue) + len(layers)}" in said.err
    assert all(f"not in the catalogue: {name}: " in said.out for name in UNSETTLED)
    assert all(f"{name} (section" in said.out or f"{name}:" in said.out for name in written)
    assert output(capsys, "errata", "tanh") == ""


def test_list_counts(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "list", "--count")
    assert f"{len(catalogue)} functions" in text
    assert f"{len(layers)} layer-functions" in text
    assert len(text.splitlines()) >= 6


@pytest.mark.parametrize(
    ("source", "year"),
    [
        ("arXiv:2003.09855", 2020), ("bergstra2009", 2009), ("arXiv:cs/0102033", 2001), ("folklore", None),
        ("arXiv:2402.09092", None),
        ("doi:10.1/12345678", None),
    ],
)  # fmt: skip
def test_years(source: str, year: int | None) -> None:
    assert _function_page.year_of(source) == year


HOSTILE = [
    ("9**9**9*z", (), "9**9**9 is no finite number", 1),
    ("z + 1/0", (), "1/0 is no finite number", None),
    ("z.real", (), "this is none of them", 1),
    ("tahn(z)", (), "did you mean 'tanh'", 1),
    ("2*x", (), "'x' has no value", 3),
    ("z*slope", (), "--set slope=1", 3),
    ("z*(", (), "never closed", 3),
    ("__import__('os').system('true')", (), "this is none of them", 1),
    ("z if z else 0", (), "this is none of them", 1),
    ("(" * 5000 + "z" + ")" * 5000, (), "at most 10,000 characters", None),
    ("(" * 4000 + "z" + ")" * 4000, (), "", None),
    ("z" + "+z" * 4000, (), "recursion", None),
    ("z" + "+z" * 300, (), "at most 200 levels", None),
    ("T(256, T(256, z))", (), "at most 400 different operations", None),
    ("z*" * 600_000 + "z", (), "at most 10,000 characters", None),
    ("sqrt(-1 - z**2)", (), "no finite value", None),
    ("a*z", ("a=1", "a=2"), "given twice", None),
    ("a*z", ("a=1e9999",), "NAME=NUMBER", None),
    ("a*z", ("a=__import__",), "NAME=NUMBER", None),
    ("a*z", ("a=1", "bb=2"), "no parameter 'bb'", None),
    ("", (), "not a formula", None),
    ("\x00z", (), "", None),
]


@pytest.mark.parametrize(("formula", "settings", "words", "column"), HOSTILE, ids=[str(k) for k in range(len(HOSTILE))])
def test_hostile_formulas_are_one_message(
    formula: str, settings: tuple[str, ...], words: str, column: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["derive", formula, *(word for setting in settings for word in ("--set", setting))])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert "Error:" not in said.err
    if words:
        assert code == 2
        assert words in said.err
        assert said.out == ""
    if column is not None:
        assert f"column {column}" in said.err


@pytest.mark.parametrize(
    "formula",
    [
        "exp(exp(exp(exp(z))))", "T(60, z)", "z**z", "1e-999999999*z", "tanh(" * 40 + "z" + ")" * 40, "ln(z)",
        "where(0 < 1, z, 0)", "abs(" + "*".join(f"abs(z - {k})" for k in range(40)) + ")",
    ],
    ids=range(8),
)  # fmt: skip
def test_strange_formulas_end(formula: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "gains" in output(capsys, "derive", formula)


def test_too_many_operations_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    formula = "+".join("(" + "+".join(f"tanh(z-{10 * j + k})" for k in range(10)) + ")" for j in range(18))
    assert "at most 400 different operations" in output(capsys, "derive", formula, code=2)
