"""Scikit-learn estimators whose layers are learnable neurons: Kolmogorov-Arnold networks and every other text of the language.

They need the package scikit-learn (``pip install 'neurofn[data]'``) and are loaded when they are first used.
"""

from __future__ import annotations

from .._errors import MissingExtraError

try:
    import sklearn as _sklearn  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise MissingExtraError("scikit-learn", extra="data", purpose="an estimator") from error

from ._kan import KANClassifier, KANRegressor

__all__ = ["KANClassifier", "KANRegressor"]
