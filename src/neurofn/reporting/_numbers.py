"""Numbers as text, and many seeds as one line with a band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["MISSING", "Spread", "number", "p_value", "plural", "significant", "span", "spread"]

MISSING = "–"
FEW = 5  # below this many seeds quantiles are made up; the band is then the whole range


def number(value: object, spec: str = "", unit: str = "") -> str:
    """One value as a reader wants it: missing ones as a dash, a true minus sign, thousands apart.

    >>> number(0.97423, ".1%"), number(12345), number(None), number(-0.5), number(2.0, "d", "s")
    ('97.4%', '12,345', '–', '−0.5', '2 s')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    text = _formatted(value, spec)
    return f"{text}{unit}" if unit.startswith("%") else f"{text} {unit}".rstrip()


def _formatted(value: int | float, spec: str) -> str:
    if isinstance(value, float) and value.is_integer() and (spec.endswith("d") or (not spec and abs(value) < 1e15)):
        value = int(value)
    try:
        text = format(value, spec or ("," if isinstance(value, int) else ".4g"))
    except ValueError:  # a format that this value cannot take ("d" of 2.5) is no reason to lose the report
        text = format(value, ".4g")
    return text.replace("-", "−")


def p_value(p: object) -> str:
    """A p value in words.

    >>> p_value(0.0123), p_value(1e-9), p_value(None)
    ('p = 0.012', 'p < 0.001', '')
    """
    if not isinstance(p, int | float) or not math.isfinite(p):
        return ""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def span(low: object, high: object, spec: str = "", unit: str = "") -> str:
    """An interval.

    >>> span(0.1, 0.25, ".0%"), span(None, 1.0)
    ('10% to 25%', '')
    """
    if low is None or high is None:
        return ""
    return f"{number(low, spec)} to {number(high, spec, unit)}"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "seed"), plural(1200, "seed")
    ('1 seed', '1,200 seeds')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def significant(value: float, digits: int = 4) -> float:
    """The value with few digits, so that a page stays small.

    >>> significant(0.123456789)
    0.1235
    """
    return float(f"{value:.{digits}g}")


@dataclass(frozen=True)
class Spread:
    """The middle and the band of many seeds at each x; ``words`` says what the band is."""

    low: tuple[float, ...]
    middle: tuple[float, ...]
    high: tuple[float, ...]
    words: str


def spread(values: Sequence[Sequence[float]] | npt.NDArray[np.float64]) -> Spread:
    """Median and band over seeds; ``values`` is (seeds, x), NaN where a seed has no value; no x without any.

    The band holds 10 to 90% of the seeds, and with fewer than five seeds all of them.

    >>> spread([[1.0], [2.0], [4.0]])
    Spread(low=(1.0,), middle=(2.0,), high=(4.0,), words='all seeds')
    """
    table = np.asarray(values, dtype=np.float64)
    few = table.shape[0] < FEW
    cuts = np.nanquantile(table, [0.0, 0.5, 1.0] if few else [0.1, 0.5, 0.9], axis=0)
    low, middle, high = (tuple(significant(float(v)) for v in row) for row in cuts)
    return Spread(low, middle, high, "all seeds" if few else "10 to 90% of the seeds")
