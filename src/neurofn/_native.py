"""Building one C++ file by the machine's compiler when it is first needed, keeping the library, loading it by ctypes.

The files speak plain C (pointers and counts), so that they fit any version of torch. A library lies in ``neurofn`` below
``$XDG_CACHE_HOME`` or ``~/.cache``, named after source, flags, compiler and processor. Never -ffast-math: NaN must survive.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

__all__ = ["compiler", "load"]

_FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fno-trapping-math", "-fno-math-errno", "-w")
# OpenMP is compiled in and linked against nothing: its functions are those of the threads that torch has already started.
_TRIES = (("-march=native", "-fopenmp"), ("-march=native",), ())
_PATIENCE = 120.0
_PREFIX = "building-"


def load(source: Path, *, defines: Iterable[str] = ()) -> tuple[ctypes.CDLL | None, str]:
    """The library of ``source``, built now if it has not been yet, and "compiled: " with its path; or None and the reason.

    ``defines`` are names of the preprocessor such as "ORDER=3". Import torch before, whose threads the library borrows.

    >>> load(Path("no such file.cpp"))[0] is None
    True
    """
    command = compiler()
    if command is None:
        return None, "none: no C++ compiler; install g++ or clang++, or set CXX"
    words = [f"-D{name}" for name in defines]
    reason = ""
    for flags in _TRIES:
        try:
            return _opened(source, [*command, *_FLAGS, *flags, *words])
        except subprocess.CalledProcessError as error:
            reason = str(error.stderr).strip()[-300:]
        except (OSError, subprocess.SubprocessError) as error:
            reason = str(error)
    return None, f"none: {shlex.join(command)} failed: {reason}"


def compiler() -> list[str] | None:
    """The C++ compiler's command, None where there is none; torch.compile needs one too."""
    found = _compiler(os.environ.get("CXX", ""), os.environ.get("PATH", ""))
    return None if found is None else list(found)


@functools.lru_cache(maxsize=8)
def _compiler(wished: str, path: str) -> tuple[str, ...] | None:
    names = (shutil.which(name, path=path) for name in ("c++", "g++", "clang++"))
    return tuple(shlex.split(wished)) or next(((name,) for name in names if name), None)


def _opened(source: Path, command: list[str]) -> tuple[ctypes.CDLL, str]:
    path = _build(source, command)
    try:
        library = ctypes.CDLL(str(path))
    except OSError:  # what lies there is no library, or not for this machine: once more
        path.unlink(missing_ok=True)
        path = _build(source, command)
        library = ctypes.CDLL(str(path))
    return library, f"compiled: {path}"


def _build(source: Path, command: list[str]) -> Path:
    text = source.read_bytes()
    identity = [*command, _version(command[0]), _processor()]
    key = hashlib.sha256(b"\0".join([text, *(part.encode() for part in identity)])).hexdigest()[:24]
    name = f"{source.stem.strip('_')}-{key}.so"
    shared = _shared_folder()
    if shared is not None and _fine(shared / name):
        return shared / name  # also from a folder that cannot be written
    folder = shared if shared is not None and os.access(shared, os.W_OK) else _private_folder()
    target = folder / name
    if folder is not shared and _fine(target):
        return target
    _sweep(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=_PREFIX) as place:
        part, whole = Path(place) / "part.o", Path(place) / "whole.so"
        for step in (
            [*command, "-c", str(source), "-o", str(part)],
            [command[0], "-shared", str(part), "-o", str(whole)],
        ):
            subprocess.run(step, capture_output=True, text=True, check=True, timeout=_PATIENCE)
        whole.replace(target)  # at once: of two processes that build, each finds all of a library or none
    return target


def _fine(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _sweep(folder: Path) -> None:
    """Removes what builds that were killed have left, when no build can be running in it any more."""
    for place in folder.glob(f"{_PREFIX}*"):
        try:
            if time.time() - place.stat().st_mtime > 10 * _PATIENCE:
                shutil.rmtree(place, ignore_errors=True)
        except OSError:  # another process was faster
            pass


def _shared_folder() -> Path | None:
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = (Path(base) if base else Path.home() / ".cache") / "neurofn"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # there is no home
        return None
    return folder


@functools.cache
def _private_folder() -> Path:
    """A folder of this process alone, while it runs: nobody else can lay a library there."""
    folder = Path(tempfile.mkdtemp(prefix="neurofn-"))
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # not in a child that was forked
        shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _version(command: str) -> str:
    return subprocess.run([command, "--version"], capture_output=True, text=True, check=True, timeout=_PATIENCE).stdout


@functools.cache
def _processor() -> str:
    """What the processor can do: a library built for one must not run on another that shares the cache."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = [line for line in lines if line.split(":")[0].strip() in ("model name", "flags", "Features", "CPU part")]
    return "\n".join(dict.fromkeys(told))
