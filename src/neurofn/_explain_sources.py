"""What a user of the command explain names: a network, data, and concepts, by MODULE:NAME or by a file."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _about
from ._errors import DataError, SettingError

if TYPE_CHECKING:
    from .explaining import Concepts

__all__ = ["concepts_of", "network", "readable_again"]

_FORMS = (
    "a file .npz of masks, .csv of rows or .json of COCO annotations, a folder in the layout of Broden, "
    "or MODULE:NAME of Concepts"
)


def made(name: str) -> Any:
    """The object MODULE:NAME, called where it is a function."""
    import inspect

    found = _about.imported(name)
    return found() if inspect.isfunction(found) else found


def readable_again(name: str) -> Any:
    """The data in a form that can be read twice: for the units, and for the example images."""
    data = made(name)
    if not isinstance(data, Iterable):
        raise SettingError(f"{name} is {data!r:.60}, no data; give MODULE:NAME of a tensor or an iterable of batches")
    return list(data) if isinstance(data, Iterator) else data


def network(name: str) -> Any:
    """The network, set to evaluation."""
    from torch import nn

    found = _about.imported(name)
    if not isinstance(found, nn.Module) and callable(found):
        found = found()
    if not isinstance(found, nn.Module):
        raise SettingError(
            f"{name} is {found!r:.60}, no torch.nn.Module; give MODULE:NAME of a network or of a function"
        )
    return found.eval()


def concepts_of(name: str) -> Concepts:
    """The concepts of a file, of a folder, or of MODULE:NAME."""
    from .explaining import Concepts

    path = Path(name)
    readers = {".npz": _from_npz, ".csv": _from_csv, ".json": Concepts.from_coco}
    if path.suffix in readers:
        if not path.exists():
            raise DataError(f"there is no file {name}; give {_FORMS}")
        return readers[path.suffix](path)
    if path.is_dir():
        return Concepts.from_broden(path)
    if ":" not in name:
        raise SettingError(f"--concepts {name}: give {_FORMS}")
    found = made(name)
    if not isinstance(found, Concepts):
        raise SettingError(f"{name} is {found!r:.60}, no Concepts; see neurofn.explaining.Concepts")
    return found


def _from_npz(path: Path) -> Concepts:
    import numpy as np

    from .explaining import Concepts

    try:
        with np.load(path, allow_pickle=False) as archive:
            return Concepts.from_masks({name: archive[name] for name in archive.files})
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"cannot read {path}: {error}; write it with numpy.savez({path.name!r}, dog=mask, ...)"
        ) from error


def _from_csv(path: Path) -> Concepts:
    """Numbers become predicates of their quantiles, other columns labels."""
    import numpy as np

    from .explaining import Concepts

    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    if len(rows) < 2 or len({len(row) for row in rows}) > 1:
        raise DataError(f"{path} is no table: give a line of names, then one line for each sample, all equally long")
    table = {}
    for name, *values in zip(*rows, strict=True):
        try:
            table[name] = np.array([float(value) if value else np.nan for value in values])
        except ValueError:
            table[name] = np.array(values)
    return Concepts.from_predicates(table)
