"""Print the requirements of dependency groups of pyproject.toml, one a line: python tools/group.py dev docs.

For pip older than 25.1, which does not know --group; such a pip is what Debian 12 and Python 3.11 bring.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirements(names: list[str], groups: dict[str, list[str | dict[str, str]]]) -> list[str]:
    """Every requirement of the named groups, groups within groups unfolded."""
    found: list[str] = []
    for name in names:
        for entry in groups[name]:
            found += [entry] if isinstance(entry, str) else requirements([entry["include-group"]], groups)
    return found


if __name__ == "__main__":
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    print("\n".join(requirements(sys.argv[1:], project["dependency-groups"])))
