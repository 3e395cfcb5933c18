"""Settings as words of the command line, and back: what `run` was told, so that it can be repeated exactly."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .._errors import SettingError, did_you_mean
from ._base import Study
from ._reference import LOADED

_OPTIONS = {"task": "--task", "neuron": "--neurons", "seeds": "--seeds"}
"""Settings that have an option of their own; all others are written --set NAME=VALUE."""


def name_of(study: Study) -> str:
    """What `neurofn run` calls a study: its name where it is ours, else MODULE:NAME or FILE.py:NAME, for a new process."""
    module = getattr(study.cell, "__module__", "")
    if module.startswith(f"{__package__}."):
        return study.name
    if module == "__main__":
        script = getattr(sys.modules["__main__"], "__file__", None)
        module = Path(script).stem if script else module
    return f"{LOADED.get(module, module)}:{study.name}"


def command(study: Study, size: str, settings: Mapping[str, Any]) -> str:
    """The command line that repeats a run of ``study`` with these settings.

    >>> from neurofn.studies import Study
    >>> def coin(side, *, seeds, bias=0.5): return [{"metrics": {}} for seed in seeds]
    >>> toss = Study(name="coin", cell=coin, question="?", factors={"side": ["head", "tail"]})
    >>> command(toss, "full", toss.settings("full", bias=0.6, seeds=3)).split("coin ")[1]
    '--size full --seeds 3 --set bias=0.6'
    """
    words = ["neurofn", "run", name_of(study), "--size", size]
    defaults = study.defaults(size)
    changed = [name for name in settings if settings[name] != defaults.get(name)]
    for name in [*(name for name in _OPTIONS if name in changed), *(name for name in changed if name not in _OPTIONS)]:
        value = settings[name]
        # A list is written one value at a time, so that texts with commas and brackets stay as they are.
        values = value if isinstance(value, list) and value else [value]
        for text in (item if isinstance(item, str) else json.dumps(item) for item in values):
            words += [_OPTIONS[name], text] if name in _OPTIONS else ["--set", f"{name}={text}"]
    return shlex.join(words)


def repeated(line: str, out: Path | None, format: str) -> str:
    """A command line with the folder and the format of its report, where they are not the usual ones.

    >>> repeated("neurofn run staircase --size small", Path("my stairs"), "html")
    "neurofn run staircase --size small --out 'my stairs'"
    """
    words = [] if out is None else ["--out", str(out)]
    return " ".join([line, *map(shlex.quote, words + ([] if format == "html" else ["--format", format]))])


def parsed(study: Study, size: str, assignments: Iterable[str]) -> dict[str, Any]:
    """Settings from texts NAME=VALUE; a name that is given several times has several values.

    Values are read as the default is: text stays text, numbers, booleans and lists are JSON. Raises SettingError.

    >>> from neurofn.studies import Study
    >>> def coin(side, *, seeds, bias=0.5): return [{"metrics": {}} for seed in seeds]
    >>> parsed(Study(name="coin", cell=coin, question="?", factors={"side": ["head"]}), "small", ["side=a, b", "bias=0.25"])
    {'side': ['a, b'], 'bias': 0.25}
    """
    defaults = study.defaults(size)
    given: dict[str, list[Any]] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise SettingError(f"--set {assignment!r}: expected NAME=VALUE, for example --set seeds=5")
        if name not in defaults:
            near = did_you_mean(name, defaults, what="setting")
            raise SettingError(f"--set {assignment!r}: study {study.name!r} has no setting {name!r}; {near}")
        given.setdefault(name, []).append(_value(name, text, defaults[name]))
    settings: dict[str, Any] = {}
    for name, values in given.items():
        if isinstance(defaults[name], list):
            settings[name] = [item for value in values for item in (value if isinstance(value, list) else [value])]
        elif len(values) > 1:
            raise SettingError(f"--set {name}=... was given {len(values)} times; it takes one value")
        else:
            settings[name] = values[0]
    return settings


def _value(name: str, text: str, default: Any) -> Any:
    kinds = {type(item) for item in default} if isinstance(default, list) else {type(default)}
    if kinds == {str} and not (isinstance(default, list) and text.startswith("[")):
        return text
    try:
        return json.loads({"True": "true", "False": "false", "None": "null"}.get(text, text))
    except (ValueError, RecursionError) as error:
        if kinds & {str, type(None)}:
            return text
        shown = json.dumps(default[0] if isinstance(default, list) and default else default)
        raise SettingError(f"--set {name}={text}: {text!r} is no number; expected a value like {shown}") from error
