"""The compiled kernel: built from ``_kernel.cpp`` by the machine's compiler when it is first needed, kept, loaded by ctypes.

It speaks plain C (pointers and counts), so that it fits any version of torch. Where nothing can be built ``kernel()`` is None
and the plain code of ``_packing`` does the same, slower.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch
from torch import Tensor

__all__ = ["Kernel", "has_compiler", "kernel", "kernel_state"]

FORWARDS = {"gelu": 1, "silu": 2, "mish": 3}
"""Functions whose values the kernel makes too, in the pass that makes the codes; for others it makes the codes alone."""

_SOURCE = Path(__file__).with_name("_kernel.cpp")
_FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fno-trapping-math", "-fno-math-errno", "-w")
# OpenMP is compiled in and linked against nothing: its functions are those of the threads that torch has already started.
_TRIES = (("-march=native", "-fopenmp"), ("-march=native",), ())
_ALONE = 1 << 15  # numbers below which other threads are not worth waking
_PATIENCE = 120.0


class Kernel:
    """The two functions of the library at ``path``, on float32 tensors whose numbers lie in one piece."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(str(path))
        pointer, whole, long = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
        self._forward, self._backward = library.neurofn_forward, library.neurofn_backward
        self._forward.argtypes = [whole, whole, pointer, pointer, pointer, pointer, long, whole]
        self._backward.argtypes = [whole, pointer, pointer, pointer, pointer, long, whole]
        self.path = path

    def forward(self, z: Tensor, packed: Tensor, boundaries: Tensor, *, which: int, out: Tensor | None) -> bool:
        """Fills ``packed`` with codes and, where ``which`` is a function, ``out`` with values; whether some z is NaN."""
        bits = len(boundaries).bit_length()
        values = z if out is None else out
        addresses = z.data_ptr(), values.data_ptr(), packed.data_ptr(), boundaries.data_ptr()
        return bool(self._forward(bits, which, *addresses, z.numel(), _threads(z)))

    def backward(self, g: Tensor, packed: Tensor, levels: Tensor, *, bits: int, out: Tensor) -> None:
        """Fills ``out`` with ``g`` times the level of each code; there are 16 levels, the last ones unused."""
        addresses = g.data_ptr(), out.data_ptr(), packed.data_ptr(), levels.data_ptr()
        self._backward(bits, *addresses, g.numel(), _threads(g))


def _threads(tensor: Tensor) -> int:
    return torch.get_num_threads() if tensor.numel() >= _ALONE else 1


def kernel() -> Kernel | None:
    """The kernel, built now if this machine has not built it yet; None where it cannot be.

    It lies in ``neurofn`` below ``$XDG_CACHE_HOME`` or ``~/.cache``, named after source, compiler and processor.
    """
    return _find()[0]


def kernel_state() -> str:
    """Where the compiled kernel is, or why there is none. Builds it where it is missing.

    >>> kernel_state().split(":")[0] in ("compiled", "none")
    True
    """
    return _find()[1]


@functools.cache
def _find() -> tuple[Kernel | None, str]:
    compiler = _compiler()
    if compiler is None:
        return None, "none: no C++ compiler; install g++ or clang++, or set CXX"
    reason = ""
    for flags in _TRIES:
        try:
            found = Kernel(_build([*compiler, *_FLAGS, *flags]))
        except subprocess.CalledProcessError as error:
            reason = str(error.stderr).strip()[-300:]
        except (OSError, AttributeError, subprocess.SubprocessError) as error:
            reason = str(error)
        else:
            return found, f"compiled: {found.path}"
    return None, f"none: {shlex.join(compiler)} failed: {reason}"


def has_compiler() -> bool:
    """Whether there is a C++ compiler to ask; torch.compile needs one too."""
    return _compiler() is not None


def _compiler() -> list[str] | None:
    wished = shlex.split(os.environ.get("CXX", ""))
    if wished:
        return wished
    return next(([path] for name in ("c++", "g++", "clang++") if (path := shutil.which(name))), None)


def _build(command: list[str]) -> Path:
    version = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=True, timeout=_PATIENCE)
    source = _SOURCE.read_bytes()
    identity = [*command, version.stdout, _processor()]
    key = hashlib.sha256(b"\0".join([source, *(part.encode() for part in identity)])).hexdigest()[:24]
    folder = _folder()
    target = folder / f"fewbit-{key}.so"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=folder) as place:
        part, whole = Path(place) / "kernel.o", Path(place) / "kernel.so"
        for step in (
            [*command, "-c", str(_SOURCE), "-o", str(part)],
            [command[0], "-shared", str(part), "-o", str(whole)],
        ):
            subprocess.run(step, capture_output=True, text=True, check=True, timeout=_PATIENCE)
        whole.replace(target)  # at once: of two processes that build, each finds all of a library or none
    return target


def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        folder = (Path(base) if base else Path.home() / ".cache") / "neurofn"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except (OSError, RuntimeError):  # there is no home
        pass
    return _private_folder()


@functools.cache
def _private_folder() -> Path:
    """A folder of this process alone: nobody else can lay a library there."""
    return Path(tempfile.mkdtemp(prefix="neurofn-"))


def _processor() -> str:
    """What the processor can do: a library built for one must not run on another that shares the cache."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    told = [line for line in lines if line.split(":")[0].strip() in ("model name", "flags", "Features", "CPU part")]
    return "\n".join(dict.fromkeys(told))
