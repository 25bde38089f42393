"""``bccurate use``: choose the dataset that commands take where none is named."""

from __future__ import annotations

from bccurate.hub.open import opened
from bccurate.records import UseRecord
from bccurate.settings import use_dataset


def use(name: str) -> UseRecord:
    """Choose a dataset. Raises ``UsageError`` where there is none of that name."""
    with opened(name):
        return UseRecord(name, changed=use_dataset(name))
