"""Probes that each break one rule: check name -> the probe that must fail that check and no other.

All read the mean square of the outputs, which breaks nothing, with one fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from neurofn.instruments import Probe, Readings
from neurofn.instruments._probe import Data, Loss


@dataclass(frozen=True)
class MeanSquare(Probe):
    """Breaks nothing."""

    names: ClassVar[tuple[str, ...]] = ("mean square",)
    needs: ClassVar[frozenset[str]] = frozenset({"rows"})

    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        with torch.no_grad():
            total = sum(float(model(inputs).square().sum()) for inputs, _ in data.batches)
        return {"mean square": total / data.rows / 2}

    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        rows = [model(row[None]).detach().numpy() for inputs, _ in data.batches for row in inputs]
        return {"mean square": float(np.mean(np.square(rows)))}


class Doubles(MeanSquare):
    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        return {"mean square": 2 * self._of(model, data, loss)["mean square"]}  # type: ignore[operator]


class LeavesGradients(MeanSquare):
    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        model(data.batches[0][0]).sum().backward()
        return super()._of(model, data, loss)


class DrawsGlobally(MeanSquare):
    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        np.random.rand()
        return super()._of(model, data, loss)


class ReadsTheLastBatchOfMany(MeanSquare):
    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        last = Data(data.batches[-1:], len(data.batches[-1][0]), 0)
        seen = super()._of(model, last, loss)
        return {"mean square": seen["mean square"]} if len(data.batches) > 3 else super()._of(model, data, loss)


class GivesATensor(MeanSquare):
    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        return {"mean square": np.float64(super()._of(model, data, loss)["mean square"])}


class CountsNothing(MeanSquare):
    def of(self, model: nn.Module, batches: Any = (), *, loss: Loss | None = None) -> Readings:
        return {**super().of(model, batches, loss=loss), "nonfinite rows": 0.0}


class HidesNan(MeanSquare):
    def of(self, model: nn.Module, batches: Any = (), *, loss: Loss | None = None) -> Readings:
        seen = super().of(model, batches, loss=loss)
        return {**seen, "mean square": float(np.nan_to_num(seen["mean square"]))}


@dataclass(frozen=True)
class HidesASetting(MeanSquare):
    scale: float = 1.0

    @classmethod
    def examples(cls) -> tuple[HidesASetting, ...]:
        return cls(), cls(scale=2.0)

    def __str__(self) -> str:
        return "HidesASetting"


BROKEN: dict[str, Probe] = {
    "equals_its_definition": Doubles(),
    "leaves_the_model": LeavesGradients(),
    "leaves_the_random_state": DrawsGlobally(),
    "same_for_any_split": ReadsTheLastBatchOfMany(),
    "readings_are_plain": GivesATensor(),
    "rows_that_are_not_finite_are_left_out": CountsNothing(),
    "broken_weights_give_nan": HidesNan(),
    "text_names_the_settings": HidesASetting(),
}
