"""An operator through which a hook in compiled code calls back into Python.

torch.compile keeps an operator that writes into a tensor, wherever it stands, and does not look inside. So hooks do not break
the graph of a compiled model, and read what they read without a compiler.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["callback"]

_receivers: dict[int, Callable[[Tensor], None]] = {}
_numbers = itertools.count()
_libraries: list[Any] = []


def callback(receive: Callable[[Tensor], None], stack: ExitStack) -> Callable[[Tensor], None]:
    """A function for compiled code that hands a tensor to ``receive``; it does nothing once ``stack`` is left.

    >>> import torch
    >>> with ExitStack() as stack:
    ...     show = callback(lambda x: print(x.tolist()), stack)
    ...     show(torch.ones(2))
    [1.0, 1.0]
    >>> show(torch.ones(2))
    """
    import torch

    hand_over: Any = _operator()
    number, written = next(_numbers), torch.zeros((), dtype=torch.int64)
    _receivers[number] = receive
    stack.callback(_receivers.pop, number)

    def call(value: Tensor) -> None:
        with torch.no_grad():
            hand_over(value.detach(), written, number)

    return call


@functools.cache
def _operator() -> Any:
    import torch

    make: Any = torch.library.Library
    library = make("neurofn", "FRAGMENT")
    library.define("hand_over(Tensor value, Tensor(a!) written, int number) -> ()")
    library.impl("hand_over", _hand_over, "CompositeExplicitAutograd")
    library.impl("hand_over", lambda value, written, number: None, "Meta")
    _libraries.append(library)  # the operator ends with it
    return torch.ops.neurofn.hand_over


def _hand_over(value: Tensor, written: Tensor, number: int) -> None:
    receive = _receivers.get(number)
    if receive is not None:
        receive(value)
