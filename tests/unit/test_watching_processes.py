"""Many processes: states reduced together, uneven rows, places that one lacks, processes that die or do not come."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import _distributed_work as work
from _two_processes import in_two_processes
from neurofn.instruments import Moments
from neurofn.watching import Record
from neurofn.watching._reduce import Share, over_processes


def test_alone_nothing_changes() -> None:
    shares = [Share("0", Moments(), Moments().start(3), 5)]
    assert over_processes(shares, step=0) == shares


def test_readings_of_two_processes_are_those_of_one_with_all_rows(tmp_path: Path) -> None:
    values = torch.cat([work.values_of(rank) for rank in range(2)])
    answers = in_two_processes(work.reduce_everything, tmp_path)
    assert answers[0] != "hangs"
    for answer in answers:
        assert len(answer) == len(work.parts())
        for part, (readings, rows) in zip(work.parts(), answer, strict=True):
            assert rows == sum(work.ROWS)
            expected = part.compute(work.share_of("", part, values).state)
            assert readings.keys() == expected.keys()
            for name, value in expected.items():
                np.testing.assert_allclose(readings[name], value, rtol=1e-9, atol=1e-12, err_msg=f"{part}: {name}")


@pytest.mark.slow
def test_a_place_that_one_process_lacks_is_left_out_in_both(tmp_path: Path) -> None:
    (first, said), (second, _) = in_two_processes(work.lack_a_place, tmp_path)
    mean = torch.cat([work.values_of(rank, columns=4) for rank in range(2)]).mean(0)
    assert first == [None, None, pytest.approx(float(mean.sum()))]
    assert second == [pytest.approx(float(mean.sum())), None]
    assert said == ["not all processes have readings of a, b at step 0; it is left out"]


@pytest.mark.slow
def test_processes_at_different_steps_are_told(tmp_path: Path) -> None:
    for answer in in_two_processes(work.be_at_another_step, tmp_path):
        assert answer.startswith("NeurofnError: the processes take a reading at different steps: 10, 11, by rank")


def test_a_process_that_dies_is_an_error_and_no_hang(tmp_path: Path) -> None:
    said, nothing = in_two_processes(work.die, tmp_path)
    assert nothing is None
    assert said.startswith(
        "NeurofnError: at step 3 the readings of 2 processes could not be brought together: one died"
    )


@pytest.mark.slow
def test_a_process_that_does_not_come_is_an_error_after_the_timeout_of_the_group(tmp_path: Path) -> None:
    begin = time.monotonic()
    said: Any = in_two_processes(work.not_come, tmp_path, timeout=2.0)[0]
    assert "within the timeout of the process group" in said
    assert "init_process_group(timeout=...)" in said
    assert time.monotonic() - begin < 60


@pytest.mark.slow
@pytest.mark.parametrize("windows", [False, True], ids=["every", "windows"])
@pytest.mark.parametrize("how", ["DDP", "FSDP", "fully_shard"])
def test_a_watched_training_of_two_processes_reads_what_one_reads(how: str, windows: bool, tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        expected = work.watched(work.network(), windows=windows)
    for answer in in_two_processes(work.train_wrapped, tmp_path, how, windows):
        record = Record.from_dict(answer)
        assert len(record) == len(expected) > 100
        for name, column in expected.columns.items():
            if name == "value":
                np.testing.assert_allclose(record.columns[name], column, rtol=1e-9, atol=1e-12)
            else:
                np.testing.assert_array_equal(record.columns[name], column)
    assert {"0", "1.0", "1.1", "2"} <= set(expected.columns["site"].tolist())


@pytest.mark.slow
def test_uneven_numbers_of_batches_are_told(tmp_path: Path) -> None:
    for said in in_two_processes(work.train_unevenly, tmp_path):
        assert "run the same number of training passes" in said


@pytest.mark.slow
def test_an_exception_in_one_process_waits_for_nobody(tmp_path: Path) -> None:
    assert in_two_processes(work.fail_alone, tmp_path) == ["the end", "at once"]
