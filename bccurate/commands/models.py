"""``bccurate models``: the zoo."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from bccurate.learning.registry import list_models
from bccurate.records import ModelsRecord


def models(zoo: str | Path | None = None) -> ModelsRecord:
    """List every model of every installed zoo, and of a folder.

    Args:
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.

    Raises:
        UsageError: no such folder, or two models of one name.
        InputError: a manifest is not valid.
    """
    return ModelsRecord(None, [asdict(spec) for spec in list_models(zoo)])
