"""The command gallery: every function of the catalogue as a page that needs no network, and an index that finds them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from . import __version__
from ._errors import StoreError

__all__ = ["gallery"]


def gallery(*, out: Annotated[Path, Parameter(help="The folder to write")] = Path("neurofn-gallery")) -> int:
    """Write the gallery of functions: a page for each, and an index with search and filters; no page loads anything."""
    from ._gallery_entries import entries
    from .reporting._gallery import gallery_files

    written = 0
    try:
        (out / "functions").mkdir(parents=True, exist_ok=True)
        for name, text in gallery_files({"version": __version__, "entries": entries()}):
            (out / name).write_text(text, encoding="utf-8", newline="\n")
            written += 1
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(f"cannot write the gallery to {str(out)!r}: {reason}; give a folder: --out FOLDER") from error
    print(f"Gallery: {out / 'index.html'} ({written - 1} functions)")
    return 0
