"""Units: what fires. Neurons of any module of any model, or masks that somebody already has.

The data pass through the network once. Activations are kept at the resolution of the module, in memory or, where they are
many, in an unnamed file; they are scaled up to the grid of the concepts later, sample by sample, and never kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import DataError, SettingError, ShapeError, SiteError
from ._block import Block
from ._listening import each_input, listening
from .thresholds import Above, Quantile, Threshold

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..sites import Site

__all__ = ["Units"]

Array = np.ndarray[Any, Any]
_BATCH = 64


class Units:
    """Units over samples 0, 1, 2, ...: what `explain` finds formulas for.

    ``names``: the number of the unit, or "path[number]" where several modules were read, or what a mapping of masks says;
    with several thresholds followed by the threshold. ``samples``: how many were seen.

    >>> units = Units.from_masks(np.ones((2, 5, 4, 4), bool))
    >>> units.names, units.samples
    ((0, 1), 5)
    """

    def __init__(
        self, blocks: Sequence[Block], thresholds: Sequence[Threshold], *, names: Sequence[int | str] | None = None
    ) -> None:
        """Users call the ``from_...`` methods."""
        self.blocks = tuple(blocks)
        self.thresholds = tuple(thresholds)
        if not self.thresholds:
            raise SettingError("threshold=[] says nothing: give one such as Quantile(0.995), or several")
        counts = {block.site: len(block.store) for block in blocks}
        if len(set(counts.values())) > 1:
            raise ShapeError(f"the modules gave different numbers of samples: {counts}; read them one at a time")
        self.samples = next(iter(counts.values()), 0)
        if self.samples == 0:
            raise DataError("there are no samples: give at least one batch with one sample")
        own = names if names is not None else [
            unit if len(blocks) == 1 else f"{block.site}[{unit}]" for block in blocks for unit in range(block.units)
        ]  # fmt: skip
        several = len(self.thresholds) > 1
        self.names: tuple[int | str, ...] = tuple(
            f"{name} {threshold}" if several else name for threshold in self.thresholds for name in own
        )

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"Units({len(self)} over {self.samples} samples)"

    @classmethod
    def from_model(
        cls,
        model: nn.Module,
        batches: Tensor | Iterable[Any],
        *,
        at: str | Site | Sequence[str | Site],
        threshold: Threshold | Sequence[Threshold] = Quantile(0.995),  # noqa: B008 - frozen
    ) -> Units:
        """Pass all batches through ``model`` once, in the mode it is in and without gradients, and read the modules at ``at``.

        batches: a tensor of inputs, or an iterable of batches; of a tuple or list the first part is the input, a dict is
        passed by name. The order must be that of the concepts: turn shuffling off. A module that is called several times
        in a pass is read at its last call. Maps, tokens and vectors are read, of tuples and LSTM outputs the first tensor.

        No hook stays behind, whatever happens. Raises SiteError where ``at`` matches nothing or a module was never called,
        DataError for no batches, ShapeError for an output without units or samples.

        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
        >>> Units.from_model(model, torch.zeros(7, 2), at="1", threshold=Above(0))
        Units(3 over 7 samples)
        """
        import torch

        from ..sites import find_sites

        sites = find_sites(model, at)
        blocks = {site.path: Block(site.path) for site in sites}
        with listening(model, sites) as heard, torch.no_grad():
            for batch in each_input(batches):
                heard.clear()
                model(**batch) if isinstance(batch, dict) else model(batch)
                silent = [path for path in blocks if path not in heard]
                if silent:
                    raise SiteError(
                        f"no output of {', '.join(map(repr, silent))} was seen; name modules that are called"
                    )
                for path, block in blocks.items():
                    block.append(np.ascontiguousarray(heard[path].detach().float().cpu().numpy()))
        return cls(list(blocks.values()), _several(threshold))

    @classmethod
    def from_masks(cls, masks: Any) -> Units:
        """Units that are known already: bool (units, samples, *grid), or a mapping name -> bool (samples, *grid).

        >>> Units.from_masks({"mine": np.zeros((5, 4), bool)}).names
        ('mine',)
        """
        names: list[int | str] | None = None
        if isinstance(masks, Mapping):
            names, masks = list(masks), list(masks.values())
        known = np.asarray(masks)
        if known.ndim < 2:
            raise ShapeError(f"masks have shape {known.shape}, expected (units, samples, *grid)")
        if known.dtype != bool:
            raise DataError(f"masks are {known.dtype}, expected bool; for activations take Units.from_activations")
        block = _filled((known[:, i : i + _BATCH] for i in range(0, known.shape[1], _BATCH)), as_type=np.uint8)
        return cls([block], [Above(0.5)], names=names)

    @classmethod
    def from_activations(
        cls,
        values: Any,
        *,
        threshold: Threshold | Sequence[Threshold] = Quantile(0.995),  # noqa: B008 - frozen
    ) -> Units:
        """Activations that are known already: floats (samples, units, *places).

        >>> Units.from_activations(np.zeros((5, 3, 2, 2)), threshold=Above(0))
        Units(3 over 5 samples)
        """
        known = np.asarray(values)
        if known.ndim < 2 or known.dtype.kind not in "iuf":
            raise ShapeError(f"activations are {known.dtype} {known.shape}, expected numbers (samples, units, *places)")
        swapped = (known[i : i + _BATCH].swapaxes(0, 1) for i in range(0, len(known), _BATCH))
        return cls([_filled(swapped, as_type=np.float32)], _several(threshold))


def _filled(batches: Iterable[Array], *, as_type: Any) -> Block:
    block = Block("")
    for batch in batches:  # (units, samples, *places)
        block.append(np.ascontiguousarray(batch.swapaxes(0, 1), dtype=as_type))
    return block


def _several(threshold: Threshold | Sequence[Threshold]) -> Sequence[Threshold]:
    found = list(threshold) if isinstance(threshold, Sequence) else [threshold]
    for one in found:
        if not hasattr(one, "bounds"):
            raise SettingError(f"threshold={one!r}: give for example Quantile(0.995), Above(0) or Between(0, 1)")
    return found
