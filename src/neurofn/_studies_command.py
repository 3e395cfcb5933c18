"""The commands about studies beside run: where its cells are computed; claims, export and new."""

from __future__ import annotations

import importlib.util
import json
import keyword
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from . import _about, _terminal
from ._errors import SettingError, StoreError

if TYPE_CHECKING:
    from .studies import Executor


@Parameter(name="*")
@dataclass(frozen=True)
class Where:
    """Where the cells of a run are computed.

    >>> Where().executor() is None
    True
    """

    workers: Annotated[
        int | None, Parameter(help="Processes of this machine that compute cells", converter=_about.whole)
    ] = None
    cluster: Annotated[str | None, Parameter(help="The address of a Dask scheduler, such as tcp://host:8786")] = None
    cell_seconds: Annotated[float | None, Parameter(help="The most seconds that a cell may take on workers")] = None
    cell_bytes: Annotated[
        int | None, Parameter(help="The most bytes that a cell may take on workers", converter=_about.whole)
    ] = None

    def executor(self) -> Executor | None:
        """The executor of these options, None for this process; raises SettingError where they contradict each other."""
        from .studies import Dask, Limits, Local

        if self.workers is not None and self.cluster is not None:
            raise SettingError("--workers and --cluster exclude each other: cells are computed here or there; give one")
        limits = Limits(seconds=self.cell_seconds, bytes=self.cell_bytes)
        if self.cluster is not None:
            return Dask(self.cluster, limits=limits)
        if self.workers is not None:
            return Local(self.workers, limits=limits)
        if limits != Limits():
            raise SettingError("limits of a cell need processes that can be ended: add --workers 1, or more")
        return None


HERE = Where()


def claims(
    *places: Path,
    paper: str = "",
    format: Annotated[Literal["markdown", "json"], Parameter(name="--format")] = "markdown",
) -> int:
    """Print what was found of every claim, in all results below some folders: verdict, effect, control, seeds, cost.

    Parameters
    ----------
    places
        Folders or files; neurofn-results and docs/results of the current folder if not given.
    paper
        Only the claims of this paper, such as 2412.05144.
    format
        The format of the table.
    """
    from .studies._claims_table import PLACES, markdown
    from .studies._claims_table import claims as found

    known = list(places) or [Path(place) for place in PLACES if Path(place).exists()]
    for place in known:
        if not place.exists():
            raise StoreError(f"there is no {place}; give the folder of a run, or of several")
    rows, problems = found(known, paper=paper)
    for problem in problems:
        print(f"Skipped: {_terminal.clean(problem)}", file=sys.stderr)
    if not rows:
        where = ", ".join(map(str, known)) or " and ".join(PLACES)
        of = f" of paper {paper!r}" if paper else ""
        raise StoreError(
            f"no result with a claim{of} in {where}; run a study first, for example: neurofn run staircase"
        )
    print(json.dumps(rows, ensure_ascii=False, indent=1) if format == "json" else _terminal.clean(markdown(rows)))
    return 0


def export_cells(folder: Path, /, *, to: Path, table: Literal["cells", "readings"] = "cells") -> int:
    """Write the numbers of a run, or of all runs into one folder, as a table: .csv or .parquet.

    Parameters
    ----------
    folder
        The folder of a run, with its results.sqlite.
    to
        The file to write, NAME.csv or NAME.parquet.
    table
        Metrics, one row for each cell and seed; or readings, one row each.
    """
    from .studies._export import export

    print(f"Table: {export(folder, to, table=table)}")
    return 0


def new(kind: Literal["study"], name: str, /) -> int:
    """Write a file to start from, NAME.py in the current folder; it runs as it is.

    Parameters
    ----------
    kind
        What to make: a study.
    name
        Its name, a word of Python such as my_study.
    """
    path = Path(f"{name}.py")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise SettingError(f"{name!r} cannot name a {kind}: use letters, digits and underscores, as in my_study")
    if path.exists():
        raise StoreError(f"{path} is there already and was left alone; choose another name, or move it away")
    if importlib.util.find_spec(name) is not None:
        raise SettingError(f"{name!r} is the name of an installed module, which {path} would hide; choose another")
    try:
        path.write_text(_TEMPLATE.replace("NAME", name), encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; go to a folder that you can write to"
        ) from error
    print(f"Written: {path}")
    print(f"Run it:  neurofn run ./{path}:{name} --size smoke")
    return 0


_TEMPLATE = '''"""A study: what is asked, how one cell of it is measured, and a claim with its control. Change all of it."""

from neurofn.studies import Cells, Claim, Evidence, study


def gain(cells: Cells, shuffled: bool = False) -> Evidence:
    """By how much the error of the silu network is below that of the relu network, with the same seeds."""
    relu, silu = (cells.values("error", neuron=f"{name}(sum(linear))", shuffled=shuffled) for name in ("relu", "silu"))
    gains = relu - silu
    wins = int((gains > 0).sum())
    decided = len(gains) >= 5 and (wins == len(gains) or wins <= len(gains) // 2)
    sentence = f"silu has the smaller error with {wins} of {len(gains)} seeds"
    return Evidence(sentence=sentence, holds=wins == len(gains) if decided else None, effect=float(gains.mean()), n=len(gains))


def no_gain() -> Cells:
    """Numbers for which the claim is false: its test has to say so."""
    rows = [("relu", 0.1), ("silu", 0.2)]
    return Cells.of([
        {"neuron": f"{name}(sum(linear))", "shuffled": False, "seed": seed, "error": error}
        for name, error in rows for seed in range(5)
    ])


@study(
    question="Does silu fit a smooth function better than relu?",
    source="own",
    factors={"neuron": ["relu(sum(linear))", "silu(sum(linear))"], "shuffled": [False, True]},
    sizes={"smoke": {"steps": 50}, "small": {"steps": 500}, "full": {"steps": 5000}},
    seeds=5,
    claims=[
        Claim("silu fits better than relu", test=gain, counterexample=no_gain,
              control=lambda cells: gain(cells, shuffled=True), smallest_effect=0.001),
    ],
)
def NAME(neuron, shuffled, *, seeds, steps=500):
    """One cell: networks of this neuron, one for each seed, trained together; with shuffled targets it is the control."""
    import torch
    from torch import nn

    from neurofn import neuron as written
    from neurofn.train import Recipe, Stack, train

    def build(seed):
        return nn.Sequential(written(neuron).dense(1, 32), written(neuron).dense(32, 32), nn.Linear(32, 1))

    x = torch.linspace(-1, 1, 256).reshape(-1, 1)
    y = torch.sin(6 * x)
    if shuffled:
        y = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))]
    history = train(Stack(build, seeds), (x, y), recipe=Recipe(steps, learning_rate=1e-2), loss=nn.functional.mse_loss)
    return [
        {"metrics": {"error": float(losses[-1])}, "diverged": lost is not None}
        for losses, lost in zip(history.losses, history.diverged)
    ]
'''
