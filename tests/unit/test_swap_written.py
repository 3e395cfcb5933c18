"""Swapping functions written by hand, and calls that must stay since their slope would be another function's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from neurofn import swap

pytestmark = pytest.mark.usefixtures("random_state_of_its_own")


class Written(nn.Module):
    """Functions as people write them."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            x = x * mask
        x = x * torch.sigmoid(x)
        x = 0.5 * x * (1 + torch.erf(x / 2**0.5))
        x = torch.where(x > 0, x, torch.zeros_like(x))
        x = functional.glu(torch.cat([x, 2 * x], -1), dim=-1)
        return torch.maximum(x.clamp(max=1), torch.tensor(0.1))


@pytest.mark.parametrize("on", [None, torch.randn(3, 4)], ids=["traced", "run"])
@pytest.mark.parametrize(
    ("name", "texts"),
    [("silu", ["mul"]), ("gelu", ["mul"]), ("relu", ["where"]), ("sigmoid", ["sigmoid", "glu"])],
)
def test_functions_written_by_hand(name: str, texts: list[str], on: Tensor | None) -> None:
    model, x = Written(), torch.randn(50, 4)
    same = swap(model, name, name, on=on)
    assert [how.split()[1] for how in same.how] == texts
    torch.testing.assert_close(same.model(x), model(x))
    torch.testing.assert_close(same.model(x, mask=x > 0), model(x, mask=x > 0))
    assert swap(model, name, "sine", on=on).model(x).sub(model(x)).abs().max() > 1e-3


class Clipped(torch.autograd.Function):
    """max(z, 0) with a slope of its own."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return z.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return slope * (z > 0)


def test_calls_with_a_slope_of_their_own_are_left() -> None:
    class Uses(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return Clipped.apply(x - 1) + functional.relu(x)

    swapped = swap(nn.Sequential(Uses()), "relu", "gelu", on=torch.ones(2))
    assert swapped.sites == ("0.relu_call",)
    assert swapped.left[0].startswith("0: clamp at test_swap_written.py:")
    assert "torch.autograd.Function, whose slope is written by hand" in swapped.left[0]


def test_calls_that_are_computed_again() -> None:
    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def part(self, x: Tensor) -> Tensor:
            return functional.relu(self.linear(x))

        def forward(self, x: Tensor) -> Tensor:
            def closed(z: Tensor) -> Tensor:
                return torch.relu(z - 0.1)

            inner = checkpoint(self.part, x, use_reentrant=False)
            return inner + checkpoint(closed, x, use_reentrant=False)

    model, x = Again(), torch.randn(4, 3, requires_grad=True)
    swapped = swap(model, "relu", "sine", on=x.detach())
    assert swapped.sites == ("relu_call",)
    assert "computed again by torch.utils.checkpoint" in swapped.left[0]
    wanted = torch.autograd.grad((model.linear(x).sin() + (x - 0.1).relu()).sum(), x)
    torch.testing.assert_close(torch.autograd.grad(swapped.model(x).sum(), x), wanted)


def test_a_function_that_begins_in_another_module_is_left() -> None:
    class Ends(nn.Module):
        def forward(self, half: Tensor, other: Tensor) -> Tensor:
            return half * (1 + torch.erf(other))

    class Begins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ends = Ends()

        def forward(self, x: Tensor) -> Tensor:
            return self.ends(0.5 * x, x / 2**0.5) + functional.gelu(x)

    swapped = swap(Begins(), "gelu", "sine", on=torch.ones(2))
    assert swapped.sites == ("gelu_call",)
    assert swapped.left[0].startswith("ends: mul at test_swap_written.py:")
    assert swapped.left[0].endswith("begins in code that another module runs")
