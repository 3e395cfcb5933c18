"""The diagnosis: each rule fires on its record and not on its control, says with what evidence, and keeps texts as texts."""

from __future__ import annotations

import ast
import dataclasses
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from _diagnosed import CASES, Row, curve, flat, late, neurons, record
from _page import HOSTILE, Elements
from neurofn import init_for, swap
from neurofn._errors import DataError, SettingError
from neurofn.reporting import Finding, diagnose
from neurofn.reporting._live_data import snapshot
from neurofn.reporting.diagnosis import FORMS, RULES, save, written

PAIRS = [(rule, i) for rule, pairs in CASES.items() for i in range(len(pairs))]


def fired(rows: list[Row]) -> list[Finding]:
    return [finding for finding in diagnose(record(rows)) if finding.fires]


def test_every_rule_has_a_record_and_a_control() -> None:
    assert set(CASES) == {rule.name for rule in RULES}


@pytest.mark.parametrize(("rule", "case"), PAIRS)
def test_the_rule_fires_alone(rule: str, case: int) -> None:
    found = fired(CASES[rule][case][0])
    assert [finding.rule for finding in found] == [rule]
    assert found[0].evidence
    assert found[0].advice
    assert found[0].doubt
    assert found[0].confidence in ("high", "medium", "low")
    assert all(one.words for one in found[0].evidence)


@pytest.mark.parametrize(("rule", "case"), PAIRS)
def test_nothing_fires_on_the_control(rule: str, case: int) -> None:
    assert fired(CASES[rule][case][1]) == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.needs], ids=lambda rule: rule.name)
def test_a_record_without_the_reading_cannot_tell(rule: object) -> None:
    found = {one.rule: one for one in diagnose(record(curve("1", "Other", "other", flat(1.0))))}
    finding = found[rule.name]  # type: ignore[attr-defined]
    assert (finding.kind, finding.instrument) == ("cannot tell", rule.needs)  # type: ignore[attr-defined]
    assert not finding.fires


def test_evidence_names_site_step_seed_and_number() -> None:
    rows = [{**row, "seed": 3} for row in curve("2", "Moments", "nonfinite rows", late(0, 3))]
    rows += [{**row, "seed": 3} for row in curve("1", "Moments", "nonfinite rows", flat(0))]
    rows += [{**row, "seed": 3} for row in curve("3", "Moments", "nonfinite rows", late(0, 7))]
    (finding,) = fired(rows)
    assert (finding.kind, finding.sites) == ("alarm", ("2",))
    (one,) = finding.evidence
    assert (one.site, one.step, one.seed, one.value, one.instrument) == ("2", 50, 3, 3.0, "Moments")
    assert "the first of 2 places" in one.words


def test_the_step_that_the_watch_saw_counts_more_than_that_of_the_reading() -> None:
    rows = [
        *curve("1", "Moments", "nonfinite rows", late(0, 3)),
        *curve("1", "Watch", "first nonfinite step", [47], steps=[50]),
    ]
    assert fired(rows)[0].evidence[0].step == 47


def test_seeds_are_judged_one_by_one() -> None:
    good = [{**row, "seed": 0} for row in curve("1", "Dormant", "share", flat(0.1))]
    bad = [{**row, "seed": 1} for row in curve("1", "Dormant", "share", flat(0.8))]
    assert [one.seed for one in fired(good + bad)[0].evidence] == [1]


def test_alarms_come_first_and_what_cannot_be_told_last() -> None:
    rows = [row for name in ("dormant share", "dead layer", "reading failed") for row in CASES[name][0][0]]
    other = {"dormant share": "5", "reading failed": "6"}
    rows = [{**row, "site": other.get(row["instrument"], row["site"])} for row in rows]
    kinds = [finding.kind for finding in diagnose(record(rows))]
    assert kinds == sorted(kinds, key=("alarm", "warning", "note", "nothing", "cannot tell").index)
    assert kinds[0] == "alarm"
    assert kinds[-1] == "cannot tell"


def test_of_a_dead_layer_nothing_else_is_told() -> None:
    rows = [
        *CASES["dead layer"][0][0],
        *curve("1", "Dormant", "share", flat(1.0)),
        *curve("2", "Dormant", "share", flat(1.0)),
    ]
    assert [(one.rule, one.sites) for one in fired(rows)] == [("dead layer", ("1",)), ("dormant share", ("2",))]


def test_one_reading_is_less_sure_than_several() -> None:
    assert fired(curve("1", "Dormant", "share", [0.9], steps=[0]))[0].confidence == "medium"
    assert fired(curve("1", "Dormant", "share", flat(0.9)))[0].confidence == "high"


def test_a_dead_layer_without_moments_is_less_sure() -> None:
    assert fired(CASES["dead layer"][0][0])[0].confidence == "medium"
    assert fired(CASES["dead layer"][1][0])[0].confidence == "high"


def test_where_nothing_is_found_it_says_so_and_who_looked() -> None:
    (nothing,) = (one for one in diagnose(record(curve("1", "Dormant", "share", flat(0.0)))) if one.kind == "nothing")
    assert "dormant share" in nothing.title
    (empty,) = diagnose(record([]))
    assert (empty.kind, empty.title) == ("nothing", "The record has no readings yet.")


def test_readings_of_nan_alone_are_no_finding() -> None:
    nan = float("nan")
    names = [("ActivatedNeurons", "share"), ("Dormant", "share"), ("Saturated", "share"), ("Spectrum", "effective rank"),
             ("EpsilonRank(eps=1)", "rank"), ("Moments", "average std"), ("Watch", "cost share")]  # fmt: skip
    rows = [row for i in range(5) for family, reading in names for row in curve(str(i), family, reading, flat(nan))]
    assert fired(rows + neurons("1", "std", [nan, nan])) == []


ODD = (float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e300, 1e-300, 0.5, 99.0)
READINGS = [
    ("ActivatedNeurons", "share"), ("Dormant", "share"), ("Saturated(low=0.0, high=None)", "share"), ("Moments", "average std"),
    ("Saturated(low=<b>, high=1.e9.9)", "share"), ("Moments", "nonfinite rows"), ("Spectrum", "effective rank"),
    ("Spectrum", "rows"), ("Spectrum", "too few rows"), ("EpsilonRank(eps=1)", "rank"), ("Training", "loss"),
    ("Watch", "cost share"), ("Watch", "budget"), ("Watch", "first nonfinite step"), ("Watch", "failed step"), ("", ""),
]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_no_record_however_odd_breaks_the_diagnosis_or_the_page(seed: int) -> None:
    draw = random.Random(seed)
    rows: list[Row] = []
    for site in ("", "1", "2", "2@gradient", "3", "4"):
        for family, reading in draw.sample(READINGS, 12):
            steps = sorted(draw.sample(range(-5, 400), draw.choice([1, 2, 40])))
            rows += curve(site, family, reading, [draw.choice(ODD) for _ in steps], steps=steps)
        rows += neurons(site, draw.choice(["mean", "std"]), draw.choices(ODD, k=draw.choice([1, 2, 40])))
    made = record(rows)
    for suffix in FORMS:
        assert written(diagnose(made), suffix)
    assert json.dumps(snapshot(made.series()), allow_nan=False)


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(DataError, match="from a Record, not from dict"):
        diagnose({})


def test_findings_are_frozen_and_go_to_json() -> None:
    found = diagnose(record(curve("", "Training", "loss", late(1.0, float("nan")))))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found[0].kind = "note"  # type: ignore[misc]
    body = json.loads(written(found, ".json", source="a"))
    assert body["findings"] == [finding.to_dict() for finding in found]
    assert body["findings"][0]["evidence"][0]["value"] is None


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_sites_stay_texts(text: str) -> None:
    rows = curve(text, "ActivatedNeurons", "share", flat(0.0)) + curve(text, "Dormant" + text, "share", flat(1.0))
    page = written(diagnose(record(rows)), ".html", source=text)
    shown = Elements(page)
    assert {tag for tag, _ in shown.tags}.isdisjoint({"script", "img", "iframe", "link"})
    assert not any(name.startswith("on") or name == "style" for _, attributes in shown.tags for name in attributes)
    assert "default-src 'none'; style-src 'sha256-" in page
    assert "What to try" in shown.text


def test_all_forms_are_written_and_others_refused(tmp_path: Path) -> None:
    found = diagnose(record(CASES["dead layer"][0][0]))
    for suffix in FORMS:
        path = save(found, tmp_path / f"out{suffix}", source="runs/first")
        assert "runs/first" in path.read_text(encoding="utf-8")
    text = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert "ALARM  The layer '1' is dead" in text
    assert "confidence: medium" in text
    assert "needs Spectrum()" in text
    with pytest.raises(SettingError, match=r"end it in \.html"):
        save(found, tmp_path / "out.pdf")


def calls() -> Iterator[ast.Call]:
    """Every call of swap and init_for that the rules advise."""
    for rule in RULES:
        for code in re.findall(r"`([^`]+)`", " ".join(rule.advice)):
            if code.startswith(("swap(", "init_for(")):
                made = ast.parse(code, mode="eval").body
                assert isinstance(made, ast.Call)
                yield made


@pytest.mark.parametrize("call", list(calls()), ids=ast.unparse)
def test_what_is_advised_can_be_typed(call: ast.Call) -> None:
    names = [ast.literal_eval(argument) for argument in call.args[1:]]
    first = torch.nn.Tanh() if "tanh" in names else torch.nn.ReLU()
    with torch.random.fork_rng():
        model = torch.nn.Sequential(torch.nn.Linear(2, 3), first, torch.nn.Linear(3, 1))
        if ast.unparse(call.func) == "swap":
            assert swap(model, *names).sites == ("1",)
        else:
            init_for(model, *names)


def test_every_rule_but_those_of_the_watch_names_a_source() -> None:
    assert [rule.name for rule in RULES if not rule.source] == ["reading failed", "watching costs more than its budget"]
