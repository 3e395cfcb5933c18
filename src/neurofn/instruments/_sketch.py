"""A bounded part of many rows that is the same for any order and split of them: the rows whose hash is smallest.

The hash of a row depends on its content alone, so that equal rows have equal keys and count once, which rows are kept does
not depend on when they came, and the parts of two halves give the part of the whole (a bottom-k sketch).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["EMPTY", "bit_keys", "key_by_hand", "keys_of", "smallest", "words_of"]

EMPTY = 2**63 - 1
"""The key of a place that holds no row."""
_STEP = 0x9E3779B97F4A7C15  # the constants of splitmix64 (doi:10.1145/2660193.2660195)
_SHIFTS = (30, 27, 31)
_FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def words_of(values: Tensor) -> Tensor:
    """The bits of float64 values as int64, minus zero as zero."""
    import torch

    return (values + 0.0).view(torch.int64)


def keys_of(words: Tensor) -> Tensor:
    """Words (rows, columns) int64 to keys (rows,) from 0 to EMPTY - 1; equal rows have equal keys."""
    return _final(_mixed(words ^ _columns(words)).sum(dim=1))


def bit_keys(bits: Tensor) -> Tensor:
    """Bits (rows, columns) to keys (rows,); cheaper than `keys_of`."""
    return _final(_columns(bits).where(bits, 0).sum(dim=1))


def key_by_hand(words: Sequence[int], *, bits: bool = False) -> int:
    """The key of one row, in whole numbers of Python; of bits 0 and 1, or of words."""
    total = 0
    for column, word in enumerate(words):
        own = _mixed_by_hand((column + 1) * _STEP)
        total += own * word if bits else _mixed_by_hand(own ^ word)
    return min(_mixed_by_hand(total) & EMPTY, EMPTY - 1)


def smallest(keys: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` smallest different keys in order, EMPTY behind them, and where in ``keys`` (at least that long) each is."""
    import torch

    ordered, order = torch.sort(keys, stable=True)
    again = torch.zeros_like(ordered, dtype=torch.bool)
    again[1:] = ordered[1:] == ordered[:-1]
    ordered, second = torch.sort(ordered.masked_fill(again, EMPTY), stable=True)
    return ordered[:count], order[second[:count]]


def _columns(like: Tensor) -> Tensor:
    import torch

    numbers = torch.arange(1, like.shape[1] + 1, device=like.device)
    return _mixed(numbers * _signed(_STEP))


def _final(total: Tensor) -> Tensor:
    return (_mixed(total) & EMPTY).clamp(max=EMPTY - 1)


def _mixed(words: Tensor) -> Tensor:
    for shift, factor in zip(_SHIFTS, (*_FACTORS, 1), strict=True):
        words = words ^ ((words >> shift) & (2 ** (64 - shift) - 1))  # >> brings copies of the sign
        words = words * _signed(factor)
    return words


def _mixed_by_hand(word: int) -> int:
    word %= 2**64
    for shift, factor in zip(_SHIFTS, (*_FACTORS, 1), strict=True):
        word = (word ^ (word >> shift)) * factor % 2**64
    return word


def _signed(number: int) -> int:
    return number - 2**64 if number >= 2**63 else number
