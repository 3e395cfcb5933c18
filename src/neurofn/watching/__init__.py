"""Watching: `watch` a model while it trains, `measure` it over given data; both give a `Record` of tidy rows."""

from __future__ import annotations

from .record import COLUMNS, Record, Rows
from .recorder import Watch, measure, watch

__all__ = ["COLUMNS", "Record", "Rows", "Watch", "measure", "watch"]
