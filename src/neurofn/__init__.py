"""neurofn: what a neuron computes. Swap it, watch it learn, explain it, and test which one is better.

Importing this package loads neither torch nor any part; each public name loads its module when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "catalogue": "functions",
    "declare": "functions",
    "function": "functions",
    "Learn": "functions",
    "Fixed": "functions",
    "fewbit": "saving",
    "neuron": "neurons",
    "swap": "neurons.swap",
    "init_for": "neurons.gains",
    "fit_ranges": "neurons.ranges",
    "prune": "neurons.pruning",
    "curves": "neurons.curves",
    "discover": "neurons.symbolic",
    "save_network": "neurons.saved",
    "load_network": "neurons.saved",
    "KANRegressor": "estimators",
    "KANClassifier": "estimators",
    "watch": "watching",
    "measure": "watching",
    "Record": "watching",
    "collect": "watching",
    "LogSpaced": "watching",
    "Windows": "watching",
    "EpsilonRank": "instruments",
    "ActivatedNeurons": "instruments",
    "Moments": "instruments",
    "Concepts": "explaining",
    "Exact": "explaining",
    "Shuffled": "explaining",
    "Units": "explaining",
    "explain": "explaining",
    "study": "studies",
    "Claim": "studies",
    "run": "studies",
    "report": "reporting",
    "diagnose": "reporting",
    "NeurofnError": "_errors",
}

__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from ._errors import NeurofnError as NeurofnError
    from .estimators import KANClassifier as KANClassifier
    from .estimators import KANRegressor as KANRegressor
    from .explaining import Concepts as Concepts
    from .explaining import Exact as Exact
    from .explaining import Shuffled as Shuffled
    from .explaining import Units as Units
    from .explaining import explain as explain
    from .functions import Fixed as Fixed
    from .functions import Learn as Learn
    from .functions import catalogue as catalogue
    from .functions import declare as declare
    from .functions import function as function
    from .instruments import ActivatedNeurons as ActivatedNeurons
    from .instruments import EpsilonRank as EpsilonRank
    from .instruments import Moments as Moments
    from .neurons import neuron as neuron
    from .neurons.curves import curves as curves
    from .neurons.gains import init_for as init_for
    from .neurons.pruning import prune as prune
    from .neurons.ranges import fit_ranges as fit_ranges
    from .neurons.saved import load_network as load_network
    from .neurons.saved import save_network as save_network
    from .neurons.swap import swap as swap
    from .neurons.symbolic import discover as discover
    from .reporting import diagnose as diagnose
    from .reporting import report as report
    from .saving import fewbit as fewbit
    from .studies import Claim as Claim
    from .studies import run as run
    from .studies import study as study
    from .watching import LogSpaced as LogSpaced
    from .watching import Record as Record
    from .watching import Windows as Windows
    from .watching import collect as collect
    from .watching import measure as measure
    from .watching import watch as watch


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'neurofn' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
