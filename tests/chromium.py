"""Find the browser for the tests."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def require_browser() -> None:
    """Skip the test where there is no browser; fail it where CI=true."""
    missing = None if CHROMIUM else "chromium is not installed (apt-get install chromium)"
    if importlib.util.find_spec("playwright") is None:
        missing = "playwright is not installed (pip install playwright)"
    if missing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
