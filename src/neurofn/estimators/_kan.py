"""Networks of learnable neurons with the manners of scikit-learn."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, check_random_state, validate_data
from torch import Tensor, nn
from torch.nn import functional

from .._errors import DataError, SettingError
from ..neurons import Neuron
from ..neurons.importance import Importance, importance
from ..neurons.ranges import RangeWarning
from ..neurons.saved import Scale
from ..train import Recipe
from ._learning import Best, Hidden, fit_to, layers, learn, penalised, quiet
from ._rows import Floats, Rows, held_out, merged, spread

__all__ = ["KANClassifier", "KANRegressor"]

AT_ONCE = 8192  # rows that are predicted at a time
Loss = Callable[[Tensor, Tensor], Tensor]


class _KAN(BaseEstimator):  # type: ignore[misc]  # scikit-learn declares no types
    """What both estimators share; the constructor keeps its arguments and does nothing else."""

    def __init__(
        self,
        neuron: str | Neuron = "sum(silu + bspline)",
        hidden: Hidden = (8,),
        *,
        penalty: float = 0.0,
        recipe: Recipe | None = None,
        validation: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.neuron = neuron
        self.hidden = hidden
        self.penalty = penalty
        self.recipe = recipe
        self.validation = validation
        self.random_state = random_state

    def importance(self, X: npt.ArrayLike, *, kind: str = "l1") -> tuple[Importance, ...]:
        """How much each feature counts on the rows ``X``, beside untrained networks: `neurofn.neurons.importance.importance`.

        ``kind`` is "l1", "l2", "sensitivity", "knockout" or "permutation". Raises NotFittedError before `fit`.
        """
        x = self._checked(X)
        names = tuple(map(str, getattr(self, "feature_names_in_", ()))) or None
        return importance(self.network_, torch.tensor(x), kind=kind, names=names)

    def _learned(self, rows: Rows, strata: npt.NDArray[np.int64], n_out: int, loss: Loss) -> nn.Sequential:
        """A network that was trained on rows whose targets are as the loss wants them; sets what both estimators know then."""
        if not 0 <= self.validation < 1:
            raise SettingError(f"validation={self.validation!r}: give the share of rows to hold out, such as 0.1 or 0")
        random = check_random_state(self.random_state)
        seed, held = int(random.randint(2**31 - 1)), held_out(strata, self.validation, random)
        network = layers(self.neuron, self.hidden, n_in=rows.x.shape[1], n_out=n_out, seed=seed)
        kept = (~held).nonzero()[0]
        recipe = Recipe(900, 0.02, None if len(kept) <= 1024 else 256) if self.recipe is None else self.recipe
        self.range_ = np.stack([rows.x.min(axis=0), rows.x.max(axis=0)])
        x, _ = data = _tensors(rows[~held])
        fit_to(network, x)
        best = Best(network, _tensors(rows[held]) if held.any() else data, loss)
        training, handles = penalised(loss, network, self.penalty)
        self.n_iter_ = learn(
            network,
            data,
            best=best,
            recipe=recipe,
            loss=training,
            seed=seed,
        )
        for handle in handles:
            handle.remove()
        return network.eval()

    def _outputs(self, X: npt.ArrayLike) -> Floats:
        """What the network gives for rows in raw units, (n, outputs); warns where values are outside the range of the data.

        Computed in double precision, so that a row's output does not depend on the rows beside it.
        """
        x = self._checked(X)
        outside = (x < self.range_[0]) | (x > self.range_[1])
        if outside.any():
            most = int(outside.mean(axis=0).argmax())
            warnings.warn(
                f"{outside.any(axis=1).mean():.1%} of {len(x)} rows have a value outside the range that was learned from, most "
                f"often in feature {most} ({outside[:, most].mean():.1%}); predictions there are extrapolated",
                RangeWarning,
                stacklevel=3,
            )
        network = copy.deepcopy(self.network_).double().eval()
        with torch.no_grad(), quiet():
            parts = [network(part) for part in torch.split(torch.tensor(x), AT_ONCE)]
        outputs: Floats = torch.cat(parts).numpy()
        return outputs

    def _checked(self, X: npt.ArrayLike) -> Floats:
        check_is_fitted(self)
        checked: Floats = validate_data(self, X, reset=False, dtype=np.float64)
        return checked


class KANRegressor(RegressorMixin, _KAN):  # type: ignore[misc]
    """Regression with a network of learnable neurons, in raw units, with the manners of scikit-learn.

    neuron:       the text of the neurons; of the last layer, and of the hidden ones that have none of their own.
    hidden:       the widths of the hidden layers, each a number or (number, text); () for a single layer.
    penalty:      the weight of `sparsity` and `smoothness` (neurofn.neurons.penalties) of all layers, beside the loss of
                  targets of scale 1; 0 for none, 0.01 for noisy data.
    recipe:       how to train, `neurofn.train.Recipe`; None for 900 updates, of all rows or of 256 where there are many.
    validation:   the share of rows held out; the weights that are best there are kept, and training ends early where it no
                  longer helps. 0 holds out none.
    random_state: seeds the initial weights, the held-out rows and the order of the batches.

    The range of each feature is learned from the data; at other values edges continue as they are declared to, and `predict`
    warns with the share of such rows. Targets (n,) or (n, targets) are centred and scaled by median and quartiles inside. After
    ``fit(X, y, sample_weight=None)``: ``network_``, a torch module from raw features to targets; ``range_`` (2, features);
    ``n_iter_``, updates made; ``n_features_in_``, ``feature_names_in_``. The fit depends neither on the order of the rows nor
    on whether a row is repeated or weighted. Raises ValueError for NaN and infinities, SettingError for settings that are not
    allowed, LanguageError for a text that is no neuron. Source: arXiv:2404.19756.

    >>> import numpy as np
    >>> from neurofn import KANRegressor
    >>> X = np.random.default_rng(0).uniform(-40, 40, (300, 2))
    >>> y = np.sin(X[:, 0] / 10) + (X[:, 1] / 40) ** 2
    >>> model = KANRegressor(hidden=(3,), random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.98)
    True
    """

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> KANRegressor:
        """Learn from rows ``X`` (n, features) and targets ``y`` (n,) or (n, targets); gives the estimator."""
        x, targets = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        weight = _check_sample_weight(sample_weight, x, dtype=np.float64)
        self._flat = targets.ndim == 1
        rows = merged(x, targets.reshape(len(x), -1).astype(np.float64), weight)
        centre, scale = spread(rows.y, rows.weight)
        scaled = Rows(rows.x, (rows.y - centre) / scale, rows.weight)
        network = self._learned(scaled, np.zeros(len(rows.x), dtype=np.int64), rows.y.shape[1], _squared)
        scale = np.where(np.ptp(rows.y, axis=0) > 0, scale, 0.0)  # a target that never changes is known exactly
        self.network_ = nn.Sequential(*network, Scale(torch.as_tensor(scale), torch.as_tensor(centre)))
        return self

    def predict(self, X: npt.ArrayLike) -> Floats:
        """Targets for rows ``X`` (n, features), (n,) or (n, targets) as in `fit`; a RangeWarning tells of values outside."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class KANClassifier(ClassifierMixin, _KAN):  # type: ignore[misc]
    """Classification with a network of learnable neurons, in raw units, with the manners of scikit-learn.

    Arguments and attributes as those of `KANRegressor`; ``classes_`` has the labels, and ``network_`` gives a logit for each.
    Classes of very few rows are never held out.

    >>> from sklearn.datasets import load_wine
    >>> from neurofn import KANClassifier
    >>> X, y = load_wine(return_X_y=True)
    >>> model = KANClassifier(hidden=(), random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.95), model.predict_proba(X[:2]).shape
    (True, (2, 3))
    """

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> KANClassifier:
        """Learn from rows ``X`` (n, features) and labels ``y`` (n,); gives the estimator."""
        x, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        weight = _check_sample_weight(sample_weight, x, dtype=np.float64)
        counts = weight > 0 if (weight > 0).any() else slice(None)
        self.classes_ = np.unique(labels[counts])
        index = np.searchsorted(self.classes_, labels).clip(max=len(self.classes_) - 1)
        rows = merged(x, index.astype(np.float64)[:, None], weight)
        strata = rows.y[:, 0].astype(np.int64)
        self.network_ = self._learned(rows, strata, len(self.classes_), _crossed)
        return self

    def predict_proba(self, X: npt.ArrayLike) -> Floats:
        """The probability of each class, (n, classes) in the order of ``classes_``; a RangeWarning tells of values outside."""
        probabilities: Floats = torch.as_tensor(self._outputs(X)).softmax(dim=1).numpy()
        return probabilities

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """The most probable label of each row, (n,); a RangeWarning tells of values outside."""
        outputs = self._outputs(X)
        labels: npt.NDArray[Any] = self.classes_[outputs.argmax(axis=1)]
        return labels


def _tensors(rows: Rows) -> tuple[Tensor, Tensor]:
    """Inputs, and the targets with the weights beside them."""
    dtype = torch.get_default_dtype()
    if np.abs(rows.x).max(initial=0.0) > torch.finfo(dtype).max:
        raise DataError(f"X has values too large for {dtype}, which networks compute in; give features in larger units")
    return torch.tensor(rows.x, dtype=dtype), torch.tensor(np.column_stack([rows.y, rows.weight]), dtype=dtype)


def _squared(outputs: Tensor, target: Tensor) -> Tensor:
    return ((outputs - target[:, :-1]).square().mean(dim=1) * target[:, -1]).mean()


def _crossed(outputs: Tensor, target: Tensor) -> Tensor:
    losses = functional.cross_entropy(outputs, target[:, 0].long(), reduction="none")
    return (losses * target[:, -1]).mean()
