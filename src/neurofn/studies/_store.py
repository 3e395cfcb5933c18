"""The store of a run: one SQLite file, one row per cell, written as soon as the cell is finished.

A row is written in one transaction, so a killed run leaves whole rows or none. Several runs may share a store, and its
work, at once: each claims a cell before computing it, and a cell that two of them compute all the same is kept once.
Nothing that is loaded is executed: numbers are JSON, readings are arrays without objects.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .._errors import StoreError
from ._cells import Cell, Outcome
from ._data import Readings, canonical
from ._leases import TABLE as _LEASES
from ._leases import Leases

FILE = "results.sqlite"
SCHEMA = 2
_OLDER = (1,)  # without leases; otherwise the same
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
    where the folder cannot be written, the disk is full, or the file is no store of ours or is damaged. A store of an
    older version is brought to this one. A cell that failed may be computed again; a cell that is done is never replaced.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder) / FILE
        self._opened = _now()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot use the folder {self.path.parent}: {error.strerror or error}; choose another with --out DIR"
            ) from error
        try:
            self._connection = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None)
            self._prepare()
            self._leases = Leases(self.path, self._connection)
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def _prepare(self) -> None:
        # One moment for the three questions, since another run may be making the store.
        self._connection.execute("BEGIN")
        application, version, tables = (
            self._connection.execute(question).fetchone()[0]
            for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
        self._connection.execute("COMMIT")
        older = application == _APPLICATION and version in _OLDER
        if tables and not older and (application != _APPLICATION or version != SCHEMA):
            raise StoreError(
                f"{self.path} is not a store of this version of neurofn; nothing was changed in it; "
                f"move it away (mv '{self.path}' '{self.path}.old') or choose another folder with --out DIR"
            )
        self._write_ahead()
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if older or not tables:
            with self._alone():
                self._connection.execute(_TABLE)
                self._connection.execute(_LEASES)
                self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                self._connection.execute(f"PRAGMA user_version = {SCHEMA}")

    def _write_ahead(self) -> None:
        """Change the journal once for all; SQLite does not wait by itself where another run is changing it just now."""
        end = time.monotonic() + _PATIENCE
        while self._connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(0.01)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One transaction, that no other run writes in; all of it or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def find(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """The cells of these keys that are done."""
        try:
            found = {key: self._done(key) for key in keys}
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        return {key: outcome for key, outcome in found.items() if outcome is not None}

    def _done(self, key: str) -> Outcome | None:
        question = "SELECT rows, readings, seconds FROM cells WHERE key = ? AND status = 'done'"
        row = self._connection.execute(question, (key,)).fetchone()
        return None if row is None else self._read(*row)

    def claim(self, key: str) -> Outcome | bool:
        """True where this run is to compute the cell, False where another run does so now; else what another has found.

        That is its numbers, or its failure if that was since this store was opened.
        """
        try:
            with self._alone():
                failure = "SELECT error, seconds FROM cells WHERE key = ? AND status = 'failed' AND finished >= ?"
                if (known := self._done(key)) is not None:
                    return known
                if (row := self._connection.execute(failure, (key, self._opened)).fetchone()) is not None:
                    return Outcome(error=row[0], seconds=float(row[1]))
                return self._leases.take(key)
        except sqlite3.Error as error:
            raise self._trouble(error) from error

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
        rows = json.dumps([dict(row) for row in outcome.rows], allow_nan=False)  # metrics in the order as given
        row = (cell.key, study, status, settings, rows, readings, outcome.error, outcome.seconds, _now(), code)
        try:
            with self._alone():
                self._connection.execute(_INSERT, row)
                self._leases.give_back(cell.key)
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def each(self) -> Iterator[dict[str, Any]]:
        """Every cell of the store, done or failed, in the order in which they were finished."""
        names = ("key", "study", "status", "settings", "error", "seconds", "finished", "code", "rows", "readings")
        try:
            found = self._connection.execute(f"SELECT {', '.join(names)} FROM cells ORDER BY finished, key").fetchall()
            for row in found:
                cell = dict(zip(names, row, strict=True))
                outcome = self._read(cell["rows"], cell["readings"], cell["seconds"])
                settings = json.loads(cell["settings"])
                seeds = settings.pop("seeds")
                yield {**cell, "rows": outcome.rows, "readings": outcome.readings, "settings": settings, "seeds": seeds}
        except (sqlite3.Error, ValueError, KeyError, AttributeError) as error:
            raise self._trouble(error) from error

    def close(self) -> None:
        """Give the file back, and the cells that were claimed and not computed."""
        self._leases.close()
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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
