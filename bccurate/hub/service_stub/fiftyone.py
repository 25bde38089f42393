"""Stand in for the ``fiftyone`` package in the database service process; see ``__init__.py``."""

import sys
from pathlib import Path

__path__ = [str(Path(sys.argv[0]).resolve().parents[1])]  # a module with a path is a package
