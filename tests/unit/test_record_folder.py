"""Records that grow in a folder: every window at once on the disk, readable after a kill, beside others, and damaged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurofn._errors import StoreError
from neurofn.watching import Record
from neurofn.watching import _log as log
from neurofn.watching.record import RecordReader

NONE = np.array([np.nan])


def window(step: int, *, sites: int = 3, units: int = 4) -> list[Any]:
    """A number and an array for every site, of values that tell where they stand."""
    chunks: list[Any] = []
    for i in range(sites):
        chunks.append(((step, 7, f"layer.{i}", "Rank", "rank"), NONE, np.array([step + i / 10])))
        values = step * 100 + i * 10 + np.arange(float(units))
        chunks.append(((step, 7, f"layer.{i}", "Moments", "mean"), np.arange(units), values))
    return chunks


def rows_of(chunks: list[Any]) -> Record:
    return Record.from_rows(
        dict(zip(("step", "seed", "site", "instrument", "reading"), where, strict=True))
        | {"unit": unit, "value": value}
        for where, units, values in chunks
        for unit, value in zip(units, values, strict=True)
    )


def written(folder: Path, steps: int) -> list[Any]:
    chunks = [chunk for step in range(steps) for chunk in window(step, sites=2 + step // 5)]
    with Record.writer(folder) as writer:
        for step in range(steps):
            writer.write([chunk for chunk in chunks if chunk[0][0] == step])
    return chunks


def loaded(folder: Path) -> tuple[Record, list[str]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        return Record.load(folder), [str(one.message) for one in said]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    chunks = written(tmp_path / "run", 12)
    assert Record.load(tmp_path / "run") == rows_of(chunks)
    assert Record.load(str(tmp_path / "run")).where(step=3, site="layer.1", reading="rank").columns["value"] == [3.1]


def test_all_at_once_and_one_by_one_are_the_same(tmp_path: Path) -> None:
    chunks = written(tmp_path / "each", 12)
    with Record.writer(tmp_path / "all") as writer:
        writer.write(chunks)
    assert Record.load(tmp_path / "all") == Record.load(tmp_path / "each")


def test_a_window_is_there_before_the_writer_closes(tmp_path: Path) -> None:
    with Record.writer(tmp_path) as writer:
        reader = RecordReader(tmp_path)
        assert len(reader.read()) == 0
        for step in range(5):
            writer.write(window(step))
            assert reader.read() == Record.load(tmp_path) == rows_of([c for s in range(step + 1) for c in window(s)])
    assert reader.damage == []


def test_a_folder_goes_on(tmp_path: Path) -> None:
    first = written(tmp_path, 3)
    with Record.writer(tmp_path) as writer:
        writer.write(window(3))
    assert Record.load(tmp_path) == rows_of(first + window(3))


def test_layouts_come_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_AGAIN", 4)
    with Record.writer(tmp_path) as writer:
        for step in range(20):
            writer.write(window(step))
    assert Record.load(tmp_path) == rows_of([c for step in range(20) for c in window(step)])
    file = next(tmp_path.glob("*.rows"))
    data = bytearray(file.read_bytes())
    data[60] ^= 0xFF  # the first layout
    file.write_bytes(data)
    record, said = loaded(tmp_path)
    assert set(record.columns["step"].tolist()) == set(range(4, 20))
    assert "a layout at byte 0 is damaged" in said[0]
    assert "4 windows" in said[0]


KILLED = """
import sys, numpy as np
from neurofn.watching.record import Record
writer, step = Record.writer(sys.argv[1]), 0
while True:
    writer.write([((step, -1, "0", "Rank", "rank"), np.arange(500), np.full(500, float(step)))])
    step += 1
    if step == 50:
        print("go", flush=True)
"""


def test_a_killed_process_leaves_every_window_it_wrote(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    record = Record.load(tmp_path)  # no warning: nothing is damaged
    steps = record.columns["step"].reshape(-1, 500)
    assert len(steps) >= 50
    assert (steps == np.arange(len(steps))[:, None]).all()
    assert np.array_equal(record.columns["value"], record.columns["step"])


def test_two_processes_write_into_one_folder(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np\nfrom neurofn.watching.record import Record\n"
        "with Record.writer(sys.argv[1]) as writer:\n"
        "    for step in range(200):\n"
        "        writer.write([((step, int(sys.argv[2]), '0', 'Rank', 'rank'), np.arange(9), np.full(9, step))])\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(seed)]) for seed in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    record = Record.load(tmp_path)
    for seed in range(2):
        assert record.where(seed=seed).columns["step"].tolist() == np.repeat(np.arange(200), 9).tolist()


def test_a_forked_writer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Record.writer(tmp_path) as writer:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(StoreError, match="one in each process"):
            writer.write(window(0))


def test_a_file_cut_anywhere_keeps_its_whole_windows(tmp_path: Path) -> None:
    chunks = written(tmp_path, 4)
    file = next(tmp_path.glob("*.rows"))
    whole, before = file.read_bytes(), 0
    for length in range(0, len(whole), 13):
        file.write_bytes(whole[:length])
        record = Record.load(tmp_path)  # no warning
        assert len(record) >= before
        before = len(record)
        assert record == rows_of(chunks[: len(set(zip(*keys(record), strict=True)))])
    assert before > 0


def keys(record: Record) -> list[Any]:
    return [record.columns[name].tolist() for name in ("step", "site", "instrument")]


def test_a_file_with_a_changed_byte_loses_what_was_changed_alone(tmp_path: Path) -> None:
    chunks = written(tmp_path, 4)
    file, true = next(tmp_path.glob("*.rows")), rows_of(chunks)
    whole = file.read_bytes()
    for at in range(0, len(whole), 17):
        changed = bytearray(whole)
        changed[at] ^= 0xFF
        file.write_bytes(changed)
        record, said = loaded(tmp_path)
        if not said:  # a checksum of a head that is as good without it
            assert record == true
            continue
        assert "left out" in said[0]
        kept = [str(row) for row in record.table()]
        assert set(kept) < {str(row) for row in true.table()}
        if at > 1000:  # a window, not the layout of all
            assert len(set(record.columns["step"].tolist())) == 3


def test_a_full_disk_takes_nothing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    with Record.writer(tmp_path) as writer:
        writer.write(window(0))

        def half(file: int, data: Any) -> int:
            if len(data) < 50:
                raise OSError(28, "No space left on device")
            return real(file, data[: len(data) // 2])

        with monkeypatch.context() as patched:
            patched.setattr(log.os, "write", half)
            with pytest.raises(StoreError, match="No space left"):
                writer.write(window(1))
        assert Record.load(tmp_path) == rows_of(window(0))
        writer.write(window(2))
    assert Record.load(tmp_path) == rows_of(window(0) + window(2))


def test_folders_that_are_no_record(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is no record that can be read"):
        Record.load(tmp_path)
    with pytest.raises(StoreError, match="there is no file"):
        Record.load(tmp_path / "absent")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="give a folder"):
        Record.writer(tmp_path / "file")
    with Record.writer(tmp_path / "run") as writer:
        pass
    with pytest.raises(StoreError, match="is closed"):
        writer.write(window(0))
    writer.close()
    assert len(Record.load(tmp_path / "run")) == 0


def test_series_are_the_rows_as_curves(tmp_path: Path) -> None:
    chunks = written(tmp_path, 6)
    for record in (Record.load(tmp_path), rows_of(chunks)):
        curves = {(one.site, one.reading): one for one in record.series()}
        assert list(curves)[:2] == [("layer.0", "rank"), ("layer.0", "mean")]
        rank, mean = curves["layer.1", "rank"], curves["layer.2", "mean"]
        assert rank.steps.tolist() == list(range(6))
        assert rank.values[:, 0].tolist() == [step + 0.1 for step in range(6)]
        assert np.isnan(rank.units).all()
        assert (mean.steps.tolist(), mean.units.tolist()) == ([5], [0, 1, 2, 3])
        assert mean.values.tolist() == [[520, 521, 522, 523]]


def test_series_of_rows_in_disorder_with_holes() -> None:
    row = {"site": "0", "instrument": "Law", "reading": "curve"}
    given = [(5, 1, 0.5), (0, 2, 0.25), (0, 1, 1.0), (5, 1, 0.75)]
    (curve,) = Record.from_rows({**row, "step": s, "unit": u, "value": v} for s, u, v in given).series()
    assert curve.steps.tolist() == [0, 5]
    assert curve.units.tolist() == [1, 2]
    assert curve.values[0].tolist() == [1.0, 0.25]
    assert curve.values[1, 0] == 0.75  # the later of two
    assert np.isnan(curve.values[1, 1])
    assert Record.from_rows([]).series() == []


def test_many_labels_are_told_apart() -> None:
    rows = [
        {"step": i, "seed": i % 5, "site": f"s{i % 7}", "instrument": f"i{i}", "reading": f"r{i % 11}", "unit": i / 3,
         "value": i} for i in range(500)
    ]  # fmt: skip
    record = Record.from_rows(rows)
    assert record.where(value=31.0).table() == [{**rows[31], "value": 31.0}]
    assert len(record.series()) == 500
    assert Record.join([record, record.where(seed=3)]).table()[500:] == [
        row for row in record.table() if row["seed"] == 3
    ]
