"""Configure Sphinx: Markdown pages by MyST, the API from docstrings; a warning is an error."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import bccurate

project = "bccurate"
author = "The bccurate developers"
copyright = "The bccurate developers, Apache-2.0"
release = version = bccurate.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3

autodoc_typehints = "none"  # the signature shows them
autodoc_member_order = "bysource"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"bccurate {release}"
html_copy_source = False
html_static_path: list[str] = []

# A pattern of index.md may match nothing; this warning has no name to suppress it by.
logging.getLogger("sphinx.sphinx.directives.other").addFilter(
    lambda record: "glob pattern" not in record.msg
)
