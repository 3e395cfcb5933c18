"""Forward and backward of the words that compilers are given, beside what the compiler makes of torch's own, on 2**24 float32.

    python bench/words.py [--quick] [--out FILE]

Each pass is compiled alone, as ``neurofn.saving.fused`` does it; backward computes all it needs from the input. The limit is
20 bytes per number at the speed of a copy that is timed in every round. Times are those of the thread, which others that
share the machine disturb less; they still share its memory, so small ratios need a quiet one. Bars: a form is no slower than
torch's own word, except for expm1 and erf, which the compiler computes fast and inaccurately: beside each time stands the
largest error of the value, in units of the function suite.
"""

from __future__ import annotations

import statistics
import time
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import vjp

from _bench import QUICK_SECONDS, Bench, Row
from functions import keep_memory
from neurofn._fast_words import FAST_WORDS

NUMBERS = 2**24
BYTES = 20
OWN: dict[str, Callable[[Tensor], Tensor]] = {
    "expm1": torch.expm1, "log1p": lambda u: torch.log1p(u * u), "tanh": torch.tanh,
    "softplus": lambda u: torch.nn.functional.softplus(u, threshold=40.0), "logaddexp": lambda u: torch.logaddexp(u, -u),
    "sinh": torch.sinh, "cosh": torch.cosh, "hypot": lambda u: torch.hypot(u, torch.ones_like(u)), "atan": torch.atan,
    "erf": torch.erf, "erfc": torch.erfc, "Phi": lambda u: 0.5 * torch.erfc(u * -(0.5**0.5)),
}  # fmt: skip
FAST: dict[str, Callable[[Tensor], Tensor]] = {
    **FAST_WORDS, "log1p": lambda u: FAST_WORDS["log1p"](u * u), "logaddexp": lambda u: FAST_WORDS["logaddexp"](u, -u),
    "hypot": lambda u: FAST_WORDS["hypot"](u, torch.ones_like(u)),
}  # fmt: skip
INACCURATE = ("expm1", "erf")


def compiled(word: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Any]:
    """Both passes of a word, one after the other, as a compiler writes them."""

    def forward(z: Tensor) -> Tensor:
        return word(z)

    def backward(g: Tensor, z: Tensor) -> Tensor:
        slope: Tensor = vjp(word, z)[1](g)[0]
        return slope

    value, slope = (torch.compile(_own_code(code), fullgraph=True) for code in (forward, backward))
    return lambda z, g: (value(z), slope(g, z))


def _own_code(code: Callable[..., Any]) -> Callable[..., Any]:
    """What one code is compiled for is counted and limited."""
    return types.FunctionType(code.__code__.replace(), code.__globals__, code.__name__, None, code.__closure__)


def error(word: str, run: Callable[[Tensor, Tensor], Any]) -> float:
    """The largest error of the value against float64, in units of the function suite."""
    size = torch.logspace(-30, 1.9, 4000, dtype=torch.float64).float()
    z = torch.cat([size, -size])
    wide = z.double()
    value, rate = OWN[word](wide), vjp(OWN[word], wide)[1](torch.ones_like(wide))[0]
    info = torch.finfo(torch.float32)
    unit = info.eps * torch.maximum(value.abs(), (wide * rate).abs()) + info.smallest_normal
    away = (run(z, z)[0].double() - value).abs() / unit
    return float(away[value.abs() < info.max].nan_to_num(torch.inf).max())


def main() -> None:
    bench = Bench(__doc__)
    keep_memory()
    begin = time.perf_counter()
    g, copied = torch.randn(NUMBERS), torch.empty(NUMBERS)
    z = torch.randn(NUMBERS)
    with torch.no_grad():
        for word in OWN:
            if bench.quick and time.perf_counter() - begin > 0.7 * QUICK_SECONDS:
                print(f"{word} is left out: the time of a quick run is over")
                continue
            runs = {"torch's own": compiled(OWN[word]), "form": compiled(FAST[word])}
            errors = {name: error(word, run) for name, run in runs.items()}
            seconds: dict[str, list[float]] = {name: [] for name in ("limit", *runs)}
            for counted in (False, False, *[True] * (9 if bench.quick else 21)):
                for name in seconds:
                    start = time.thread_time()
                    _ = copied.copy_(g) if name == "limit" else runs[name](z, g)
                    took = (time.thread_time() - start) * (BYTES / 8 if name == "limit" else 1)
                    seconds[name].extend([took] * counted)
            report(bench, word, seconds, errors)
    bench.finish()


def report(bench: Bench, word: str, seconds: dict[str, list[float]], errors: dict[str, float]) -> None:
    """Ratios within rounds, and errors."""
    for name, value in errors.items():
        bar = 4.0 if name == "form" else None
        bench.add(Row(word, f"{name}: error", value, "units", bar, None if bar is None else value <= bar))
    for name, other in (("torch's own", "limit"), ("form", "limit"), ("form", "torch's own")):
        value = statistics.median(a / b for a, b in zip(seconds[name], seconds[other], strict=True))
        bar = 1.0 if other == "torch's own" and word not in INACCURATE else None
        bench.add(Row(word, f"{name} / {other}", value, "times", bar, None if bar is None else value <= bar))


if __name__ == "__main__":
    main()
