"""Record: tidy rows that survive files, JSON and damage."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurofn._errors import DataError, StoreError, UnknownNameError
from neurofn.watching import Record

ROW = {"step": 3, "seed": 1, "site": "0", "instrument": "Moments", "reading": "mean", "unit": 2.0, "value": 0.5}


def record(rows: int = 40) -> Record:
    return Record.from_rows(
        {**ROW, "step": i, "site": f"α.{i % 3}", "unit": math.nan if i % 2 else i, "value": math.sin(i)}
        for i in range(rows)
    )


def test_columns_have_their_types_and_cannot_change() -> None:
    columns = record().columns
    assert [column.dtype.kind for column in columns.values()] == list("iiUUUff")
    with pytest.raises(ValueError, match="read-only"):
        columns["value"][0] = 1.0
    with pytest.raises(TypeError):
        columns["value"] = np.zeros(1)  # type: ignore[index]
    with pytest.raises(AttributeError):
        record().columns = {}  # type: ignore[misc,assignment]


def test_it_keeps_no_array_of_somebody_else() -> None:
    value = np.array([1.0])
    made = Record({**{name: [part] for name, part in ROW.items()}, "value": value})
    value[0] = 9.0
    assert made.columns["value"].tolist() == [1.0]


def test_table_has_plain_values() -> None:
    row = record(1).table()[0]
    assert row == {**ROW, "step": 0, "site": "α.0", "unit": 0.0, "value": 0.0}
    assert {type(value) for value in row.values()} == {int, str, float}


def test_defaults_of_rows() -> None:
    made = Record.from_rows([{"step": 0, "site": "network", "instrument": "Training", "reading": "loss", "value": 1}])
    assert made.columns["seed"].tolist() == [-1]
    assert np.isnan(made.columns["unit"]).all()


def test_where() -> None:
    assert len(record().where(site="α.1", step=4)) == 1
    assert len(record().where(unit=math.nan)) == 20
    assert len(record().where(unit=2)) == 1
    assert len(record().where(site=5)) == 0
    assert len(record().where()) == 40
    with pytest.raises(UnknownNameError, match="did you mean 'site'"):
        record().where(sites="0")


def test_join_and_add() -> None:
    assert record(3) + Record.from_rows([]) == record(3) == Record.join([record(3)])
    assert (record(3) + record(5)).columns["step"].tolist() == [0, 1, 2, 0, 1, 2, 3, 4]
    assert record(3) != record(4)
    assert record(3) != "a record"
    with pytest.raises(TypeError):
        _ = record(3) + ROW  # type: ignore[operator]


def test_json_round_trip() -> None:
    text = json.dumps(record().to_dict(), allow_nan=False)
    assert Record.from_dict(json.loads(text)) == record()
    lost = Record.from_rows([{**ROW, "value": math.inf}]).to_dict()
    assert lost["rows"][0][-1] is None


def test_file_round_trip(tmp_path: Path) -> None:
    for made in (record(), record(1), Record.from_rows([])):
        path = made.save(tmp_path / "rows.npz")
        assert Record.load(str(path)) == made
    assert [file.name for file in tmp_path.iterdir()] == ["rows.npz"]
    assert record().save(tmp_path / "any name").name == "any name"


def test_files_of_earlier_versions_are_read(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"format": np.array(1)}
    for name, column in record().columns.items():  # as they were written once: every column whole, places as int64
        if column.dtype.kind == "U":
            arrays[f"{name}.texts"], arrays[name] = np.unique(column, return_inverse=True)
        else:
            arrays[name] = column
    np.savez_compressed(tmp_path / "old.npz", **arrays)
    assert Record.load(tmp_path / "old.npz") == record()


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = record().save(tmp_path / "rows.npz").read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"is no record that can be read|there is no file"):
            Record.load(tmp_path / "cut")


def test_a_file_with_a_changed_byte_is_refused_or_the_same(tmp_path: Path) -> None:
    whole = record().save(tmp_path / "rows.npz").read_bytes()
    for at in range(0, len(whole), 11):
        changed = bytearray(whole)
        changed[at] ^= 0xFF
        (tmp_path / "changed").write_bytes(changed)
        try:
            assert Record.load(tmp_path / "changed") == record()
        except StoreError:
            continue


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("/nowhere/exploded"),))


def saved(path: Path, **changes: Any) -> Path:
    with np.load(record().save(path)) as file:
        arrays = {**file, **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"format": np.array(99)},
        {"value": None},
        {"value": np.zeros(3)},
        {"value": np.zeros((40, 1))},
        {"value": np.array(["x"] * 40)},
        {"value": np.array([Bomb()] * 40, dtype=object)},
        {"step": np.full(40, 0.5)},
        {"site": np.full(40, 99)},
        {"site": np.full(40, -1)},
        {"site.texts": np.arange(3)},
    ],
    ids=[
        "format",
        "no column",
        "too few",
        "two axes",
        "texts",
        "objects",
        "fractions",
        "numbers",
        "negative",
        "no texts",
    ],
)
def test_files_that_are_something_else(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="no record that can be read"):
        Record.load(saved(tmp_path / "rows.npz", **changes))


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no file"):
        Record.load(tmp_path / "absent.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    (tmp_path / "text").write_text("step,value")
    with zipfile.ZipFile(tmp_path / "zip", "w") as other:
        other.writestr("step.npy", "no array")
    for name in ("one.npy", "text", "zip", "."):
        with pytest.raises(StoreError, match="no record that can be read"):
            Record.load(tmp_path / name)


def test_a_path_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="a folder that exists"):
        record().save(tmp_path / "absent" / "rows.npz")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="cannot write"):
        record().save(tmp_path / "folder")
    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = record(2).save(tmp_path / "rows.npz")

    def fail(file: Any, **arrays: Any) -> None:
        with open("/dev/full", "wb") as full:
            full.write(b"x" * 10_000)

    monkeypatch.setattr(np, "savez_compressed", fail)
    with pytest.raises(StoreError, match="No space left"):
        record(3).save(path)
    assert Record.load(path) == record(2)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.npz"]


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"columns": ["step"], "rows": []},
        {"columns": list(ROW), "rows": [[1, 2]]},
        {"columns": list(ROW), "rows": [list("abcdefg")]},
        {"columns": list(ROW), "rows": [[None, *list(ROW.values())[1:]]]},
        {"columns": 5, "rows": 5},
    ],
    ids=str,
)
def test_dicts_that_are_no_record(bad: dict[str, Any]) -> None:
    with pytest.raises(StoreError, match="to_dict"):
        Record.from_dict(bad)


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        ({}, "it was given none"),
        ({**ROW, "value": [1.0, 2.0]}, "equally long"),
        ({**ROW, "value": ["x"]}, "float64 values"),
        ({**ROW, "site": [5]}, "str_ values"),
        ({**ROW, "step": [0.5]}, "whole numbers"),
        ({**ROW, "step": [math.nan]}, "whole numbers"),
        ({**ROW, "value": [None]}, "object"),
        ({**ROW, "value": 1.0}, "one value per row"),
        ({**ROW, "extra": [1]}, "extra"),
    ],
)
def test_columns_that_are_no_record(columns: dict[str, Any], hint: str) -> None:
    lists = {name: [value] if ROW.get(name) is value else value for name, value in columns.items()}
    with pytest.raises(DataError, match=hint):
        Record(lists)


def test_rows_with_other_keys() -> None:
    with pytest.raises(DataError, match="one was given"):
        Record.from_rows([{"steps": 0}])


def test_it_loads_no_torch() -> None:
    code = "import sys; import neurofn.watching.record as r; r.Record.from_rows([]); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
