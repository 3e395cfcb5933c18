"""Instruments: measures of one layer's neurons, for any model. One file per family; `catalogue` finds them all.

Every instrument of the catalogue can be imported from here by its name. `watch` and `measure` in `neurofn.watching` apply
them to a model; `neurofn.testing` checks your own by the same suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._base import Batch, Instrument, Labelled, Readings, State, catalogue
from .activity import Activity, above, argmax, pooled_quantile, top_k
from .law import Law, activated_by_law, fit_law
from .powerlaws import Alternative, PowerLaw, compare_laws, fit_power_law
from .rank import gram_spectrum

if TYPE_CHECKING:
    from .activity import ActivatedNeurons as ActivatedNeurons
    from .collapse import NeuralCollapse as NeuralCollapse
    from .law import ActivationLaw as ActivationLaw
    from .moments import Moments as Moments
    from .rank import EpsilonRank as EpsilonRank
    from .sparsity import Dormant as Dormant
    from .sparsity import Saturated as Saturated
    from .sparsity import Sparsity as Sparsity
    from .spectra import Spectrum as Spectrum

__all__ = [
    "ActivatedNeurons",
    "ActivationLaw",
    "Activity",
    "Alternative",
    "Batch",
    "Dormant",
    "EpsilonRank",
    "Instrument",
    "Labelled",
    "Law",
    "Moments",
    "NeuralCollapse",
    "PowerLaw",
    "Readings",
    "Saturated",
    "Sparsity",
    "Spectrum",
    "State",
    "above",
    "activated_by_law",
    "argmax",
    "catalogue",
    "compare_laws",
    "fit_law",
    "fit_power_law",
    "gram_spectrum",
    "pooled_quantile",
    "top_k",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in catalogue:
        raise AttributeError(f"module 'neurofn.instruments' has no attribute {name!r}")
    return catalogue[name]
