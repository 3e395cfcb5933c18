"""Instruments: measures of one layer's neurons, for any model. One file per family; `catalogue` finds them all.

Every instrument of the catalogue, and every probe (a measure of a model and its data) of `probes`, can be imported from here
by its name. `watch` and `measure` in `neurofn.watching` apply
them to a model; `neurofn.testing` checks your own by the same suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._base import Batch, Instrument, Labelled, Readings, State, catalogue
from ._defaults import DEFAULTS
from ._probe import Probe, probes
from .activity import Activity, above, argmax, pooled_quantile, top_k
from .law import Law, activated_by_law, fit_law
from .powerlaws import Alternative, PowerLaw, compare_laws, fit_power_law
from .rank import gram_spectrum
from .weights import MatrixSpectrum, matrix_spectrum

if TYPE_CHECKING:
    from .activity import ActivatedNeurons as ActivatedNeurons
    from .collapse import NeuralCollapse as NeuralCollapse
    from .correlation import Correlation as Correlation
    from .law import ActivationLaw as ActivationLaw
    from .moments import Moments as Moments
    from .rank import EpsilonRank as EpsilonRank
    from .sparsity import Dormant as Dormant
    from .sparsity import Saturated as Saturated
    from .sparsity import Sparsity as Sparsity
    from .spectra import Spectrum as Spectrum
    from .weights import WeightSpectra as WeightSpectra

__all__ = [
    "DEFAULTS",
    "ActivatedNeurons",
    "ActivationLaw",
    "Activity",
    "Alternative",
    "Batch",
    "Correlation",
    "Dormant",
    "EpsilonRank",
    "Instrument",
    "Labelled",
    "Law",
    "MatrixSpectrum",
    "Moments",
    "NeuralCollapse",
    "PowerLaw",
    "Probe",
    "Readings",
    "Saturated",
    "Sparsity",
    "Spectrum",
    "State",
    "WeightSpectra",
    "above",
    "activated_by_law",
    "argmax",
    "catalogue",
    "compare_laws",
    "fit_law",
    "fit_power_law",
    "gram_spectrum",
    "matrix_spectrum",
    "pooled_quantile",
    "probes",
    "top_k",
]


def __getattr__(name: str) -> Any:
    for parts in () if name.startswith("_") else (catalogue, probes):
        if name in parts:
            return parts[name]
    raise AttributeError(f"module 'neurofn.instruments' has no attribute {name!r}")
