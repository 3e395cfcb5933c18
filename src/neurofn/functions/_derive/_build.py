"""``make derived``: compute what is missing or stale, keep the rest, write the file. Run as a module: python -m ..._build."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from ...formula import Formula
from ._compute import derive
from ._record import Derived
from ._store import FILE, fingerprint

__all__ = ["build", "main"]

Job = tuple[str, str, str | None, dict[str, float], str]


def _one(job: Job) -> tuple[str, dict[str, Any], float]:
    name, formula, stable, values, made_from = job
    begin = time.perf_counter()
    better = None if stable is None else Formula(stable)
    try:
        entry = {"hash": made_from, "derived": derive(Formula(formula), values, stable=better).to_json()}
    except Exception as error:  # one function must not cost the others; the test of the file names it
        entry = {"hash": made_from, "error": f"{type(error).__name__}: {error}"}
    return name, entry, time.perf_counter() - begin


def build(*, workers: int = 1, everything: bool = False) -> dict[str, Any]:
    """The content of the file, with what is up to date taken over."""
    from .. import catalogue
    from ._match import equal_groups

    before = (
        json.loads(FILE.read_text(encoding="utf-8")).get("functions", {}) if FILE.exists() and not everything else {}
    )
    entries: dict[str, Any] = {}
    jobs: list[Job] = []
    for name in catalogue:
        function = catalogue[name]
        made_from = fingerprint(function)
        if before.get(name, {}).get("hash") == made_from and "derived" in before[name]:
            entries[name] = before[name]
        else:
            jobs.append((name, function.formula, function.stable, function.defaults, made_from))
    for name, entry, seconds in _all(jobs, workers):
        entries[name] = entry
        print(f"{name}: {seconds:.1f} s {entry.get('error', '')}".rstrip(), file=sys.stderr, flush=True)
    curves = {name: (catalogue[name].written, catalogue[name].defaults) for name in catalogue}
    records = {name: Derived.from_json(entry["derived"]) for name, entry in entries.items() if "derived" in entry}
    equal, affine = equal_groups(curves, records)
    return {"functions": {name: entries[name] for name in sorted(entries)}, "equal": equal, "affine": affine}


def _all(jobs: list[Job], workers: int) -> Any:
    if workers < 2:
        yield from map(_one, jobs)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_one, jobs)


def main(arguments: list[str]) -> int:
    """Write the file; ``--all`` computes everything anew, a number is how many processes work."""
    workers = next((int(word) for word in arguments if word.isdigit()), 1)
    made = build(workers=workers, everything="--all" in arguments)
    rows = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in made["functions"].items()]
    body = ",\n".join(rows)
    text = f'{{"equal": {json.dumps(made["equal"])},\n"affine": {json.dumps(made["affine"])},\n"functions": {{\n{body}\n}}}}\n'
    FILE.write_text(text, encoding="utf-8")
    wrong = [name for name, entry in made["functions"].items() if "error" in entry]
    print(f"{len(rows)} functions in {FILE.name}; {len(wrong)} could not be derived: {', '.join(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
