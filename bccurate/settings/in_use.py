"""The one setting that outlives a command: which dataset is in use, and which were."""

from __future__ import annotations

import json
import os
from typing import Any

from bccurate.errors import UsageError
from bccurate.files import atomic_write, home, sweep

MOST_USED = 50


def use_dataset(name: str) -> bool:
    """Remember ``name``; tells whether it was another one before."""
    if _stored() == name:
        return False
    used = [name, *(other for other in datasets_used() if other != name)]
    sweep(home(), idle=60)
    with atomic_write(home() / "config.json", "w") as file:
        json.dump({"dataset": name, "used": used[:MOST_USED]}, file)
    return True


def datasets_used() -> list[str]:
    """The datasets that were in use on this machine, the last one first."""
    used = _config().get("used")
    return [name for name in used if isinstance(name, str)] if isinstance(used, list) else []


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
    name = _config().get("dataset")
    return name if isinstance(name, str) else None


def _config() -> dict[str, Any]:
    try:
        config = json.loads((home() / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}
