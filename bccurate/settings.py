"""The one setting that outlives a command: which dataset is in use."""

from __future__ import annotations

import json
import os

from bccurate.errors import UsageError
from bccurate.files import atomic_write, home, sweep


def use_dataset(name: str) -> bool:
    """Remember ``name``; tells whether it was another one before."""
    if _stored() == name:
        return False
    sweep(home(), idle=60)
    with atomic_write(home() / "config.json", "w") as file:
        json.dump({"dataset": name}, file)
    return True


def dataset_in_use(name: str | None = None) -> str:
    """``name``, else ``$BCCURATE_DATASET``, else what ``bccurate use`` chose last.

    Raises:
        UsageError: none of the three names one.
    """
    found = name or os.environ.get("BCCURATE_DATASET") or _stored()
    if not found:
        raise UsageError(
            "No dataset is named and none is in use.",
            "bccurate import FOLDER --name NAME, or bccurate use NAME",
        )
    return found


def _stored() -> str | None:
    try:
        name = json.loads((home() / "config.json").read_text(encoding="utf-8"))["dataset"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None
