"""How long studies take: every study at smoke size, bar 20 s; without --quick also the comparison of the demo, bar 300 s.

python bench/studies.py [--quick] [--out FILE]

Each runs in a process of its own, as `neurofn run` does, with nothing stored before.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from _bench import Bench, Row
from neurofn.studies import catalogue

SMOKE_SECONDS = 20.0
DEMO_SECONDS = 300.0


def _seconds(study: str, size: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "neurofn", "run", study, "--size", size, "--out", folder, "--format", "json"]
        begin = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - begin


if __name__ == "__main__":
    bench = Bench(__doc__)
    for name in catalogue:
        value = _seconds(name, "smoke")
        bench.add(Row("a study at smoke size", name, value, "s", SMOKE_SECONDS, value <= SMOKE_SECONDS))
    if not bench.quick:
        value = _seconds("compare_functions", "small")
        bench.add(
            Row("the comparison of the demo", "compare_functions", value, "s", DEMO_SECONDS, value <= DEMO_SECONDS)
        )
    bench.finish()
