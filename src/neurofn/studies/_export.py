"""The cells of a store as one table, for other programs: CSV, or Parquet with pyarrow."""

from __future__ import annotations

import csv
import importlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from .._errors import MissingExtraError, SettingError, StoreError
from ._data import canonical
from ._store import FILE, Store

Table = Literal["cells", "readings"]
FORMATS = (".csv", ".parquet")


def export(folder: str | os.PathLike[str], to: str | os.PathLike[str], *, table: Table = "cells") -> Path:
    """Write all that the store in ``folder`` has to a file, whose name ends with .csv or .parquet.

    "cells" has a row for each cell and seed: the study, its settings, the seed, "status" (done or failed) with its
    "reason", and the metrics. "readings" has a row for each reading. A metric that has the name of a setting, or of
    another column, is "metric.NAME". Lists and dictionaries are JSON.

    Raises StoreError where there is no store or the file cannot be written, SettingError for other names, and
    MissingExtraError for Parquet without pyarrow.

    >>> import tempfile
    >>> from neurofn.studies import Study, run
    >>> def coin(side, *, seeds): return [{"metrics": {"share": 0.5}} for seed in seeds]
    >>> toss = Study(name="coin", cell=coin, question="?", factors={"side": ["head"]}, stack=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = run(toss, seeds=1, out=folder)
    ...     print(*export(folder, Path(folder, "table.csv")).read_text().splitlines()[1].split(",")[:4])
    coin head 0 done
    """
    target = Path(to)
    if target.suffix not in FORMATS:
        raise SettingError(f"{target} has no format that is known; give a name that ends with .csv or .parquet")
    if not Path(folder, FILE).is_file():
        raise StoreError(f"there is no {Path(folder, FILE)}; give the folder of a run (neurofn run ... --out FOLDER)")
    with Store(folder) as store:
        stored = list(store.each())
    columns = _columns(list(_cell_rows(stored) if table == "cells" else _reading_rows(stored)))
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        (_write_csv if target.suffix == ".csv" else _write_parquet)(columns, part)
        part.replace(target)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"cannot write {target}: {error.strerror or error}; choose another place") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return target


def _cell_rows(stored: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    taken = {"study", "seed", "status", "reason", "diverged", *_ABOUT}
    taken |= {name for cell in stored for name in cell["settings"]}
    for cell in stored:
        about = {"study": cell["study"], **_settings(cell)}
        done = cell["status"] == "done"
        rows = cell["rows"] if done else [{"seed": seed, "diverged": None, "metrics": {}} for seed in cell["seeds"]]
        for row in rows:
            metrics = {f"metric.{name}" if name in taken else name: value for name, value in row["metrics"].items()}
            state = {"status": cell["status"], "reason": cell["error"], "diverged": row["diverged"]}
            yield {
                **about,
                "seed": row["seed"],
                **state,
                **metrics,
                **{name: cell[key] for name, key in _ABOUT.items()},
            }


_ABOUT = {"cell seconds": "seconds", "cell finished": "finished", "code": "code", "cell": "key"}


def _reading_rows(stored: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for cell in stored:
        about = {"study": cell["study"], **_settings(cell)}
        for row in cell["readings"].table():
            yield {**about, **row}


def _settings(cell: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by name, those of a parameter named "settings" among them; lists and dictionaries as JSON."""
    given = dict(cell["settings"])
    nested = given.pop("settings", None)
    given |= nested if isinstance(nested, Mapping) else {}
    return {name: canonical(value) if isinstance(value, (list, dict)) else value for name, value in given.items()}


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The rows as columns of one kind each: numbers stay numbers; where kinds mix, all of the column is text."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    for name, values in columns.items():
        kinds = {type(value) for value in values if value is not None}
        if kinds == {int, float}:
            columns[name] = [None if value is None else float(value) for value in values]
        elif len(kinds) > 1:
            columns[name] = [
                value if value is None or isinstance(value, str) else json.dumps(value) for value in values
            ]
    return columns


def _write_csv(columns: Mapping[str, list[Any]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _write_parquet(columns: Mapping[str, list[Any]], path: Path) -> None:
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtraError("pyarrow", extra="export", purpose="a Parquet file (CSV needs nothing)") from error
    parquet.write_table(arrow.table(dict(columns)), path)
