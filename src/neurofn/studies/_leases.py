"""Which run computes which cell, where several share a store: a row for each cell in work, with its owner and its end.

A run renews its leases while it lives. One that was killed is known by its process where that was on this machine, and by
the end of its leases elsewhere; then another run takes the cell over. Even where two runs compute a cell, it is kept once.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
import uuid
from contextlib import closing, suppress
from pathlib import Path

SECONDS = 60.0  # a lease lasts so long unless it is renewed, which its owner does four times as often
TABLE = """
CREATE TABLE IF NOT EXISTS leases (key TEXT PRIMARY KEY, owner TEXT NOT NULL, ends REAL NOT NULL) WITHOUT ROWID
"""


class Leases:
    """The leases of one run in the store at ``path``. Methods raise sqlite3.Error; renewing goes on in a thread."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
        self._connection = connection
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, key: str) -> bool:
        """Whether the cell is ours now; called inside a transaction that holds the store."""
        row = self._connection.execute("SELECT owner, ends FROM leases WHERE key = ?", (key,)).fetchone()
        if row is not None and row[0] != self.owner and row[1] > time.time() and _lives(row[0]):
            return False
        self._connection.execute(
            "INSERT INTO leases VALUES (?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, ends = excluded.ends",
            (key, self.owner, time.time() + SECONDS),
        )
        if self._thread is None:
            self._thread = threading.Thread(target=self._renew, name="neurofn-leases", daemon=True)
            self._thread.start()
        return True

    def give_back(self, key: str) -> None:
        """The cell is in nobody's work any more."""
        self._connection.execute("DELETE FROM leases WHERE key = ? AND owner = ?", (key, self.owner))

    def close(self) -> None:
        """Give everything back."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            with suppress(sqlite3.Error):
                self._connection.execute("DELETE FROM leases WHERE owner = ?", (self.owner,))

    def _renew(self) -> None:
        while not self._stop.wait(SECONDS / 4):
            with suppress(sqlite3.Error), closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
                connection.execute("UPDATE leases SET ends = ? WHERE owner = ?", (time.time() + SECONDS, self.owner))


def _lives(owner: str) -> bool:
    """Whether the process of an owner may still be there: on another machine nobody knows."""
    host, process, _ = owner.rsplit(":", 2)
    if host != socket.gethostname() or os.name != "posix":
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to somebody else
        return True
    return True
