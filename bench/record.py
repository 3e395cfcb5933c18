"""A record of 100,000 steps x 50 sites: bars 1 s to open it and 5 s to write its report, beside one npz file of the same rows.

python bench/record.py [--quick] [--out FILE]

It is written window by window, as a watch does; what that costs is a row too, per window of 50 readings.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from _bench import Bench, Row
from neurofn.reporting import report
from neurofn.watching import Record

STEPS, SITES = 100_000, 50
OPEN, REPORT = 1.0, 5.0  # seconds


def written(folder: Path) -> float:
    """Write the record; the seconds that writing took, without making the numbers."""
    generator, none, seconds = np.random.default_rng(0), np.array([np.nan]), 0.0
    sites = [f"blocks.{i // 5}.layers.{i % 5}" for i in range(SITES)]
    with Record.writer(folder) as writer:
        for step in range(STEPS):
            values = generator.normal(size=(SITES, 1))
            window = [
                ((step, 0, site, "EpsilonRank(eps=0.001)", "rank"), none, values[i]) for i, site in enumerate(sites)
            ]
            begin = time.perf_counter()
            writer.write(window)
            seconds += time.perf_counter() - begin
    return seconds


def opened(path: Path) -> Record:
    """The record, of which all rows are there."""
    record = Record.load(path)
    assert len(record) == STEPS * SITES
    return record


if __name__ == "__main__":
    bench = Bench(__doc__)
    with tempfile.TemporaryDirectory() as place:
        folder, file = Path(place) / "run", Path(place) / "run.npz"
        seconds = written(folder)
        record = opened(folder)
        record.save(file)
        case = f"{STEPS:,} steps x {SITES} sites"
        bench.add(Row("writing", "one window of 50 readings", seconds / STEPS * 1e6, "us"))
        size = sum(path.stat().st_size for path in folder.iterdir())
        bench.add(Row("size", "folder", size / 2**20, "MiB"))
        bench.add(Row("size", "npz", file.stat().st_size / 2**20, "MiB"))
        bench.compare(f"open {case}", {"folder": lambda: opened(folder)}, bar=OPEN)
        bench.compare(f"open {case}", {"npz": lambda: opened(file)}, rounds=3)
        html, markdown = (Path(place) / name for name in ("report.html", "report.md"))
        bench.compare(
            f"report of {case}",
            {
                "open and html": lambda: report(opened(folder), html),
                "open and markdown": lambda: report(opened(folder), markdown),
            },
            rounds=5,
            bar=REPORT,
        )
        bench.add(Row("size", "report", html.stat().st_size / 2**20, "MiB"))
    bench.finish()
