"""Load the compiled kernels: C functions that take plain pointers, called with ctypes.

They are optional. Where no compiler was found when bccurate was installed, or where
``BCCURATE_NATIVE=0``, ``library`` is None and ``images`` and ``duplicates`` use their numpy form,
which gives equal results and is the reference in the tests.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def _load() -> ctypes.CDLL | None:
    if os.environ.get("BCCURATE_NATIVE") == "0":
        return None
    baseline = _open("_kernels")
    if baseline is not None and baseline.bc_runs_v3():
        return _open("_kernels_v3") or baseline
    return baseline


def _open(name: str) -> ctypes.CDLL | None:
    for suffix in EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(name + suffix)
        if path.exists():
            try:
                return ctypes.CDLL(str(path))
            except OSError:  # built for another machine
                return None
    return None


library = _load()


def function(name: str, *arguments: Any, result: Any = ctypes.c_int64) -> Callable[..., Any] | None:
    """Return the kernel ``name`` with its C types declared, or None where there are no kernels.

    It runs without Python's global lock, so that threads run in parallel. Arrays are passed as
    ``pointer(array)``; they must be contiguous and live until it returns.
    """
    if library is None:
        return None
    found = getattr(library, name, None)
    if found is None:  # a library older than this kernel; the next installation rebuilds it
        return None
    found.argtypes, found.restype = arguments, result
    return found


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    """Return the address of a contiguous array."""
    return ctypes.c_void_p(array.ctypes.data)
