"""Stands for the ``fiftyone`` package in the process that keeps MongoDB alive.

FiftyOne runs ``fiftyone/service/main.py`` for that. The script needs one small module of
``fiftyone.service``, and would import the whole of FiftyOne for it, seconds before MongoDB starts.
"""

import sys
from pathlib import Path

__path__ = [str(Path(sys.argv[0]).resolve().parents[1])]  # a module with a path is a package
