"""The gallery as files: every function has a page, links lead somewhere, nothing is loaded, text stays text."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.dom.minidom
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neurofn import __version__, _gallery_curves, _gallery_entries, neuron
from neurofn._mathml import mathml
from neurofn.cli import main
from neurofn.formula import Formula
from neurofn.functions import catalogue, derived
from neurofn.functions.layerwise import catalogue as layers
from neurofn.reporting._gallery import gallery_files
from neurofn.reporting._gallery_drawing import main as drawn
from neurofn.reporting._gallery_page import sourced
from neurofn.testing import _function_numbers as suite

Files = dict[str, str]
EVIL = '<script>alert("x")</script>&'


class Links(HTMLParser):
    """Collects what a page refers to and the elements that it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "href", "srcset", "data", "action", "poster"):
                self.loads.append(value or "")


@pytest.fixture(scope="module")
def entries() -> list[dict[str, Any]]:
    return _gallery_entries.entries()


@pytest.fixture(scope="module")
def files(entries: list[dict[str, Any]]) -> Files:
    return dict(gallery_files({"version": __version__, "entries": entries}))


def entry_of(**changed: Any) -> dict[str, Any]:
    graph = {"span": [-1.0, 1.0], "f": [[(-1, -1), (1, 1)]], "slope": [], "jumps": [], "turns": []}
    part = {"name": EVIL, "default": 1.0, "curves": [{"value": 1.0, **graph}]}
    made = {
        "name": "evil", "aliases": [EVIL], "kind": "elementwise", "kind_words": EVIL, "source": f"{EVIL} arXiv:1/{EVIL}",
        "section": EVIL, "formula": EVIL, "latex": EVIL, "mathml": "", "card": "",
        "derivative": {"formula": EVIL, "latex": EVIL, "mathml": ""}, "flags": ["odd"], "numbers": {"gain": 1.0},
        "graph": graph, "moved": [part], "undrawn": 0, "lines": [[EVIL, EVIL]], "parameters": [[EVIL] * 4],
        "facts": [[EVIL, EVIL]], "cases": [[EVIL, EVIL]], "equal": [EVIL], "affine": [EVIL], "promises": [EVIL],
        "errata": [EVIL], "use": [[EVIL, EVIL]],
    }  # fmt: skip
    return {**made, **changed}


def test_every_function_and_layer_function_has_a_page_and_a_card(files: Files) -> None:
    names = {*catalogue, *layers}
    assert set(files) == {"index.html", *(f"functions/{name}.html" for name in names)}
    assert len({name.casefold() for name in files}) == len(files)  # as some file systems see them
    cards = re.findall(r'<li data-text="[^"]*" data-name="([^"]*)"', files["index.html"])
    assert cards == sorted(names)


def test_every_link_leads_to_a_page_or_to_a_source(files: Files) -> None:
    for name, text in files.items():
        seen, folder = Links(text), name.rpartition("/")[0]
        assert not seen.loads, name
        assert not seen.tags & {"link", "img", "iframe", "object", "base", "form"}, name
        for link in seen.links:
            if link.startswith("https://"):
                assert re.match(r"https://(arxiv\.org/abs|doi\.org)/", link), link
            elif not link.startswith("#"):
                target = link.removeprefix("../") if link.startswith("../") else f"{folder}/{link}".lstrip("/")
                assert target in files, (name, link)
            else:
                assert f'id="{link[1:]}"' in text or f"id='{link[1:]}'" in text, (name, link)
        rest = re.sub(r'href="https://[^"]*"', "", text)
        assert "http://" not in rest, name
        assert "https://" not in rest, name
        assert "default-src 'none'" in text


def test_text_of_a_declaration_is_escaped_everywhere() -> None:
    for text in dict(
        gallery_files({"version": EVIL, "entries": [entry_of(), entry_of(name="other", kind=EVIL)]})
    ).values():
        assert "alert(" in text
        assert '<script>alert("x")' not in text
        assert 'alert("x")' not in text


def test_the_page_of_mish_says_what_is_known_of_it(files: Files) -> None:
    page = files["functions/mish.html"]
    record = derived(catalogue["mish"])
    said = (
        "z*tanh(softplus(z))", "https://arxiv.org/abs/1908.08681", f"{record.lipschitz:.9g} (proved)", "section 3.3.29",
        "forward 1.48684758", "within 4 units", "mish(sum(linear))", "neurofn show mish", "<math", r"\tanh",
    )  # fmt: skip
    for words in said:
        assert words in page, words
    assert '<a href="relu.html">relu</a>' in files["functions/elu.html"]  # a special case
    assert '<a href="elu.html">elu</a>' in files["functions/celu.html"]  # equal at the default


def test_errata_and_facts_of_layer_functions_are_told(files: Files) -> None:
    page = files["functions/softmax.html"]
    assert all(fact.text.split("<")[0] in page for fact in layers["softmax"].facts)
    wrong = next(layer for layer in layers.values() if layer.errata)
    assert "Errata" in files[f"functions/{wrong.name}.html"]
    assert '<h2 id="graph-title">' not in page


def test_flags_are_those_of_the_derived_record(entries: list[dict[str, Any]]) -> None:
    flags = {entry["name"]: set(entry["flags"]) for entry in entries}
    assert {"odd", "bounded", "monotone", "smooth", "zero", "centred"} <= flags["tanh"]
    assert flags["relu"] >= {"kinks", "monotone", "convex", "zero"}
    assert not flags["relu"] & {"smooth", "bounded", "learned", "odd", "centred"}
    assert "learned" in flags["prelu"]
    assert "even" in flags["gaussian"]
    for name, function in catalogue.items():
        assert ("odd" in flags[name]) == (derived(function).parity.value == "odd")


def test_what_is_to_be_typed_can_be_typed(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        typed = dict(entry["use"])
        for what in {"A neuron", "A basis of an edge"} & {*typed}:
            assert entry["name"] in str(neuron(typed[what]))
    for name in ("mish", "prelu", "softmax", "kaf_2d"):
        typed = dict(next(entry["use"] for entry in entries if entry["name"] == name))
        code = typed["Python, as a module"]
        found = re.fullmatch(r'(?:from .*\n\n)?catalogue\["(\w+)"\]\.module\((channels=64)?\)', code)
        assert found, code
        part = catalogue[name] if name in catalogue else layers[name]
        with torch.random.fork_rng(devices=[]):
            assert part.module(channels=64 if found[2] else None) is not None


def test_promises_are_those_of_the_suite() -> None:
    assert list(_gallery_entries.UNITS.values()) == [suite.VALUE_UNITS, suite.SLOPE_UNITS, suite.SECOND_UNITS]


# ---- curves and their drawing -------------------------------------------------------------------------------------------


def test_a_jump_cuts_the_curve_at_its_two_values_and_a_kink_keeps_it_whole() -> None:
    made = _gallery_curves.graph(Formula("where(z > 1, z + 2, abs(z))"), {}, (-5.0, 5.0))
    left, right = made["f"]
    assert left[-1] == (1, 1)
    assert right[0] == (1, 3)
    assert (0, 0) in left
    assert [run[0] for run in made["slope"]] == [(-5, -1), (0, 1), (1, 1)]
    assert made["jumps"] == [[1, 1, 3, 1]]  # z > 1 is false at 1
    assert made["turns"] == [[0, -1, 1], [1, 1, 1]]


@pytest.mark.parametrize("name", ["elu", "hardshrink", "sine", "square_root_activation"])
def test_points_of_curves_are_values_of_the_definition(name: str) -> None:
    function = catalogue[name]
    span = _gallery_curves.window(function.definition, function.defaults)
    made = _gallery_curves.graph(function.definition, function.defaults, span)
    jumps = {one[0] for one in made["jumps"]}
    points = np.array([point for run in made["f"] for point in run if point[0] not in jumps])
    assert len(points) > 100
    np.testing.assert_allclose(
        function.definition(points[:, 0], **function.defaults), points[:, 1], rtol=2e-3, atol=1e-4
    )


def test_parameters_move_inside_their_domain() -> None:
    for function in catalogue.values():
        for part in _gallery_curves.moved(function.definition, function.defaults, function.parameters, (-5.0, 5.0)):
            values = [curve["value"] for curve in part["curves"]]
            assert len(set(values)) == len(values) >= 2, function.name
            assert any(abs(value - part["default"]) <= 1e-3 * abs(value) + 1e-9 for value in values), function.name
            for value in values:
                function.parameters[part["name"]].check(function.name, value)


def test_a_drawing_stays_inside_its_frame_whatever_the_values() -> None:
    for formula in ("exp(50*z)", "1/z", "z*1e200", "ln(z)", "1e9 + 0*z", "0*z", "where(z > 0, 1e300, -1e300)"):
        made = drawn(_gallery_curves.graph(Formula(formula), {}, (-5.0, 5.0)), formula)
        assert "nan" not in made
        assert "inf" not in made
        for path in re.findall(r'class="(?:f|slope)" d="([^"]*)"', made):
            numbers = np.array(re.findall(r"-?[\d.]+", path), dtype=float).reshape(-1, 2)
            assert (numbers >= 0).all() and (numbers <= [520, 320]).all(), formula  # noqa: PT018


def test_a_line_through_a_pole_is_not_drawn() -> None:
    runs = re.search(r'class="f" d="([^"]*)"', drawn(_gallery_curves.graph(Formula("1/z"), {}, (-5.0, 5.0)), "pole"))
    assert runs
    assert runs[1].count("M") == 2


# ---- formulas and sources -----------------------------------------------------------------------------------------------


def test_every_formula_is_typeset_with_the_parentheses_of_its_latex() -> None:
    for name, function in catalogue.items():
        made = mathml(function.definition.tree)
        xml.dom.minidom.parseString(made)
        if "where" not in function.formula:  # a brace inside a product has parentheses of its own here
            assert made.count("<mo>(</mo>") == function.latex.count(r"\left("), name


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a0*z", "<msub><mi>a</mi><mn>0</mn></msub>"), ("2*3", "<mo>⋅</mo>"), ("1e-06*z", "<msup><mn>10</mn>"),
        ("sqrt(z)/2", "<mfrac><msqrt><mi>z</mi></msqrt><mn>2</mn></mfrac>"), ("gamma(2)", "<mi>Γ</mi>"),
        ("(-z)**2", "<msup><mrow><mo>(</mo>"), ("T(3, z)", "<msub><mi>T</mi><mn>3</mn></msub>"), ("eps + z", "<mi>ε</mi>"),
        ("2*where(z > 0, z, 0)", "<mo>(</mo><mrow><mo form=\"prefix\" stretchy=\"true\">{</mo>"),
    ],
)  # fmt: skip
def test_parts_of_formulas_are_typeset(formula: str, expected: str) -> None:
    assert expected in mathml(Formula(formula).tree)


def test_branches_after_branches_are_rows_of_one_brace() -> None:
    made = mathml(Formula("where(z > 1, 1, where(z < -1, -1, z))").tree)
    assert (made.count("{</mo>"), made.count("<mtr>")) == (1, 3)


def test_sources_are_links_where_they_have_an_address() -> None:
    assert sourced("maas2013") == "maas2013"
    assert 'href="https://doi.org/10.1109/ACCESS.2020.2987829"' in sourced("doi:10.1109/ACCESS.2020.2987829")
    assert sourced("see arXiv:1908.08681, too").endswith(">arXiv:1908.08681</a>, too")


# ---- the command --------------------------------------------------------------------------------------------------------


def test_the_command_writes_the_same_in_another_process_and_without_torch(files: Files, tmp_path: Path) -> None:
    code = (
        "import sys; from neurofn.cli import main; code = main(['gallery', '--out', sys.argv[1]]); "
        "print('LOADED', [name for name in ('torch', 'scipy', 'sympy', 'altair') if name in sys.modules], code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], capture_output=True, text=True, check=True
    )
    assert "LOADED [] 0" in ran.stdout, ran.stdout + ran.stderr
    found = {str(path.relative_to(tmp_path / "out")): path for path in (tmp_path / "out").rglob("*.html")}
    assert {*found} == {*files}
    for name, path in found.items():  # hashes, and so the order of sets, differ between processes
        assert path.read_bytes() == files[name].encode(), name


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["gallery", "--out", str(tmp_path / "taken")]) == 1
    assert "give a folder" in capsys.readouterr().err
