"""Instruments that each break one rule: check name -> the instrument that must fail that check and no other.

All are a plain mean of the neurons, which breaks nothing, with one fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from neurofn.instruments import Batch, Instrument, Readings, State
from neurofn.instruments._blocks import as_rows
from neurofn.instruments._column_sums import ColumnSums
from neurofn.instruments._kernels import Kernel


@dataclass(frozen=True)
class Mean(Instrument):
    """Breaks nothing."""

    def _start(self, neurons: int) -> State:
        return {"total": torch.zeros(neurons, dtype=torch.float64), "rows": torch.zeros((), dtype=torch.float64)}

    def _update(self, state: State, batch: Batch) -> State:
        return {"total": state["total"] + batch.mass @ batch.values, "rows": state["rows"] + batch.mass.sum()}

    def _compute(self, state: State) -> Readings:
        return {"average": (state["total"] / state["rows"].clamp(min=1e-300)).numpy(), "rows": float(state["rows"])}

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        matrix = values.double().numpy()
        if not len(matrix):
            return {"average": np.zeros(matrix.shape[1]), "rows": 0.0}
        mass = np.ones(len(matrix)) if weights is None else weights.numpy()
        return {"average": np.average(matrix, axis=0, weights=mass), "rows": float(mass.sum())}


class KeepsTheFirstRow(Mean):
    def merge(self, a: State, b: State) -> State:
        return {**super().merge(a, b), "total": a["total"] if a["rows"] > 0 else b["total"]}

    def _update(self, state: State, batch: Batch) -> State:
        rows = batch.values[batch.keep]
        first = rows[0] if len(rows) and state["rows"] == 0 else state["total"]
        return {"total": first, "rows": state["rows"] + batch.mass.sum()}

    def _compute(self, state: State) -> Readings:
        return {"average": state["total"].numpy(), "rows": float(state["rows"])}

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        first = values[0] if len(values) else torch.zeros(values.shape[1])
        return {**super()._definition(values, weights), "average": first.double().numpy()}


class LosesRowsInThirdMerge(Mean):
    def _start(self, neurons: int) -> State:
        return {**super()._start(neurons), "merges": torch.zeros((), dtype=torch.int64)}

    def merge(self, a: State, b: State) -> State:
        merged = super().merge(a, b)
        both = ((a["rows"] > 0) & (b["rows"] > 0)).long()
        return {**merged, "merges": merged["merges"] + both, "total": merged["total"] - 0.01 * a["merges"]}

    def _update(self, state: State, batch: Batch) -> State:
        return {**super()._update(state, batch), "merges": state["merges"]}


class CountsMerges(LosesRowsInThirdMerge):
    def merge(self, a: State, b: State) -> State:
        return {**Mean.merge(self, a, b), "merges": a["merges"] + b["merges"] + 1}


class ForgetsWeightsInItsDefinition(Mean):
    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        return super()._definition(values, None)


class SumsInHalfPrecision(Mean):
    def _update(self, state: State, batch: Batch) -> State:
        dtype = torch.float16 if batch.roundoff > 1e-5 else torch.float64
        total = (batch.mass[:, None] * batch.values).to(dtype).sum(dim=0)
        return {**super()._update(state, batch), "total": state["total"] + total}


class KeepsEveryBatch(Mean):
    def _start(self, neurons: int) -> State:
        return {**super()._start(neurons), "all": torch.zeros(0, neurons, dtype=torch.float64)}

    def merge(self, a: State, b: State) -> State:
        parts = {name: {"total": state["total"], "rows": state["rows"]} for name, state in (("a", a), ("b", b))}
        bad = a["nonfinite rows"] + b["nonfinite rows"]
        return {**super().merge(parts["a"], parts["b"]), "all": torch.cat([a["all"], b["all"]]), "nonfinite rows": bad}

    def _update(self, state: State, batch: Batch) -> State:
        return {**super()._update(state, batch), "all": torch.cat([state["all"], batch.values])}


class ChangesItsState(Mean):
    def _update(self, state: State, batch: Batch) -> State:
        return {"total": state["total"].add_(batch.mass @ batch.values), "rows": state["rows"].add_(batch.mass.sum())}


class HidesWhatIsNotFinite(Mean):
    def update(self, state: State, values: Tensor, weights: Tensor | None = None) -> State:
        return super().update(state, values.nan_to_num(0.0, 0.0, 0.0), weights)


class KeepsTheGraph(Mean):
    def update(self, state: State, values: Tensor, weights: Tensor | None = None) -> State:
        state = super().update(state, values, weights)
        return {**state, "rows": state["rows"] + 0 * values[:0].sum()}

    def compute(self, state: State) -> Readings:
        return super().compute({name: entry.detach() for name, entry in state.items()})


class GivesWholeNumbers(Mean):
    def _compute(self, state: State) -> Readings:
        return {**super()._compute(state), "rows": state["rows"].numpy()[()]}


class HasAnotherName(Mean):
    def __str__(self) -> str:
        return "mean"


class StaysInItsProcess(Mean):
    def all_reduce(self, state: State, group: object = None) -> State:
        return state


class DrawsRandomNumbers(Mean):
    def _update(self, state: State, batch: Batch) -> State:
        torch.rand(1)
        return super()._update(state, batch)


class LeavesAHook(Mean):
    handles: ClassVar[list[torch.utils.hooks.RemovableHandle]] = []

    def _update(self, state: State, batch: Batch) -> State:
        self.handles.append(torch.nn.modules.module.register_module_forward_hook(lambda *_: None))
        return super()._update(state, batch)


class LosesRowsInItsFastRoute(Mean):
    def kernel(self, neurons: int, like: Tensor) -> Kernel:
        return SumsOfTheFirst(neurons, like)


class SumsOfTheFirst(Kernel):
    """Sums that take the first batch for all."""

    def __init__(self, neurons: int, like: Tensor) -> None:
        super().__init__(neurons, like)
        self.sums = torch.zeros(neurons, dtype=torch.float64)

    def add(self, values: Tensor, sums: ColumnSums) -> None:
        if not self.rows:
            self.sums += as_rows(values).double().sum(dim=0)

    def state(self) -> State:
        return {"total": self.sums, "rows": torch.tensor(float(self.total), dtype=torch.float64)}


BROKEN: dict[str, Instrument] = {
    "same_for_any_split_and_order": KeepsTheFirstRow(),
    "merge_is_associative": LosesRowsInThirdMerge(),
    "start_is_the_identity": CountsMerges(),
    "equals_its_definition": ForgetsWeightsInItsDefinition(),
    "half_precision_is_summed_in_full": SumsInHalfPrecision(),
    "state_does_not_grow": KeepsEveryBatch(),
    "states_are_not_changed": ChangesItsState(),
    "rows_that_are_not_finite_are_reported": HidesWhatIsNotFinite(),
    "no_graph_is_kept": KeepsTheGraph(),
    "readings_are_plain": GivesWholeNumbers(),
    "text_names_the_settings": HasAnotherName(),
    "two_processes_equal_one": StaysInItsProcess(),
    "watching_leaves_the_training": DrawsRandomNumbers(),
    "no_hook_is_left": LeavesAHook(),
    "fast_route_equals_the_slow_one": LosesRowsInItsFastRoute(),
}
