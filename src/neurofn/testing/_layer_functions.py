"""The conformance suite of layer functions: small named checks, each of which raises AssertionError with what it saw.

    from neurofn.testing import check
    check(my_layer_function)

The checks ask double entry: what is declared (definition, facts, laws, shapes) against what runs (module).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..functions.layerwise import LayerFunction
from . import _layer_modules as modules
from . import _layer_values as values
from ._functions import check_source as source_of

__all__ = ["LAYER_CHECKS"]


def check_source(function: Any) -> None:
    """The source is an arXiv number, a DOI, a BibTeX entry, or the key of one (author and year)."""
    source_of(function)


LAYER_CHECKS: dict[str, Callable[[LayerFunction], None]] = {
    "source is given": check_source,
    "formula is printable": values.check_formula,
    "enough facts are stated": values.check_facts_stated,
    "facts are true": values.check_facts,
    "module equals the definition": values.check_values,
    "slopes are right": values.check_slopes,
    "finite where the truth is": values.check_finite,
    "draws follow their law": values.check_law,
    "running statistics run": values.check_running,
    "shapes keep the contract": modules.check_axis,
    "samples mix as declared": modules.check_batch,
    "wrong widths are refused": modules.check_widths_refused,
    "wrong settings are refused": modules.check_settings,
    "settings matter": modules.check_settings_matter,
    "learned parameters get a gradient": modules.check_learned_gradient,
    "learned parameters stay in their domain": modules.check_learned_domain,
    "state_dict comes back": modules.check_state_dict,
    "copies are independent": modules.check_deepcopy,
    "evaluation is deterministic": modules.check_evaluation,
    "a given generator is used": modules.check_draws_own_generator,
    "integer tensors are refused": modules.check_integers_refused,
    "dtypes are kept": modules.check_dtypes,
    "module moves to a device": modules.check_meta_device,
    "vmap equals a loop": modules.check_vmap,
    "compiles": modules.check_compiles,
    "exports": modules.check_exports,
}
"""Every check of a layer function by name."""
