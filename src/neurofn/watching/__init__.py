"""Watching: `watch` a model while it trains, `measure` it over given data; both give a `Record` of tidy rows."""

from __future__ import annotations

from .record import Record
from .recorder import measure, watch

__all__ = ["Record", "measure", "watch"]
