"""How fast formulas are found: at the size of the paper's vision experiment, and beside a search on boolean masks.

    python bench/explain.py [--quick] [--out FILE]

Large: scenes drawn from a seed in the sizes of arXiv:2006.14032, 22,210 images of 112 x 112 with 365 scenes, 579 objects, 150
parts and 11 colours, and 512 units that fire on the highest 0.5 % of 7 x 7 fields scaled up; batch by batch, so that no mask is
ever kept. With --quick 1/10 of the images and 1/8 of the units; seconds are then per 512 units all the same, without bars.

Small: 1,000 images of 56 x 56 with 200 concepts. The search of the paper's code, on boolean masks with NumPy, and ours, which
must name the same formulas with the same IoU; each unit is a round.
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from _bench import Bench, Row
from _explain_problem import LARGE, Size, large, small
from neurofn.explaining._original import Original
from neurofn.explaining._parallel import Search, find_each
from neurofn.explaining._signatures import Hits, Signatures, grouped, hits_of
from neurofn.explaining.formula import OPERATORS, Formula
from neurofn.explaining.search import Beam, Exact, Found

Array = np.ndarray[Any, Any]
BEAM_SECONDS, EXACT_SECONDS, GIGABYTES, RATIO = 5.0, 60.0, 1.0, 300.0


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    found = run()
    return time.perf_counter() - begin, found


def gigabytes() -> float:
    """The most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def all_units(search: Search, signatures: Signatures, hits: Hits) -> tuple[float, float, list[Found]]:
    """Seconds, and those of the processor: what they would be on a machine without other work."""
    search.find(signatures, hits, 0)  # loads machine code and fills what all units share
    begin = time.process_time()
    seconds, found = timed(lambda: list(find_each(search, signatures, hits)))
    assert not any(one.problem for one in found), "a search that fails is no measurement"
    return seconds, time.process_time() - begin, found


def at_full_size(bench: Bench) -> None:
    size = Size(images=LARGE.images // 10, units=LARGE.units // 8) if bench.quick else LARGE
    seconds, (signatures, hits) = timed(lambda: large(size))
    case = f"{size.images} images of 112 x 112"
    bench.add(Row(case, "drawing and counting", seconds, "s"))
    bench.add(Row(case, "label sets", len(signatures), "sets"))
    bench.add(Row(case, "most memory before the searches", gigabytes(), "GB"))
    case = f"{case}, length 3, 512 units"
    for name, search, limit in (("beam 5", Beam(3, 5), BEAM_SECONDS), ("exact", Exact(3), EXACT_SECONDS)):
        seconds, processor, found = all_units(search, signatures, hits)
        seconds, processor = (value * LARGE.units / size.units for value in (seconds, processor))
        bar = None if bench.quick else limit
        bench.add(Row(case, name, seconds, "s", bar, None if bar is None else seconds <= bar))
        bench.add(Row(case, f"{name}, processor", processor, "s"))
        bench.add(Row(case, f"{name}, mean IoU", statistics.fmean(one.score for one in found), "IoU"))
    bench.add(Row(case, "most memory", gigabytes(), "GB", GIGABYTES, gigabytes() <= GIGABYTES))


def candidates(masks: Array, formula: Formula, mask: Array) -> Iterator[tuple[Formula, Array]]:
    for concept, other in enumerate(masks):
        for operator in OPERATORS:
            joined = mask | other if operator == "OR" else mask & (other if operator == "AND" else ~other)
            yield formula.then(operator, concept), joined


def on_masks(masks: Array, unit: Array) -> tuple[Formula, float]:
    """The search of the paper's code with a beam of 5 and length 3, every candidate counted position by position."""

    def iou(mask: Array) -> float:
        both = np.count_nonzero(mask & unit)
        return float(both / (np.count_nonzero(mask) + np.count_nonzero(unit) - both + 1e-10))

    def best(scored: list[tuple[Formula, float]]) -> list[tuple[Formula, float]]:
        return sorted(scored, key=lambda one: -one[1])[:5]

    beam = best([(Formula(k), value) for k, mask in enumerate(masks) if (value := iou(mask)) > 0])
    for _ in range(2):
        made = [
            (joined, iou(mask))
            for formula, _ in beam
            for joined, mask in candidates(masks, formula, apply(masks, formula))
        ]
        beam = best(beam + made)
    return beam[0]


def apply(masks: Array, formula: Formula) -> Array:
    """Where a formula is true, position by position."""
    found = masks[formula.first]
    for operator, k in formula.rest:
        found = found | masks[k] if operator == "OR" else found & (masks[k] if operator == "AND" else ~masks[k])
    return found


def beside_masks(bench: Bench) -> None:
    masks, units = small(units=1 if bench.quick else 5)
    signatures, place = grouped([f"c{k}" for k in range(len(masks))], masks)
    hits = hits_of(units, place, len(signatures))
    case = "1,000 images of 56 x 56, length 3, a unit"
    times: dict[str, list[float]] = {"boolean masks": [], "the same beam on label sets": [], "beam 5": [], "exact": []}
    equal = True
    for search in (Original(), Beam(), Exact()):
        search.find(signatures, hits, 0)  # loads machine code
    for unit, mask in enumerate(units):
        seconds, theirs = timed(lambda mask=mask: on_masks(masks, mask))
        times["boolean masks"].append(seconds)
        for name, search in zip(list(times)[1:], (Original(), Beam(), Exact()), strict=True):
            seconds, found = timed(lambda search=search, unit=unit: search.find(signatures, hits, unit))
            times[name].append(seconds)
            equal &= (
                (found.formula, found.score) == theirs
                if isinstance(search, Original)
                else found.score > theirs[1] - 1e-9
            )
    for name, seconds_of in times.items():
        bench.add(Row(case, name, statistics.median(seconds_of), "s"))
        if name != "boolean masks":
            ratio = statistics.median(a / b for a, b in zip(times["boolean masks"], seconds_of, strict=True))
            bar = None if name == "exact" else RATIO  # which finds more than the masks do
            bench.add(Row(case, f"boolean masks / {name}", ratio, "times", bar, None if bar is None else ratio >= bar))
    bench.add(Row(case, "equal formulas and IoU, bit for bit", float(equal), "", 1.0, equal))


def main() -> None:
    bench = Bench(__doc__)
    at_full_size(bench)
    gc.collect()
    beside_masks(bench)
    bench.finish()


if __name__ == "__main__":
    main()
