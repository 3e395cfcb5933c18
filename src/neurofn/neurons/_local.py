"""The fast path of edges with local support: of all terms of an input only those that are not 0 are made and used.

``plan`` says whether a weighted sum of edges has such a path; the path takes what each basis sees and gives the sum. Forward
and backward keep inputs and weights alone and make the terms again. Where no kernel can run (a graph that is compiled or
exported, the transforms of torch.func, other formats and devices) the terms are made densely, by operations of torch.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

from ..edges import Basis
from . import _local_kernel, _local_numba
from ._local_dense import dense_sum
from ._local_kernel import Grid

if TYPE_CHECKING:
    from ._gather import Gather

__all__ = ["LocalPath", "plan"]


def plan(gather: Gather) -> LocalPath | None:
    """The path for the bases of ``gather``; None where its aggregate is no weighted sum or no basis has local support."""
    if not gather.fused or not any(_is_local(basis) for basis in gather.bases):
        return None
    return LocalPath(gather.bases)


def _is_local(basis: Basis) -> bool:
    known = basis.order is not None and basis.local is not None and basis.interval is not None
    return known and not basis.parameters and basis.outside in _local_kernel.OUTSIDE


class Way(Protocol):
    """A kernel: x (batch, n_in), weight (n_in, cells + order, n_out), sums and their gradient (batch, n_out)."""

    def add_sums(self, x: Tensor, weight: Tensor, grid: Grid, *, out: Tensor) -> None:
        """Adds to ``out`` the weighted sums of the terms of x."""

    def input_gradient(self, x: Tensor, weight: Tensor, grid: Grid, *, grad: Tensor) -> Tensor:
        """The gradient of x from that of the sums."""

    def weight_gradient(self, x: Tensor, grid: Grid, *, grad: Tensor, out: Tensor) -> None:
        """Fills ``out`` with the gradient of the weights."""


class LocalPath:
    """Terms times weights, summed over inputs and terms: ``cat(terms).flatten(-2) @ weight.flatten(0, 1)`` without the terms.

    ``takes`` says of each basis whether the path makes its terms.
    """

    def __init__(self, bases: Sequence[Basis]) -> None:
        self.bases = tuple(bases)
        self.takes = tuple(_is_local(basis) for basis in bases)

    @property
    def name(self) -> str:
        """How float32 on a processor runs: "native" or "numba", "plain" where there is neither, "compiled" while compiling."""
        if torch.compiler.is_compiling():
            return "compiled"
        names = {
            _name(basis.order)
            for basis, takes in zip(self.bases, self.takes, strict=True)
            if takes and basis.order is not None
        }
        return names.pop() if len(names) == 1 else "plain"

    def __call__(self, inputs: Sequence[Tensor], weight: Tensor, breaks: Sequence[Tensor | None]) -> Tensor:
        """The sums (..., n_out).

        ``inputs`` has for each basis that the path takes what that basis sees, (..., n_in), and for each other its terms
        (..., n_in, count). ``weight`` (n_in, count of all, n_out) are the weights as they are used, those of one basis after
        those of the other. ``breaks`` has for each basis its grid per input (n_in, cells + 1), or None: equal cells on its
        interval.
        """
        ways = self._ways(inputs, weight, breaks)
        if ways is None:
            return self.plain(inputs, weight, breaks)
        result: Tensor = _Sum.apply(_Call(self, ways, tuple(breaks)), weight, *inputs)  # type: ignore[no-untyped-call]
        return result

    def plain(self, inputs: Sequence[Tensor], weight: Tensor, breaks: Sequence[Tensor | None]) -> Tensor:
        """The same by operations of torch, that can be differentiated twice, traced and transformed."""
        sums: list[Tensor] = []
        at = 0
        for basis, takes, seen, own in zip(self.bases, self.takes, inputs, breaks, strict=True):
            count = weight_count(basis, seen, takes=takes)
            part = weight[:, at : at + count]
            at += count
            sums.append(dense_sum(seen, part, basis, own) if takes else seen.flatten(-2) @ part.flatten(0, 1))
        return functools.reduce(torch.add, sums)

    def _ways(
        self, inputs: Sequence[Tensor], weight: Tensor, breaks: Sequence[Tensor | None]
    ) -> tuple[Way | None, ...] | None:
        """A kernel for each basis that the path takes; None where some cannot be used here."""
        if torch.compiler.is_compiling() or not _runs_now([weight, *inputs], breaks):
            return None
        found: list[Way | None] = []
        for basis, takes in zip(self.bases, self.takes, strict=True):
            way = _way(weight.dtype, basis.order) if takes and basis.order is not None else None
            if takes and way is None:
                return None
            found.append(way)
        return tuple(found)


def weight_count(basis: Basis, seen: Tensor, *, takes: bool) -> int:
    """How many weights each edge has for this basis."""
    return basis.breaks + basis.order if takes and basis.breaks and basis.order is not None else seen.shape[-1]


def _runs_now(tensors: Sequence[Tensor], breaks: Sequence[Tensor | None]) -> bool:
    """Whether these are numbers in memory that nobody traces or transforms."""
    own = [each for each in breaks if each is not None]
    return (
        torch._C._functorch.peek_interpreter_stack() is None
        and torch._C._len_torch_dispatch_stack() == 0
        and forward_ad._current_level < 0
        and not torch._C._is_tracing()
        and not any(each.requires_grad for each in own)
        and all(type(each) in (Tensor, torch.nn.Parameter) and each.device.type == "cpu" for each in [*tensors, *own])
        and all(each.layout is torch.strided and each.dtype == tensors[0].dtype for each in tensors)
    )


def _way(dtype: torch.dtype, order: int) -> Way | None:
    return _local_kernel.kernel(dtype, order) or _local_numba.kernel(dtype)


def _name(order: int) -> str:
    """What there seems to be, without building it."""
    if _local_kernel.promised(order):
        return "native"
    return "numba" if _local_numba.AVAILABLE else "plain"


@functools.lru_cache(maxsize=16)
def _even_grid(cells: int, low: float, high: float, order: int, dtype: torch.dtype) -> Tensor:
    """Knots of equal cells, taken in double precision and rounded once."""
    place = torch.arange(-order, cells + order + 1, dtype=torch.float64, device="cpu")
    return (low + place * ((high - low) / cells)).to(dtype)


def _grid(basis: Basis, dtype: torch.dtype, breaks: Tensor | None) -> Grid:
    from ..edges._splines import knots_of

    assert basis.order is not None and basis.breaks is not None  # noqa: PT018
    assert basis.interval is not None and basis.outside is not None  # noqa: PT018
    if breaks is None:
        knots = _even_grid(basis.breaks, *basis.interval, basis.order, dtype)
    else:
        knots = knots_of(breaks.detach().to(dtype), basis.order).contiguous()
    return Grid(knots, basis.order, basis.outside, even=breaks is None)


@dataclass(frozen=True)
class _Call:
    """What one call of the path knows beside its tensors."""

    path: LocalPath
    ways: tuple[Way | None, ...]
    breaks: tuple[Tensor | None, ...]

    def parts(self, inputs: Sequence[Tensor]) -> list[tuple[slice, Way | None, Grid | None]]:
        """For each input: where its weights lie, and the kernel with the grid if it has them."""
        found: list[tuple[slice, Way | None, Grid | None]] = []
        at = 0
        for basis, way, own, seen in zip(self.path.bases, self.ways, self.breaks, inputs, strict=True):
            count = weight_count(basis, seen, takes=way is not None)
            found.append((slice(at, at + count), way, None if way is None else _grid(basis, seen.dtype, own)))
            at += count
        return found


class _Sum(torch.autograd.Function):
    """The sum over all bases; keeps weight and inputs."""

    @staticmethod
    def forward(ctx: Any, call: _Call, weight: Tensor, *inputs: Tensor) -> Tensor:
        ctx.call = call
        ctx.save_for_backward(weight, *inputs)
        packed = weight if _in_rows(weight) else weight.contiguous()
        n_in, _, n_out = weight.shape
        lead = inputs[0].shape[:-1] if call.ways[0] is not None else inputs[0].shape[:-2]
        out = weight.new_zeros(lead.numel(), n_out)
        for seen, (part, way, grid) in zip(inputs, call.parts(inputs), strict=True):
            if way is not None and grid is not None:
                way.add_sums(seen.reshape(-1, n_in).contiguous(), packed[:, part], grid, out=out)
            else:
                out.addmm_(seen.reshape(len(out), seen.shape[-2] * seen.shape[-1]), _rows(packed[:, part]))
        return out.view(*lead, n_out)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        weight, *inputs = ctx.saved_tensors
        (given,) = grads
        if torch.is_grad_enabled():
            return (None, *_again(ctx.call, [weight, *inputs], given, ctx.needs_input_grad[1:]))
        packed = weight if _in_rows(weight) else weight.contiguous()
        grad = given.reshape(-1, given.shape[-1]).contiguous()
        of_weight = torch.empty_like(packed, memory_format=torch.contiguous_format) if ctx.needs_input_grad[1] else None
        found: list[Tensor | None] = []
        for seen, (part, way, grid), wanted in zip(
            inputs, ctx.call.parts(inputs), ctx.needs_input_grad[2:], strict=True
        ):
            if way is not None and grid is not None:
                x = seen.reshape(-1, seen.shape[-1]).contiguous()
                if of_weight is not None:
                    way.weight_gradient(x, grid, grad=grad, out=of_weight[:, part])
                found.append(
                    way.input_gradient(x, packed[:, part], grid, grad=grad).view(seen.shape) if wanted else None
                )
            else:
                if of_weight is not None:
                    _fill(of_weight[:, part], seen.reshape(len(grad), seen.shape[-2] * seen.shape[-1]).t(), grad)
                found.append((grad @ _rows(packed[:, part]).t()).view(seen.shape) if wanted else None)
        return (None, of_weight, *found)


def _again(call: _Call, tensors: list[Tensor], grad: Tensor, wanted: Sequence[bool]) -> list[Tensor | None]:
    """Gradients that can themselves be differentiated: those of the plain sum."""
    weight, *inputs = tensors
    result = call.path.plain(inputs, weight, call.breaks)
    asked = [tensor for tensor, needed in zip(tensors, wanted, strict=True) if needed]
    found = iter(torch.autograd.grad(result, asked, grad, create_graph=True))
    return [next(found) if needed else None for needed in wanted]


def _in_rows(weight: Tensor) -> bool:
    """Whether all weights of one input lie in one piece."""
    return (
        weight.stride(2) == 1 and weight.stride(1) == weight.shape[2] and weight.data_ptr() % weight.element_size() == 0
    )


def _rows(weight: Tensor) -> Tensor:
    """(n_in * count, n_out), without a copy where there is one weight per edge."""
    return weight[:, 0] if weight.shape[1] == 1 else weight.flatten(0, 1)


def _fill(of_weight: Tensor, terms: Tensor, grad: Tensor) -> None:
    if of_weight.shape[1] == 1:
        torch.mm(terms, grad, out=of_weight[:, 0])
    else:
        of_weight.copy_((terms @ grad).view(of_weight.shape))
