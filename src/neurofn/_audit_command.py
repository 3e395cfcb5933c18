"""The command audit: hold every activation of an installed package against the catalogue."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from . import _terminal

if TYPE_CHECKING:
    from .testing import Audit

__all__ = ["audit_package"]

_LINES = 20  # of progress


def audit_package(
    package: str,
    /,
    *,
    trace: Annotated[bool, Parameter(help="Also torch.compile and torch.export, the slower part")] = True,
    seconds: Annotated[float, Parameter(help="The time limit of each class")] = 60.0,
    control: Annotated[bool, Parameter(help="Audit torch.nn in the same way first")] = True,
    report: Annotated[Path | None, Parameter(help="The file to write: .html, .md or .json")] = None,
) -> int:
    """Audit a package of activation functions: values, gradients, NaN, dtypes, compiling and more, against the catalogue.

    Importing a package runs its code, with your rights: audit only what you would import. It runs in a process of its own,
    so that a class that hangs, exits or prints costs its own row only; that is no sandbox. The exit code is 1 where there
    are faults.

    Parameters
    ----------
    package
        The name that one imports, such as torch.nn or torch_activation.
    """
    from .testing import audit

    found = audit(package, trace=trace, seconds=seconds, control=control, progress=_tell)
    _show(found)
    if report is not None:
        from .reporting import report as write

        print(f"Report: {write(found, report)}")
    return 130 if found.interrupted else 1 if found.faulty else 0


def _tell(done: int, total: int, name: str) -> None:
    if done % max(1, total // _LINES) == 0:
        print(f"audit: {done} of {total}, {_terminal.clean(name)}", file=sys.stderr, flush=True)


def _show(found: Audit) -> None:
    from .testing._audit_report import wrong_lines

    kinds, faults, definitions = found.to_dict()["summaries"]
    others = [row for row in faults["rows"] if not row["fault"].startswith("wrong")]
    out = _terminal.console()
    for table in (kinds, {**faults, "title": "Other faults", "rows": others}, definitions):
        if table["rows"]:
            _terminal.show_table(out, table)
    for line in wrong_lines(found):
        print(_terminal.clean(line))
    compared = sum(bool(row["compared"]) for row in found.rows)
    print(
        f"{len(found.rows)} activations in {_terminal.in_words(found.seconds)}: {compared} compared with a formula, "
        f"{len(found.wrong)} wrong, {len(found.disputed)} of another definition; {len(found.faulty)} with faults"
    )
    if found.control is not None:
        print(f"control: torch.nn, looked at in the same way, has {found.control} faults")
    for problem in found.problems:
        print(f"Problem: {_terminal.clean(problem)}", file=sys.stderr)
