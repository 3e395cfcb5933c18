"""Coverage: which part of its range each neuron has visited, and how much of a new row lies where rows have been."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .._errors import SettingError, ShapeError, SiteError
from ._base import Batch, Instrument, Readings, State, catalogue

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Coverage", "coverage_states"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Coverage(Instrument):
    """Neuron activation coverage (NAC, arXiv:2306.02879) of states between ``low`` and ``high``, which `coverage_states` makes.

    The range of every neuron is cut into ``bins``; a bin that c rows fell into is covered min(c / full, 1). Coverage is the
    mean over bins and neurons. `score` of new rows, the mean over neurons of how far the bin of their state is covered, is
    low for rows that are unlike those seen (NAC-UE); of several layers the paper adds the scores.

    Readings: "coverage", "neuron coverage" (array), "outside" (share of values outside the range, which lie in no bin),
    "rows", "too few rows" (1 with fewer than full * bins rows, which cannot cover everything whatever they are).
    Any bounded activations will do in the place of states. Rows of weight 0 are left out; other weights do not count.

    State: N * bins counts; cost per row: N places looked up. Raises SettingError for settings out of range.

    >>> import torch
    >>> coverage = Coverage(bins=4, full=1)
    >>> state = coverage.update(coverage.start(2), torch.tensor([[0.1, 0.9], [0.1, 0.6]]))
    >>> coverage.compute(state)["coverage"], coverage.score(state, torch.tensor([[0.2, 0.1], [0.2, 0.95]]))
    (0.375, array([0.5, 1. ]))
    """

    bins: int = 50
    full: int = 50
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        for name in ("bins", "full"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise SettingError(f"{name}={value!r}: give a whole number, 1 or more, for example {name}=50")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise SettingError(f"low={self.low}, high={self.high}: give finite ends, low below high")

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """Of states, and of activations between -1 and 1."""
        return cls(), cls(bins=7, full=2, low=-1.0)

    def score(self, state: State, values: Tensor) -> Array:
        """How far each row of ``values`` (rows, neurons) lies where rows have been: (rows,), from 0 to 1.

        Raises ShapeError for another number of neurons. Values outside the range and NaN count as not covered.
        """
        covered = self._covered(state["counts"].cpu().numpy())
        if values.ndim != 2 or values.shape[1] != len(covered):
            raise ShapeError(f"values have shape {tuple(values.shape)}; the state has {len(covered)} neurons")
        place = self._places(values.detach().cpu().double()).numpy()
        padded = np.concatenate([covered, np.zeros((len(covered), 1))], axis=1)
        return np.asarray(padded[np.arange(len(covered)), place].mean(axis=1))

    def _edges(self) -> Array:
        return np.linspace(self.low, self.high, self.bins + 1)

    def _places(self, values: Tensor) -> Tensor:
        """The bin of each value; ``bins`` for those in none."""
        import torch

        edges = torch.from_numpy(self._edges()).to(values.device)
        place = (torch.bucketize(values, edges, right=True) - 1).clamp(max=self.bins - 1)
        inside = (values >= self.low) & (values <= self.high)
        return place.where(inside, self.bins)

    def _covered(self, counts: Array) -> Array:
        return np.minimum(counts[:, : self.bins] / self.full, 1.0)

    def _start(self, neurons: int) -> State:
        import torch

        return {"counts": torch.zeros(neurons, self.bins + 1, dtype=torch.int64),
                "rows": torch.zeros((), dtype=torch.int64)}  # fmt: skip

    def _update(self, state: State, batch: Batch) -> State:
        used = batch.keep.long()[:, None].expand(batch.values.shape)
        counts = state["counts"].scatter_add(1, self._places(batch.values).T, used.T)
        return {"counts": counts, "rows": state["rows"] + batch.keep.sum()}

    def _compute(self, state: State) -> Readings:
        return self._readings(state["counts"].numpy(), int(state["rows"]))

    def _definition(self, values: Tensor, weights: Tensor | None) -> Readings:
        matrix, edges = values.double().numpy(), self._edges()
        columns = [np.histogram(column, bins=edges)[0] for column in matrix.T]
        counts = np.array([[*column, len(matrix) - column.sum()] for column in columns])
        return self._readings(counts, len(matrix))

    def _readings(self, counts: Array, rows: int) -> Readings:
        neurons = self._covered(counts).mean(axis=1)
        return {
            "coverage": float(neurons.mean()),
            "neuron coverage": neurons,
            "outside": float(counts[:, self.bins].mean()) / rows if rows else math.nan,
            "rows": float(rows),
            "too few rows": float(rows < self.full * self.bins),
        }


def coverage_states(model: nn.Module, inputs: Tensor, *, at: str, alpha: float = 100.0) -> Tensor:
    """The states of NAC at the module ``at``: sigmoid(alpha z dD/dz), D the divergence of the uniform law from the output.

    z: the output of the module, (samples, neurons, ...), axes behind the second averaged out, of z and of the gradient
    alike. D = KL(uniform || softmax(model(inputs))) of each sample, logits (samples, classes). A state is over 1/2 where the
    neuron's activation makes the output more confident. alpha is the steepness. The paper tunes it per layer on validation
    rows, and it decides: on a small network `Coverage.score` was perfect at alpha = 10 and worse than chance at 1000.

    Returns (samples, neurons) between 0 and 1, without a graph, in the type of z. The model is run once in the mode it is
    in (evaluate with ``model.eval()``: batch normalisation would mix samples); parameters get no gradient. Give batches to
    ``Coverage().update`` one by one. Raises SiteError where nothing is at ``at`` or it is not called once, ShapeError for
    other outputs, SettingError for alpha that is not positive.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    >>> coverage_states(model, torch.ones(5, 3), at="1").shape
    torch.Size([5, 4])
    """
    import torch

    if not (math.isfinite(alpha) and alpha > 0):
        raise SettingError(f"alpha={alpha}: give a positive steepness, for example alpha=100")
    modules = dict(model.named_modules())
    if at not in modules:
        raise SiteError(f"no module is at {at!r}; paths are {', '.join(map(repr, list(modules)[1:6]))}, ...")
    seen: list[Tensor] = []
    handle = modules[at].register_forward_hook(_catch(seen))
    try:
        with torch.enable_grad():
            logits = model(inputs)
            if len(seen) != 1:
                raise SiteError(f"the module {at!r} gave {len(seen)} tensors in one pass; name one that gives one")
            z = seen[0]
            if logits.ndim != 2 or z.ndim < 2 or len(z) != len(logits):
                raise ShapeError(f"logits of shape {tuple(logits.shape)} and states of shape {tuple(z.shape)}; "
                                 "they must be (samples, classes) and (samples, neurons, ...)")  # fmt: skip
            # The divergence less a constant; its sum over samples, so that each has its own gradient.
            divergence = -torch.log_softmax(logits, dim=1).mean(dim=1).sum()
            gradient = torch.autograd.grad(divergence, z, allow_unused=True)[0]
            if gradient is None:
                raise SiteError(f"the output does not depend on the module {at!r}; name one that it depends on")
    finally:
        handle.remove()
    pooled = [side.detach().flatten(2).mean(dim=2) if side.ndim > 2 else side.detach() for side in (z, gradient)]
    return torch.sigmoid(alpha * pooled[0] * pooled[1])


def _catch(seen: list[Tensor]) -> Callable[[nn.Module, Any, Any], Any]:
    """A hook that puts a leaf of the graph in the place of the output: nothing in front of it is differentiated."""
    import torch

    def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
        if isinstance(output, torch.Tensor):
            seen.append(output.detach().requires_grad_())
            return seen[-1].clone()  # what follows may work in place
        return output

    return hook


catalogue.add("Coverage", Coverage)
