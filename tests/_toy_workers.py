"""A study for tests of workers: numbers of its settings alone, and, as a file in the folder of the environment says, trouble.

Workers import it by name. With TOY_CODE in the environment the code version is the same in all processes of a test, even
while somebody edits the sources.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from _toy_studies import PARTS, number, record
from neurofn.studies import Study, _code

if "TOY_CODE" in os.environ:  # in a worker; a test patches itself
    _code._package_code = lambda studies: "the code"  # type: ignore[assignment]
TROUBLE = "TOY_TROUBLE"
"""The environment's name of the folder in which a test asks for trouble, and cells leave their traces."""


def _folder() -> Path | None:
    return Path(os.environ[TROUBLE]) if TROUBLE in os.environ else None


def _once(name: str) -> bool:
    """Whether a test asked for this trouble and nobody has had it yet."""
    folder = _folder()
    try:
        (folder / name).unlink() if folder else None
    except FileNotFoundError:
        return False
    return folder is not None


def _asked(name: str) -> bool:
    folder = _folder()
    return folder is not None and (folder / name).exists()


def _in_trouble(name: str) -> None:
    if _once(f"{name}.die-once") or _asked(f"{name}.die"):
        os.kill(os.getpid(), signal.SIGKILL)
    if _asked(f"{name}.raise"):
        raise ValueError("no such number")
    if _asked(f"{name}.hang"):
        time.sleep(1000)
    if _asked(f"{name}.eat"):
        bytearray(2**30)
    if folder := _folder():
        with (folder / "computed.log").open("a") as log:
            log.write(f"{name} {os.getpid()}\n")


def work(
    neuron: str, width: int, *, seeds: tuple[int, ...], steps: int = 10, bias: float = 0.0
) -> list[dict[str, Any]]:
    print("what a study prints goes nowhere near the answers")
    _in_trouble(f"{neuron}-{width}-{seeds[0]}")
    time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
    torch = sys.modules.get("torch")
    threads = float(torch.get_num_threads()) if torch else -1.0
    return [
        {
            "metrics": {
                "score": bias + (neuron == "good") + number(neuron, width, steps, seed) / 10,
                "threads": threads,
            },
            "diverged": seed == 2,
            "record": record(seed, [number(seed), float("nan")]),
        }
        for seed in seeds
    ]


toil = Study(**{**PARTS, "name": "toil", "cell": work, "stack": 2, "seeds": 4})
bare = Study(**{**PARTS, "name": "bare", "cell": work, "claims": (), "summarise": None})
