"""What the live page is told: small, thinned, the diagnosis's alarms; and when a record is read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from _diagnosed import CASES, grow, record
from neurofn._watch_command import _Records
from neurofn.reporting import diagnose
from neurofn.reporting._live_data import COLUMNS, snapshot, strip, thin
from neurofn.reporting._live_source import Reading, Source
from neurofn.watching import Record


class Fake:
    """A curve as a record gives it."""

    def __init__(self, site: str, reading: str, steps: np.ndarray, values: np.ndarray) -> None:
        self.seed, self.site, self.instrument, self.reading = -1, site, "Moments", reading
        self.steps, self.values = steps, values
        self.units = np.arange(float(values.shape[1])) if values.shape[1] > 1 else np.array([np.nan])


# --- What the page is told --------------------------------------------------------------------------------------------


def test_a_thinned_curve_keeps_its_extremes_and_its_ends() -> None:
    values = np.sin(np.arange(100_000) / 500)
    values[77_777], values[22_222] = 40.0, -30.0
    made = thin(np.arange(100_000), values, 200)
    assert len(made["x"]) == len(made["low"]) == 200
    assert (made["x"][0], made["x"][-1]) == (0, 99_999)
    assert (max(made["high"]), min(made["low"])) == (40.0, -30.0)
    assert all(low <= mean <= high for low, mean, high in zip(made["low"], made["mean"], made["high"], strict=True))


def test_a_short_curve_is_not_thinned_and_gaps_stay_gaps() -> None:
    made = thin(np.array([0, 5, 9]), np.array([1.0, np.nan, np.inf]), 200)
    gaps = [1.0, None, None]
    assert made == {"x": [0, 5, 9], "low": gaps, "mean": gaps, "high": gaps, "last": 1.0}
    assert thin(np.array([0]), np.array([np.nan]), 200)["last"] is None


def test_several_seeds_at_one_step_are_one_point() -> None:
    made = thin(np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 5.0, 9.0]), 9)
    assert (made["mean"], made["last"]) == ([2.0, 7.0], 7.0)


def test_a_strip_shows_how_neurons_are_spread() -> None:
    values = np.tile(np.linspace(0, 1, 64), (500, 1))
    values[:, 10] = np.nan
    made = strip(Fake("1", "std", np.arange(500), values))
    assert len(made["columns"]) == COLUMNS
    assert set("".join(made["columns"])) <= set("0123456789")
    assert "0" not in made["columns"][0]  # evenly spread
    assert strip(Fake("1", "std", np.arange(2), np.full((2, 3), np.nan)))["columns"] == ["0" * 20] * 2


def test_the_answer_is_bounded_whatever_the_length_of_the_record() -> None:
    steps = np.arange(20_000)
    draw = np.random.default_rng(0)
    few = [Fake(str(i), "average std", steps, draw.normal(size=(20_000, 1))) for i in range(8)]
    many = [Fake(f"{i}", f"r{j}", steps[:400], draw.normal(size=(400, 1))) for i in range(100) for j in range(30)]
    strips = [Fake(f"s{i}", "std", steps[:200], draw.normal(size=(200, 50))) for i in range(200)]
    sizes = [len(json.dumps(snapshot(made))) for made in (few, [*few, *many, *strips], strips)]
    assert max(sizes) < 1_500_000
    assert snapshot([*few, *many, *strips])["left_out"].startswith("236 more sites")


def test_alarms_are_the_findings_of_the_diagnosis() -> None:
    made = record([row for pairs in CASES.values() for row in pairs[0][0]])
    told = snapshot(made.series())["findings"]
    assert [(one["rule"], one["title"]) for one in told] == [(one.rule, one.title) for one in diagnose(made)]


def test_losses_and_stairs_are_told_apart_from_layers() -> None:
    told = snapshot(record(CASES["plateau with stairs"][0][0]).series())
    assert [one["name"] for one in told["losses"]] == ["loss"]
    assert [round(step, -2) for step in told["ranks"][0]["rises"]] == [100, 1000]
    assert [layer["site"] for layer in told["layers"]] == ["1"]


# --- What is read, and when -------------------------------------------------------------------------------------------


def told(source: Source) -> Any:
    return json.loads(source.answer()[0])


def now(source: Source) -> Source:
    """Without the rest between two readings."""
    source._next = 0.0
    return source


def test_a_record_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    source = Source(folder, _Records(folder))
    assert told(source)["state"] == "missing"
    folder.mkdir()
    assert told(now(source))["state"] == "empty"
    grow(folder, 5)
    assert told(now(source))["steps"] == [5, 5]
    before = source.answer()[1]
    grow(folder, 9)
    after = told(now(source))
    assert (after["state"], after["steps"]) == ("growing", [5, 9])
    assert source.answer()[1] != before


def test_a_record_half_written_or_damaged_is_told_and_what_was_read_stays(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    grow(folder, 5)
    source = Source(folder, _Records(folder))
    assert told(source)["state"] == "growing"
    (file,) = folder.glob("*")
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])
    assert told(now(source))["steps"] == [5, 5]
    single = tmp_path / "record.npz"
    Record.load(folder).save(single)
    source = Source(single, _Records(single))
    assert told(source)["steps"] == [5, 5]
    single.write_bytes(b"PK" * 40)
    broken = told(now(source))
    assert (broken["state"], broken["steps"]) == ("unreadable", [5, 5])
    assert "no record that can be read" in broken["problems"][0]


def test_another_training_in_the_same_folder_is_read_from_its_beginning(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    grow(folder, 500)
    source = Source(folder, _Records(folder))
    assert told(source)["steps"] == [500, 500]
    for file in folder.iterdir():
        file.unlink()
    grow(folder, 3)
    assert told(now(source))["steps"] == [3, 3]


def test_a_record_is_not_read_again_before_it_changed_nor_all_the_time(tmp_path: Path) -> None:
    reads = []
    source = Source(tmp_path, lambda: reads.append(1) or Reading(()))  # type: ignore[func-returns-value]
    told(source), told(now(source))
    assert len(reads) == 1
    (tmp_path / "a").write_text("a")
    told(source)
    source._next = np.inf
    (tmp_path / "b").write_text("b")
    told(source)
    assert len(reads) == 2
