"""Forward and backward of every elementwise function on 2**24 float32, as a ratio to the limit that memory sets.

    python bench/functions.py [--quick] [--out FILE] [--resume] [--every N]

The limit is 20 bytes per number (read z, write f; read z and g, write the gradient) at the speed of a copy, which is measured
in every round beside the rest. An entry is void where that speed varies by more than 30 % (10th to 90th percentile, against
the median); ``--resume`` keeps the entries of FILE that are not void and measures the others. Without ``--quick`` that may take
hours, and FILE (bench/functions.json where none is given) is written after each entry. The quick run takes twelve entries,
few rounds, and leaves eager out; ``--every 6`` takes each sixth of the catalogue.

Alternatives: eager, the plain module; compiled, ``neurofn.saving.fused``; few-bit, ``neurofn.saving.fewbit`` with 2 bits;
torch.nn, where it has the function. Kept bytes are those between forward and backward, the input included. The C library's
allocator is told to keep what it has: otherwise every large tensor is fresh memory, and finding its pages takes longer than
the functions do. Two threads need an idle machine: OMP_NUM_THREADS=1 is the steadier figure.
"""

from __future__ import annotations

import argparse
import ctypes
import functools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from _bench import QUICK_SECONDS, Bench, Row
from neurofn.functions import catalogue
from neurofn.saving import fewbit, fused, kept_bytes, kernel_state

NUMBERS = 2**24
BYTES = 20
VOID = 0.3
MOST_BYTES = 100  # kept per number: above, eager would need gigabytes, and is left out
STORE = Path(__file__).with_suffix(".json")
SAMPLE = (
    "gelu", "mish", "silu", "rational", "relu", "tanh", "elu", "gaussian", "sine", "softsign", "leaky_relu", "square",
)  # fmt: skip
NATIVE: dict[str, Callable[[Tensor], Tensor]] = {
    "celu": nn.functional.celu, "elu": nn.functional.elu, "gelu": nn.functional.gelu, "leaky_relu": nn.functional.leaky_relu,
    "mish": nn.functional.mish, "relu": nn.functional.relu, "relu6": nn.functional.relu6, "selu": nn.functional.selu,
    "sigmoid": torch.sigmoid, "silu": nn.functional.silu, "softplus": nn.functional.softplus,
    "softsign": nn.functional.softsign, "tanh": torch.tanh, "hardtanh": nn.functional.hardtanh,
}  # fmt: skip
BARS = {  # (entry, alternative, other alternative): the most that the ratio of their times may be
    ("rational", "compiled", "limit"): 1.8,
    ("mish", "compiled", "torch.nn"): 0.35,
    ("gelu", "few-bit", "native gelu"): 1.0,
    ("silu", "few-bit", "native gelu"): 1.0,
    ("mish", "few-bit", "native gelu"): 1.0,
}
MEDIAN_BAR = 1.5

Seconds = dict[str, list[float]]


def keep_memory() -> None:
    """Tell glibc to take no large piece from the system for one tensor alone, and to give nothing back."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        print("another C library: fresh memory for every tensor is part of the figures")
        return
    mallopt(-4, 0)  # M_MMAP_MAX
    mallopt(-1, -1)  # M_TRIM_THRESHOLD


def forms(
    name: str, *, quick: bool
) -> tuple[dict[str, tuple[Callable[[Tensor], Tensor], list[Tensor]]], dict[str, float]]:
    """Each alternative with what it learns, and the bytes that each keeps per number."""
    compiled = fused(name)
    learned = list(compiled.plain.parameters())
    found: dict[str, tuple[Callable[[Tensor], Tensor], list[Tensor]]] = {}
    small = torch.randn(2**16)
    kept = {"eager": kept_bytes(compiled.plain, small) / len(small)}
    if kept["eager"] <= MOST_BYTES and not quick:
        found["eager"] = compiled.plain, learned
    found["compiled"] = compiled, learned
    if not learned:
        found["few-bit"] = fewbit(name), []
    kept |= {form: kept_bytes(run, small) / len(small) for form, (run, _) in found.items() if form != "eager"}
    if name in NATIVE:
        found["torch.nn"] = NATIVE[name], []
    found["native silu"] = nn.functional.silu, []
    if any(entry == name and other == "native gelu" for entry, _, other in BARS):
        found["native gelu"] = nn.functional.gelu, []
    return found, kept


@functools.cache
def tensors() -> tuple[Tensor, Tensor, Tensor]:
    """Input, upstream gradient, and where copies go: made once, as memory that is already there."""
    return torch.randn(NUMBERS).requires_grad_(), torch.randn(NUMBERS), torch.empty(NUMBERS)


def measure(name: str, *, quick: bool) -> tuple[Seconds, dict[str, float]]:
    """Seconds of every alternative in every round, those of the limit among them; the first two rounds are not counted."""
    found, kept = forms(name, quick=quick)
    z, g, copied = tensors()
    seconds: Seconds = {form: [] for form in ("limit", *found)}
    for counted in (False, False, *[True] * (5 if quick else 11)):
        begin = time.perf_counter()
        copied.copy_(g)
        took = {"limit": (time.perf_counter() - begin) * BYTES / 8}
        for form, (run, learned) in found.items():
            begin = time.perf_counter()
            torch.autograd.grad(run(z), [z, *learned], g)
            took[form] = time.perf_counter() - begin
        for form, value in took.items() if counted else ():
            seconds[form].append(value)
    return seconds, kept


def ratio(seconds: Seconds, form: str, other: str) -> float:
    """The median over rounds."""
    return statistics.median(a / b for a, b in zip(seconds[form], seconds[other], strict=True))


def spread(times: list[float]) -> float:
    """10th to 90th percentile against the median."""
    cuts = statistics.quantiles(times, n=10, method="inclusive")
    return (cuts[-1] - cuts[0]) / statistics.median(times)


def rows(name: str, seconds: Seconds, kept: dict[str, float]) -> list[Row]:
    """What is said of one entry."""
    void = spread(seconds["limit"]) > VOID
    speed = NUMBERS * BYTES / statistics.median(seconds["limit"]) / 1e9
    found = [Row(name, "copy", speed, "GB/s"), Row(name, "copy varies by", spread(seconds["limit"]), "", VOID, None)]
    pairs = [(form, "limit") for form in seconds if form not in ("limit", "native gelu")]
    pairs += [("compiled", "native silu"), *((form, other) for entry, form, other in BARS if entry == name)]
    for form, other in dict.fromkeys(pairs):
        value, bar = ratio(seconds, form, other), BARS.get((name, form, other))
        found.append(Row(name, f"{form} / {other}", value, "times", bar, None if bar is None or void else value <= bar))
    return found + [Row(name, f"{form} keeps", value, "bytes") for form, value in kept.items()]


def is_void(found: list[Row]) -> bool:
    """Whether the copies of an entry varied too much to say anything."""
    return any(row.alternative == "copy varies by" and row.value > VOID for row in found)


def run(bench: Bench, names: list[str], done: dict[str, list[Row]], store: Path | None) -> None:
    """Measure what is not done; a quick run ends in time and says what it left out."""
    begin = time.perf_counter()
    for name in names:
        if name in done:
            continue
        if bench.quick and time.perf_counter() - begin > 0.8 * QUICK_SECONDS:
            print(f"{name} is left out: the time of a quick run is over")
            continue
        try:
            done[name] = rows(name, *measure(name, quick=bench.quick))
        except Exception as error:  # whatever a compiler may raise: it is a row, and the others are measured
            print(f"{name}: {type(error).__name__}: {str(error)[:200]}")
            done[name] = [Row(name, "fails", 1.0, "", 0.0, False)]
        torch._dynamo.reset()
        for row in done[name]:
            bench.add(row)
        if store is not None:
            write(store, [row for found in done.values() for row in found])


def write(store: Path, found: list[Row]) -> None:
    """All rows so far, at once."""
    part = store.with_suffix(".part")
    part.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n", encoding="utf-8")
    part.replace(store)


def read(store: Path) -> dict[str, list[Row]]:
    """Rows by entry, without void and failed ones and without those over all."""
    found: dict[str, list[Row]] = {}
    for record in json.loads(store.read_text(encoding="utf-8")):
        found.setdefault(record["case"], []).append(Row(**record))
    return {
        name: group
        for name, group in found.items()
        if name in catalogue and not is_void(group) and all(row.alternative != "fails" for row in group)
    }


def summary(bench: Bench, done: dict[str, list[Row]], *, complete: bool) -> None:
    """The median over the entries that are not void, and the ten farthest from the limit. Of a part nothing is judged."""
    fine = {name: found for name, found in done.items() if not is_void(found)}
    compiled = {
        row.case: row.value for found in fine.values() for row in found if row.alternative == "compiled / limit"
    }
    print(f"{len(done) - len(fine)} of {len(done)} entries are void: the copies varied by more than {VOID:.0%}")
    for name, value in sorted(compiled.items(), key=lambda pair: -pair[1])[:10]:
        print(f"  far from the limit: {name:24} {value:8.2f} times")
    enough = complete and 2 * len(fine) > len(done)
    if compiled:
        value = statistics.median(compiled.values())
        bench.add(
            Row("median", "compiled / limit", value, "times", MEDIAN_BAR, value <= MEDIAN_BAR if enough else None)
        )


def main() -> None:
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--resume", action="store_true")
    own.add_argument("--every", type=int, default=1)
    options, others = own.parse_known_args()
    bench = Bench(__doc__, arguments=others)
    keep_memory()
    print(f"{torch.get_num_threads()} threads; few-bit kernel {kernel_state()}")
    store = None if bench.quick else bench.out or STORE
    done = read(store) if options.resume and store is not None and store.exists() else {}
    for found in done.values():
        bench.rows.extend(found)
    names = list(SAMPLE) if bench.quick else list(catalogue)[:: options.every]
    run(bench, names, done, store)
    summary(bench, done, complete=len(done) == len(names) and options.every == 1)
    if store is not None:
        write(store, bench.rows)
    bench.finish()


if __name__ == "__main__":
    main()
