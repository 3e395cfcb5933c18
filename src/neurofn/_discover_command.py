"""The command discover: a table of numbers in, the formula of one of its columns out."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import DataError, SettingError, StoreError, UnknownNameError, did_you_mean

if TYPE_CHECKING:
    from .neurons.symbolic import Discovery

__all__ = ["discover_formula"]


def discover_formula(
    data: Path, /, *, target: str, library: str = "", seconds: float = 15.0, seed: int = 0, out: Path | None = None
) -> int:
    """Find a formula for one column of a CSV file in the others.

    Small spline networks are trained, pruned and refined, their edges are read as functions, and all constants are fitted; a
    quarter of the rows only judges.

    Parameters
    ----------
    data
        A CSV file of numbers whose first row has the names of the columns.
    target
        The column to explain; all others are inputs.
    library
        The functions to choose from, such as x,x^2,sin,exp; some thirty if not given.
    seconds
        About how much processor time to spend.
    seed
        Which rows are held out, and where networks start.
    out
        The file to write everything to, as JSON.
    """
    names, rows = _table(data)
    if target not in names:
        raise UnknownNameError(f"{data} has no column {target!r}; {did_you_mean(target, names, what='column')}")
    if len(names) < 2:
        raise DataError(f"{data} has no column beside {target!r} that could explain it")
    place = names.index(target)
    inputs = [name for name in names if name != target]
    x = [[value for j, value in enumerate(row) if j != place] for row in rows]

    from .neurons.symbolic import discover

    chosen = [name.strip() for name in library.split(",") if name.strip()] or None
    found = discover(x, [row[place] for row in rows], inputs=inputs, library=chosen, seed=seed, seconds=seconds)
    _show(found, target)
    if out is not None:
        try:
            out.write_text(json.dumps(found.to_json(), indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise StoreError(f"{out} cannot be written: {error.strerror}; give another file") from None
        print(f"Written: {out}")
    return 0


def _table(path: Path) -> tuple[list[str], list[list[float]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if line]
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}; give a CSV file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file in UTF-8: {error}") from None
    if len(lines) < 2:
        raise DataError(f"{path} has no rows of numbers below a row of names")
    names = [name.strip() for name in lines[0]]
    if len(set(names)) < len(names):
        raise SettingError(f"{path}: every column needs a name of its own, got {', '.join(names)}")
    return names, [_numbers(path, number, line, len(names)) for number, line in enumerate(lines[1:], start=2)]


def _numbers(path: Path, number: int, line: list[str], count: int) -> list[float]:
    if len(line) != count:
        raise DataError(f"{path}, row {number}: {len(line)} values for {count} columns")
    values: list[Any] = []
    for value in line:
        try:
            values.append(float(value))
        except ValueError:
            raise DataError(f"{path}, row {number}: {value!r} is no number; leave out such rows and columns") from None
    return values


def _show(found: Discovery, target: str) -> None:
    print(f"{target} = {found.formula}" if found.verdict == "formula" else str(found))
    print(
        f"held-out error   {found.held_out:.4g}   "
        f"(the best network {found.network_held_out:.4g}, a constant {found.spread:.4g})"
    )
    print(f"explained        {100 * found.explained:.6g} %")
    for other in found.alternatives[:3] if found.held_out > 1e-9 * found.spread else ():
        print(f"{'as good' if other.within_noise else 'also':16} {other.formula}   ({other.held_out:.4g})")
    print(f"found in         {found.seconds:.1f} s of processor time, from {found.shape}")
