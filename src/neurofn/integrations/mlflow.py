"""A sink for MLflow: numbers as metrics of a run. Extra: ``pip install 'neurofn[mlflow]'`` (the client, mlflow-skinny)."""

from __future__ import annotations

import re
import time
from typing import Any

from .._errors import SettingError
from ..watching import Record
from ._stream import foreign, scalars_of

__all__ = ["MLflow"]

_METRICS = 1000  # the most that one call of log_batch takes
_NOT_IN_NAMES = re.compile(r"[^\w\-. /:]+", re.ASCII)


class MLflow:
    """Writes the numbers among the rows as metrics of a run: ``to=MLflow()`` inside ``with mlflow.start_run():``.

    run: the id of a run; without it the run that is active when the rows come.
    uri: of the tracking server; without it the one that mlflow was set to.

    Metrics are named "SITE/INSTRUMENT/READING"; signs that MLflow does not take become "_", for example
    "0/EpsilonRank_eps_0.001/rank". Arrays (one value per neuron) are no metrics and are left out: save the record and log it
    as an artifact. What the server refuses is raised by the call, and kept for later by `Stream`.

    Raises MissingExtraError where mlflow is not installed; calls raise SettingError where no run is active.
    """

    def __init__(self, run: str | None = None, *, uri: str | None = None) -> None:
        self._mlflow = foreign("mlflow", extra="mlflow", purpose="the sink for MLflow")
        self._run = run
        self._client: Any = self._mlflow.MlflowClient(tracking_uri=uri)

    def __call__(self, rows: Record) -> None:
        """Log the numbers."""
        run = self._run
        if run is None:
            active = self._mlflow.active_run()
            if active is None:
                raise SettingError("no run of MLflow is active; give its id, MLflow(run), or train inside "
                                   "`with mlflow.start_run():`")  # fmt: skip
            run = active.info.run_id
        now = int(time.time() * 1000)
        metrics = [
            self._mlflow.entities.Metric(_NOT_IN_NAMES.sub("_", name).replace("_/", "/"), value, now, step)
            for step, numbers in scalars_of(rows).items()
            for name, value in numbers.items()
        ]
        for begin in range(0, len(metrics), _METRICS):
            self._client.log_batch(run, metrics=metrics[begin : begin + _METRICS])
