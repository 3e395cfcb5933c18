"""The layer of every composite neuron: it holds the weights and asks the composite what they compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..._errors import SettingError, ShapeError
from ._spec import Composite

__all__ = ["CompositeLayer"]


class CompositeLayer(nn.Module):
    """``n_out`` composite neurons over ``n_in`` inputs, (..., n_in) -> (..., n_out); made by ``Composite.dense``.

    ``layer(x)`` is the fast path, ``layer.definition(x)`` the slow one. Raises ShapeError for another last axis.

    >>> import torch
    >>> from neurofn.neurons.composites import composite
    >>> layer = composite("neural_multiplication").dense(4, 2)
    >>> layer(torch.ones(3, 4))  # a product of ones, whatever the weights
    tensor([[1., 1.],
            [1., 1.],
            [1., 1.]], grad_fn=<ProdBackward1>)
    """

    neuron_axis = -1

    def __init__(self, part: Composite, n_in: int, n_out: int) -> None:
        super().__init__()
        for name, size in (("n_in", n_in), ("n_out", n_out)):
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise SettingError(f"{name} must be a whole number of at least 1, got {size!r}")
        self.part, self.n_in, self.n_out = part, n_in, n_out
        for name, value in part.begin(n_in, n_out).items():
            self.register_parameter(name, nn.Parameter(value))
        self._learned = tuple(self._parameters)
        for name, value in part.constants(n_in, n_out).items():
            self.register_buffer(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (..., n_out) for inputs (..., n_in)."""
        return self.part.compute(self._checked(x), self._weights())

    def definition(self, x: Tensor) -> Tensor:
        """The same by definition. Slow."""
        return self.part.definition(self._checked(x), self._weights())

    def parameter_groups(self, lr: float, *, share: float = 1e-4) -> list[dict[str, Any]]:
        """Parameter groups for an optimiser: weights that the composite calls slow get ``lr * share``, all others ``lr``.

        The quadratic neuron is trained so (ReLinear); a composite without slow weights gives one group.

        >>> from neurofn.neurons.composites import composite
        >>> groups = composite("quadratic").dense(4, 2).parameter_groups(0.1, share=0.01)
        >>> [(len(group["params"]), group["lr"]) for group in groups]
        [(2, 0.1), (4, 0.001)]
        """
        slow = [weight for name, weight in self.named_parameters() if name in self.part.slow]
        fast = [weight for name, weight in self.named_parameters() if name not in self.part.slow]
        groups = [{"params": fast, "lr": lr}, {"params": slow, "lr": lr * share}]
        return [group for group in groups if group["params"]]

    def clip(self) -> None:
        """Bring the weights back into their domain, in place; to be called after each step of the optimiser."""
        with torch.no_grad():
            for name, value in self.part.clipped(self._weights()).items():
                self.get_parameter(name).copy_(value)

    def penalty(self) -> Tensor:
        """What the composite adds to the loss, a scalar; 0 where it adds nothing."""
        value = self.part.penalty(self._weights())
        return next(self.parameters()).new_zeros(()) if value is None else value

    def _weights(self) -> Mapping[str, Tensor]:
        return {**{name: getattr(self, name) for name in self._learned}, **dict(self.named_buffers(recurse=False))}

    def _checked(self, x: Tensor) -> Tensor:
        if x.ndim == 0 or x.shape[-1] != self.n_in:
            raise ShapeError(
                f"{self.part} was built for {self.n_in} inputs: expected (..., {self.n_in}), got {tuple(x.shape)}"
            )
        return x

    def extra_repr(self) -> str:
        return f"{self.part}, {self.n_in} -> {self.n_out}"

    def __repr__(self) -> str:
        return f"CompositeLayer({self.extra_repr()})"
