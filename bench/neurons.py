"""Forward and backward of spline layers against a matrix product of the same size, and of a rational activation against GELU.

    OMP_NUM_THREADS=2 python bench/neurons.py [--quick] [--out FILE] [--rounds N] [--threads N] [--processor]

The matrix product is ``Linear(n_in * terms, n_out, bias=False)`` on features that are already there and want a gradient: as
many multiplications as a layer that makes all its terms. Every alternative gives the gradients of its input and of all it
learns, on inputs within the grid; one after the other in every round, ratios are medians over the rounds. Packages are measured
where they can be imported; efficient-kan's algorithm (all terms by recursion, then one product) is restated here. Memory is
what the process holds at most, less what it held before. Two threads need an idle machine; on a busy one ``--processor``
counts the processor's time over all threads, with OMP_WAIT_POLICY=passive in the environment, or else waiting counts too.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from _bench import QUICK_SECONDS, Bench, Row
from neurofn import neuron
from neurofn.neurons import _local_kernel, _local_numba
from neurofn.saving import fused

SHAPES = {"1024x784->128": (1024, 784, 128), "4096x64->64": (4096, 64, 64)}
BARS = {  # (shape, grid, alternative): the most that its time may be, in matrix products of the same size
    ("1024x784->128", 5, "native"): 0.95,
    ("4096x64->64", 5, "native"): 1.35,
    ("1024x784->128", 64, "native"): 0.15,
    ("4096x64->64", 64, "native"): 0.15,
    ("1024x784->128", 5, "compiled"): 1.6,
    ("4096x64->64", 5, "compiled"): 2.4,
}
MEMORY_BAR, RATIONAL_BAR = 20.0, 2.0

Step = Callable[[], object]


class Recursive(nn.Module):
    """efficient-kan's algorithm: the terms of every order for all knots, scaled weights, and a SiLU branch."""

    def __init__(self, n_in: int, n_out: int, grid: int, order: int) -> None:
        super().__init__()
        step = 2 / grid
        knots = torch.arange(-order, grid + order + 1) * step - 1
        self.register_buffer("knots", knots.expand(n_in, -1).contiguous())
        self.order = order
        self.base = nn.Parameter(torch.randn(n_out, n_in) / n_in)
        self.spline = nn.Parameter(torch.randn(n_out, n_in, grid + order) / n_in)
        self.scale = nn.Parameter(torch.ones(n_out, n_in))

    def forward(self, x: Tensor) -> Tensor:
        knots, wide = self.knots, x.unsqueeze(-1)
        terms = ((wide >= knots[:, :-1]) & (wide < knots[:, 1:])).to(x.dtype)
        for k in range(1, self.order + 1):
            rise = (wide - knots[:, : -k - 1]) / (knots[:, k:-1] - knots[:, : -k - 1])
            fall = (knots[:, k + 1 :] - wide) / (knots[:, k + 1 :] - knots[:, 1:-k])
            terms = rise * terms[..., :-1] + fall * terms[..., 1:]
        weight = (self.spline * self.scale.unsqueeze(-1)).flatten(1)
        return nn.functional.linear(nn.functional.silu(x), self.base) + nn.functional.linear(terms.flatten(1), weight)


def step(module: Callable[[Tensor], Tensor], learned: list[Tensor], x: Tensor, grad: Tensor) -> Step:
    """Forward and backward with all gradients."""
    return lambda: torch.autograd.grad(module(x), [x, *learned], grad)


def spline_layer(size: tuple[int, int, int], grid: int, order: int, *, residue: bool = False) -> nn.Module:
    text = f"bspline(grid={grid}, order={order}, low=-1, high=1)"
    return neuron(f"sum({'silu + ' if residue else ''}{text})").dense(size[1], size[2])


def packages(size: tuple[int, int, int], grid: int) -> Iterator[tuple[str, nn.Module]]:
    """Layers of other packages, where these can be imported and know what to do."""
    layers: dict[str, tuple[str, Callable[[Any], nn.Module]]] = {
        "inkan": ("inkan", lambda package: package.KANLayer(size[1], size[2], grid_size=grid)),
        "flashkan": ("flashkan", lambda package: package.KANLayer(size[1], size[2], grid_size=grid)),
    }
    for name, (module, make) in layers.items():
        try:
            yield name, make(importlib.import_module(module))
        except (ImportError, TypeError, ValueError) as error:
            print(f"{name} is left out: {type(error).__name__}: {error}")


def alternatives(size: tuple[int, int, int], grid: int, order: int, wanted: tuple[str, ...]) -> dict[str, Step]:
    """The matrix product first, then those that are wanted and can be made."""
    batch, n_in, n_out = size
    x, grad = (torch.rand(batch, n_in) * 1.98 - 0.99).requires_grad_(), torch.randn(batch, n_out)
    features = torch.randn(batch, n_in * (grid + order)).requires_grad_()
    product = nn.Linear(features.shape[1], n_out, bias=False)
    found = {"matrix product": step(product, [product.weight], features, grad)}

    def add(name: str, module: nn.Module, run: Any = None) -> None:
        if name in wanted:
            found[name] = step(module if run is None else run, list(module.parameters()), x, grad)

    layer = spline_layer(size, grid, order)
    add(str(layer.path), layer)
    if "compiled" in wanted:
        add("compiled", layer, torch.compile(layer, fullgraph=True, dynamic=False))
    add("silu + native", spline_layer(size, grid, order, residue=True))
    if "numba" in wanted and _local_numba.AVAILABLE:
        other = spline_layer(size, grid, order)
        found["numba"] = without_kernel(step(other, list(other.parameters()), x, grad))
    if "efficient-kan's algorithm" in wanted:
        add("efficient-kan's algorithm", Recursive(n_in, n_out, grid, order))
    if "packages" in wanted:
        for name, module in packages(size, grid):
            found[name] = step(module, list(module.parameters()), x, grad)
    return found


def without_kernel(run: Step) -> Step:
    """The same where nothing can be compiled but by numba."""

    def instead() -> object:
        kept, promised = _local_kernel.kernel, _local_kernel.promised
        _local_kernel.kernel, _local_kernel.promised = (lambda *_: None), (lambda *_: False)
        try:
            return run()
        finally:
            _local_kernel.kernel, _local_kernel.promised = kept, promised

    return instead


clock = time.perf_counter


def measure(found: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Seconds of every alternative in every round; two rounds before them warm up. What fails is left out."""
    for name, run in list(found.items()):
        try:
            run()
            run()
        except Exception as error:  # whatever another package may raise
            print(f"{name} fails: {type(error).__name__}: {str(error)[:200]}")
            del found[name]
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, run in found.items():
            begin = clock()
            run()
            seconds[name].append(clock() - begin)
    return seconds


def compare(bench: Bench, case: str, found: dict[str, Step], bars: dict[str, float], rounds: int) -> None:
    """Rows of one case: the first in milliseconds, the others as ratios to it."""
    seconds = measure(found, rounds)
    first, *others = seconds
    bench.add(Row(case, first, 1e3 * statistics.median(seconds[first]), "ms"))
    for name in others:
        ratio = statistics.median(a / b for a, b in zip(seconds[name], seconds[first], strict=True))
        bar = bars.get(name)
        bench.add(Row(case, f"{name} / {first}", ratio, "times", bar, None if bar is None else ratio <= bar))


def resident(name: str) -> float:
    """VmRSS or VmHWM of this process in MB; NaN where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return float("nan")
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def memory(bench: Bench, size: tuple[int, int, int]) -> None:
    """What forward and backward hold at most, outputs and gradients included."""
    run = alternatives(size, 5, 3, ("native",)).get("native")
    if run is None:
        return
    run()
    try:
        ctypes.CDLL(None).mallopt(-3, 1 << 16)  # M_MMAP_THRESHOLD: what is freed goes back to the system
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        print("another C library: memory that was free before is not counted")
    found = []
    for _ in range(3):
        try:
            Path("/proc/self/clear_refs").write_text("5")  # the most so far is forgotten
        except OSError:
            return
        before = resident("VmRSS")
        run()
        found.append(resident("VmHWM") - before)
    value = max(found)
    bench.add(Row("memory, 1024x784->128, grid 5", "native", value, "MB", MEMORY_BAR, value <= MEMORY_BAR))


def rational(bench: Bench, rounds: int) -> None:
    x, grad = torch.randn(1024, 784).requires_grad_(), torch.randn(1024, 784)
    learned = fused("rational")
    found = {
        "GELU": step(nn.functional.gelu, [], x, grad),
        "rational(5, 4)": step(learned, list(learned.parameters()), x, grad),
    }
    compare(bench, "activation, 1024x784", found, {"rational(5, 4)": RATIONAL_BAR}, 5 * rounds)


def main() -> None:
    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--rounds", type=int, default=25)
    own.add_argument("--threads", type=int, default=2)
    own.add_argument("--processor", action="store_true")
    options, others = own.parse_known_args()
    bench = Bench(__doc__, arguments=others)
    global clock
    clock = time.process_time if options.processor else time.perf_counter
    begin = time.perf_counter()
    torch.set_num_threads(options.threads)
    print(f"{torch.get_num_threads()} threads; kernel {_local_kernel.kernel_state()}")
    rounds = 7 if bench.quick else options.rounds
    rational(bench, rounds)
    every = ("native", "silu + native", "compiled", "numba", "efficient-kan's algorithm", "packages")
    small = ("native", "silu + native")
    cases = [(shape, 5, 3, every) for shape in SHAPES] + [(shape, 64, 3, small) for shape in SHAPES]
    cases += [("4096x64->64", 5, order, small) for order in (0, 1, 2, 4, 5)]
    cases += [("4096x64->64", grid, 3, small) for grid in (16, 32)]
    for shape, grid, order, wanted in cases:
        case = f"{shape}, grid {grid}, order {order}"
        if bench.quick:
            if time.perf_counter() - begin > 0.7 * QUICK_SECONDS:
                print(f"{case} is left out: the time of a quick run is over")
                continue
            wanted = small
        bars = {name: bar for (of, cells, name), bar in BARS.items() if (of, cells, 3) == (shape, grid, order)}
        few = max(3, rounds // 5) if grid == 64 else rounds
        compare(bench, case, alternatives(SHAPES[shape], grid, order, wanted), bars, few)
        torch._dynamo.reset()
    memory(bench, SHAPES["1024x784->128"])
    bench.finish()


if __name__ == "__main__":
    main()
