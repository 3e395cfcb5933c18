"""The audit: each kind of fault has a class that shows exactly it, torch.nn shows none, and hostile code costs its own row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from _toy_activations import FAULTY, HOSTILE
from neurofn._errors import DataError, SettingError, UnknownNameError
from neurofn.cli import main
from neurofn.reporting import report
from neurofn.testing import Audit, audit
from neurofn.testing._audit import CONTROL, FAULTS
from neurofn.testing._audit_docstring import docstring_formulas
from neurofn.testing._audit_match import match, pairings

EXPECTED = {
    "SiLUActivation": set(), "LeakyReLU": set(), "Softmax": set(), "MyOwnThing": set(), "hardtanh": set(),
    "GELU": {"wrong value"}, "ELU": {"wrong value"}, "TanhExp": {"wrong value"}, "Mish": {"wrong value"},
    "Gaussian": set(),
    "Tanh": {"wrong gradient"}, "Softplus": {"NaN gradient"}, "Sigmoid": {"NaN value"}, "Identity": {"NaN value far out"},
    "SELU": {"inexact value"}, "ReLU": {"dtype"}, "Softsign": {"device"}, "Square": {"vmap"}, "Sine": {"compile"},
    "CELU": {"export"}, "Softshrink": {"not deterministic"}, "Hardshrink": {"cannot be constructed"},
    "LogSigmoid": {"does not run"},
}  # fmt: skip


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return _audited(tmp_path_factory, "toy_activations_faulty", FAULTY, trace=True)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return _audited(tmp_path_factory, "toy_activations_hostile", HOSTILE, seconds=6.0, trace=False)


def _audited(factory: pytest.TempPathFactory, name: str, text: str, **settings: Any) -> Audit:
    folder = factory.mktemp("package")
    (folder / f"{name}.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        return audit(name, control=False, **settings)


def _row(found: Audit, name: str) -> dict[str, Any]:
    return dict(next(row for row in found.rows if row["name"] == name))


def _kinds(row: dict[str, Any]) -> set[str]:
    return {fault["kind"] for fault in row["faults"]}


# ---- faults -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_each_class_has_exactly_its_fault(faulty: Audit, name: str) -> None:
    row = _row(faulty, name)
    assert _kinds(row) == EXPECTED[name], row


@pytest.mark.slow
def test_every_kind_of_fault_is_shown_by_a_class_but_one_that_goes_with_another(faulty: Audit, hostile: Audit) -> None:
    shown = set().union(*(_kinds(dict(row)) for found in (faulty, hostile) for row in found.rows))
    assert set(FAULTS) - shown == {"NaN gradient far out"}


@pytest.mark.slow
def test_what_is_no_activation_has_no_row(faulty: Audit) -> None:
    assert {row["name"] for row in faulty.rows} == set(EXPECTED)


@pytest.mark.slow
def test_a_wrong_value_comes_with_the_input_and_both_numbers(faulty: Audit) -> None:
    (fault,) = _row(faulty, "GELU")["faults"]
    z = fault["at"]
    assert abs(fault["got"] - fault["expected"]) > 0.01 > abs(z) - 10
    assert "docstring gives our values: z*Phi(z)" in fault["detail"]
    assert _row(faulty, "ELU")["faults"][0]["settings"] == "alpha=1.3"
    assert _row(faulty, "Tanh")["faults"][0]["detail"] == ""
    assert _row(faulty, "Softplus")["nan_gradient"] == [100.0, 1000.0, 10000.0]


@pytest.mark.slow
def test_what_a_class_computes_instead_is_said(faulty: Audit) -> None:
    assert "the catalogue calls relu" in _row(faulty, "TanhExp")["doubt"]["computes"]
    doubt = _row(faulty, "Mish")["doubt"]
    assert (doubt["whom"], doubt["computes"]) == ("theirs", "the same shape, 0.909091*f(1.1*z) with f = mish")
    assert "torch.nn.Mish agrees with ours" in doubt["reasons"]
    doubt = _row(faulty, "Gaussian")["doubt"]
    assert doubt["whom"] == "definition"
    assert "the same shape, f(0.707107*z) with f = gaussian" in doubt["computes"]
    assert [row["name"] for row in faulty.disputed] == ["Gaussian"]
    assert any("tanh" in note for note in _row(faulty, "MyOwnThing")["notes"])


@pytest.mark.slow
def test_settings_are_paired(faulty: Audit) -> None:
    assert _row(faulty, "LeakyReLU")["settings"] == "a = leak"
    assert _row(faulty, "hardtanh")["settings"] == "a = low, b = high"


@pytest.mark.slow
def test_hostile_code_costs_its_own_row(hostile: Audit) -> None:
    assert {row["name"]: _kinds(dict(row)) for row in hostile.rows} == {
        "Exits": {"cannot be constructed"}, "Hangs": {"hangs"}, "Kills": {"ends the process"}, "Prints": set(), "Tanh": set(),
    }  # fmt: skip


# ---- the control --------------------------------------------------------------------------------------------------------


def test_torch_has_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    found = audit(CONTROL, trace=False, control=False)
    assert found.counts() == {}
    assert len(found.rows) == 28
    assert sum(bool(row["compared"]) for row in found.rows) >= 24
    assert [row["name"] for row in found.disputed] == ["Hardsigmoid"]


# ---- reports and the command --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_an_audit_is_a_report_and_json(faulty: Audit, tmp_path: Path) -> None:
    written = report(faulty, tmp_path / "audit.md").read_text()
    assert "wrong value" in written
    assert "uncontrolled" in written
    data = json.loads(report(faulty, tmp_path / "audit.json").read_text())
    assert {row["name"] for row in data["rows"]} == set(EXPECTED)


def test_the_command_prints_faults_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "toy_package").mkdir()
    (tmp_path / "toy_package" / "__init__.py").write_text("")
    (tmp_path / "toy_package" / "parts.py").write_text(
        "import torch\nclass Tanh(torch.nn.Module):\n    def forward(self, x): return 2*torch.tanh(x) - torch.sin(x)\n"
    )
    (tmp_path / "toy_package" / "broken.py").write_text("import no_such_thing")
    monkeypatch.syspath_prepend(tmp_path)
    arguments = ["audit", "toy_package", "--no-control", "--no-trace", "--report", str(tmp_path / "report.md")]
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert "wrong value" in out
    assert "1 wrong" in out
    assert "toy_package.broken cannot be imported" in err
    assert (tmp_path / "report.md").exists()


@pytest.mark.parametrize("name", ["no_such_package_at_all", "../etc", "", "torch-nn"])
def test_what_is_no_package_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError, match="import"):
        audit(name, control=False)


def test_what_cannot_be_imported_or_holds_nothing_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_raises.py").write_text("import sys; sys.exit(4)")
    (tmp_path / "toy_empty.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DataError, match="toy_raises cannot be imported: SystemExit: 4"):
        audit("toy_raises", control=False)
    with pytest.raises(DataError, match="toy_empty has no activation"):
        audit("toy_empty", control=False)
    with pytest.raises(SettingError, match="seconds"):
        audit("toy_empty", seconds=0)


# ---- names, settings, docstrings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("GELU", "gelu"), ("leaky_relu", "leaky_relu"), ("LeakyReLU", "leaky_relu"), ("MishActivation", "mish"),
        ("ScaledExponentialLinearUnit", "selu"), ("Softmax", "softmax"), ("Dropout", None), ("Activation", None),
    ],
)  # fmt: skip
def test_names_are_matched(name: str, entry: str | None) -> None:
    found = match(name)
    assert (found.part.name if found else None) == entry


def test_the_first_pairing_goes_by_name_and_the_last_pairs_nothing() -> None:
    function = match("hexpo")
    assert function is not None
    made = [str(pairing) for pairing in pairings({"b": 1.0, "a": 2.0}, function.part)]  # type: ignore[arg-type]
    assert made[0] == "b = b, a = a"
    assert made[-1] == ""
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(
    ("text", "at", "value"),
    [
        (r":math:`f(x) = x \cdot \tanh(\ln(1 + e^{x}))`", 1.0, 0.8650983882673103),
        (r":math:`f(z_i) = \frac{z_i}{1 + |z_i|}`", -3.0, -0.75),
        (
            r":math:`f(x) = \begin{cases} x, & x \geq 0 \\ 2(\exp(x) - 1), & \text{if } x < 0 \end{cases}`",
            -1.0,
            -1.2642411,
        ),
        (r":math:`f(z) = \begin{cases} -1, & z < -1 \\ z, & -1 \leq z \leq 1 \\ 1, & z > 1 \end{cases}`", 0.5, 0.5),
        (".. math::\n    f(x) = \\max(0, \\min(1, \\dfrac{x + 3}{6}))\n\n  where", 0.0, 0.5),
        (r":math:`\sigma(x)`", 0.0, None),
        (r":math:`f(x) = \sum_j x^j`", 0.0, None),
        (r":math:`f(x) = \begin{cases} x`", 0.0, None),
        ("nothing", 0.0, None),
    ],
)
def test_formulas_are_read_from_docstrings(text: str, at: float, value: float | None) -> None:
    formulas = docstring_formulas(text)
    if value is None:
        assert formulas == []
    else:
        assert float(formulas[0](at)) == pytest.approx(value)


# ---- published packages -------------------------------------------------------------------------------------------------

PUBLISHED = {
    # module: (what to install, least wrong, least with a NaN gradient, some that are wrong and where)
    "torch_activation": (
        "torch-activation==1.0.0",
        20,
        45,
        ("PTaLU", "PowerLinearUnit", "PolynomialLinearUnit", "PDELU"),
    ),
    "torchlab": ("torchlab-pytorch==0.1.1", 22, 100, ("Hat", "LinearQuadratic", "RSigELU", "HardELiSH")),
}


@pytest.mark.slow
@pytest.mark.parametrize("package", PUBLISHED)
def test_published_packages(package: str) -> None:
    wanted, wrong, nan, names = PUBLISHED[package]
    pytest.importorskip(package, reason=f"needs: pip install --no-deps {wanted} plotly narwhals", exc_type=ImportError)
    found = audit(package, trace=False, control=False)
    assert len(found.wrong) >= wrong
    assert sum(bool(row["nan_gradient"]) for row in found.rows) >= nan
    for name in names:
        (fault,) = [fault for fault in _row(found, name)["faults"] if fault["kind"] == "wrong value"]
        assert abs(fault["got"] - fault["expected"]) > 1e-3
