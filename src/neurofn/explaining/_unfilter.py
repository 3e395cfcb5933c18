"""One row of a PNG whose bytes are foretold from the byte before: a loop, as machine code where there is a compiler."""

from __future__ import annotations

from typing import Any

from ._compiled import AVAILABLE, compiled

__all__ = ["AVAILABLE", "chain"]


@compiled
def chain(line: Any, above: Any, found: Any, channels: int, average: bool) -> None:
    """Fill ``found`` with the bytes of a row; it and ``above``, the row above, begin with ``channels`` zeros.

    Each byte of ``line`` is the difference to the average of those left and above, or to that one of left, above and left
    above which is nearest to left + above - corner, of equal ones the first. All three are arrays of int64, or lists.
    """
    for i in range(len(line)):
        left, up, corner = found[i], above[i + channels], above[i]
        guess = (left + up) // 2
        if not average:
            off_left, off_up, off_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            guess = left if off_left <= off_up and off_left <= off_corner else up if off_up <= off_corner else corner
        found[i + channels] = (line[i] + guess) % 256
