"""The command explain: what a user names is loaded, its units are explained, and a table and a report are written."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from . import _terminal
from ._explain_sources import concepts_of, network, readable_again

if TYPE_CHECKING:
    from torch import nn

    from .explaining import Concepts, Explanation, Units

__all__ = ["explain_units"]

NOTE = (
    "Formulas were sought on one part of the samples and scored on another. Chance is what they reach there when a unit's "
    "firing is dealt out to other samples, or on units before training; of several the hardest counts."
)
ROWS = 40  # of the table on the screen; the report has all


@Parameter(name="*")
@dataclass(frozen=True)
class Search:
    """How to look for formulas, and how to doubt them.

    >>> Search(length=2).exact
    True
    """

    length: Annotated[int, Parameter(help="The most concepts of a formula")] = 3
    exact: Annotated[bool, Parameter(help="Prove the best formula (length up to 3); --no-exact: beam search")] = True
    beam: Annotated[int, Parameter(help="How many formulas a beam search keeps")] = 5
    threshold: Annotated[
        float, Parameter(help="A unit fires above this quantile of its activations; 0: where they are positive")
    ] = 0.995
    holdout: Annotated[float, Parameter(help="The share of samples that formulas are only scored on")] = 0.3
    null: Annotated[int, Parameter(help="How many times each unit is shuffled to see what chance reaches")] = 200
    shifted: Annotated[int, Parameter(help="How many times it is moved within its samples as well; 0: never")] = 0
    untrained: Annotated[
        str,
        Parameter(help="MODULE:NAME of the same network before training: formulas must do better on its units, too"),
    ] = ""


@Parameter(name="*")
@dataclass(frozen=True)
class Output:
    """What to write.

    >>> Output().examples
    5
    """

    report: Annotated[Path | None, Parameter(help="The file to write: .html, .md or .json")] = None
    examples: Annotated[int, Parameter(help="How many example images of each unit the report shows")] = 5
    preferred: Annotated[
        int, Parameter(help="For how many of the best explained units to make the images that they prefer")
    ] = 0


def explain_units(
    net: str, /, *, data: str, concepts: str, at: str, search: Search = Search(), output: Output = Output()
) -> int:
    """Explain the units of a network: for each the formula over concepts that best matches where it fires, with its doubt.

    Parameters
    ----------
    net
        MODULE:NAME of your network, or of a function without arguments that gives it.
    data
        MODULE:NAME of a tensor, an iterable of batches (a DataLoader that does not shuffle), or a function that gives one.
    concepts
        MODULE:NAME of Concepts or a function that gives them; or a file: .npz with a bool array per concept, .csv with a row
        per sample, .json of annotations as COCO has them; or a folder in the layout of Broden.
    at
        Which module of the network to read, such as layer4; patterns such as 'conv*' name several.
    """
    from .explaining import table

    began = time.perf_counter()
    model, batches = network(net), readable_again(data)
    source = concepts_of(concepts)
    units = _units(model, batches, at=at, threshold=search.threshold)
    print(f"explain: {len(units)} units over {units.samples} samples, {len(source.names)} concepts", file=sys.stderr)
    before = _units(network(search.untrained), batches, at=at, threshold=search.threshold) if search.untrained else None
    found, stopped = _explained(units, source, search=search, before=before)
    _show(table(found))
    problems = sum(not one.formula for one in found)
    print(
        f"{len(found)} of {len(units)} units in {_terminal.in_words(time.perf_counter() - began)}; {problems} not explained"
    )
    if output.report is not None:
        command = _command(net, data=data, concepts=concepts, at=at, search=search, output=output)
        _write(found, (units, source, batches), model=model, command=command, holdout=search.holdout, output=output)
    if stopped:
        print("Stopped: what was found until then is above and in the report.", file=sys.stderr)
        return 130
    return 0


# --- Explaining -------------------------------------------------------------------------------------------------------


def _units(model: Any, batches: Any, *, at: str, threshold: float) -> Units:
    from .explaining import Above, Quantile, Units

    rule = Quantile(threshold) if threshold > 0 else Above(0)
    return Units.from_model(model, batches, at=at, threshold=rule)


def _explained(
    units: Units, concepts: Concepts, *, search: Search, before: Units | None
) -> tuple[list[Explanation], bool]:
    """The explanations, and whether Ctrl-C stopped the search; units that were not reached say so.

    before: the units before training, if the formulas are to be compared with them.
    """
    from .explaining import Beam, Exact, Shifted, Shuffled, Untrained, explain

    nulls: list[Any] = [Shuffled(search.null)]
    nulls += [Shifted(search.shifted)] if search.shifted else []
    nulls += [Untrained(before)] if before is not None else []
    with _progress() as tell:
        found = explain(
            units,
            concepts,
            search=Exact(length=search.length) if search.exact else Beam(length=search.length, width=search.beam),
            holdout=search.holdout,
            null=nulls,
            progress=tell,
        )
    return found, any(one.problem.startswith("not reached") for one in found)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """What is called after every unit: how many are done, and the time left."""
    from .studies import Progress

    began = time.monotonic()
    with _terminal.progress("explain", of="units") as show:

        def tell(done: int, total: int) -> None:
            passed = time.monotonic() - began
            left = passed / done * (total - done) if done else None
            show(Progress(done=done, total=total, reused=0, label="", seconds_left=left))

        yield tell


# --- What is shown and written ----------------------------------------------------------------------------------------

_COLUMNS = (
    ("unit", "Unit", ""), ("formula", "Formula", ""), ("score", "IoU", ".3f"), ("holdout_score", "held out", ".3f"),
    ("null_score", "by chance", ".3f"), ("p", "p", ".2g"), ("coverage", "inside", ".0%"),
)  # fmt: skip


def _show(rows: Sequence[dict[str, Any]]) -> None:
    """The best explained units first, by the held-out score where there is one."""
    ordered = sorted(
        rows, key=lambda row: -((row["score"] if row["holdout_score"] is None else row["holdout_score"]) or 0.0)
    )
    shown = [{**row, "unit": str(row["unit"]), "formula": row["formula"] or row["problem"]} for row in ordered]
    columns = [{"name": name, "label": label, "format": form} for name, label, form in _COLUMNS]
    _terminal.show_table(_terminal.console(), {"title": "Explanations", "columns": columns, "rows": shown})


def _command(net: str, *, data: str, concepts: str, at: str, search: Search, output: Output) -> str:
    """What to type to get the same again: what differs from the defaults."""
    words = ["neurofn", "explain", net, "--data", data, "--concepts", concepts, "--at", at]
    for given in (search, output):
        for field in fields(given):
            value = getattr(given, field.name)
            if value == field.default:
                continue
            words += [f"--no-{field.name}"] if value is False else [f"--{field.name}", str(value)]
    return shlex.join(words)


def _write(
    found: Sequence[Explanation],
    seen: tuple[Units, Concepts, Any],
    *,
    model: nn.Module,
    command: str,
    holdout: float,
    output: Output,
) -> None:
    from . import __version__
    from ._explain_examples import examples_of
    from ._explain_preferred import preferred_of
    from .reporting import report

    assert output.report is not None
    examples = examples_of(found, seen, holdout=holdout, count=output.examples)
    made = preferred_of(found, seen[0], model, batches=seen[2], count=output.preferred)
    entries = [
        {**one.to_dict(), "examples": [*own, *more]} for one, own, more in zip(found, examples, made, strict=True)
    ]
    written = report(
        {
            "question": "What does each unit detect?", "measure": "IoU", "command": command,
            "explanations": entries, "versions": {"neurofn": __version__},
            "notes": [NOTE],
        },
        output.report,
    )  # fmt: skip
    print(f"Report: {written}")
    print(f"Again:  {command}")
