"""What a run leaves: one frozen value that is JSON, and the only thing that a report reads."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .._errors import StoreError
from ._claims import Verdict
from ._data import Cells, plain

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Result:
    """The numbers, readings, summaries and verdicts of one run of a study. All values are plain; NaN is None.

    ``table`` and ``readings`` are {"columns": [...], "rows": [[...], ...]}; ``missing`` says in words which cells
    failed or were not reached, ``complete`` that there are none. ``interrupted`` is whether somebody stopped the
    run; ``problems`` is what else went wrong, such as a disk that was full, or networks that all diverged. ``seconds``
    is the time that computing the cells took, whenever and wherever that was, with ``threads`` threads each;
    ``command`` repeats the run.

    >>> result = Result(study="coin", table={"columns": ["seed", "share"], "rows": [[0, 0.5]]})
    >>> Result.from_dict(result.to_dict()) == result
    True
    """

    study: str
    question: str = ""
    source: str | None = None
    size: str = "small"
    command: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: str = ""
    started: str = ""
    seconds: float = 0.0
    threads: int = 1
    complete: bool = True
    interrupted: bool = False
    missing: tuple[str, ...] = ()
    table: Mapping[str, Any] = field(default_factory=lambda: {"columns": [], "rows": []})
    readings: Mapping[str, Any] = field(default_factory=lambda: {"columns": [], "rows": []})
    summaries: tuple[Mapping[str, Any], ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def core_hours(self) -> float:
        """What computing the cells cost: hours times threads."""
        return self.seconds * self.threads / 3600

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the number of the schema."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "verdicts"}
        return {"schema": SCHEMA, **plain(values), "verdicts": [verdict.to_dict() for verdict in self.verdicts]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Result:
        """Read what to_dict wrote; raises StoreError for another schema or absent entries. Unknown entries are left out."""
        if not isinstance(values, Mapping) or values.get("schema") != SCHEMA:
            given = values.get("schema") if isinstance(values, Mapping) else type(values).__name__
            raise StoreError(
                f"this is no result of a study in schema {SCHEMA}: its schema is {given!r}; run the study again"
            )
        known: dict[str, Any] = {item.name: values[item.name] for item in fields(cls) if item.name in values}
        for name in ("table", "readings"):
            _check_table(name, known.get(name))
        try:
            lists: dict[str, Any] = {
                name: tuple(known[name]) for name in ("missing", "summaries", "notes", "problems") if name in known
            }
            verdicts = tuple(Verdict.from_dict(verdict) for verdict in known.get("verdicts", ()))
            return cls(**(known | lists | {"verdicts": verdicts}))
        except (TypeError, AttributeError) as error:
            raise StoreError(f"this result cannot be read: {error}; run the study again") from error

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the result as JSON, whole or not at all; raises StoreError where that cannot be done."""
        target = Path(path)
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        text = json.dumps(self.to_dict(), allow_nan=False, ensure_ascii=False)
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(target)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise StoreError(f"cannot write {target}: {error.strerror or error}; choose another place") from error
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Result:
        """Read what save wrote, executing nothing; raises StoreError where there is no such file or it is something else."""
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise StoreError(
                f"cannot read {path}: {error.strerror or error}; give the path of a result.json"
            ) from error
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{path} is no JSON ({error}); give the path of a result.json that a run wrote") from error
        return cls.from_dict(values)

    def cells(self) -> Cells:
        """Table and readings as claims and summaries see them."""
        rows = [dict(zip(self.table["columns"], row, strict=True)) for row in self.table["rows"]]
        readings = [dict(zip(self.readings["columns"], row, strict=True)) for row in self.readings["rows"]]
        return Cells.of(rows, readings=readings, settings=self.settings)


def _check_table(name: str, table: Any) -> None:
    if table is None:
        return
    try:
        widths = {len(row) for row in table["rows"]} | {len(table["columns"])}
    except (TypeError, KeyError) as error:
        raise StoreError(f"the {name} of this result cannot be read; run the study again") from error
    if len(widths) > 1:
        raise StoreError(f"the {name} of this result has rows of different lengths; run the study again")
