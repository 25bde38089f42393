"""``bccurate models``: the zoo."""

from __future__ import annotations

from dataclasses import asdict

from bccurate.learning.zoo import list_models
from bccurate.records import ModelsRecord


def models() -> ModelsRecord:
    """List every model of every installed zoo, and of the folder ``$BCCURATE_ZOO``."""
    return ModelsRecord(None, [asdict(spec) for spec in list_models()])
