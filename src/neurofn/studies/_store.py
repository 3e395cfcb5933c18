"""The store of a run: one SQLite file, one row per cell, written as soon as the cell is finished.

A row is written in one transaction, so a killed run leaves whole rows or none. Several runs may share a store at
once: a cell that two of them compute is kept once. Nothing that is loaded is executed: numbers are JSON, readings
are arrays without objects.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .._errors import StoreError
from ._cells import Cell, Outcome
from ._data import Readings, canonical

FILE = "results.sqlite"
SCHEMA = 1
_APPLICATION = 0x6E667374  # "nfst", so that another program's file is not taken for a store
_PATIENCE = 60.0  # seconds to wait for another run that is writing
_TABLE = """
CREATE TABLE IF NOT EXISTS cells (
    key TEXT PRIMARY KEY, study TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
    settings TEXT NOT NULL, rows TEXT NOT NULL, readings BLOB NOT NULL, error TEXT,
    seconds REAL NOT NULL, finished TEXT NOT NULL, code TEXT NOT NULL
) WITHOUT ROWID
"""
_INSERT = """
INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET status = excluded.status, rows = excluded.rows, readings = excluded.readings,
    error = excluded.error, seconds = excluded.seconds, finished = excluded.finished
WHERE cells.status = 'failed'
"""


class Store:
    """The finished cells in one folder.

    Opening makes the folder and the file ``results.sqlite`` in it. Every method raises StoreError, with what to do,
    where the folder cannot be written, the disk is full, or the file is no store of ours or is damaged. A cell that
    failed may be computed again; a cell that is done is never replaced.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder) / FILE
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot use the folder {self.path.parent}: {error.strerror or error}; choose another with --out DIR"
            ) from error
        try:
            self._connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
            self._prepare()
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _prepare(self) -> None:
        self._connection.execute(
            "BEGIN"
        )  # one moment for the three questions, since another run may be making the store
        application, version, tables = (
            self._connection.execute(question).fetchone()[0]
            for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
        self._connection.execute("COMMIT")
        if tables and (application != _APPLICATION or version != SCHEMA):
            raise StoreError(
                f"{self.path} is not a store of this version of neurofn; nothing was changed in it; "
                f"move it away (mv '{self.path}' '{self.path}.old') or choose another folder with --out DIR"
            )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if not tables:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(_TABLE)
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA}")
            self._connection.execute("COMMIT")

    def find(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """The cells of these keys that are done."""
        found = {}
        for key in keys:
            try:
                row = self._connection.execute(
                    "SELECT rows, readings, seconds FROM cells WHERE key = ? AND status = 'done'", (key,)
                ).fetchone()
            except sqlite3.Error as error:
                raise self._trouble(error) from error
            if row is not None:
                found[key] = self._read(*row)
        return found

    def _read(self, rows: Any, readings: Any, seconds: Any) -> Outcome:
        try:
            listed = tuple(json.loads(rows))
            for row in listed:
                int(row["seed"]), bool(row["diverged"]), dict(row["metrics"])
            return Outcome(listed, Readings.from_bytes(readings) if readings else Readings.of([]), None, float(seconds))
        except (ValueError, TypeError, KeyError, RecursionError, StoreError) as error:
            raise self._trouble(error) from error

    def add(self, study: str, cell: Cell, outcome: Outcome, *, code: str) -> None:
        """Keep what a cell gave, unless the store has the finished cell already."""
        readings = outcome.readings.to_bytes() if len(outcome.readings) else b""
        settings = canonical({**cell.arguments, "seeds": cell.seeds})
        status = "done" if outcome.error is None else "failed"
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        rows = json.dumps(
            [dict(row) for row in outcome.rows], allow_nan=False
        )  # in the order in which metrics were given
        row = (cell.key, study, status, settings, rows, readings, outcome.error, outcome.seconds, finished, code)
        try:
            self._connection.execute(_INSERT, row)
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def close(self) -> None:
        """Give the file back."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _trouble(self, error: Exception) -> StoreError:
        text = str(error)
        if "full" in text:
            advice = "free some space and run the same command again, or choose another disk with --out DIR"
        elif "readonly" in text or "unable to open" in text or "denied" in text:
            advice = "choose a folder that you can write to with --out DIR"
        elif "locked" in text:
            advice = "another run is writing to it; wait for it to end, or choose another folder with --out DIR"
        else:
            advice = f"move it away (mv '{self.path}' '{self.path}.damaged') or choose another folder with --out DIR"
        return StoreError(f"the store {self.path} cannot be used: {text}; {advice}")
