"""The report of edges: every curve is drawn where it is, faint where it counts little, and texts of users stay texts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from _chromium import BROWSER, browser
from _page import HOSTILE, Elements
from neurofn._errors import DataError, SettingError
from neurofn.reporting import report
from neurofn.reporting._edges import MOST


def edge(layer: str = "0", i: int = 0, j: int = 0, **changed: Any) -> dict[str, Any]:
    x = [k / 8 for k in range(9)]
    made = {"layer": layer, "part": "body", "input": i, "output": j, "name": f"x{i}", "x": x, "y": [k * k for k in x],
            "density": [0.0, 0.5, 0.5, 0.0], "importance": 0.5}  # fmt: skip
    return {**made, **changed}


def page(entries: object, folder: Path) -> Elements:
    return Elements(report(entries, folder / "out.html").read_text(encoding="utf-8"))


def curves(shown: Elements) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in shown.tags if tag == "path" and attributes.get("class") == "curve"]


def test_every_edge_is_one_curve_with_its_data(tmp_path: Path) -> None:
    shown = page([edge(i=i, j=j) for i in range(2) for j in range(3)] + [edge("1", i=i) for i in range(3)], tmp_path)
    assert len(curves(shown)) == 9
    assert sum(attributes.get("class") == "data" for _, attributes in shown.tags) == 9
    assert "9 edges in 2 layers" in shown.text
    assert "Layer 0 6 edges" in shown.text


def test_edges_that_count_less_are_fainter_and_come_later(tmp_path: Path) -> None:
    shown = page([edge(i=i, importance=value) for i, value in enumerate((0.1, 0.7, 0.0, 0.2))], tmp_path)
    inks = [float(str(one["opacity"])) for one in curves(shown)]
    assert inks == sorted(inks, reverse=True)
    assert inks[0] == 1.0
    assert 0 < inks[-1] < 0.2
    assert "of the inputs x1 counts most (70%)" in shown.text


def points(drawn: dict[str, str | None]) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+?) ([^ML]+)", str(drawn["d"]))]


def test_a_curve_is_drawn_about_its_mean_on_the_scale_of_its_output(tmp_path: Path) -> None:
    straight = [2.0 * k / 8 - 1 for k in range(9)]
    entries = [edge(i=0, y=[5 + 2 * y for y in straight]), edge(i=1, y=straight)]
    steep, flat = (points(one) for one in curves(page(entries, tmp_path)))
    assert steep[0] == (0.0, 68.0)  # lowest place of the chart, at the left border
    assert steep[-1] == (120.0, 4.0)
    assert flat[0][1] == 52.0  # half as far from the middle, 36
    assert steep[4] == (60.0, 36.0)


def test_a_curve_is_cut_where_it_is_not_finite_and_flat_where_one_value_came(tmp_path: Path) -> None:
    y = [0.0, 1.0, float("nan"), 3.0, float("inf"), 5.0, 6.0, 7.0, 8.0]
    drawn = curves(page([edge(y=y), edge(i=1, x=[2.0] * 9), edge(i=2, y=[float("nan")] * 9)], tmp_path))
    assert str(drawn[0]["d"]).count("M") == 3
    assert points(drawn[1])[-1][0] == 120.0
    assert drawn[2]["d"] == ""


def test_hostile_texts_stay_texts_and_the_page_runs_nothing(tmp_path: Path) -> None:
    entries = [edge(layer=text, i=i, name=text, part=text, output=text) for i, text in enumerate(HOSTILE)]
    given = {"edges": entries, "question": HOSTILE[0], "notes": HOSTILE, "command": HOSTILE[1]}
    written = report(given, tmp_path / "out.html").read_text(encoding="utf-8")
    shown = Elements(written)
    assert {tag for tag, _ in shown.tags}.isdisjoint({"script", "img", "b", "iframe", "link"})
    assert not any(name.startswith("on") or name == "style" for _, attributes in shown.tags for name in attributes)
    assert "default-src 'none'; style-src 'sha256-" in written
    assert shown.text.count("<script>alert(1)</script>") >= 3
    del given["command"]  # in Markdown it stands in a block of code
    text = report(given, tmp_path / "out.md").read_text(encoding="utf-8")
    assert "<script>" not in text


def test_of_many_edges_those_that_count_most_are_shown(tmp_path: Path) -> None:
    entries = [edge(i=i % 50, j=i // 50, importance=i / 1000) for i in range(MOST + 100)]
    shown = page(entries, tmp_path)
    assert len(curves(shown)) == MOST
    assert f"Shown are the {MOST} edges of {MOST + 100} that count most." in shown.text


def test_other_forms(tmp_path: Path) -> None:
    entries = [edge(), edge("1", importance=0.25)]
    lines = report(entries, tmp_path / "out.md").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith(("| 0", "| 1")) for line in lines) == 2
    assert "25.0%" in lines[-1]
    assert json.loads(report(entries, tmp_path / "out.json").read_text())["edges"] == entries
    assert json.loads(report({"edges": entries}, tmp_path / "a.json").read_text())["edges"] == entries


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ([edge(), {"unit": 3}], "entry 1"),
        ([edge(y=[1.0])], "as many finite numbers"),
        ([edge(x=[1.0], y=[1.0])], "at least 2"),
        ([edge(x=[float("nan")] * 9)], "finite"),
        ([edge(density="a")], "density must be a list of numbers"),
        ([edge(importance="much")], "importance must be a number"),
        ({"edges": []}, "no edges"),
        ({"edges": "text"}, "no edges"),
    ],
)
def test_what_is_no_edge_is_refused_by_name(wrong: object, says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=says):
        report(wrong, tmp_path / "out.html")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="format"):
        report([edge()], tmp_path / "out.pdf")


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_telephone_loads_nothing_and_is_seen(tmp_path: Path, dark: bool) -> None:
    entries = [edge(i=i, j=j, name="a_very_long_name_without_any_gap_" * 4) for i in range(3) for j in range(6)]
    written = report(entries, tmp_path / "out.html")
    with browser(tmp_path) as shown:
        shown.open(written, width=360, height=800, dark=dark)
        assert shown.value("document.documentElement.scrollWidth") <= 360
        assert shown.value("document.querySelector('.edges svg').getBoundingClientRect().width") > 100
        stroke = shown.value("getComputedStyle(document.querySelector('.curve')).stroke")
        ground = shown.value("getComputedStyle(document.body).backgroundColor")
        assert shown.requests == [written.as_uri()]
        assert shown.complaints == []
    assert stroke == ("rgb(86, 180, 233)" if dark else "rgb(0, 114, 178)")
    assert ground == ("rgb(20, 23, 27)" if dark else "rgb(255, 255, 255)")
