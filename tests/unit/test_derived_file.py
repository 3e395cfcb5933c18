"""The generated file of derived properties: whole, up to date, equal to what is computed anew, and built step by step."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from neurofn.formula import Formula
from neurofn.functions import catalogue, declare, derived
from neurofn.functions._derive import _build, _store
from neurofn.functions._derive._compute import derive
from neurofn.functions._derive._record import Derived

NAMES = sorted(catalogue)
STALE = "the file of derived properties is stale: run make derived"


@pytest.mark.parametrize("name", NAMES)
def test_every_record_was_made_from_what_is_declared(name: str) -> None:
    kept = _store.stored(name)
    assert kept is not None, STALE
    assert kept[0] == _store.fingerprint(catalogue[name]), STALE


def test_no_record_is_left_of_what_is_gone() -> None:
    assert sorted(_store._file()["functions"]) == NAMES, STALE


def same(one: Derived, other: Derived) -> None:
    """Equal but for what time allows to prove, and the last digits of other processors."""
    for name in ("derivative", "monotone", "parity", "backward", "cost"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.moments == pytest.approx(other.moments, rel=1e-9, abs=1e-9, nan_ok=True)
    assert one.gains == pytest.approx(other.gains, rel=1e-9, nan_ok=True)
    for a, b in ((one.range, other.range), (one.slope, other.slope)):
        if a.proved and b.proved:
            assert (a.low, a.high) == pytest.approx((b.low, b.high), rel=1e-8, abs=1e-8)
    assert one.zeros == pytest.approx(other.zeros, abs=1e-7)
    assert [row[0] for row in one.breaks] == pytest.approx([row[0] for row in other.breaks])


DAY = datetime.now(tz=UTC).timetuple().tm_yday


@pytest.mark.parametrize("name", NAMES[DAY % 40 :: 40] or NAMES[:1])
def test_a_sample_that_rotates_by_the_day_is_computed_anew(name: str) -> None:
    function = catalogue[name]
    stable = None if function.stable is None else Formula(function.stable)
    same(derived(function), derive(function.definition, function.defaults, stable=stable))


def test_a_record_that_is_not_the_functions_is_not_used() -> None:
    changed = replace(catalogue["tanh"], formula="tanh(2*z)")
    assert derived(changed).lipschitz == pytest.approx(2)
    assert derived(catalogue["tanh"]).lipschitz == pytest.approx(1)


def test_a_function_of_your_own_is_derived_on_demand() -> None:
    own = declare("twice_silu", "2*z*sigma(z)", source="an example")
    try:
        assert _store.stored("twice_silu") is None
        assert derived(own).lipschitz == pytest.approx(2 * derived(catalogue["silu"]).lipschitz)
    finally:
        catalogue.remove("twice_silu")


def test_only_what_changed_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = json.loads(_store.FILE.read_text())
    spoilt = {**kept, "functions": {**kept["functions"], "tanh": {"hash": "of another formula"}}}
    (tmp_path / "derived.json").write_text(json.dumps(spoilt))
    monkeypatch.setattr(_build, "FILE", tmp_path / "derived.json")
    computed = []
    one = _build._one
    monkeypatch.setattr(_build, "_one", lambda job: (computed.append(job[0]), one(job))[1])
    monkeypatch.setattr("neurofn.functions._derive._match.equal_groups", lambda curves, records: ([], []))
    assert _build.main([]) == 0
    stale = {
        name for name in NAMES if kept["functions"].get(name, {}).get("hash") != _store.fingerprint(catalogue[name])
    }
    assert set(computed) == {"tanh"} | stale
    made = json.loads((tmp_path / "derived.json").read_text())
    same(Derived.from_json(made["functions"]["tanh"]["derived"]), derived(catalogue["tanh"]))
    assert made["functions"]["relu"] == kept["functions"]["relu"]


def test_one_that_cannot_be_derived_is_named_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_build, "FILE", tmp_path / "derived.json")
    own = declare("nowhere", "sqrt(-1 - z**2)", source="an example")
    try:
        name, entry, _ = _build._one(("nowhere", own.formula, None, {}, "hash"))
        assert (name, entry["hash"]) == ("nowhere", "hash")
        assert "no finite value" in entry["error"]
    finally:
        catalogue.remove("nowhere")


def test_reading_it_loads_nothing_heavy() -> None:
    code = (
        "import sys; from neurofn.functions import catalogue, derived; derived(catalogue['gelu']).gains; "
        "print([name for name in ('torch', 'scipy', 'mpmath', 'sympy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
