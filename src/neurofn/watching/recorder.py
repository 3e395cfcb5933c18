"""`watch` reads a model's neurons while it trains; `measure` reads them over given data in one exact pass.

Both put forward hooks on the modules at the sites, stream what comes by into the instruments' states inside the hook, and take
the hooks off again whatever happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._errors import SettingError
from ..instruments import DEFAULTS, Labelled
from ._cost import Cost
from ._measure import measure
from ._plans import Budgeted, Cadence, Passes, Plan
from ._sampler import Sampler
from ._watch import Watch
from .schedules import Every, Schedule, Windows

if TYPE_CHECKING:
    from torch import nn

    from ..instruments import Instrument
    from ..sites import Site
    from .views import View

__all__ = ["Cost", "Watch", "measure", "watch"]


def watch(
    model: nn.Module,
    *instruments: Instrument,
    at: str | Site | View | Sequence[str | Site | View] = "*",
    every: int | Schedule | Windows | None = None,
    budget: float = 0.03,
    seed: int | None = None,
) -> Watch:
    """Read ``model``'s neurons while it trains: ``with watch(model, ...) as record: train()``.

    model:       any module. Its forward passes in training mode with gradients on are the steps: 0, 1, 2, ...
    instruments: what to read, for example ``EpsilonRank(eps=1e-3)``; `neurofn.instruments.DEFAULTS` where none are given.
    at:          where: a pattern of module paths or several (`find_sites`), with `in_evaluation` and `in_gradient` for more
                 than the outputs of training passes.
    every:       a number: readings at the steps 0, every, 2 every, ..., each from all rows of that one step. A schedule
                 (`Every`, `LogSpaced`, `AtLossChange`): the same at its steps. `Windows`: sums over many steps. All of
                 these are reproducible. None: as much as the budget pays for.
    budget:      the share of the training's time that watching may take. At most 256 rows of a place are read in a pass, in
                 turn all of them; passes are left out, sums of products of neurons come in turn, and at most one reading
                 is computed in a step, so that the share is kept. Which passes those are depends on the clock.
    seed:        what the rows say in the column seed; -1 for None.

    The object given answers ``table()``, ``save(path)``, ``where()``, ``columns`` and the rest of `Record` while it grows and
    afterwards, and ``.record`` is a Record of what is there. ``log(loss=...)`` writes beside it, ``pause()`` and ``resume()``
    interrupt it, ``cost`` says what it took. Rows of instrument "Watch" say on how many rows readings stand ("rows", for sums
    over many steps), what a budget came to ("cost share", "seconds", "steps", beside the "budget"; `Record.cost` reads them),
    where a value that was not finite came first ("first nonfinite step") and what could not be read ("failed step"): an
    exception in a hook, after a site was read once,
    ends in a warning and that row, and the training goes on. After an exception what was read is kept. A module that is
    called more than once in a pass has its later calls under "path#2", "path#3", .... The recomputation of activation
    checkpointing is not counted again. A compiled model stays one graph, with ``fullgraph=True`` too, and reads as if it were
    not compiled: give the compiled model. Gradients, inputs and functions as sites break its graph.

    Under torch.distributed every process watches, and with ``every=`` a reading of training passes stands on the rows of all of
    them, the same in each: all must run the same number of passes. A process that dies, or does not come to a reading within
    the timeout of the process group, raises NeurofnError in the others. With a budget each process reads its own rows.

    Raises SettingError for wrong instruments, schedules or budgets, SiteError where ``at`` matches nothing, and at the end
    where no pass, or nothing of a named site, was seen (a compiled model may ignore hooks silently). Warns of modules that
    match a pattern and were never called.

    >>> import torch
    >>> from neurofn.instruments import Moments
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh())
    >>> with watch(model, Moments(), at="1", every=2) as record:
    ...     for _ in range(3):
    ...         _ = model(torch.zeros(4, 2))
    >>> sorted(set(record.columns["step"].tolist()))
    [0, 2]
    """
    labelled = [str(part) for part in instruments if isinstance(part, Labelled)]
    if labelled:
        raise SettingError(f"{labelled[0]} reads targets, which a forward pass does not see; give it to "
                           "neurofn.measure(model, loader, ...) at the steps you want")  # fmt: skip
    plan = _plan(every, budget)
    sampler = Sampler(model, instruments or DEFAULTS, at, fast=plan.fast, strict=False)
    return Watch(sampler, model, plan, seed=-1 if seed is None else int(seed))


def _plan(every: int | Schedule | Windows | None, budget: float) -> Plan:
    if every is None:
        if isinstance(budget, bool) or not 0 < budget <= 1:
            raise SettingError(f"budget={budget!r}: give a share of the training's time, for example budget=0.03")
        return Budgeted(budget)
    if isinstance(every, Windows):
        return Cadence(every)
    return Passes(every if isinstance(every, Schedule) else Every(every))
