"""Sphinx settings, and the pages that are generated at every build: the gallery of parts and the reference of public names."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import _generate  # noqa: E402

import neurofn  # noqa: E402

project = "neurofn"
author = "the authors of neurofn"
copyright = "the authors of neurofn"
version = release = neurofn.__version__

extensions = ["myst_parser"]
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "decisions/template.md"]
nitpicky = True

html_theme = "furo"
html_title = f"neurofn {release}"
html_static_path: list[str] = []
html_extra_path = [f"gallery/{_generate.EXTRA}"]
# Formulas are printed as text: a page must be readable offline, and MathJax would be fetched.
html_theme_options = {"source_repository": "", "top_of_page_buttons": []}

_generate.write(HERE / "gallery")
