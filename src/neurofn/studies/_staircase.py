"""How the networks of the staircase begin, and what is read from them while they train."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..instruments import EpsilonRank
from ..instruments.rank import gram_spectrum

if TYPE_CHECKING:
    from torch import nn

    from ..train import Stack

__all__ = ["FINE", "LAYERS", "MEASURE", "RANK", "STARTS", "Reader", "builder", "lower_bounds", "schedule", "series"]

Array = np.ndarray[Any, Any]

MEASURE = 2.0  # the length of [-1, 1]
LAYERS = ("tanh1", "tanh2")
RANK = EpsilonRank(eps=1e-3, measure=MEASURE)
FINE = EpsilonRank(eps=1e-6, measure=MEASURE)
INSTRUMENTS = (RANK, FINE)
STEEPNESS = 16.0

STARTS = {
    "baseline": "Xavier-normal weights times 0.7, zero biases",
    "default": "PyTorch's own initialisation",
    "structured": "baseline, but first layer tanh(16 (x - knot)) with evenly spaced knots",
    "scattered": "baseline, but first layer tanh(16 (x - knot)) with random knots",
    "steep": "baseline, but first weights of the same size (normal, standard deviation 16), zero biases",
}


def builder(start: str, *, width: int) -> Callable[[int], nn.Module]:
    """build(seed) of the tanh network 1-width-width-1 that begins as STARTS says; for `neurofn.train.Stack`.

    >>> list(dict(builder("structured", width=4)(0).named_children()))
    ['linear1', 'tanh1', 'linear2', 'tanh2', 'linear3']
    """

    def build(seed: int) -> nn.Module:
        import torch
        from torch import nn

        sizes = (1, width, width, 1)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for place, (before, after) in enumerate(itertools.pairwise(sizes), start=1):
            layers[f"linear{place}"] = linear = nn.Linear(before, after)
            if start != "default":
                nn.init.xavier_normal_(linear.weight, gain=0.7)
                nn.init.zeros_(linear.bias)
            if place < 3:
                layers[f"tanh{place}"] = nn.Tanh()
        first = layers["linear1"]
        with torch.no_grad():
            if start == "steep":
                first.get_parameter("weight").normal_(0.0, STEEPNESS)
            if start in ("structured", "scattered"):
                knots = torch.linspace(-1, 1, width) if start == "structured" else torch.rand(width) * 2 - 1
                first.get_parameter("weight").fill_(STEEPNESS)
                first.get_parameter("bias").copy_(-STEEPNESS * knots)
        return nn.Sequential(layers)

    return build


def schedule(steps: int, records: int) -> list[int]:
    """The steps that are read: 0, the early step (a twentieth of all), the last, and evenly spaced in log-time from 10.

    >>> schedule(200, 4)
    [0, 10, 27, 74, 200]
    """
    spaced = np.geomspace(min(10, steps), steps, records).round().astype(int)
    return sorted({0, steps // 20, *map(int, spaced), steps})


def lower_bounds(phi: Array, beta: Array, target: Array, *, eps: Sequence[float]) -> list[tuple[float, float]]:
    """For each epsilon a lower bound of the mean squared error from the epsilon-rank, and the distance it is made of.

    phi (n, neurons): values of the last hidden layer; beta (neurons,): its output weights; target (n,): u*.

    Let the inner product be <f, g> = w sum of f g over the points, w = measure / n, so that norm(f)^2 = measure times the
    mean square of f. The output is u = sum_j beta_j phi_j + c with the output bias c. With M = Q L Q^T the Gram matrix of
    phi, the functions psi = Q^T phi are orthogonal with norm(psi_j)^2 = lambda_j. Let p be the epsilon-rank and V the span
    of psi_1 .. psi_p and of the constant function. The part of u outside these p terms, r = sum over j > p of
    (Q^T beta)_j psi_j, has norm(r)^2 = sum of (Q^T beta)_j^2 lambda_j <= eps norm(beta)^2. Since u - r lies in V,

        norm(u - u*) >= norm((u - r) - u*) - norm(r) >= dist(u*, V) - sqrt(eps) norm(beta),

    so the mean squared error is at least max(0, dist(u*, V) - sqrt(eps) norm(beta))^2 / measure. The constant belongs to V
    because the bias is free; without it the bound would be false. Gives that bound and dist(u*, V); NaN where a value is
    not finite. All of it is about the training points, in float64.

    >>> line = np.linspace(-1, 1, 256)
    >>> [(bound, distance)] = lower_bounds(line[:, None], np.array([0.0]), line**2, eps=[1e-3])
    >>> bool(np.isclose(bound, np.var(line**2)))
    True
    """
    if not (np.isfinite(phi).all() and np.isfinite(beta).all()):
        return [(float("nan"), float("nan")) for _ in eps]
    weight = MEASURE / len(phi)
    eigenvalues, vectors = gram_spectrum(phi, np.full(len(phi), weight))
    goal, found = np.sqrt(weight) * target, []
    for threshold in eps:
        p = int((eigenvalues > threshold).sum())
        kept = phi @ vectors[:, :p] / np.sqrt(eigenvalues[:p])
        # Where the constant is in the span already, its column is rounding noise: V only grows, and the bound only falls.
        basis, _ = np.linalg.qr(np.sqrt(weight) * np.column_stack([kept, np.ones(len(phi))]))
        distance = float(np.linalg.norm(goal - basis @ (basis.T @ goal)))
        gap = max(0.0, distance - float(np.sqrt(threshold) * np.linalg.norm(beta)))
        found.append((gap**2 / MEASURE, distance))
    return found


@dataclass
class Reader:
    """Reads all seeds of a stack at one step; ``rows[seed]`` are rows for a Record. x (n, 1), y (n, 1)."""

    x: Array
    y: Array
    rows: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    def __call__(self, step: int, stack: Stack) -> None:
        import torch

        inputs = torch.as_tensor(self.x, dtype=torch.float64)
        # In float64, where the bound is exact to rounding and eigenvalues of 1e-6 are far above it.
        network = stack.network(0).double()
        for index, seed in enumerate(stack.seeds):
            network.load_state_dict(stack.snapshot(index))
            self.rows.setdefault(seed, []).extend(
                self._ranks(network, inputs, step) + self._loss(network, inputs, step)
            )

    def _ranks(self, network: nn.Module, inputs: Any, step: int) -> list[dict[str, Any]]:
        from ..watching import measure

        table = measure(network, inputs, *INSTRUMENTS, at=LAYERS, step=step).table()
        kept = [row for row in table if row["reading"] == "rank"]
        return kept + [
            row for row in table if row["reading"] == "largest eigenvalue" and row["instrument"] == str(RANK)
        ]

    def _loss(self, network: nn.Module, inputs: Any, step: int) -> list[dict[str, Any]]:
        import torch

        last = network.get_submodule("linear3")
        with torch.no_grad():
            phi = network[:-1](inputs)  # type: ignore[index]  # a Sequential: all but its last layer
            errors = last(phi).numpy() - self.y
        beta, target = last.get_parameter("weight").detach().numpy()[0], self.y[:, 0].astype(np.float64)
        rows = [_row(step, "Training", "loss", float((errors**2).mean()))]
        bounds = lower_bounds(phi.numpy(), beta, target, eps=[instrument.eps for instrument in INSTRUMENTS])
        for instrument, (bound, distance) in zip(INSTRUMENTS, bounds, strict=True):
            rows.append(_row(step, str(instrument), "lower bound", bound))
            rows.append(_row(step, str(instrument), "distance", distance))
        return rows


def _row(step: int, instrument: str, reading: str, value: float) -> dict[str, Any]:
    return {"step": step, "site": "network", "instrument": instrument, "reading": reading, "value": value}


def series(rows: Sequence[dict[str, Any]], **equal: Any) -> tuple[Array, Array]:
    """Steps and values of the rows that have these entries, in the order of the steps.

    >>> series([{"step": 5, "reading": "loss", "value": 2.0}], reading="loss")
    (array([5]), array([2.]))
    """
    chosen = sorted(
        (row["step"], row["value"]) for row in rows if all(row[name] == value for name, value in equal.items())
    )
    return np.array([step for step, _ in chosen]), np.array([value for _, value in chosen], dtype=np.float64)
