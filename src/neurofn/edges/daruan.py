"""The expectation of a qubit into which an input is loaded again and again: a Fourier series whose frequencies are learned."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..functions import Count
from ._spec import Basis, edge

if TYPE_CHECKING:
    from torch import Tensor

Vector = tuple["Tensor", "Tensor", "Tensor"]


def _parts(raw: Tensor, layers: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Amplitude (n_in, n_out), angles about z and y (layers + 1, n_in, n_out), frequencies (layers, n_in, n_out)."""
    each = raw.movedim(1, 0)
    return each[0], each[1 : layers + 2], each[layers + 2 : 2 * layers + 3], each[2 * layers + 3 :]


def _direct(x: Tensor, raw: Tensor, *, layers: int) -> Tensor:
    """On the Bloch sphere: two rotations of a real vector per layer, those about z in a row taken as one."""
    import torch

    narrow = x.dtype in (torch.float16, torch.bfloat16)
    amplitude, about_z, about_y, frequency = _parts(raw.float() if narrow else raw, layers)
    given = (x.float() if narrow else x).unsqueeze(-1)
    angle = about_z[0] + 0 * given
    a, b, c = angle.cos(), angle.sin(), torch.zeros_like(angle)  # the state |+> turned about z
    for k in range(layers + 1):
        if k:
            angle = given * frequency[k - 1] + about_z[k]
            cos, sin = angle.cos(), angle.sin()
            a, b = a * cos - b * sin, a * sin + b * cos
        cos, sin = about_y[k].cos(), about_y[k].sin()
        a, c = a * cos + c * sin, c * cos - a * sin
    return (amplitude * c).to(x.dtype)


def _states(x: Tensor, raw: Tensor, *, layers: int) -> Tensor:
    """The circuit as it is drawn: gates are 2x2 matrices, the state has two complex amplitudes."""
    import torch

    amplitude, about_z, about_y, frequency = _parts(raw, layers)
    given = x.unsqueeze(-1)
    up = torch.complex(torch.ones_like(given + about_z[0]), torch.zeros_like(given + about_z[0])) / 2**0.5
    down = up.clone()  # Hadamard's gate on |0>

    def turned_about_z(up: Tensor, down: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
        phase = torch.complex((angle / 2).cos(), (angle / 2).sin())
        return up * phase.conj(), down * phase

    for k in range(layers + 1):
        if k:
            up, down = turned_about_z(up, down, given * frequency[k - 1])
        up, down = turned_about_z(up, down, about_z[k] + 0 * given)
        cos, sin = (about_y[k] / 2).cos(), (about_y[k] / 2).sin()
        up, down = cos * up - sin * down, sin * up + cos * down
    expectation = (up * up.conj()).real - (down * down.conj()).real
    return amplitude * expectation


def _begin(n_in: int, size: int, n_out: int, *, layers: int) -> Tensor:
    """Amplitude 1, angles anywhere, frequencies near 1."""
    import torch

    raw = torch.empty(n_in, size, n_out)
    raw[:, 0] = 1.0
    raw[:, 1 : 2 * layers + 3].uniform_(-torch.pi, torch.pi)
    raw[:, 2 * layers + 3 :].normal_(1.0, 0.1)
    return raw


def _no_terms(x: Tensor) -> Tensor:
    raise NotImplementedError("an edge of daruan is not linear in terms: ask direct")


@edge(
    "a*<Z> after H, Rz(p_0), Ry(q_0) and for k = 1 ... layers: Rz(f_k*x), Rz(p_k), Ry(q_k), on one qubit",
    source="arXiv:2509.14026",
    layers=Count(3, low=1, high=16),
)
def daruan(layers: int) -> Basis:
    """Per edge an amplitude, layers + 1 pairs of angles and layers frequencies; all are learned, and |edge| <= |a|."""
    return Basis(
        3 * layers + 3,
        _no_terms,
        partial(_states, layers=layers),
        direct=partial(_direct, layers=layers),
        begin=partial(_begin, layers=layers),
    )
