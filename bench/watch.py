"""What watching a training costs: ours in all its modes, naive hooks, and installed peers, on three networks.

    python bench/watch.py [--quick] [--out FILE]

Every alternative trains a copy of the same network on the same batches. They take turns of a few steps in one process, in an
order that changes from round to round. A turn with a watch is compared with another of the same network, in the same round,
with the watch paused: two networks that differ in nothing but where they lie in memory differ in speed by some per cent. All
others are compared with the turn of the bare loop. What the hooks of a paused watch cost is measured by themselves. The clock,
also that of the budget, is the processor time of the process with one thread, which is hardly moved by what else the machine
does, and the wall clock with two, which wants an idle machine:

- "paired": the median over the rounds of the time more than bare, in per cent, with its 95 % interval (by ranks);
- "own account": the time inside hooks and readings as `record.cost` knows it, in per cent of the rest of the turns: less noisy,
  but blind to what caches lose, and in compiled code to the 5 microseconds of a call out of it.

Bars: the budget of 3 % keeps 3.6 % by its own account and its paired interval lies below 6 %; a paused watch costs 0.5 % at
most; moments and counts of all rows at every step 10, 20 and 15 % by their own account, 6 % compiled; moments at every 4th
step, Gram matrices at every 40th and spectra at most every 800 steps 5 %, over 400 steps, as the start has more spectra.
"""

from __future__ import annotations

import random
import statistics
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Any

import torch
from torch import Tensor, nn
from torch._dynamo import config

from _bench import QUICK_SECONDS, Bench, Row
from _watch_networks import CASES, Case
from _watch_peers import APART, PEERS, Peer, Read, hook_every_site, installed, sites
from _watch_turns import PAUSED, Turn, clock
from neurofn.instruments import ActivatedNeurons, Moments
from neurofn.watching import Every, LogSpaced, Windows, watch
from neurofn.watching._plans import Budgeted

PEER_ROUNDS = 4  # peers take many times as long as what they watch, and their figures need fewer rounds
COMPILED = ("MLP", "transformer")


def ours(*instruments: Any, **settings: Any) -> Peer:
    """Our watch, entered for as long as the stack is open."""

    def attach(model: nn.Module, stack: ExitStack) -> Any:
        record = watch(model, *instruments, at=sites(getattr(model, "_orig_mod", model)), **settings)
        record._sampler.clock = clock
        if isinstance(record._plan, Budgeted):
            record._plan.governor.clock = clock
        return stack.enter_context(record)

    return attach


def hooked(make: Callable[[], Read]) -> Peer:
    """A naive hook on every site."""
    return lambda model, stack: hook_every_site(model, stack, lambda path: make())


def storing() -> Read:
    last: list[Tensor] = []

    def read(output: Tensor) -> None:
        last[:] = [output.detach().clone()]

    return read


def numbers() -> Read:
    def read(output: Tensor) -> tuple[float, float, float]:
        values = output.detach()
        return values.mean().item(), values.std().item(), (values > 0).float().mean().item()

    return read


def per_neuron() -> Read:
    def read(output: Tensor) -> object:
        values = output.detach()
        values = (values.movedim(1, -1) if values.ndim == 4 else values).flatten(0, -2)
        return torch.var_mean(values, dim=0), (values > 0).float().mean(dim=0)

    return read


def turns(case: Case, *, quick: bool) -> list[Turn]:
    """All alternatives of one network; the bare loop first."""
    both = Moments(), ActivatedNeurons()
    # Schedules go by all steps, of which a watch is paused in every second one here: 2 x 200, 2 x 100 and 2 x 800 of them.
    whole = Windows(rows=1, dear=40, readings=Every(400))
    spaced = Windows(rows=4, dear=40, readings=LogSpaced(1.1, least=200), spectra=1600)
    found = [
        Turn(case, "bare", leave),
        Turn(case, "budget 3 %", ours()),
        Turn(case, PAUSED, ours()),
        Turn(case, "all rows, every step", ours(*both, every=whole)),
        Turn(case, "rows 4th, Gram 40th, spectra logs", ours(every=spaced), least_steps=400),
        Turn(case, "naive: store activations", hooked(storing)),
        Turn(case, "naive: mean().item(), std().item()", hooked(numbers)),
        Turn(case, "naive: var_mean per neuron", hooked(per_neuron)),
    ]
    found += [Turn(case, name, peer, rounds_apart=PEER_ROUNDS) for name, peer in installed(PEERS).items()]
    if case.name in COMPILED and not quick:
        found.append(Turn(case, "all rows, every step, compiled", ours(*both, every=whole), compiled=True))
    return found


def interval(values: list[float]) -> tuple[float, float]:
    """The 95 % interval of the median, by ranks."""
    ordered, n = sorted(values), len(values)
    reach = 0.98 * n**0.5
    return ordered[max(0, int(n / 2 - reach))], ordered[min(n - 1, int(n / 2 + reach))]


def compare(bench: Bench, case: Case, *, threads: int, until: float) -> None:
    """The rows of one network with so many threads."""
    torch.compiler.reset()  # networks of earlier cases count against the most that one piece of code is compiled
    torch.set_num_threads(threads)
    title = f"{case.name}, {threads} thread{'s' * (threads > 1)}"
    order = random.Random(0)
    with ExitStack() as stack:
        all_turns = turns(case, quick=bench.quick)
        for turn in all_turns:
            turn.begin(stack)
        rounds = 0
        while rounds < (20 if bench.quick else case.rounds) and not (
            rounds and bench.quick and time.perf_counter() > until
        ):
            for turn in order.sample(all_turns, len(all_turns)):
                if rounds % turn.rounds_apart == 0:
                    turn.take(order)
            rounds += 1
        for turn in all_turns if not bench.quick else ():
            turn.last()
        report(bench, title, all_turns, rounds)


def apart(bench: Bench, case: Case, *, threads: int) -> None:
    """The rows of the peers that need a process of their own."""
    title = f"{case.name}, {threads} thread{'s' * (threads > 1)}"
    for name in installed(APART):
        with get_context("spawn").Pool(1) as pool:
            more = pool.apply(alone, (CASES.index(case), name, threads))
        bench.add(Row(title, f"{name}: against bare before it", more, "%"))


def alone(case: int, name: str, threads: int) -> float:
    """Per cent that a peer takes more than the bare loop before it."""
    torch.set_num_threads(threads)
    with ExitStack() as stack:
        bare, peer = (Turn(CASES[case], n, attach) for n, attach in (("bare", leave), (name, APART[name][1])))
        for turn in (bare, peer):
            turn.begin(stack)
            for _ in range(8):
                turn.take(random.Random(0))
    return 100 * (statistics.median(peer.seconds) / statistics.median(bare.seconds) - 1)


def leave(model: nn.Module, stack: ExitStack) -> None:
    """Attach nothing."""


def report(bench: Bench, title: str, all_turns: list[Turn], rounds: int) -> None:
    by_name = {turn.name: turn for turn in all_turns}
    case = all_turns[0].case
    bench.add(Row(title, "bare", 1e3 * statistics.median(by_name["bare"].seconds) / case.steps, "ms a step"))
    bars = {
        "all rows, every step": case.bar,
        "all rows, every step, compiled": 6.0,
        "rows 4th, Gram 40th, spectra logs": 5.0,
        "budget 3 %": 3.6,
    }
    for turn in all_turns:
        if turn.name == "bare":
            continue
        base = turn.alone if turn.watches else by_name["bare"].seconds[:: turn.rounds_apart]
        more = [100 * (mine / alone - 1) for mine, alone in zip(turn.seconds, base, strict=True)]
        middle, (low, high) = statistics.median(more), interval(more)
        bench.add(Row(title, f"{turn.name}: paired", middle, "%"))
        bar = 6.0 if turn.name == "budget 3 %" and rounds >= 60 else None
        bench.add(Row(title, f"{turn.name}: 95 % from", low, "%"))
        bench.add(Row(title, f"{turn.name}: 95 % to", high, "%", bar, None if bar is None else high < bar))
        if turn.watches:
            own = 100 * turn.own / (turn.watched - turn.own)
            bar = bars.get(turn.name)
            bench.add(Row(title, f"{turn.name}: own account", own, "%", bar, None if bar is None else own <= bar))
    bare = statistics.median(by_name["bare"].seconds) / case.steps
    empty = 100 * hooks_alone(len(sites(by_name["bare"].model))) / bare
    bench.add(Row(title, "paused: its hooks alone", empty, "%", 0.5, empty <= 0.5))


def hooks_alone(places: int) -> float:
    """Seconds per step that the hooks of a paused watch take: modules that do nothing, watched against unwatched."""
    inputs = torch.zeros(1, 1)

    def once(model: nn.Module) -> float:
        begin = clock()
        for _ in range(200):
            model(inputs)
        return (clock() - begin) / 200

    model = nn.Sequential(*(nn.Identity() for _ in range(places)))
    taken = []
    for _ in range(15):
        alone = once(model)
        with watch(model, Moments()) as record:
            record.pause()
            taken.append(once(model) - alone)
    return statistics.median(taken)


def memory(bench: Bench) -> None:
    """Bytes that a watch holds after a few and after many steps."""
    case = CASES[0]
    with ExitStack() as stack:
        turn = Turn(case, "memory", ours(every=Windows(rows=1, dear=1, readings=Every(10_000))))
        turn.begin(stack)
        turn.record.resume()
        for steps in (10, 100):
            for _ in range(steps):
                turn.step()
            places = turn.record._sampler.places.values()
            held = {
                id(t): t.nbytes for p in places for k in p.kernels for t in vars(k).values() if isinstance(t, Tensor)
            }
            bench.add(Row("memory of the states", f"after {steps} more steps", sum(held.values()) / 2**20, "MiB"))


def main() -> None:
    bench = Bench(__doc__)
    config.skip_nnmodule_hook_guards = False  # else a watched network runs the code of the bare one, without its hooks
    warnings.simplefilter("ignore")
    memory(bench)
    threads = (1,) if bench.quick else (1, 2)
    begin = time.perf_counter()
    for t in threads:
        for i, case in enumerate(CASES):
            share = 0.75 * QUICK_SECONDS * (i + 1) / len(CASES)
            compare(bench, case, threads=t, until=begin + share)
            if not bench.quick:
                apart(bench, case, threads=t)
    bench.finish()


if __name__ == "__main__":
    main()
