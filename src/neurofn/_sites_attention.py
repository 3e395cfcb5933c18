"""What goes on inside `nn.MultiheadAttention`, which computes in one call of torch that no hook can look into.

The layer's own inputs and weights are put through the same call of torch once more, without dropout and without gradients, and
nothing random is drawn: the training is not touched. It costs a second forward pass of the layer where it is read.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["HEADS", "SCORES", "looked_into"]

HEADS, SCORES = "heads", "scores"

_attend: Any = functional.multi_head_attention_forward
_SIGNATURE = inspect.signature(nn.MultiheadAttention.forward)


def looked_into(module: nn.MultiheadAttention, args: Any, kwargs: dict[str, Any]) -> dict[str, Tensor]:
    """Of one call of a layer: "heads", shaped as its output, its out_proj not yet applied; "scores" (batch, heads, out, in).

    >>> layer, x = nn.MultiheadAttention(8, 2, batch_first=True), torch.zeros(3, 5, 8)
    >>> {name: tuple(value.shape) for name, value in looked_into(layer, (x, x, x), {}).items()}
    {'heads': (3, 5, 8), 'scores': (3, 2, 5, 5)}
    """
    given = _SIGNATURE.bind(module, *args, **kwargs)
    given.apply_defaults()
    said = given.arguments
    inputs = [said[name] for name in ("query", "key", "value")]
    turned = module.batch_first and inputs[0].dim() == 3
    if turned:
        inputs = [one.transpose(0, 1) for one in inputs]
    apart = not module._qkv_same_embed_dim
    weights: dict[str, Any] = {
        f"{name}_proj_weight": getattr(module, f"{name}_proj_weight") if apart else None for name in "qkv"
    }
    with torch.no_grad():
        heads, scores = _attend(
            *inputs,
            module.embed_dim,
            module.num_heads,
            module.in_proj_weight,
            module.in_proj_bias,
            module.bias_k,
            module.bias_v,
            module.add_zero_attn,
            0.0,
            torch.eye(module.embed_dim, dtype=module.out_proj.weight.dtype, device=module.out_proj.weight.device),
            None,
            training=False,
            key_padding_mask=said["key_padding_mask"],
            attn_mask=said["attn_mask"],
            average_attn_weights=False,
            is_causal=said["is_causal"],
            use_separate_proj_weight=apart,
            **weights,
        )
    return {HEADS: heads.transpose(0, 1) if turned else heads, SCORES: scores}
