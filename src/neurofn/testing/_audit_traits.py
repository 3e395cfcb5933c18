"""What a module must be able to do whatever it computes: dtypes, devices, compiling, exporting, vmap, the same answer twice."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ._audit_subjects import Run

__all__ = ["ALONE", "TRACED", "TRAITS"]


def _twice(module: nn.Module, run: Run) -> str:
    x = run.example()
    first, second = module(x.clone()), module(x.clone())
    return "" if _same(first, second) else "two calls in evaluation mode give different answers"


def _dtype(module: nn.Module, run: Run) -> str:
    wrong = []
    for dtype in (torch.bfloat16, torch.float64):
        out = copy.deepcopy(module).to(dtype)(run.example(dtype))
        wrong += [f"{_short(dtype)} in, {_short(out.dtype)} out"] if out.dtype != dtype else []
    return "; ".join(wrong)


def _device(module: nn.Module, run: Run) -> str:
    moved = copy.deepcopy(module).to("meta")
    out = moved(run.example().to("meta"))
    return "" if out.device.type == "meta" else f"moved to another device, its answer stays on {out.device}"


def _vmap(module: nn.Module, run: Run) -> str:
    x = torch.stack([run.example(), 0.5 * run.example(), -run.example()])
    together: Any = torch.func.vmap(module)(x)
    return "" if _same(together, torch.stack([module(one) for one in x])) else "vmap gives other values than one by one"


def _compiled(module: nn.Module, run: Run) -> str:
    torch._dynamo.reset()
    x = run.example()
    made: Any = torch.compile(module, fullgraph=True, backend="aot_eager")
    return "" if _same(made(x.clone()), module(x.clone())) else "compiled, it gives other values"


def _exported(module: nn.Module, run: Run) -> str:
    x = run.example()
    made = torch.export.export(module, (x.clone(),)).module()
    return "" if _same(made(x.clone()), module(x.clone())) else "exported, it gives other values"


def _same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _quiet(trait: Callable[[nn.Module, Run], str]) -> Callable[[nn.Module, Run], str]:
    """What is wrong in words, "" if nothing is; whatever is raised is what is wrong."""

    def tried(module: nn.Module, run: Run) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return trait(module, run)
            except Exception as error:
                first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
                return f"{type(error).__name__}: {first}"[:200]

    return tried


TRAITS: dict[str, Callable[[nn.Module, Run], str]] = {
    "not deterministic": _quiet(_twice),
    "dtype": _quiet(_dtype),
    "device": _quiet(_device),
    "vmap": _quiet(_vmap),
}
"""Kind of fault -> what finds it."""

ALONE = ("dtype", "device")
"""Those that compare no values, which would be in vain where every call gives others."""

TRACED: dict[str, Callable[[nn.Module, Run], str]] = {"compile": _quiet(_compiled), "export": _quiet(_exported)}
"""The slower ones."""
