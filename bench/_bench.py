"""What every benchmark shares: alternatives interleaved in one run, medians, ratios, rows of JSON.

A benchmark is a script that makes a ``Bench``, calls ``compare`` for each case and ends with ``finish``:

    bench = Bench(__doc__)
    bench.compare("training, 10 seeds", {"stacked": stacked, "one after the other": alone}, ratio_bar=3.0)
    bench.finish()

Its rows are {case, alternative, value, unit, bar, holds}; ``bar`` and ``holds`` are null where no bar was set. A script exits
with 1 where a bar does not hold. Importing this module first makes ``neurofn`` that of the checkout, installed or not, here and
in the processes that a script starts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

QUICK_SECONDS = 50.0
_SOURCE = str(Path(__file__).resolve().parent.parent / "src")

if _SOURCE not in sys.path:
    sys.path.insert(0, _SOURCE)
if _SOURCE not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_SOURCE, os.environ.get("PYTHONPATH")]))


@dataclass(frozen=True)
class Row:
    """One number of a benchmark."""

    case: str
    alternative: str
    value: float
    unit: str
    bar: float | None = None
    holds: bool | None = None


class Bench:
    """The command line, the clock and the rows of one benchmark.

    ``quick`` asks for fewer rounds; all of a quick run is to end within 50 s, so ``compare`` stops a case after its share.
    """

    def __init__(self, description: str | None, *, arguments: list[str] | None = None) -> None:
        parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--quick", action="store_true", help=f"fewer rounds, at most {QUICK_SECONDS:.0f} s")
        parser.add_argument("--out", type=Path, metavar="FILE", help="write the rows as JSON")
        options = parser.parse_args(arguments)
        self.quick: bool = options.quick
        self.out: Path | None = options.out
        self._begin = time.perf_counter()
        self.rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Keep and print one row."""
        self.rows.append(row)
        verdict = {True: "  holds", False: "  DOES NOT HOLD", None: ""}[row.holds]
        bar = "" if row.bar is None else f"  (bar {row.bar:g})"
        print(f"{row.case:40} {row.alternative:32} {row.value:10.4g} {row.unit}{bar}{verdict}", flush=True)

    def compare(
        self,
        case: str,
        alternatives: Mapping[str, Callable[[], object]],
        *,
        rounds: int = 9,
        bar: float | None = None,
        ratio_bar: float | None = None,
    ) -> None:
        """Time every alternative once a round, in turn, so that a slow moment of the machine meets all of them alike.

        The median seconds of each become a row; ``bar`` is the most seconds each may take. With more than one alternative,
        each but the first also has the median over the rounds of its ratio to the first: how many times as long it takes.
        ``ratio_bar`` is the least that ratio may be. One round beforehand warms up and is not counted.
        """
        seconds: dict[str, list[float]] = {name: [] for name in alternatives}
        for warm in range((3 if self.quick else rounds) + 1):
            for name, run in alternatives.items():
                begin = time.perf_counter()
                run()
                if warm:
                    seconds[name].append(time.perf_counter() - begin)
            if warm and self.quick and time.perf_counter() - self._begin > 0.8 * QUICK_SECONDS:
                break
        first, *others = alternatives
        for name, times in seconds.items():
            value = statistics.median(times)
            self.add(Row(case, name, value, "s", bar, None if bar is None else value <= bar))
        for name in others:
            ratio = statistics.median(b / a for a, b in zip(seconds[first], seconds[name], strict=True))
            holds = None if ratio_bar is None else ratio >= ratio_bar
            self.add(Row(case, f"{name} / {first}", ratio, "times", ratio_bar, holds))

    def finish(self) -> None:
        """Write the rows where asked to, and exit: 1 where a bar does not hold."""
        if self.out is not None:
            self.out.write_text(json.dumps([asdict(row) for row in self.rows], indent=1) + "\n", encoding="utf-8")
        sys.exit(any(row.holds is False for row in self.rows))
