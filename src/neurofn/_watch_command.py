"""The commands watch and diagnose: a record as a live page, and what it says about the training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from . import _terminal
from ._errors import StoreError

if TYPE_CHECKING:
    from .reporting._live_source import Reading

__all__ = ["diagnose_record", "watch_record"]


def watch_record(
    *,
    serve: Annotated[Path, Parameter(help="The folder or file of the record; it need not be there yet")],
    port: Annotated[int, Parameter(help="The port; 0 takes any free one")] = 8765,
    host: Annotated[str, Parameter(help="Who may look: 127.0.0.1 this machine alone, 0.0.0.0 everybody")] = "127.0.0.1",
) -> int:
    """Show the record of a running or finished training as a live page in the browser; it only reads. Ctrl-C ends it."""
    from .reporting._live_server import LiveServer
    from .reporting._live_source import Source

    try:
        with LiveServer(Source(serve, _Records(serve)), host=host, port=port) as server:
            print(f"Live page of {_terminal.clean(serve)}: {server.url}  (Ctrl-C ends it)", flush=True)
            if not server.local:
                print("Everybody who can reach this machine can see it.", flush=True)
            server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        print("\nStopped. The training goes on.")
    return 0


class _Records:
    """Reads a record again and again; of a folder only what is new is parsed."""

    def __init__(self, path: Path) -> None:
        from .watching.record import RecordReader

        self.path, self._reader = path, RecordReader(path)

    def __call__(self) -> Reading:
        from .reporting._live_source import Reading
        from .watching.record import Record, RecordReader

        if not self.path.is_dir():
            return Reading(Record.load(self.path).series())
        try:
            return Reading(self._reader.read().series(), tuple(self._reader.damage))
        except StoreError:  # files were taken away: another training may write there now
            self._reader = RecordReader(self.path)
            if not any(self.path.iterdir()):
                return Reading(())
            return Reading(self._reader.read().series(), tuple(self._reader.damage))


def diagnose_record(
    record: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Write it too: FILE.html, FILE.json or FILE.txt")] = None,
) -> int:
    """Say in words what the readings of a record tell about the training, with evidence, sources and what to try.

    The exit code is 1 where there is an alarm.

    Parameters
    ----------
    record
        The folder or file of a record.
    """
    from .reporting.diagnosis import diagnose, save, written
    from .watching import Record

    found = diagnose(Record.load(record))
    print(_terminal.clean(written(found, ".txt", source=str(record))), end="")
    if out is not None:
        print(f"Written: {save(found, out, source=str(record))}")
    return 1 if any(finding.kind == "alarm" for finding in found) else 0
