"""Reads whole columns of a dataset as plain lists; nothing here loops over samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bccurate.errors import InputError, UsageError

if TYPE_CHECKING:
    import fiftyone as fo

LABEL_FIELD = "ground_truth"


def columns(view: Any, *fields: str) -> list[list[Any]]:
    """The values of several fields, a list each; a field that is not there gives Nones.

    A path into an embedded document (``"ground_truth.label"``) is a field too.
    """
    present = [field for field in fields if has_field(view, field)]
    values = dict(zip(present, view.values(present), strict=True)) if present else {}
    n = len(values[present[0]]) if present else len(view)
    return [values.get(field, [None] * n) for field in fields]


def has_field(view: Any, field: str) -> bool:
    """Whether the dataset has this field (``id`` and ``tags`` always)."""
    return field in ("id", "tags") or view.get_field(field) is not None


def require_field(dataset: fo.Dataset, field: str, command: str) -> None:
    """Raise a ``UsageError`` that names the command which makes a missing field."""
    if not has_field(dataset, field):
        raise UsageError(f"Dataset {dataset.name!r} has no field {field!r} yet.", command)


def require_samples(view: Any, what: str, command: str) -> None:
    """Raise an ``InputError`` that names the next command where a view is empty."""
    if len(view) == 0:
        raise InputError(f"There are no {what}.", command)
