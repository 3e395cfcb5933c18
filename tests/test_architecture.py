"""Layers, budgets and habits that keep the library readable, held by reading its source; and a proof that each can fail."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import _architecture as rules
import neurofn
from _architecture import HEAVY, REPOSITORY, RULES, SOURCE, Module

Rule = Callable[[Module], list[str]]
MODULES = {module.name or "neurofn": module for module in rules.modules()}
SUBPACKAGES = sorted(m.name for m in pkgutil.iter_modules([str(SOURCE)]) if m.ispkg)
PACKAGES = ["neurofn", "neurofn.functions.layerwise", *(f"neurofn.{name}" for name in SUBPACKAGES)]
TOP_LEVEL = {m.name for m in pkgutil.iter_modules([str(SOURCE)])}
OTHER_CODE = sorted(path for folder in ("tests", "bench", "tools") for path in (REPOSITORY / folder).rglob("*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_module(name: str) -> None:
    assert broken(MODULES[name], RULES) == {}


@pytest.mark.parametrize("path", OTHER_CODE, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_budgets_hold_for_tests_and_tools(path: Path) -> None:
    assert broken(Module("tests", path.read_text(encoding="utf-8")), rules.BUDGETS) == {}


def broken(module: Module, held: Iterable[Rule]) -> dict[str, list[str]]:
    """What each rule says against a module, by the name of the rule."""
    return {rule.__name__: said for rule in held if (said := rule(module))}


BAD = [
    (rules.wrong_layer, "instruments.rank", "from ..functions import catalogue", 1),
    (rules.wrong_layer, "instruments.rank", "from neurofn.neurons import neuron", 1),
    (rules.wrong_layer, "instruments.rank", "from .. import functions", 1),
    (rules.wrong_layer, "instruments.rank", "import neurofn.functions.periodic", 1),
    (rules.wrong_layer, "instruments.rank", "from neurofn import neuron", 1),
    (rules.wrong_layer, "instruments.rank", "def f():\n    from ..watching import watch", 1),
    (rules.wrong_layer, "explaining.units", "from ..neurons import neuron", 1),
    (rules.wrong_layer, "studies.rank", "from ..reporting import report", 1),
    (
        rules.wrong_layer,
        "studies.rank",
        "if 1:\n    try:\n        pass\n    except OSError:\n        from ..cli import main",
        1,
    ),
    (rules.wrong_layer, "watching.recorder", "def f():\n    from ..testing import check", 1),
    (rules.wrong_layer, "formula", "from ._registry import Registry", 1),
    (rules.wrong_layer, "_latex", "from .functions import catalogue", 1),
    (rules.wrong_layer, "brandnew", "", 1),
    (rules.wrong_layer, "", "from .functions import catalogue", 1),
    (rules.heavy_at_load, "edges.new", "import torch", 1),
    (rules.heavy_at_load, "tasks.new", "try:\n    from scipy.special import erf\nexcept ImportError:\n    pass", 1),
    (rules.heavy_at_load, "functions.new", "class A:\n    import torch.nn as nn", 1),
    (rules.torch_in_reporting, "reporting.page", "def f():\n    from torch import nn", 1),
    (rules.unsafe, "formula", "eval('1')", 1),
    (rules.unsafe, "formula", "import pickle\nexec('1')", 2),
    (rules.unsafe, "watching.record", "numpy.load(path, allow_pickle=True)", 1),
    (rules.unsafe, "watching.record", "torch.load(path)", 1),
    (rules.too_long, "formula", "x = 1\n" * 301, 1),
    (rules.too_long, "functions.new", "def helper():\n    pass\n" * 151, 1),
    (rules.long_functions, "formula", "def f():\n" + "    x = 1\n" * 40, 1),
    (rules.many_parameters, "formula", "def f(a, b, *c, d, e, f, **g): ...", 1),
]
GOOD = [
    (
        rules.wrong_layer,
        "instruments.rank",
        "import torch\nfrom .._errors import DataError\nfrom ._base import Instrument",
    ),
    (rules.wrong_layer, "_latex", "from ._errors import LanguageError\nfrom .formula import parse"),
    (rules.wrong_layer, "testing", "def f():\n    from neurofn.studies import run"),
    (rules.heavy_at_load, "edges.new", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch"),
    (rules.heavy_at_load, "edges.new", "def f():\n    import torch"),
    (rules.heavy_at_load, "edges._base", "import torch"),
    (
        rules.unsafe,
        "watching.record",
        "model.eval()\ntorch.load(p, weights_only=True)\nnumpy.load(p, allow_pickle=False)",
    ),
    (rules.too_long, "functions.new", "declare('a')\n" * 301),
    (
        rules.long_functions,
        "formula",
        'def f():\n    """' + "doc\n" * 50 + '"""\n' + "    x = 1  # why\n    # a\n\n" * 39,
    ),
    (rules.many_parameters, "formula", "class A:\n    def f(self, a, b, *, c, d, e, f): ..."),
]


@pytest.mark.parametrize(("rule", "name", "text", "count"), BAD)
def test_a_rule_sees_what_breaks_it(rule: Rule, name: str, text: str, count: int) -> None:
    assert len(rule(Module(name, text, package=not name))) == count


@pytest.mark.parametrize(("rule", "name", "text"), GOOD)
def test_a_rule_lets_sound_code_pass(rule: Rule, name: str, text: str) -> None:
    assert rule(Module(name, text)) == []


def test_every_rule_is_proven_to_fail() -> None:
    assert {rule for rule, *_ in BAD} == set(RULES)


# --- Public names -----------------------------------------------------------------------------------------------------


def name_clashes(public: list[str], folders: set[str]) -> list[str]:
    """Public objects with the name of a subpackage or module beside them: one would hide the other."""
    return sorted(set(public) & folders)


def undocumented(obj: object) -> list[str]:
    """What a public object lacks: a docstring, a runnable example; for a class, docstrings of its own public methods."""
    if isinstance(obj, type) and issubclass(obj, BaseException):
        return [] if obj.__doc__ else ["no docstring"]  # its page in docs/errors has the example
    described = obj if isinstance(obj, type) or callable(obj) else type(obj)
    text = inspect.getdoc(described) or ""
    wrong = [] if text else ["no docstring"]
    wrong += [] if ">>>" in text else ["no example"]
    if isinstance(obj, type):
        own = [
            m
            for m in vars(obj).items()
            if not m[0].startswith("_") and (inspect.isroutine(m[1]) or isinstance(m[1], property))
        ]
        wrong += [f"{name} has no docstring" for name, member in own if not inspect.getdoc(getattr(obj, name))]
    return wrong


def needs_no_documentation(obj: object) -> bool:
    """Plain data, explained where they are defined, and type aliases, which cannot carry a docstring."""
    kind = type(obj)
    return isinstance(obj, (int, float, str, tuple, list, dict, set, frozenset)) or kind.__module__ in (
        "types",
        "typing",
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_documented_with_an_example(package: str) -> None:
    module = importlib.import_module(package)
    public = {name: getattr(module, name) for name in getattr(module, "__all__", []) if not name.startswith("__")}
    wrong = {name: undocumented(obj) for name, obj in public.items() if not needs_no_documentation(obj)}
    assert {name: what for name, what in wrong.items() if what} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_public_object_has_the_name_of_a_subpackage(package: str) -> None:
    module = importlib.import_module(package)
    inside = pkgutil.iter_modules(module.__path__)
    names = TOP_LEVEL if package == "neurofn" else {m.name for m in inside}
    assert name_clashes(list(getattr(module, "__all__", [])), names) == []


def test_the_checks_of_public_names_can_fail() -> None:
    class Bare:
        def method(self) -> None: ...

    assert name_clashes(["tasks", "neuron"], TOP_LEVEL) == ["tasks"]
    assert undocumented(Bare) == ["no docstring", "no example", "method has no docstring"]
    assert undocumented(name_clashes) == ["no example"]


def test_public_names_of_the_package_exist() -> None:
    assert [name for name in neurofn.__all__ if not hasattr(neurofn, name)] == []


# --- What a light start loads -----------------------------------------------------------------------------------------

SPY = """
import json, runpy, sys
heavy = json.loads(sys.argv.pop(1))
code = sys.argv.pop(1)
try:
    if code == "-m":
        runpy.run_module(sys.argv.pop(1), run_name="__main__")
    else:
        exec(code)
except SystemExit as end:
    assert not end.code, f"exit code {end.code}"
print("LOADED", json.dumps(sorted(set(heavy) & set(sys.modules))))
"""


def start(*arguments: str) -> tuple[list[str], str]:
    """Which heavy packages a fresh interpreter has loaded after ``-m module arguments`` or code; what it printed."""
    command = [sys.executable, "-W", "error", "-c", SPY, json.dumps(HEAVY), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "COLUMNS": "100"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    output, loaded = done.stdout.rsplit("LOADED", 1)
    return list(json.loads(loaded)), output


def loaded_by(code: str) -> list[str]:
    """Which heavy packages a fresh interpreter has loaded after a line of code."""
    return start(code)[0]


REGISTRIES = ("functions", "functions.layerwise", "edges", "instruments", "tasks", "studies")
LIST = "import importlib; [list(importlib.import_module('neurofn.' + name).catalogue) for name in {!r}.split()]"


def test_importing_neurofn_is_light() -> None:
    assert loaded_by("import neurofn; dir(neurofn); neurofn.__version__") == []


@pytest.mark.parametrize("registry", REGISTRIES)
def test_listing_a_registry_is_light(registry: str) -> None:
    assert loaded_by(LIST.format(registry)) == []


def test_importing_reports_is_light() -> None:
    assert loaded_by("import neurofn.reporting") == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [("--help", "Usage"), ("list", "relu"), ("run --help", "--seeds"), ("--version", neurofn.__version__)],
)
def test_the_command_line_starts_light(arguments: str, says: str) -> None:
    loaded, output = start("-m", "neurofn", *arguments.split())
    assert loaded == []
    assert says in output, "it did not get as far as to answer"


def test_a_heavy_start_is_seen() -> None:
    assert loaded_by("import sympy") == ["mpmath", "sympy"]
