"""Explain what units compute: formulas over concepts, with held-out scores and chance.

Each public name loads its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "explain": "_explain",
    "Explanation": "_explanation",
    "NullScore": "_explanation",
    "table": "_explanation",
    "Holdout": "_split",
    "Units": "units",
    "Concepts": "concepts",
    "Above": "thresholds",
    "Between": "thresholds",
    "Quantile": "thresholds",
    "QuantileRange": "thresholds",
    "Beam": "search",
    "Exact": "search",
    "Original": "_original",
    "OnWorkers": "_parallel",
    "Shifted": "null",
    "Shuffled": "null",
    "Untrained": "null",
    "by_chance": "null",
    "match": "matching",
    "match_groups": "grouping",
    "predict_units": "predicting",
    "compare_meanings": "meaning",
    "correlations": "matching",
    "find_top_examples": "top_examples",
    "find_preferred_inputs": "preferred",
    "Ascent": "preferred",
    "PreferredInput": "_found",
    "Bounded": "priors",
    "Smooth": "priors",
    "PCA": "codes",
    "Learned": "codes",
    "Examples": "starts",
    "Facets": "starts",
    "Noise": "starts",
}

__all__ = [*_HOME]

if TYPE_CHECKING:
    from ._explain import explain as explain
    from ._explanation import Explanation as Explanation
    from ._explanation import NullScore as NullScore
    from ._explanation import table as table
    from ._found import PreferredInput as PreferredInput
    from ._original import Original as Original
    from ._parallel import OnWorkers as OnWorkers
    from ._split import Holdout as Holdout
    from .codes import PCA as PCA
    from .codes import Learned as Learned
    from .concepts import Concepts as Concepts
    from .grouping import match_groups as match_groups
    from .matching import correlations as correlations
    from .matching import match as match
    from .meaning import compare_meanings as compare_meanings
    from .null import Shifted as Shifted
    from .null import Shuffled as Shuffled
    from .null import Untrained as Untrained
    from .null import by_chance as by_chance
    from .predicting import predict_units as predict_units
    from .preferred import Ascent as Ascent
    from .preferred import find_preferred_inputs as find_preferred_inputs
    from .priors import Bounded as Bounded
    from .priors import Smooth as Smooth
    from .search import Beam as Beam
    from .search import Exact as Exact
    from .starts import Examples as Examples
    from .starts import Facets as Facets
    from .starts import Noise as Noise
    from .thresholds import Above as Above
    from .thresholds import Between as Between
    from .thresholds import Quantile as Quantile
    from .thresholds import QuantileRange as QuantileRange
    from .top_examples import find_top_examples as find_top_examples
    from .units import Units as Units


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
