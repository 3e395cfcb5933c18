"""Studies by import path: MODULE:NAME, or FILE.py:NAME, and the way back from a study to what another process can import."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from .._errors import SettingError, UnknownNameError, did_you_mean
from ._base import Study

LOADED: dict[str, str] = {}
"""Modules that were loaded from a file: name -> the path as it was given."""
_LOADING: list[str] = []


def loading() -> bool:
    """Whether a file of somebody is being imported just now: no time to start a run."""
    return bool(_LOADING)


def imported(path: str) -> Any:
    """The object of MODULE:NAME or FILE.py:NAME, with modules of the current folder among them.

    Raises UnknownNameError where there is none, and SettingError where the file fails while it is imported, with the line.

    >>> imported("math:tau")
    6.28...
    """
    home, _, attribute = path.rpartition(":")
    if not home or not attribute:
        raise UnknownNameError(f"{path!r}: give MODULE:NAME, as in: from MODULE import NAME; or FILE.py:NAME")
    file = home.endswith(".py")
    module = _from_file(Path(home)) if file else _by_name(home)
    if not hasattr(module, attribute):
        near = did_you_mean(attribute, [name for name in vars(module) if not name.startswith("__")])
        raise UnknownNameError(f"{'' if file else 'module '}{home} has no {attribute!r}; {near}")
    return getattr(module, attribute)


def reference(study: Study) -> dict[str, str]:
    """What another process needs to import the study: {"path", "file"}; raises SettingError where it could not."""
    module = getattr(study.cell, "__module__", "")
    home = sys.modules.get(module)
    names = [name for name, value in vars(home).items() if value is study] if home is not None else []
    file = getattr(home, "__file__", None)
    if not names or (module == "__main__" and not file):
        raise SettingError(
            f"study {study.name!r} was made in this process alone, so no worker can import it; write it into a file, "
            f"as a name of the module {module!r}, and run that: neurofn run FILE.py:{study.name}"
        )
    if module == "__main__":
        module = Path(str(file)).stem
    return {"path": f"{module}:{names[0]}", "file": str(Path(file).resolve()) if file else ""}


def resolve(given: dict[str, str]) -> Study:
    """The study of a reference that another process made; raises what `imported` raises."""
    module, _, name = given["path"].partition(":")
    try:
        part = imported(given["path"])
    except UnknownNameError:
        if not given["file"] or not Path(given["file"]).is_file():
            raise
        part = imported(f"{given['file']}:{name}")
    if not isinstance(part, Study):
        raise SettingError(f"{module}:{name} is {part!r:.60}, no study")
    return part


def _by_name(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise UnknownNameError(f"{name!r} names no module; give MODULE:NAME or FILE.py:NAME")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    importlib.invalidate_caches()  # the file may be new
    with _import_of(name):
        return importlib.import_module(name)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UnknownNameError(f"there is no file {path}; give FILE.py:NAME with a path from {os.getcwd()}")
    name, home = path.stem, path.resolve()
    known = sys.modules.get(name)
    if known is not None:
        if Path(getattr(known, "__file__", None) or "").resolve() != home:
            raise SettingError(f"{path}: a module called {name!r} is loaded already; give the file another name")
        return known
    folder = str(home.parent)
    if folder not in sys.path:
        sys.path.append(folder)  # last, so that nothing beside it hides what is installed
    spec = importlib.util.spec_from_file_location(name, home)
    if spec is None or spec.loader is None:
        raise UnknownNameError(f"{path} cannot be imported; give a Python file, FILE.py:NAME")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _import_of(str(path)):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    LOADED[name] = str(path)
    return module


@contextmanager
def _import_of(what: str) -> Iterator[None]:
    """Errors of the file that is imported inside are told with its line."""
    _LOADING.append(what)
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and (what == error.name or what.startswith(f"{error.name}.")):
            raise UnknownNameError(f"{what}: {error}; give MODULE:NAME or FILE.py:NAME") from error
        raise SettingError(f"{what} cannot be imported: {_place(error)}") from error
    except (UnknownNameError, SettingError):
        raise
    except Exception as error:
        raise SettingError(f"{what} cannot be imported: {_place(error)}") from error
    finally:
        _LOADING.pop()


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Where in somebody's files, not in Python's import machinery or here, an error was raised."""
    own = (str(Path(__file__).resolve()), "<frozen", str(Path(importlib.__file__).parent))
    return [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(own)]


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}: {error.msg}\n    {(error.text or '').strip()}"
    frames = _frames(error)
    where = f"{frames[-1].filename}, line {frames[-1].lineno}: " if frames else ""
    line = f"\n    {frames[-1].line}" if frames and frames[-1].line else ""
    return f"{where}{type(error).__name__}: {error}{line}"
