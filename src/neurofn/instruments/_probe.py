"""What a probe is: an instrument that reads a model and data together, because rows of activations do not say enough.

Curvature, tangent kernels and Jacobians are properties of the function and of its parameters. A probe is a frozen dataclass
of settings too, and is stated twice: `of`, which is fast, and `definition`, by brute force, for tiny networks. This base
class puts the model into evaluation mode, leaves out rows that are not finite, and puts back whatever could have moved.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from .._errors import DataError, SettingError
from .._registry import Registry
from ._base import Readings, setting_text

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["Data", "Loss", "Probe", "eigenvalues", "loss_of", "probes", "trained"]

Loss = Callable[[Any, Any], "Tensor"]
"""(outputs, targets) -> the mean over the rows of a batch, as `torch.nn.functional.mse_loss` gives it."""

probes: Registry[type[Probe]] = Registry("probe", package="neurofn.instruments")
"""Every probe by name; a file in this folder that adds one needs nothing else to be found."""


@dataclass(frozen=True)
class Data:
    """Batches of finite rows: inputs and targets (or None) of each, how many rows there are, and how many were left out.

    >>> import torch
    >>> Data.of([(torch.tensor([[1.0], [torch.nan]]), torch.zeros(2))]).rows
    1
    """

    batches: tuple[tuple[Tensor, Tensor | None], ...]
    rows: int
    left_out: int

    @classmethod
    def of(cls, batches: Iterable[Any]) -> Data:
        """From tensors of inputs, or pairs (inputs, targets), rows first; raises DataError for anything else."""
        kept, left_out = [], 0
        for batch in batches:
            inputs, targets = _pair(batch)
            good = _finite(inputs) if targets is None else _finite(inputs) & _finite(targets)
            left_out += int((~good).sum())
            if bool(good.all()):
                kept.append((inputs, targets))
            elif bool(good.any()):
                kept.append((inputs[good], None if targets is None else targets[good]))
        return cls(tuple(pair for pair in kept if len(pair[0])), sum(len(pair[0]) for pair in kept), left_out)

    def first(self, rows: int) -> Data:
        """The first rows, in the order in which they were given, however they were cut into batches."""
        kept, left = [], rows
        for inputs, targets in self.batches:
            if left > 0:
                kept.append((inputs[:left], None if targets is None else targets[:left]))
                left -= len(inputs)
        return Data(tuple(kept), min(rows, self.rows), self.left_out)

    def whole(self) -> tuple[Tensor, Tensor | None]:
        """All rows as one batch."""
        import torch

        targets = [pair[1] for pair in self.batches if pair[1] is not None]
        return torch.cat([pair[0] for pair in self.batches]), torch.cat(targets) if targets else None


class Probe(ABC):
    """A measure of a model on data. Its settings are frozen; its text is its name.

    A reading that cannot be taken, because parameters are not finite or no finite row is left, is NaN. Rows of inputs or
    targets with NaN or infinities are left out and counted in "nonfinite rows"; "rows" says how many were read. The model
    is read in evaluation mode, so dropout is off and batch norm uses what it has stored.

    >>> from neurofn.instruments import Sharpness
    >>> str(Sharpness(rate=0.1))
    'Sharpness(rate=0.1)'
    """

    reads: ClassVar[str] = "model"
    names: ClassVar[tuple[str, ...]]
    """The readings of its own, beside "rows" and "nonfinite rows"."""
    needs: ClassVar[frozenset[str]] = frozenset({"rows", "targets", "loss"})
    """What `of` must be given beside the model: rows, targets in each batch, a loss."""
    effort: ClassVar[frozenset[str]] = frozenset()
    """Readings that say how the others were computed, which a definition does not have."""

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        """The settings that the conformance suite runs."""
        return (cls(),)

    def of(self, model: nn.Module, batches: Iterable[Any] = (), *, loss: Loss | None = None) -> Readings:
        """The readings of ``model`` on ``batches`` of inputs, or of pairs (inputs, targets), rows first.

        loss: (outputs, targets) -> the mean over rows. The model, its gradients, its modes and the random state are afterwards
        as they were. Raises SettingError where something that the probe needs is missing.
        """
        return self._read(self._of, model, batches, loss)

    def definition(self, model: nn.Module, batches: Iterable[Any] = (), *, loss: Loss | None = None) -> Readings:
        """The same readings by brute force, for networks of some hundred parameters; without those of ``effort``."""
        return self._read(self._definition, model, batches, loss, effort=False)

    @abstractmethod
    def _of(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        """The readings, of a model with finite parameters and of at least one row, if rows are needed."""

    @abstractmethod
    def _definition(self, model: nn.Module, data: Data, loss: Loss | None) -> Readings:
        """The same by other means."""

    def _read(
        self, how: Callable[..., Readings], model: nn.Module, batches: Any, loss: Loss | None, effort: bool = True
    ) -> Readings:
        if "loss" in self.needs and loss is None:
            raise SettingError(f"{self} reads the loss; give loss=, for example torch.nn.functional.cross_entropy")
        data = Data.of(batches)
        if "rows" in self.needs and not data.rows + data.left_out:
            raise SettingError(f"{self} reads data; give batches of inputs and targets, for example a DataLoader")
        if "targets" in self.needs and any(targets is None for _, targets in data.batches):
            raise SettingError(f"{self} reads targets; give batches as pairs (inputs, targets)")
        shared = {"rows": float(data.rows), "nonfinite rows": float(data.left_out)}
        names = [name for name in self.names if effort or name not in self.effort]
        finite = all(bool(weight.isfinite().all()) for weight in model.parameters())
        if not finite or ("rows" in self.needs and not data.rows):
            return {**dict.fromkeys(names, float("nan")), **shared}
        with _left_alone(model):
            return {**how(model, data, loss), **shared}

    def __str__(self) -> str:
        settings = [
            f"{field.name}={setting_text(getattr(self, field.name))}"
            for field in fields(self)  # type: ignore[arg-type]  # every probe is a dataclass
            if getattr(self, field.name) != field.default or field.metadata.get("always printed")
        ]
        return f"{type(self).__name__}({', '.join(settings)})" if settings else type(self).__name__


def trained(model: nn.Module) -> list[Tensor]:
    """The parameters that training changes, in the model's order."""
    return [weight for weight in model.parameters() if weight.requires_grad]


def loss_of(model: nn.Module, data: Data, loss: Loss) -> float:
    """The mean loss over all rows, without gradients.

    >>> import torch
    >>> data = Data.of([(torch.ones(3, 1), torch.zeros(3, 1)), (torch.zeros(1, 1), torch.zeros(1, 1))])
    >>> loss_of(torch.nn.Identity(), data, torch.nn.functional.mse_loss)
    0.75
    """
    import torch

    with torch.no_grad():
        return sum(float(loss(model(x), y)) * len(x) for x, y in data.batches) / data.rows


def eigenvalues(matrix: np.ndarray) -> np.ndarray:
    """Of a symmetric matrix, largest first; NaN where it is not finite.

    >>> eigenvalues(np.diag([1.0, 3.0]))
    array([3., 1.])
    """
    if not np.isfinite(matrix).all():
        return np.full(len(matrix), np.nan)
    return np.linalg.eigvalsh(matrix)[::-1].copy()


@contextmanager
def _left_alone(model: nn.Module) -> Iterator[None]:
    """Evaluation mode with gradients on; modes, buffers and random states are put back whatever happens."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = {weight.device for weight in model.parameters() if weight.device.type == "cuda"}
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=list(devices)))
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))  # the fused kernels have no second derivative
        try:
            model.eval()
            yield
        finally:
            for module, mode in modes:
                module.training = mode
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)


def _pair(batch: Any) -> tuple[Tensor, Tensor | None]:
    import torch

    pair: Sequence[Any] = (batch, None) if isinstance(batch, torch.Tensor) else batch
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not isinstance(pair[0], torch.Tensor):
        raise DataError(
            f"a batch is a {type(batch).__name__}; give a tensor of inputs, or a pair of tensors (inputs, targets)"
        )
    inputs, targets = pair
    if targets is not None and (not isinstance(targets, torch.Tensor) or len(targets) != len(inputs)):
        raise DataError(f"{len(inputs)} inputs go with targets that are no tensor of as many rows: give one per row")
    return inputs, targets


def _finite(values: Tensor) -> Tensor:
    return values.isfinite().flatten(1).all(dim=1) if values.ndim > 1 else values.isfinite()
