"""Priors that are learned: inputs are made from a few numbers, by principal components or by any generator.

Codes are counted in their standard deviations from their mean. Both priors charge a code z of the squared length |z|**2
the price |z|**2 / (2 * deviations), so that a unit that is linear in z is best at the distance ``deviations``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from .._errors import DataError, SettingError, ShapeError
from ._listening import undisturbed
from .priors import Space

__all__ = ["PCA", "Learned"]

Array = np.ndarray[Any, Any]
Map = Callable[[Tensor], Tensor]
_BATCH = 64


class _Coded(Space):
    """Codes in standard deviations; a linear map or a network makes inputs of them."""

    def __init__(self, generator: Map, encoder: Map | None, codes: tuple[Tensor, Tensor], *, deviations: float) -> None:
        self.generator, self.encoder, self.deviations = generator, encoder, deviations
        self.mean, self.spread = codes
        self.reach = self.mean.numel() ** 0.5
        self.modules = tuple(one for one in (generator, encoder) if isinstance(one, nn.Module))

    def encode(self, inputs: Tensor) -> Tensor:
        if self.encoder is None:
            raise SettingError("this prior cannot find the code of an input: give it an encoder=, or start=Noise()")
        return self.standard(self.encoder(inputs).detach())

    def standard(self, codes: Tensor) -> Tensor:
        """Codes as the generator takes them, in standard deviations."""
        return (codes - self.mean) / torch.where(self.spread > 0, self.spread, 1)

    def decode(self, codes: Tensor) -> Tensor:
        return self.generator(self.mean + self.spread * codes)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        shape = (count, *self.mean.shape)
        return torch.randn(shape, generator=generator, dtype=self.mean.dtype, device=self.mean.device)

    def cost(self, codes: Tensor) -> Tensor:
        return codes.flatten(1).square().sum(dim=1) / (2 * self.deviations)


class _Ball(_Coded):
    """No farther away than nearly all real inputs are, and ``deviations`` more."""

    def limit(self, codes: Tensor) -> Tensor:
        share: Tensor = (self.reach + self.deviations) / codes.norm(dim=1, keepdim=True)
        return codes * share.clamp(max=1)


class _Clipped(_Coded):
    """No entry farther away than ``deviations``, nor below the smallest in ``seen``, (samples, ...)."""

    def __init__(self, generator: Map, encoder: Map | None, seen: Tensor, *, deviations: float) -> None:
        codes = (seen.mean(dim=0), seen.std(dim=0, correction=0))
        super().__init__(generator, encoder, codes, deviations=deviations)
        self.low = self.standard(seen).amin(dim=0)

    def limit(self, codes: Tensor) -> Tensor:
        return torch.maximum(codes.clamp(-self.deviations, self.deviations), self.low)

    def guide(self, codes: Tensor, gradient: Tensor, progress: float) -> Tensor:
        out = ((codes >= self.deviations) & (gradient > 0)) | (
            (codes <= self.low.clamp(min=-self.deviations)) & (gradient < 0)
        )
        return gradient.masked_fill(out, 0)


@dataclass(frozen=True, eq=False)
class PCA:
    """Inputs in the space of the first principal components of real ones, with a Gaussian over it; make it with `fit`.

    mean: (...), directions: (components, ...), orthonormal, spread: (components,), the standard deviations along them.
    deviations: how many standard deviations from the mean a unit that is linear in the input is most active, price included;
    no input is farther away than that plus the root of the number of components.

    >>> prior = PCA.fit(np.diag([3.0, 2.0, 1.0]), components=1)
    >>> prior.directions.shape, prior.deviations
    ((1, 3), 3.0)
    """

    mean: Array
    directions: Array
    spread: Array
    deviations: float = 3.0

    @classmethod
    def fit(cls, inputs: Any, *, components: int, deviations: float = 3.0) -> Self:
        """From real inputs (samples, ...), a tensor or array. Raises SettingError where they do not vary along so many
        directions, or deviations are not positive; DataError for values that are NaN or infinite.

        >>> prior = PCA.fit(np.random.default_rng(0).normal(size=(50, 3, 4, 4)), components=5)
        >>> prior.directions.shape
        (5, 3, 4, 4)
        """
        _refuse_deviations(deviations)
        values = np.asarray(inputs.detach().cpu() if isinstance(inputs, Tensor) else inputs, dtype=np.float64)
        if values.ndim < 2 or not np.isfinite(values).all():
            raise DataError(f"inputs have shape {values.shape}: give finite numbers, (samples, ...)")
        rows = values.reshape(len(values), -1)
        _, sizes, directions = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
        rank = int((sizes > sizes.max(initial=0) * max(rows.shape) * np.finfo(np.float64).eps).sum())
        if not 1 <= components <= rank:
            raise SettingError(f"components={components}: give 1 to {rank}; these inputs vary along {rank} directions")
        spread = sizes[:components] / np.sqrt(len(rows))
        shape = values.shape[1:]
        return cls(values.mean(axis=0), directions[:components].reshape(-1, *shape), spread, deviations)

    def space(self, inputs: Tensor) -> Space:
        """Codes (n, components)."""
        if tuple(inputs.shape[1:]) != self.mean.shape:
            raise ShapeError(f"inputs have shape {tuple(inputs.shape)}, those of PCA.fit (samples, *{self.mean.shape})")
        mean, directions, spread = (
            torch.as_tensor(part, dtype=inputs.dtype, device=inputs.device)
            for part in (self.mean, self.directions, self.spread)
        )
        flat = directions.flatten(1)

        def generate(codes: Tensor) -> Tensor:
            return mean + (codes @ flat).view(-1, *mean.shape)

        def encode(real: Tensor) -> Tensor:
            return (real - mean).flatten(1) @ flat.T

        return _Ball(generate, encode, (torch.zeros_like(spread), spread), deviations=self.deviations)


@dataclass(frozen=True, eq=False)
class Learned:
    """Inputs that a generator makes: the decoder of an autoencoder, or any network or function, codes (n, ...) -> (n, ...).

    codes: examples of codes, (samples, ...): those of real inputs (see `fit`), or draws from what the generator was trained
    on. Of these the mean and the standard deviation of every entry are taken. encoder: inputs -> codes, only needed to start
    from real inputs. deviations: no entry of a code goes farther from the mean than so many standard deviations, nor below
    the smallest in ``codes``; it is also the distance at which a unit that is linear in the code is best, price included.

    Generator and encoder run in evaluation mode and are left as they were. Raises SettingError for deviations that are not
    positive, DataError for codes that are no finite numbers (samples, ...).

    Source: arXiv:1605.09304, with a price for the length of the code and a range for each of its entries.

    >>> prior = Learned(torch.nn.Linear(2, 6), np.random.default_rng(0).normal(size=(100, 2)))
    >>> codes = prior.space(torch.zeros(3, 6)).limit(torch.tensor([[9.0, 0.0]]))
    >>> codes
    tensor([[3., 0.]])
    """

    generator: Map
    codes: Any
    encoder: Map | None = None
    deviations: float = 3.0

    def __post_init__(self) -> None:
        _refuse_deviations(self.deviations)
        codes = torch.as_tensor(self.codes)
        if codes.ndim < 2 or not len(codes) or not torch.isfinite(codes).all():
            raise DataError(f"codes have shape {tuple(codes.shape)}: give finite numbers, (samples, ...)")

    @classmethod
    def fit(cls, generator: Map, encoder: Map, *, inputs: Tensor, deviations: float = 3.0) -> Self:
        """With the codes that ``encoder`` gives for real inputs (samples, ...).

        >>> encoder, generator = torch.nn.Linear(6, 2), torch.nn.Linear(2, 6)
        >>> Learned.fit(generator, encoder, inputs=torch.ones(10, 6)).codes.shape
        torch.Size([10, 2])
        """
        with undisturbed(*[one for one in (encoder,) if isinstance(one, nn.Module)]), torch.no_grad():
            codes = torch.cat([encoder(inputs[i : i + _BATCH]) for i in range(0, len(inputs), _BATCH)])
        return cls(generator, codes, encoder, deviations)

    def space(self, inputs: Tensor) -> Space:
        """Codes as the generator takes them, in standard deviations."""
        codes = torch.as_tensor(self.codes).detach().to(inputs.device, inputs.dtype)
        return _Clipped(self.generator, self.encoder, codes, deviations=self.deviations)


def _refuse_deviations(deviations: float) -> None:
    if not 0 < deviations < inf:
        raise SettingError(f"deviations={deviations}: give a positive number, for example 3.0")
