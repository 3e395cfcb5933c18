"""What a test must leave as it found it: global random state, torch's global settings, global hooks, and the disk.

torch and numpy are looked at only where something else has loaded them, so that a test of a light part stays light.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
GLOBAL_HOOKS = (
    "_global_forward_hooks",
    "_global_forward_pre_hooks",
    "_global_backward_hooks",
    "_global_backward_pre_hooks",
    "_global_module_registration_hooks",
    "_global_parameter_registration_hooks",
    "_global_buffer_registration_hooks",
)


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _numpy_state(numpy: Any) -> str:
    name, keys, *rest = numpy.random.get_state()
    return _digest(f"{name}{rest}".encode() + keys.tobytes())


def _torch_settings(torch: Any) -> dict[str, object]:
    return {
        "torch's global random state": _digest(torch.get_rng_state().numpy().tobytes()),
        "torch's default dtype": torch.get_default_dtype(),
        "torch's default device": torch.get_default_device(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's gradient mode": torch.is_grad_enabled(),
        "torch's choice of deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch's matmul precision": torch.get_float32_matmul_precision(),
    }


def _hook_counts(module: Any) -> dict[str, object]:
    return {f"torch's {name}": tuple(getattr(module, name, ())) for name in GLOBAL_HOOKS}


def snapshot() -> dict[str, object]:
    """Global state by name, as far as the packages that hold it are loaded."""
    state: dict[str, object] = {
        "Python's global random state": _digest(repr(random.getstate()).encode()),
        "the working directory": os.getcwd(),
    }
    if "numpy" in sys.modules:  # numpy loads numpy.random at its first use, which must not be in the test
        state["numpy's global random state"] = _numpy_state(sys.modules["numpy"])
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_float32_matmul_precision"):  # else it is half loaded
        state |= _torch_settings(torch) | _hook_counts(sys.modules["torch.nn.modules.module"])
    return state


def fresh_torch_random_state() -> str:
    """What torch's global random state was before anyone touched it, for a test that was the first to load torch.

    torch seeds itself from the system with a number of 53 bits; a small seed was set by somebody.
    """
    torch = sys.modules["torch"]
    seed = torch.initial_seed()
    return "unseeded" if seed < 2**32 else _digest(torch.Generator().manual_seed(seed).get_state().numpy().tobytes())


def moved(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """In words, what differs. What was not yet loaded before is judged where its first state is known."""
    name = "torch's global random state"
    if name in after and name not in before:
        before = {**before, name: fresh_torch_random_state()}
    return [
        f"{what}: {before[what]} became {after[what]}"
        for what in after
        if what in before and before[what] != after[what]
    ]


class WriteWatch:
    """Every file that this process opens for writing, makes, renames or removes outside temporary folders and caches.

    Python tells this through its audit hooks, so a write is charged to the test that did it, even with other processes
    at work on the same folders. Child processes are not seen.
    """

    def __init__(self) -> None:
        self.active = False
        self.offences: list[str] = []
        self._roots = tuple(
            {str(Path(tempfile.gettempdir())), str(Path(tempfile.gettempdir()).resolve()), "/dev", "/proc"}
        )
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.active:
            return
        reader = _WRITES.get(event)
        for path in reader(args) if reader else ():
            if isinstance(path, (str, bytes, os.PathLike)) and not self.allows(os.fsdecode(path)):
                self.offences.append(f"{event} {os.fsdecode(path)}")

    def allows(self, path: str) -> bool:
        """Temporary folders and caches (hidden folders, __pycache__) are allowed; the repository and the rest are not."""
        if path in ("", ":memory:"):
            return True
        full = os.path.abspath(path)
        inside = full.startswith(str(REPOSITORY) + os.sep)
        parts = Path(full).relative_to(REPOSITORY).parts if inside else Path(full).parts
        if any(part == "__pycache__" or (part.startswith(".") and len(part) > 2) for part in parts):
            return True
        return not inside and any(full == root or full.startswith(root + os.sep) for root in self._roots)


def _opened(args: tuple[Any, ...]) -> list[Any]:
    path, mode, flags = args
    writes = any(letter in mode for letter in "wax+") if mode else bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    return [path] if writes else []


def _within(path: Any, folder: int) -> Any:
    """The path, seen from an open folder where there is one (shutil.rmtree walks that way); None where it cannot be told."""
    if folder < 0:
        return path
    try:
        return os.path.join(os.readlink(f"/proc/self/fd/{folder}"), os.fsdecode(path))
    except OSError:
        return None


_WRITES: dict[str, Callable[[tuple[Any, ...]], list[Any]]] = {
    "open": _opened,
    "os.mkdir": lambda args: [_within(args[0], args[2])],
    "os.remove": lambda args: [_within(args[0], args[1])],
    "os.rename": lambda args: [_within(args[0], args[2]), _within(args[1], args[3])],
    "os.rmdir": lambda args: [_within(args[0], args[1])],
    "sqlite3.connect": lambda args: [str(args[0]).removeprefix("file:").split("?")[0]],
}
