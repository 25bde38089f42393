"""The compiled kernels: C behind plain pointers, loaded with ctypes.

They are optional. Where no compiler was at hand when bccurate was installed, or where
``BCCURATE_NATIVE=0``, ``library`` is None and the modules of ``curation`` take their numpy form,
which gives the same answers and is what the tests hold the kernels to.
"""

from __future__ import annotations

import ctypes
import os
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path


def _load() -> ctypes.CDLL | None:
    if os.environ.get("BCCURATE_NATIVE") == "0":
        return None
    for suffix in EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(f"_kernels{suffix}")
        if path.exists():
            try:
                return ctypes.CDLL(str(path))
            except OSError:  # built for another machine
                return None
    return None


library = _load()
