"""`collect`: the activations themselves, for the few who want them, streamed to files that numpy maps into memory."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Sized
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from .._errors import SettingError, ShapeError, SiteError, StoreError, did_you_mean
from ._collection import Progress, digest_of
from ._measure import _as_it_was, _pairs
from ._store import read_page

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..sites import Site

__all__ = ["Collected", "collect"]

_GIB = 2**30


@dataclass(frozen=True)
class Collected:
    """The activations that `collect` wrote into a folder.

    samples: how many.  bytes: how many the files hold.  shapes, types: by site the shape of all samples, and the data type they
    had in the model ("bfloat16" is kept bit for bit).

    >>> import tempfile, torch
    >>> found = collect(torch.nn.Linear(2, 3), torch.zeros(5, 2), to=tempfile.mkdtemp())
    >>> found.samples, dict(found.shapes), Collected.load(found.folder) == found
    (5, {'': (5, 3)}, True)
    """

    folder: Path
    samples: int
    bytes: int
    shapes: Mapping[str, tuple[int, ...]]
    types: Mapping[str, str]

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Collected:
        """The collection in a folder. Raises StoreError where there is none, or one that was stopped in the middle."""
        path = Path(folder)
        page = read_page(path)
        if not page["complete"]:
            raise StoreError(f"the collection in {str(path)!r} was stopped after {page['done']:,} of {page['samples']:,} "
                             "samples; call collect as before and it goes on from there")  # fmt: skip
        shapes = {name: (page["done"], *said["shape"]) for name, said in page["sites"].items()}
        types = {name: said["type"] for name, said in page["sites"].items()}
        return cls(path, page["done"], page["bytes"], MappingProxyType(shapes), MappingProxyType(types))

    def to_dict(self) -> dict[str, Any]:
        """What is there, for JSON; the activations stay in their files.

        >>> Collected(Path("run"), 2, 24, {"0": (2, 3)}, {"0": "float32"}).to_dict()["shapes"]
        {'0': [2, 3]}
        """
        shapes = {name: list(shape) for name, shape in self.shapes.items()}
        return {"folder": str(self.folder), "samples": self.samples, "bytes": self.bytes, "shapes": shapes,
                "types": dict(self.types)}  # fmt: skip

    def array(self, site: str) -> np.ndarray:
        """The activations at a site, mapped into memory and read-only: (samples, ...). bfloat16 comes as its bits, uint16.

        Raises SiteError for a site that was not collected, StoreError for a damaged file.

        >>> import tempfile, torch
        >>> collect(torch.nn.Identity(), torch.ones(2, 3), to=tempfile.mkdtemp()).array("").sum()
        np.float32(6.0)
        """
        page = read_page(self.folder)
        if site not in page["sites"]:
            raise SiteError(f"nothing was collected at {site!r}; {did_you_mean(site, page['sites'], what='site')}")
        try:
            found = np.load(self.folder / page["sites"][site]["file"], mmap_mode="r", allow_pickle=False)
            if found.shape != self.shapes[site]:
                raise ValueError(f"it has shape {found.shape}, not {self.shapes[site]}")
        except (OSError, ValueError) as error:
            raise StoreError(
                f"the activations at {site!r} in {self.folder} cannot be read ({error}); collect again"
            ) from error
        return np.asarray(found)

    def tensor(self, site: str) -> Tensor:
        """The activations at a site as a tensor of the type that they had in the model. It is a copy, in memory.

        >>> import tempfile, torch
        >>> model = torch.nn.Identity()
        >>> collect(model, torch.ones(2, 3).bfloat16(), to=tempfile.mkdtemp()).tensor("").dtype
        torch.bfloat16
        """
        import torch

        values = torch.from_numpy(np.array(self.array(site)))
        return values.view(torch.bfloat16) if self.types[site] == "bfloat16" else values


def collect(
    model: nn.Module,
    batches: Tensor | Iterable[Tensor | Sequence[Tensor]],
    *,
    to: str | os.PathLike[str],
    at: str | Site | Sequence[str | Site] = "*",
    samples: int | None = None,
    most: float = 2 * _GIB,
) -> Collected:
    """Write what ``model`` gives at the sites ``at`` for every sample into the folder ``to``, batch by batch.

    batches: as for `measure`: one tensor, or an iterable of inputs or of pairs (inputs, targets).
    samples: how many there are in all; needed where that cannot be told from ``batches``.
    most:    the most bytes that the files may hold. The size is known after the first batch, before anything is written.

    Data types are kept, float16 and bfloat16 too. The files are npy, one per site, (samples, ...). If it is stopped or killed,
    the same call goes on after the last whole batch; it checks that the model's weights and the inputs up to there are the
    same. The model runs in the mode it is in, without gradients, and is left as it was. A module that is called more than once
    in a pass has its later calls under "path#2".

    Raises SettingError where the files would be larger than ``most`` (it says how large) or ``samples`` is missing; StoreError
    where the disk has no room, or the folder holds something else, a finished collection or that of another model or other
    data; ShapeError for outputs whose first axis is not the sample or whose shapes change; DataError for too many or too few
    samples.

    >>> import tempfile, torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh())
    >>> found = collect(model, [torch.zeros(4, 2), torch.ones(4, 2)], at="1", to=tempfile.mkdtemp())
    >>> found.array("1").shape, found.bytes
    ((8, 3), 96)
    """
    import torch

    progress = Progress(Path(to), digest_of(model))
    with ExitStack() as stack:
        stack.callback(progress.close)
        stack.enter_context(_as_it_was(model))
        stack.enter_context(torch.no_grad())
        listener = _Listener(model, at, stack)
        for batch, _ in _pairs(batches):
            if progress.has(batch):
                continue
            values = listener.during(batch)
            if progress.store is None:
                total = _count(batches) if samples is None else samples
                progress.begin(values, listener.types, total, most=most)
            progress.add(values, len(batch))
        progress.finish()
    return Collected.load(to)


class _Listener:
    """Hears what comes by at the sites of a model while a batch runs, as arrays that nothing changes any more."""

    def __init__(self, model: nn.Module, at: str | Site | Sequence[str | Site], stack: ExitStack) -> None:
        from ..sites import find_sites, tap

        self.model = model
        self.types: dict[str, str] = {}
        self._heard: dict[str, np.ndarray] = {}
        self._calls: Counter[str] = Counter()
        for site in find_sites(model, at):
            stack.callback(tap(model, site, partial(self._hear, site)))

    def during(self, batch: Tensor) -> dict[str, np.ndarray]:
        """By place, the activations for one batch. Raises ShapeError where their first axis is not the sample."""
        self._heard.clear()
        self._calls.clear()
        self.model(batch)
        if not self._heard:
            raise SiteError(
                "no output of the sites was seen; name modules that are called with at=; see: neurofn sites"
            )
        for name, values in self._heard.items():
            if not values.ndim or len(values) != len(batch):
                raise ShapeError(f"{name!r} gives shape {values.shape} for a batch of {len(batch)} samples; collect places "
                                 "whose first axis is the sample")  # fmt: skip
        return dict(self._heard)

    def _hear(self, site: Site, output: Any) -> None:
        import torch

        from ..sites import to_tensor

        values = to_tensor(output, site).detach().to("cpu", copy=True).contiguous()
        self._calls[site.path] += 1
        name = site.path if self._calls[site.path] == 1 else f"{site.path}#{self._calls[site.path]}"
        self.types[name] = str(values.dtype).removeprefix("torch.")
        self._heard[name] = (values.view(torch.uint16) if values.dtype == torch.bfloat16 else values).numpy()


def _count(batches: Any) -> int:
    """How many samples there are, without running through an iterator."""
    if hasattr(batches, "shape"):
        return len(batches)
    if isinstance(batches, Sequence):
        return sum(len(batch if hasattr(batch, "shape") else batch[0]) for batch in batches)
    sampler, size = getattr(batches, "sampler", None), getattr(batches, "batch_size", None)
    if isinstance(sampler, Sized) and isinstance(size, int):  # a DataLoader
        return len(sampler) // size * size if getattr(batches, "drop_last", False) else len(sampler)
    raise SettingError(f"how many samples a {type(batches).__name__} gives cannot be told, nor how large the files would be; "
                       "pass samples=")  # fmt: skip
