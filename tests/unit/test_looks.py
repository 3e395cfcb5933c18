"""Looks: a study ends at the first number of seeds that decides it, computes nothing twice, and does not err more often."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from _toy_studies import CALLS, CLAIM, altered, toy
from neurofn._errors import SettingError
from neurofn.studies import Cells, Evidence, Looks, run


@pytest.fixture(autouse=True)
def no_calls() -> None:
    CALLS.clear()


def with_p(values: dict[int, float], *, holds: bool = True) -> Any:
    """The toy study, whose claim has this p at these numbers of seeds."""

    def test(cells: Cells) -> Evidence:
        count = len(cells.levels("seed"))
        return Evidence(sentence="seen", holds=holds, effect=1.0, p=values.get(count, 1.0), n=count)

    return altered(claims=[dataclasses.replace(CLAIM, test=test)])


@pytest.mark.parametrize(
    ("values", "ended", "verdict"),
    [
        ({5: 0.0005}, 5, "holds"),
        ({5: 0.04, 10: 0.004}, 10, "holds"),  # 0.04 is below 0.05, and not below the level of the first look
        ({5: 0.5, 10: 0.5, 20: 0.02}, 20, "holds"),
        ({5: 0.5, 10: 0.5, 20: 0.0499}, 20, "undecided"),
    ],
)
def test_a_run_ends_where_it_is_decided(values: dict[int, float], ended: int, verdict: str) -> None:
    result = run(with_p(values), seeds=Looks((5, 10, 20)))
    assert result.settings["seeds"] == ended
    assert result.verdicts[0].verdict == verdict
    assert len(CALLS) == len(set(CALLS)) == 4 * ended // 5
    assert "of at most 20 seeds" in result.notes[-1]
    assert ("p is not below" in result.verdicts[0].sentence) == (verdict == "undecided")


def test_claims_without_p_use_all_seeds_and_a_store_is_extended(tmp_path: Path) -> None:
    run(toy, seeds=5, out=tmp_path)
    CALLS.clear()
    result = run(toy, seeds=Looks((5, 10)), out=tmp_path)
    assert result.settings["seeds"] == 10
    assert result.verdicts == run(toy, seeds=10).verdicts


@pytest.mark.parametrize("given", [(), (5, 5), (10, 5), (0, 5), (1.5, 3)])
def test_looks_that_are_none(given: Any) -> None:
    with pytest.raises(SettingError, match="rising numbers of seeds"):
        Looks(given)
