"""Similarity: how alike two matrices of activations are that were read from the same rows, whatever the basis of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._errors import SettingError, ShapeError
from . import _cross
from ._base import Batch, Labelled, Readings, State, catalogue

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["KernelAlignment", "Matches", "Similarity"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Similarity:
    """Alikeness of two layers, x (rows, neurons) and y (rows, others), over the same rows, streamed batch by batch.

    "CKA": centred kernel alignment of linear kernels (arXiv:1905.00414), |x^T y|^2 / (|x^T x| |y^T y|) of centred columns, 0 to
    1 (same up to rotation and scale). It rises with fewer rows: "CKA shuffled", the control, is its mean over all
    orders of the rows of y, exactly, tr(x^T x) tr(y^T y) / ((n - 1) |x^T x| |y^T y|).
    "CKA unbiased": the same of unbiased estimates (Song and others 2012; arXiv:2010.15327), 0 on average over these orders.
    "alignment": kernel alignment without centring (Cristianini and others, NIPS 2001).
    "Procrustes distance": |x - y Q| for the best rotation Q, of centred matrices of norm 1, 0 to sqrt 2. "angular distance":
    the angle between them in radians, arccos of the nuclear norm of x^T y over |x| |y|, 0 to pi/2 (generalised shape metrics,
    arXiv:2110.14739). Both are metrics; narrower layers are padded by zeros. Close to 0 they are right to 1e-8.

    Further: "rows" and "nonfinite rows", where either side has NaN, infinities or values of 1e70 and more; these are left out.
    NaN for a constant side, and for fewer than 2 rows (4, "CKA unbiased").

    It works as instruments do, over two matrices: states add up over batches and runs. State: (N + M)**2 numbers; cost per
    row: (N + M)**2 operations. In a model: `neurofn.watching.between`.

    >>> import torch
    >>> x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    >>> similarity = Similarity()
    >>> readings = similarity.compute(similarity.update(similarity.start(3, 3), x, x[:, [2, 0, 1]] * 4 + 1))
    >>> round(readings["CKA"], 6), round(readings["angular distance"], 6)
    (1.0, 0.0)
    """

    def start(self, neurons: int, others: int) -> State:
        """The state of no rows, the identity of `merge`. Raises ShapeError for a side of less than one neuron."""
        import torch

        if min(neurons, others) < 1:
            raise ShapeError(f"layers of {neurons} and {others} neurons have nothing to compare; give 1 or more")
        return _cross.no_rows(neurons, others) | {"nonfinite rows": torch.zeros((), dtype=torch.int64)}

    def update(self, state: State, x: Tensor, y: Tensor) -> State:
        """``state`` with rows added: x (rows, neurons) and y (rows, others). Raises ShapeError where the shapes do not fit."""
        sides = []
        for side, values in (("x", x), ("y", y)):
            size = len(state[f"mean {side}"])
            if values.ndim != 2 or values.shape[1] != size or len(x) != len(y):
                raise ShapeError(
                    f"{side} has shape {tuple(values.shape)}; give ({len(x)}, {size}), as many rows on each side"
                )
            sides.append(values.detach().double())
        keep = (sides[0].abs() < _cross.LARGEST_PAIR).all(dim=1) & (sides[1].abs() < _cross.LARGEST_PAIR).all(dim=1)
        here = {name: entry.to(keep.device) for name, entry in state.items()}
        nonfinite = here.pop("nonfinite rows") + (~keep).sum()
        clean = [values.masked_fill(~keep[:, None], 0.0) for values in sides]
        return _cross.added(here, clean[0], clean[1], keep) | {"nonfinite rows": nonfinite}

    def merge(self, a: State, b: State) -> State:
        """The state of the rows of ``a`` and those of ``b``, on the device of ``a``."""
        both = a["nonfinite rows"] + b["nonfinite rows"].to(a["rows"].device)
        sums = [{name: entry for name, entry in part.items() if name != "nonfinite rows"} for part in (a, b)]
        return _cross.joined(sums[0], sums[1]) | {"nonfinite rows": both}

    def compute(self, state: State) -> Readings:
        """The readings of all rows in ``state``."""
        local = {name: entry.cpu() for name, entry in state.items()}
        return {**_cross.measures(local), "nonfinite rows": float(local["nonfinite rows"])}

    def definition(self, x: Tensor, y: Tensor) -> Readings:
        """The same readings from both matrices at once: kernels of all pairs of rows, and the best rotation itself."""
        sides = [values.detach().cpu().double().numpy() for values in (x, y)]
        good = np.all([(np.abs(values) < _cross.LARGEST_PAIR).all(axis=1) for values in sides], axis=0)
        return {**_defined(sides[0][good], sides[1][good]), "nonfinite rows": float((~good).sum())}

    def matches(self, state: State, *, rotations: int = 20, seed: int = 0) -> Matches:
        """The unit of y that correlates most with each unit of x, and what chance gives; see `Matches`.

        rotations: how many random rotations of y's units, each scaled to deviation 1, the baseline is the mean of. Raises
        SettingError for fewer than 1. Cost: rotations * M**3 operations; no rows are read again.
        """
        if rotations < 1:
            raise SettingError(f"rotations={rotations}: give 1 or more, for example 20")
        part = {name: state[name].cpu().numpy() for name in ("xx", "xy", "yy")}
        scale = [_inverse_root(np.diag(part[name])) for name in ("xx", "yy")]
        table = scale[0][:, None] * part["xy"] * scale[1]
        other = scale[1][:, None] * part["yy"] * scale[1]
        generator = np.random.default_rng(seed)
        total = np.zeros(len(table))
        for _ in range(rotations):
            turn, upper = np.linalg.qr(generator.normal(size=other.shape))
            turn = turn * np.sign(np.diag(upper))
            spread = np.einsum("ij,ij->j", turn, other @ turn)
            total += np.clip((table @ turn) * _inverse_root(spread), -1, 1).max(axis=1)
        table = np.clip(table, -1, 1)
        return Matches(table.argmax(axis=1), table.max(axis=1), total / rotations)


@dataclass(frozen=True, eq=False)
class Matches:
    """For each unit of a first layer the unit of a second one with the largest Pearson correlation, over the same rows.

    Source: universal neurons (arXiv:2401.12181). partner: (units,) numbers. correlation: (units,), 0 for constant units.
    baseline: (units,), the largest correlation with any of the second layer's units after they were randomly rotated, on
    average: the same information in no preferred units.

    >>> found = Matches(np.array([1]), np.array([0.9]), np.array([0.25]))
    >>> found.excess, found.universal()
    (array([0.65]), 1.0)
    """

    partner: Array
    correlation: Array
    baseline: Array

    @property
    def excess(self) -> Array:
        """(units,), the correlation less its baseline; the study takes the mean over several second networks."""
        return np.asarray(self.correlation - self.baseline)

    def universal(self, threshold: float = 0.5) -> float:
        """The share of units whose excess is over ``threshold``, 0.5 in the study."""
        return float((self.excess > threshold).mean())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: getattr(self, name).tolist() for name in ("partner", "correlation", "baseline", "excess")}


@dataclass(frozen=True)
class KernelAlignment(Labelled):
    """How far the linear kernel of a layer is that of its labels: x x^T against 1 for rows of one class, else 0.

    "alignment" (Cristianini and others, NIPS 2001), "centred alignment" (Cortes and others, arXiv:1203.0550), which is CKA
    with the labels, "unbiased", the same of unbiased estimates, and "shuffled", the control: the mean of "centred alignment"
    over all orders of the labels, exactly. 1 where rows of a class are one point and classes lie at right angles.
    Of two layers, of inputs, or of real targets: `Similarity`.

    Readings also: "rows". Rows of weight 0 are left out; other weights do not count. State: (N + classes)**2 numbers; cost
    per row: as many operations. Raises SettingError for fewer than two classes. NaN for one class, or constant activations.

    >>> import torch
    >>> part, labels = KernelAlignment(classes=2), torch.tensor([0, 1, 1, 0])
    >>> state = part.update(part.start(2), torch.eye(2)[labels] * 3, targets=labels)
    >>> round(part.compute(state)["centred alignment"], 9)
    1.0
    """

    classes: int = 10

    def __post_init__(self) -> None:
        if isinstance(self.classes, bool) or not isinstance(self.classes, int) or self.classes < 2:
            raise SettingError(f"classes={self.classes!r}: give the number of classes, 2 or more")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """All classes present, and one that never is."""
        return cls(classes=2), cls(classes=3)

    def merge(self, a: State, b: State) -> State:
        return Similarity().merge(a, b)

    def _start(self, neurons: int) -> State:
        return _cross.no_rows(neurons, self.classes)

    def _update(self, state: State, batch: Batch) -> State:
        import torch

        assert batch.targets is not None
        member = torch.nn.functional.one_hot(batch.targets, self.classes).double() * batch.keep[:, None]
        sums = {name: entry for name, entry in state.items() if name != "nonfinite rows"}
        return _cross.added(sums, batch.values, member, batch.keep)

    def _compute(self, state: State) -> Readings:
        return _aligned(_cross.measures(state))

    def _labelled_definition(self, values: Tensor, weights: Tensor | None, targets: Tensor) -> Readings:
        return _aligned(_defined(values.double().numpy(), np.eye(self.classes)[targets.numpy()]))


def _aligned(found: Readings) -> Readings:
    return {
        "alignment": found["alignment"],
        "centred alignment": found["CKA"],
        "unbiased": found["CKA unbiased"],
        "shuffled": found["CKA shuffled"],
        "rows": found["rows"],
    }


def _inverse_root(values: Array) -> Array:
    """1 / sqrt, 0 for values that are 0 up to rounding of the largest."""
    tiny = np.finfo(np.float64).eps * values.max(initial=0) * len(values)
    return np.asarray(np.where(values > tiny, 1 / np.sqrt(np.where(values > tiny, values, 1.0)), 0.0))


def _defined(x: Array, y: Array) -> Readings:
    """Every reading from kernels (rows, rows), and the Procrustes distance from the rotation that minimises it."""
    rows = len(x)
    names = ("alignment", "CKA", "CKA unbiased", "CKA shuffled", "Procrustes distance", "angular distance")
    found: Readings = {**dict.fromkeys(names, math.nan), "rows": float(rows)}
    raw = [side @ side.T for side in (x, y)]
    if all(kernel.any() for kernel in raw):
        found["alignment"] = float((raw[0] * raw[1]).sum() / np.sqrt((raw[0] ** 2).sum() * (raw[1] ** 2).sum()))
    if rows < 2:
        return found
    centred = [side - side.mean(axis=0) for side in (x, y)]
    kernels = [side @ side.T for side in centred]
    if not all((np.ptp(side, axis=0) > 0).any() for side in (x, y)):
        return found
    first, second = kernels
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    found |= {"CKA": float((first * second).sum()) / scale,
              "CKA shuffled": float(np.trace(first) * np.trace(second)) / (rows - 1) / scale}  # fmt: skip
    if rows > 3:
        off = [kernel - np.diag(np.diag(kernel)) for kernel in kernels]
        both, *own = (_song(*pair) for pair in (off, (off[0], off[0]), (off[1], off[1])))
        found["CKA unbiased"] = both / math.sqrt(own[0] * own[1]) if min(own) > 0 else math.nan
    return found | _turned(*centred)


def _song(first: Array, second: Array) -> float:
    """The unbiased estimate of HSIC from kernels without their diagonals, as Song and others write it."""
    rows, ones = len(first), np.ones(len(first))
    total = (ones @ first @ ones) * (ones @ second @ ones) / ((rows - 1) * (rows - 2))
    return float(np.trace(first @ second) + total - 2 / (rows - 2) * (ones @ first @ second @ ones)) / (
        rows * (rows - 3)
    )


def _turned(x: Array, y: Array) -> Readings:
    from scipy.linalg import orthogonal_procrustes

    width = max(x.shape[1], y.shape[1])
    padded = [np.pad(side / np.linalg.norm(side), ((0, 0), (0, width - side.shape[1]))) for side in (x, y)]
    turn = orthogonal_procrustes(padded[1], padded[0])[0]
    overlap = float((padded[0] * (padded[1] @ turn)).sum())
    return {
        "Procrustes distance": float(np.linalg.norm(padded[0] - padded[1] @ turn)),
        "angular distance": math.acos(min(1.0, overlap)),
    }


catalogue.add("KernelAlignment", KernelAlignment)
