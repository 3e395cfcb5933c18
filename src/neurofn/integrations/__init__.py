"""Integrations: neurofn inside the tools that people train with, one file per tool, each an extra.

    neurofn.integrations.lightning      WatchCallback for Lightning's Trainer
    neurofn.integrations.transformers   WatchCallback for the Trainer of Hugging Face
    neurofn.integrations.tensorboard    TensorBoard, a sink
    neurofn.integrations.mlflow         MLflow, a sink
    neurofn.integrations.wandb          WandB, a sink
    neurofn.integrations.torchmetrics   InstrumentMetric: any instrument as a metric

and `Folder`, a sink for the folder of a record, which ``neurofn watch --serve`` shows while it grows.

A sink is a function of rows: it takes a `Record` and writes it elsewhere. `send` gives it a whole record, `Stream` the new
rows of one that grows; anything that can be called with a Record will do, not only the sinks of this package.
"""

from __future__ import annotations

from ._folder import Folder
from ._stream import Stream, send

__all__ = ["Folder", "Stream", "send"]
