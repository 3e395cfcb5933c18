"""The project's own files: requirements, the Makefile's words when something is missing, the gate."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
NEEDS_MAKE = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


def _make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = [str(shutil.which("make")), "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env={**clean, **environment}, capture_output=True, text=True, check=False, timeout=60
    )


def _python(folder: Path, line: str) -> Path:
    """A Python that a line of ours changes before anything else."""
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nif [ "$1" = -c ]; then set -- -c \'{line}\'"\n$2"; fi\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    return script


@NEEDS_MAKE
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('import sys; sys.modules["ensurepip"] = None', "apt-get install python3-venv"),
        ("import sys; sys.version_info = (3, 10)", "needs Python 3.11"),
    ],
)
def test_a_python_that_lacks_something_is_reported_by_package(tmp_path: Path, line: str, words: str) -> None:
    done = _make("demo", f"PYTHON={_python(tmp_path, line)}", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert words in done.stdout
    assert not (tmp_path / "venv").exists()


@NEEDS_MAKE
def test_a_missing_compiler_is_reported_by_package(tmp_path: Path) -> None:
    assert _make("compiler").returncode == 0, "this machine has a compiler"
    done = _make("compiler", PATH=str(tmp_path))
    assert done.returncode != 0
    assert "apt-get install gcc" in done.stdout


@NEEDS_MAKE
def test_torch_comes_first_and_from_its_own_index(tmp_path: Path) -> None:
    plan = _make("-n", "demo", "TORCH_INDEX=https://example.invalid/cpu", f"VENV={tmp_path / 'venv'}").stdout
    installs = [line for line in plan.splitlines() if "pip install" in line]
    assert installs[0].endswith("--index-url https://example.invalid/cpu torch")
    assert "index" not in installs[1]
    assert all("-c constraints.txt" in line for line in installs)


@NEEDS_MAKE
def test_each_set_of_dependencies_is_renewed_with_its_files(tmp_path: Path) -> None:
    stamps = {"test": ["python", "torch", "demo", "test"], "demo": ["python", "torch", "demo"]}
    for target, names in stamps.items():
        plan = _make("-n", "--what-if=constraints.txt", target, f"VENV={tmp_path / 'venv'}").stdout
        assert [name for name in names if f"stamp-{name}" not in plan] == []
    for name in stamps["test"]:
        (tmp_path / f"stamp-{name}").touch()
    assert "pip install" not in _make("-n", "test", f"VENV={tmp_path}").stdout
    assert "pip install" in _make("-n", "--what-if=pyproject.toml", "test", f"VENV={tmp_path}").stdout


@NEEDS_MAKE
def test_the_compiler_of_the_search_is_there_in_tests_and_not_in_the_demonstration(tmp_path: Path) -> None:
    """Without it the test that holds machine code to plain code is skipped, and nobody sees it."""
    plans = {target: _make("-n", target, f"VENV={tmp_path / 'venv'}").stdout for target in ("demo", "test")}
    assert [target for target, plan in plans.items() if "explain]" in plan] == ["test"]


def test_groups_within_groups_are_unfolded() -> None:
    spec = importlib.util.spec_from_file_location("group", REPOSITORY / "tools" / "group.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    groups = {"a": ["x>=1", {"include-group": "b"}], "b": ["y"]}
    assert module.requirements(["a", "b"], groups) == ["x>=1", "y", "y"]


def test_no_dependency_brings_another_torch() -> None:
    every = [
        *PROJECT["project"]["dependencies"],
        *(entry for extra in PROJECT["project"]["optional-dependencies"].values() for entry in extra),
        *(entry for group in PROJECT["dependency-groups"].values() for entry in group),
    ]
    names = {re.split(r"[\[<>=!~; ]", entry)[0].lower() for entry in every}
    assert not names & {"torchvision", "torchaudio", "onnx2torch"}
    assert (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").strip() == "torch==2.13.0"


def test_the_extra_all_holds_every_extra_but_the_oracles_and_mlflow() -> None:
    """The client of MLflow alone brings a web server and the tools of two clouds."""
    extras = PROJECT["project"]["optional-dependencies"]
    held = re.search(r"neurofn\[(.*)\]", extras["all"][0])
    assert held is not None
    assert set(held[1].split(",")) == set(extras) - {"all", "oracle", "mlflow"}


def test_the_gate_calls_the_command_of_the_readme() -> None:
    text = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in text
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)
