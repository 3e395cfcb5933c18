"""Moments of rows of two matrices together, added up batch by batch about running means.

Sums over all pairs of rows of linear kernels come down to sums over single rows. With x and y less their means these are x x^T,
x y^T, y y^T, and for the terms of a row with itself, which unbiased estimates take away, x |x|^2, x |y|^2, y |x|^2, y |y|^2,
|x|^4, |x|^2 |y|^2 and |y|^4. All of them can be moved to another mean, so batches merge exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from ._base import Readings, State

__all__ = ["LARGEST_PAIR", "added", "joined", "measures", "no_rows", "unbiased"]

Array = np.ndarray[Any, Any]
LARGEST_PAIR = 1e70
"""Values of this size and more count as infinite: sums of their fourth powers must be finite in float64."""
_ROUNDING = 16 * 2.0**-52
"""Deviations of this share of the mean are what rounding leaves of a constant."""
_PAIRS = (("x", "x"), ("x", "y"), ("y", "y"))


def no_rows(neurons: int, others: int) -> State:
    """The state of no rows."""
    import torch

    sizes = {"x": neurons, "y": others}
    state = {f"mean {side}": torch.zeros(size, dtype=torch.float64) for side, size in sizes.items()}
    for u, v in _PAIRS:
        state[u + v] = torch.zeros(sizes[u], sizes[v], dtype=torch.float64)
        state[f"{u}|{v}|"] = torch.zeros(sizes[u], dtype=torch.float64)  # sum of u |v|^2
        state[f"{v}|{u}|"] = torch.zeros(sizes[v], dtype=torch.float64)
        state[f"|{u}{v}|"] = torch.zeros((), dtype=torch.float64)  # sum of |u|^2 |v|^2
    return state | {"rows": torch.zeros((), dtype=torch.int64)}


def added(state: State, x: Tensor, y: Tensor, keep: Tensor) -> State:
    """With rows added: x (rows, neurons) and y (rows, others) float64 and finite, of which ``keep`` (rows,) bool count."""
    rows = keep.sum()
    used, number = keep.double(), rows.clamp(min=1)
    here: State = {"mean x": used @ x / number, "mean y": used @ y / number}
    centred = {side: (values - here[f"mean {side}"]) * keep[:, None] for side, values in (("x", x), ("y", y))}
    norms = {side: values.square().sum(dim=1) for side, values in centred.items()}
    for u, v in _PAIRS:
        here[u + v] = centred[u].T @ centred[v]
        here[f"{u}|{v}|"] = norms[v] @ centred[u]
        here[f"{v}|{u}|"] = norms[u] @ centred[v]
        here[f"|{u}{v}|"] = norms[u] @ norms[v]
    return joined(state, here | {"rows": rows})


def joined(a: State, b: State) -> State:
    """The state of the rows of both, on the device of ``a``."""
    b = {name: b[name].to(a[name].device) for name in a}
    rows = a["rows"] + b["rows"]
    share = b["rows"].double() / rows.clamp(min=1)
    state = {f"mean {side}": a[f"mean {side}"] + (b[f"mean {side}"] - a[f"mean {side}"]) * share for side in "xy"}
    sums = [_moved(part, {side: state[f"mean {side}"] - part[f"mean {side}"] for side in "xy"}) for part in (a, b)]
    return state | {name: sums[0][name] + sums[1][name] for name in sums[0]} | {"rows": rows}


def _moved(state: State, by: State) -> State:
    """The sums of rows less other means: by "x" and "y" larger ones."""
    rows, moved = state["rows"], {}
    for u, v in _PAIRS:
        p, q, cross = by[u], by[v], state[u + v]
        of_u, of_v, both = state[f"{u}|{v}|"], state[f"{v}|{u}|"], state[f"|{u}{v}|"]
        own_u, own_v = state[u + u].trace(), state[v + v].trace()
        pp, qq = p @ p, q @ q
        moved[u + v] = cross + rows * p[:, None] * q
        moved[f"{u}|{v}|"] = of_u - 2 * cross @ q - p * own_v - rows * qq * p
        moved[f"{v}|{u}|"] = of_v - 2 * p @ cross - q * own_u - rows * pp * q
        moved[f"|{u}{v}|"] = (
            both - 2 * q @ of_v - 2 * p @ of_u + 4 * p @ cross @ q + qq * own_u + pp * own_v + rows * pp * qq
        )
    return moved


def unbiased(cross: float, self_terms: float, traces: tuple[float, float], rows: int) -> float:
    """The unbiased estimate of the Hilbert-Schmidt independence criterion (Song and others, 2012) of centred linear kernels.

    cross: |x^T y|^2, which is the sum over all pairs of rows; self_terms: the sum of |x|^2 |y|^2; traces: of both kernels.
    """
    if rows < 4:
        return math.nan
    ends = traces[0] * traces[1] / ((rows - 1) * (rows - 2)) - 2 * self_terms / (rows - 2)
    return (cross - self_terms + ends) / (rows * (rows - 3))


def measures(state: State) -> Readings:
    """Alignments and distances of the two matrices, from a state on the CPU; NaN where one of them is constant."""
    part = {name: entry.numpy() for name, entry in state.items()}
    rows = int(part["rows"])
    spread = {u + v: float((part[u + v] ** 2).sum()) for u, v in _PAIRS}
    traces = {side: float(np.trace(part[side * 2])) for side in "xy"}
    scale = math.sqrt(spread["xx"] * spread["yy"])
    whole = {u + v: float(((part[u + v] + rows * np.outer(part[f"mean {u}"], part[f"mean {v}"])) ** 2).sum())
             for u, v in _PAIRS}  # fmt: skip
    size = math.sqrt(whole["xx"] * whole["yy"])
    hsic = {u + v: unbiased(spread[u + v], float(part[f"|{u}{v}|"]), (traces[u], traces[v]), rows) for u, v in _PAIRS}
    own = hsic["xx"] * hsic["yy"]
    means = {side: float(part[f"mean {side}"] @ part[f"mean {side}"]) for side in "xy"}
    known = rows > 1 and all(traces[side] > rows**2 * means[side] * _ROUNDING**2 for side in "xy")
    overlap = float(np.linalg.norm(part["xy"], "nuc")) / math.sqrt(traces["x"] * traces["y"]) if known else math.nan
    return {
        "alignment": whole["xy"] / size if size > 0 else math.nan,
        "CKA": spread["xy"] / scale if known else math.nan,
        "CKA unbiased": hsic["xy"] / math.sqrt(own) if known and own > 0 and hsic["xx"] > 0 else math.nan,
        "CKA shuffled": traces["x"] * traces["y"] / (rows - 1) / scale if known else math.nan,
        "Procrustes distance": math.sqrt(max(0.0, 2 - 2 * overlap)) if known else math.nan,
        "angular distance": math.acos(min(1.0, overlap)) if known else math.nan,
        "rows": float(rows),
    }
