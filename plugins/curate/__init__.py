"""App plugin that curates: operators on the current view, and the panel of duplicate groups."""

from __future__ import annotations

from typing import Any

from .duplicates import Duplicates
from .operators import Background, Dedupe, Leaks, Outliers, Split


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    for item in (Dedupe, Outliers, Split, Leaks, Background, Duplicates):
        plugin.register(item)
