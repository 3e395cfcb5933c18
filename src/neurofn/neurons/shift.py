"""A learned shift of every channel of an image, in fractions of pixels, as Padé neurons put it before a kernel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .._errors import SettingError, ShapeError

__all__ = ["ChannelShift"]


class ChannelShift(nn.Module):
    """Images (..., channels, *space), each channel moved by ``shift`` (channels, axes of space), in pixels.

    A place p of the output is read at p + shift, between pixels linearly, and is 0 outside of the image. Shifts are learned.
    They begin uniform in [-limit, limit] and are clamped to it, and the gradient passes the clamp. Before a convolution it
    makes the neuron with shifts of arXiv:2403.11791. Raises SettingError for sizes that cannot be, ShapeError for other
    channels.

    >>> layer = ChannelShift(1, dimensions=1, limit=2)
    >>> _ = layer.load_state_dict({"shift": torch.tensor([[0.5]])})
    >>> layer(torch.tensor([[2.0, 4.0, 8.0]]))
    tensor([[3., 6., 4.]], grad_fn=<ViewBackward0>)
    """

    def __init__(self, channels: int, *, dimensions: int = 2, limit: float = 1.0) -> None:
        super().__init__()
        for name, count in (("channels", channels), ("dimensions", dimensions)):
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise SettingError(f"{name} must be a whole number of at least 1, got {count!r}")
        if isinstance(limit, bool) or not isinstance(limit, (int, float)) or not 0 <= limit < float("inf"):
            raise SettingError(f"limit must be a number of pixels of at least 0, got {limit!r}")
        self.channels, self.dimensions, self.limit = channels, dimensions, float(limit)
        self.shift = nn.Parameter((2 * torch.rand(channels, dimensions) - 1) * self.limit)

    def forward(self, x: Tensor) -> Tensor:
        """Two pixels for every place and axis, one axis after the other."""
        images, shifts = self._checked(x), self._shifts()
        for axis in range(self.dimensions):
            size = images.shape[axis + 2]
            places = torch.arange(size, device=x.device, dtype=shifts.dtype) + shifts[:, axis : axis + 1]
            low = places.detach().floor()
            share, first = (places - low).to(x.dtype), low.long()
            shape = [1, self.channels, *[1] * axis, size, *[1] * (self.dimensions - axis - 1)]
            parts = []
            for index, weight in ((first, 1 - share), (first + 1, share)):
                inside = (index >= 0) & (index < size)
                pixels = images.take_along_dim(index.clamp(0, max(size - 1, 0)).reshape(shape), axis + 2)
                parts.append(torch.where(inside.reshape(shape), pixels * weight.reshape(shape), 0.0))
            images = parts[0] + parts[1]
        return images.reshape(x.shape)

    def definition(self, x: Tensor) -> Tensor:
        """Every place as a sum over all pixels q, of x_q * max(0, 1 - |p + shift - q|) along each axis. Slow."""
        images, shifts = self._checked(x), self._shifts()
        for axis in range(self.dimensions):
            place = torch.arange(images.shape[axis + 2], device=x.device, dtype=shifts.dtype)
            distance = place[:, None] + shifts[:, axis, None, None] - place
            weights = (1 - distance.abs()).clamp(min=0).to(x.dtype)
            last = images.movedim(axis + 2, -1)
            rows = last.reshape(*last.shape[:2], -1, last.shape[-1]) @ weights.transpose(-1, -2)
            images = rows.reshape(last.shape).movedim(-1, axis + 2)
        return images.reshape(x.shape)

    def _shifts(self) -> Tensor:
        return self.shift.clamp(-self.limit, self.limit).detach() + (self.shift - self.shift.detach())

    def _checked(self, x: Tensor) -> Tensor:
        first = -self.dimensions - 1
        if x.ndim <= self.dimensions or x.shape[first] != self.channels:
            raise ShapeError(
                f"a shift of {self.channels} channels expects (..., {self.channels}, {self.dimensions} axes of space), "
                f"got {tuple(x.shape)}"
            )
        return x.reshape(x.shape[:first].numel(), *x.shape[first:])

    def extra_repr(self) -> str:
        return f"{self.channels}, dimensions={self.dimensions}, limit={self.limit:g}"
