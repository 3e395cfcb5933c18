"""The end of the tutorial of Kolmogorov-Arnold networks, which wants the packages of ONNX: it works as written."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorials" / "kan.md"


def blocks(kind: str) -> list[str]:
    """The code blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_a_network_is_exported_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(package)
    (export,) = blocks("py")
    program = [block for block in blocks("python") if "discover(" not in block and "importance(" not in block]
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the exporter are its own
        exec(compile("\n".join([*program, export]), str(TUTORIAL), "exec"), names)
    assert len(names["answers"]) == len(names["rows"])
