"""What a foreign class does wrong, as entries of its row: values, gradients, NaN; each confirmed with many digits first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from ..functions import Function
from ._audit_doubt import Doubt, doubt
from ._audit_subjects import Run, Subject
from ._audit_values import (
    EXTREMES,
    Seen,
    Truth,
    certain,
    extremes,
    grid,
    look,
    truth,
    worst,
    wrong_slopes,
    wrong_values,
)

__all__ = [
    "Comparison",
    "Given",
    "add_fault",
    "disagreement",
    "in_words",
    "nan_gradients",
    "not_finite",
    "shown",
    "slopes",
]

Row = dict[str, Any]
_NEAR = max(EXTREMES)
_INEXACT = 1e-3  # the share up to which a value is inexact, and not wrong


@dataclass(frozen=True)
class Given:
    """A subject, the numbers it cannot be built without, and how it runs."""

    subject: Subject
    required: Mapping[str, float]
    run: Run

    @property
    def numbers(self) -> dict[str, float]:
        """All its settings at their defaults."""
        return {**self.subject.numbers, **self.required}

    def module(self, settings: Mapping[str, float] = MappingProxyType({})) -> nn.Module:
        """The subject with these settings."""
        return self.subject.build({**self.required, **settings})

    def values(self, z: Tensor, settings: Mapping[str, float] = MappingProxyType({})) -> Tensor:
        """Its values in float64."""
        return look(self.module(settings).double(), z, self.run).value


@dataclass(frozen=True)
class Comparison:
    """A subject and an entry at one choice of settings, on a grid."""

    given: Given
    function: Function
    settings: Mapping[str, float]
    mine: Mapping[str, float]
    z: Tensor
    seen: Seen
    true: Truth

    @classmethod
    def of(
        cls, given: Given, function: Function, *, settings: Mapping[str, float], mine: Mapping[str, float]
    ) -> Comparison:
        """Look at both."""
        z = grid(function)
        seen = look(given.module(settings).double(), z, given.run)
        return cls(given, function, settings, mine, z, seen, truth(function, z, mine))

    @property
    def bad(self) -> Tensor:
        """Where the values differ."""
        return wrong_values(self.seen, self.true, self.z)

    @property
    def right(self) -> float:
        """The share of points at which they agree."""
        return 1 - float(self.bad.double().mean())

    def where(self, k: int, *, slope: bool = False) -> dict[str, Any]:
        """The k-th point in a row: what was got there, and what the printed formula gives."""
        got = self.seen.slope if slope else self.seen.value
        at = float(self.z[k])
        sure = certain(self.function, at, self.mine)[slope]
        return {"at": at, "got": float(got[k]), "expected": sure, "settings": shown(self.settings)}


def add_fault(row: Row, kind: str, **where: Any) -> None:
    """Note a fault."""
    row["faults"].append({"kind": kind, **where})


def in_words(error: BaseException) -> str:
    """The type of an error and the first line of what it says."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}"[:200]


def shown(settings: Mapping[str, float]) -> str:
    """Settings as one would type them."""
    return ", ".join(f"{name}={value:.6g}" for name, value in settings.items())


def disagreement(row: Row, case: Comparison, *, by: str) -> bool:
    """Whether values differ, which is then a fault of theirs, or two definitions under one name, or a doubt of ours."""
    bad = case.bad & case.seen.value.isfinite()
    if not bool(bad.any()):
        return False
    k = worst(bad, case.z, (case.seen.value - case.true.value) / (1e-3 + case.true.value.abs()))
    where = case.where(k)
    if not math.isclose(where["expected"], float(case.true.value[k]), rel_tol=1e-5, abs_tol=1e-9):
        row["notes"].append(
            f"ours is doubted: {float(case.true.value[k])!r} at {where['at']:g}, not {where['expected']!r}"
        )
        return True
    share = float(bad.double().mean())
    if share < 0.3 and float(bad[case.z.abs() <= 6].double().mean()) < 0.05:
        place = "next to 0" if float(case.z[bad].abs().max()) < 1e-2 else "mostly far from 0"
        verdict = Doubt("theirs", (f"equal but for {share:.0%} of the points, {place}",))
    else:
        subject = replace(case.given.subject, numbers={**case.given.numbers, **case.settings})
        their, values = partial(case.given.values, settings=case.settings), {**case.function.defaults, **case.mine}
        verdict = doubt(subject, case.function, their, by=by, values=values, moved=bool(case.settings))
    row["doubt"] = {"whom": verdict.whom, "reasons": list(verdict.reasons), "computes": verdict.computes, **where}
    if verdict.whom == "theirs":
        off = (case.seen.value - case.true.value).abs() / (case.true.value.abs() + 1e-2)
        kind = "inexact value" if float(off[bad].max()) < _INEXACT else "wrong value"
        add_fault(row, kind, **where, detail="; ".join(verdict.reasons[1:] or verdict.reasons))
    return True


def slopes(row: Row, case: Comparison) -> None:
    """A gradient that differs where the values agree."""
    wrong = wrong_slopes(case.seen, case.true, case.z) & ~case.bad & case.seen.slope.isfinite()
    if not bool(wrong.any()) or any(one["kind"] == "wrong gradient" for one in row["faults"]):
        return
    k = worst(wrong, case.z, case.seen.slope - case.true.slope)
    where = case.where(k, slope=True)
    if math.isclose(where["expected"], float(case.true.slope[k]), rel_tol=1e-4, abs_tol=1e-6):
        add_fault(row, "wrong gradient", **where, detail="" if case.seen.traced else "no gradient flows")


def not_finite(row: Row, given: Given, function: Function, *, mine: Mapping[str, float]) -> None:
    """NaN or infinity in float32 and float64 where the truth, rounded to the dtype, is finite.

    A gradient counts where its value is finite; what is far out counts where nothing nearer is wrong.
    """
    for dtype in (torch.float32, torch.float64):
        z = torch.cat([extremes(dtype), grid(function).to(dtype)])
        seen = look(given.module().to(dtype), z, given.run)
        true = truth(function, z, mine)
        limit = torch.finfo(seen.dtype).max / 8
        for what, got, right in (("value", seen.value, true.value), ("gradient", seen.slope, true.slope)):
            bad = ~got.isfinite() & right.isfinite() & (right.abs() < limit)
            if what == "gradient":
                bad &= seen.value.isfinite()
            for k in sorted(bad.nonzero().flatten().tolist(), key=lambda k: (abs(float(z[k])) > _NEAR, k))[:3]:
                sure = certain(function, float(z[k]), mine)[what == "gradient"]
                known = {one["kind"] for one in row["faults"]}
                kind = f"NaN {what}" + (" far out" if abs(float(z[k])) > _NEAR else "")
                if math.isfinite(sure) and not known & {kind, f"NaN {what}"}:
                    here = {"at": float(z[k]), "got": float(got[k]), "expected": sure, "settings": ""}
                    add_fault(row, kind, **here, detail=str(dtype).removeprefix("torch."))
                    break


def nan_gradients(row: Row, given: Given, *, judged: bool) -> None:
    """Where, of 0, +-100, +-1e3 and +-1e4, the gradient in float32 is NaN.

    Without a formula (``judged``: there is one) it is a fault where the values on both sides say what it should be.
    """
    z = torch.tensor(EXTREMES)
    row["nan_gradient"] = [float(at) for at in z[look(given.module(), z, given.run).slope.isnan()]]
    for at in [] if judged else row["nan_gradient"]:
        step = 1e-3 * max(1.0, abs(at))
        values = given.values(torch.tensor([at - step, at, at + step], dtype=torch.float64))
        left, right = (float(change) / step for change in values.diff())
        if math.isfinite(left + right) and abs(left - right) <= 1e-2 * (abs(left) + 1e-6):
            detail = "float32; expected by the differences of its values"
            add_fault(row, "NaN gradient", at=at, got=math.nan, expected=(left + right) / 2, settings="", detail=detail)
            return
