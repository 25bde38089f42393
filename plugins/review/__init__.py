"""App operators and a panel for review: ``relabel``, ``keep``, ``drop`` and ``mistakes``."""

from __future__ import annotations

from typing import Any

from .decisions import Drop, Keep, Relabel
from .mistakes import Mistakes


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    for item in (Relabel, Keep, Drop, Mistakes):
        plugin.register(item)
