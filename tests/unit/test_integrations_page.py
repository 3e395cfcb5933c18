"""The programs on the page about other tools run, where the tools are installed."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "how-to" / "integrations.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```py\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
TOOLS = ("lightning", "transformers", "accelerate", "tensorboard", "torchmetrics")
SAYS = {"Lightning": "'rank'", "The Trainer of Hugging Face": "/rank", "Several processes": "'rank'"}


def test_every_program_is_found() -> None:
    assert len(PROGRAMS) == PAGE.count("\n```py\n") == 5
    assert set(SAYS) <= set(PROGRAMS)


@pytest.mark.slow
@pytest.mark.parametrize("title", PROGRAMS)
def test_the_programs_run(title: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAMS[title], encoding="utf-8")
    for tool in TOOLS:
        if tool in PROGRAMS[title] and importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed")
    starter = (
        ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        if "distributed" in PROGRAMS[title]
        else []
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *starter, program.name]
    for _ in range(3):
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=200
        )
        if not (starter and "terminate called without an active exception" in done.stderr):
            break  # else gloo has crashed as it ended, as it does now and then without us too
    assert done.returncode == 0, done.stderr
    assert SAYS.get(title, "") in done.stdout
