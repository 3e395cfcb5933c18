"""How long the command line takes to say something: --help, list, show and same, bar 0.5 s, beside bare Python and torch.

python bench/cli.py [--quick] [--out FILE]
"""

from __future__ import annotations

import subprocess
import sys

from _bench import Bench

BAR_SECONDS = 0.5


def _start(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    assert done.stdout or "-c" in arguments, "a command line that says nothing is no measurement"


if __name__ == "__main__":
    bench = Bench(__doc__)
    commands = {
        f"neurofn {words}": tuple(words.split()) for words in ("--help", "list", "list --count", "show mish", "same")
    }
    bench.compare(
        "start of the command line",
        {name: lambda words=words: _start("-m", "neurofn", *words) for name, words in commands.items()},
        bar=BAR_SECONDS,
    )
    bench.compare(
        "for comparison",
        {"python": lambda: _start("-c", ""), "python, import torch": lambda: _start("-c", "import torch")},
        rounds=3,
    )
    bench.finish()
