"""Attention with other functions of the scores: equal to torch where that has it, and to its own definition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from neurofn._errors import SettingError, ShapeError
from neurofn.neurons.attention import Attention, KolmogorovArnoldScores, ScoreFunction, SoftmaxScores, SoftplusScores

MASK = torch.tensor([[True, True, False, True, False, True]])  # of keys: no query sees the third and the fifth
VIEWS: list[dict[str, Any]] = [
    {}, {"causal": True}, {"mask": MASK}, {"mask": MASK, "causal": True}, {"mask": torch.eye(6, dtype=torch.bool)},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_random_numbers() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def functions() -> list[ScoreFunction]:
    return [
        SoftmaxScores(), SoftplusScores(), SoftplusScores(power=1), SoftplusScores(power=1.5),
        KolmogorovArnoldScores(6, rank=3), KolmogorovArnoldScores(6, rank=3, neuron="max(silu + linear)", heads=2),
    ]  # fmt: skip


def tensors(*leading: int) -> tuple[Tensor, Tensor, Tensor]:
    q, k, v = torch.randn(3, *leading, 6, 4, dtype=torch.float64)
    return q, k, v


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "+".join(view) or "all")
def test_softmax_is_the_attention_of_torch(view: dict[str, Any]) -> None:
    q, k, v = tensors(3, 2)
    allowed = torch.ones(6, 6, dtype=torch.bool).tril() if view.get("causal") else torch.ones(6, 6, dtype=torch.bool)
    allowed = allowed & view.get("mask", torch.tensor(True))
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
    assert torch.allclose(Attention(SoftmaxScores())(q, k, v, **view), expected, atol=1e-12)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: "+".join(view) or "all")
@pytest.mark.parametrize("number", range(6))
def test_both_statements_agree(number: int, view: dict[str, Any]) -> None:
    attention = Attention(functions()[number]).double()
    inputs = [one.requires_grad_() for one in tensors(3, 2)]
    fast, slow = attention(*inputs, **view), attention.definition(*inputs, **view)
    assert torch.allclose(fast, slow, atol=1e-12)
    weights = torch.randn_like(fast)
    slopes = [torch.autograd.grad((way * weights).sum(), inputs) for way in (fast, slow)]
    assert all(torch.allclose(a, b, atol=1e-10) for a, b in zip(*slopes, strict=True))


@pytest.mark.parametrize("number", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 6))])
def test_slopes_and_slopes_of_slopes(number: int) -> None:
    attention = Attention(functions()[number]).double()
    inputs = [one.requires_grad_() for one in tensors(1, 2)]

    def run(*given: Tensor) -> Tensor:
        result: Tensor = attention(*given, mask=MASK, causal=True)
        return result

    assert torch.autograd.gradcheck(run, inputs)
    direction = torch.randn(1, 2, 6, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(run, inputs, (direction,))


@pytest.mark.parametrize("number", range(6))
def test_what_is_forbidden_is_not_seen(number: int) -> None:
    attention, (q, k, v) = Attention(functions()[number]).double(), tensors(3, 2)
    other_k, other_v = k.clone(), v.clone()
    other_k[..., 4:, :], other_v[..., 4:, :] = 100.0, -100.0
    before, after = attention(q, k, v, causal=True), attention(q, other_k, other_v, causal=True)
    assert torch.equal(before[..., :4, :], after[..., :4, :])
    assert not torch.allclose(before[..., 4:, :], after[..., 4:, :])


@pytest.mark.parametrize("number", range(6))
def test_a_query_that_sees_nothing_gives_zero_and_finite_slopes(number: int) -> None:
    attention, (q, k, v) = Attention(functions()[number]).double(), tensors(2)
    q.requires_grad_()
    output = attention(q, k, v, mask=torch.zeros(6, 6, dtype=torch.bool))
    assert bool((output == 0).all())
    assert bool(torch.autograd.grad(output.sum(), q)[0].isfinite().all())


@pytest.mark.parametrize("number", range(6))
def test_any_leading_dimensions(number: int) -> None:
    attention, (q, k, v) = Attention(functions()[number]).double(), tensors(3, 5, 2)
    together = attention(q, k, v)
    assert torch.allclose(attention(q[1], k[1], v[1]), together[1])
    assert attention(q[:0], k[:0], v[:0]).shape == (0, 5, 2, 6, 4)
    assert torch.allclose(torch.func.vmap(attention)(q, k, v), together)


def test_softplus_weights_are_shares_however_long_the_row() -> None:
    scores = torch.randn(4, 5000)
    weights = SoftplusScores()(scores, torch.ones(4, 5000, dtype=torch.bool), 64)  # (1/5000)**15 is 0 in float32
    assert torch.allclose(weights.sum(-1), torch.ones(4))
    assert bool(torch.equal(weights.argmax(-1), scores.argmax(-1)))


def test_every_head_has_a_function_of_its_own() -> None:
    scores = KolmogorovArnoldScores(6, rank=3, heads=2)
    same = torch.randn(6, 6).expand(2, 6, 6)
    weights = scores(same, torch.ones(2, 6, 6, dtype=torch.bool), 4)
    assert not torch.allclose(weights[0], weights[1])
    other = KolmogorovArnoldScores(6, rank=3, heads=2)
    other.load_state_dict(scores.state_dict())
    assert torch.equal(other(same, torch.ones(2, 6, 6, dtype=torch.bool), 4), weights)


def test_wrong_shapes_and_settings_are_refused_in_words() -> None:
    attention, (q, k, v) = Attention(SoftmaxScores()), tensors(2)
    with pytest.raises(ShapeError, match=r"k \(2, 6, 3\)"):
        attention(q, k[..., :3], v)
    with pytest.raises(ShapeError, match=r"mask \(7, 6\) does not broadcast"):
        attention(q, k, v, mask=torch.ones(7, 6, dtype=torch.bool))
    with pytest.raises(SettingError, match="mask must be bool"):
        attention(q, k, v, mask=torch.zeros(6, 6))
    with pytest.raises(SettingError, match="power must be"):
        SoftplusScores(power=0.5)
    with pytest.raises(SettingError, match="heads must be"):
        KolmogorovArnoldScores(6, heads=0)
    with pytest.raises(
        ShapeError, match=r"sum\(fourier\) was built for scores \(\.\.\., queries, 5\), got \(2, 6, 6\)"
    ):
        Attention(KolmogorovArnoldScores(5)).double()(q, k, v)
    with pytest.raises(ShapeError, match=r"\(\.\.\., 3, queries, 6\)"):
        Attention(KolmogorovArnoldScores(6, heads=3)).double()(q, k, v)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(6))
def test_compiled_exported_and_in_16_bits(number: int) -> None:
    attention, (q, k, v) = Attention(functions()[number]).double(), tensors(3, 2)
    expected = attention(q, k, v, causal=True)
    torch._dynamo.reset()  # type: ignore[no-untyped-call]  # one class, compiled anew for each subject
    compiled = torch.compile(attention, fullgraph=True, backend="eager")
    assert torch.allclose(compiled(q, k, v, causal=True), expected)
    exported = torch.export.export(attention, (q, k, v), {"causal": True}).module()
    assert torch.allclose(exported(q, k, v, causal=True), expected)
    for dtype in (torch.float16, torch.bfloat16):
        assert bool(attention.to(dtype)(q.to(dtype), k.to(dtype), v.to(dtype), mask=MASK).isfinite().all())
