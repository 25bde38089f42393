"""``bccurate use``: choose the dataset, and which of its fields holds the labels."""

from __future__ import annotations

from typing import Any

from bccurate.errors import UsageError, nearest
from bccurate.hub.open import opened
from bccurate.hub.read import SETTING, classification_fields
from bccurate.hub.read import label_field as chosen_field
from bccurate.records import UseRecord
from bccurate.settings.in_use import use_dataset


def use(name: str, label_field: str | None = None) -> UseRecord:
    """Choose the dataset that commands take where none is named.

    Args:
        name: any FiftyOne dataset of images, made by ``import_`` or elsewhere.
        label_field: its Classification field that holds the labels; stored with the dataset and
            read by all commands. Where None, what was chosen before, else ``ground_truth``, else
            the one Classification field that there is.

    Raises:
        UsageError: no such dataset, or no such Classification field.
    """
    with opened(name, write=True) as hub:
        known = classification_fields(hub)
        field = label_field or _usual(hub, known)
        warnings = []
        if label_field and label_field not in known:
            raise UsageError(
                f"{name!r} has no Classification field {label_field!r}."
                f"{nearest(label_field, known)}",
                f"one of {', '.join(known)}" if known else f"bccurate info -d {name}",
            )
        if field not in known and len(hub):
            warnings.append(
                f"no Classification field {field!r} to read labels from; there are "
                f"{', '.join(known) or 'none'}: bccurate use {name} --label-field FIELD"
            )
        changed = field != chosen_field(hub)
        if changed:
            hub.info[SETTING] = field
            hub.save()
        return UseRecord(name, field, changed=use_dataset(name) or changed, warnings=warnings)


def _usual(hub: Any, known: list[str]) -> str:
    field = chosen_field(hub)
    return known[0] if field not in known and len(known) == 1 else field
