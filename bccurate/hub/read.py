"""Reads whole columns of a dataset as plain lists; nothing here loops over samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bccurate.errors import InputError, UsageError

if TYPE_CHECKING:
    import fiftyone as fo

LABEL_FIELD = "ground_truth"  # FiftyOne's own name; another one is a setting of the dataset
SETTING = "bccurate_label_field"  # of ``dataset.info``, so that it goes where the dataset goes


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


def label_field(view: Any) -> str:
    """The field that commands read labels from: what ``use`` chose, else ``ground_truth``."""
    return str(view.info.get(SETTING) or LABEL_FIELD)


def label_path(view: Any) -> str:
    """The path of a sample's label, for ``columns``."""
    return f"{label_field(view)}.label"


def labelled(view: Any) -> Any:
    """The samples of a view that have a label.

    Raises:
        InputError: the label field is not there or holds no Classifications; the fields that do
            are named.
    """
    field, known = label_field(view), classification_fields(view)
    if field not in known:
        name = view._dataset.name
        raise InputError(
            f"Dataset {name!r} has no Classification field {field!r} to read labels from; it has "
            f"{', '.join(known) or 'none'}.",
            f"bccurate use {name} --label-field FIELD",
        )
    return view.exists(f"{field}.label")


def classification_fields(view: Any) -> list[str]:
    """The names of the Classification fields, predictions included."""
    import fiftyone as fo

    return list(view.get_field_schema(embedded_doc_type=fo.Classification))


def require_field(dataset: fo.Dataset, field: str, command: str) -> None:
    """Raise a ``UsageError`` that names the command which makes a missing field."""
    if not has_field(dataset, field):
        raise UsageError(f"Dataset {dataset.name!r} has no field {field!r} yet.", command)


def require_samples(view: Any, what: str, command: str) -> None:
    """Raise an ``InputError`` that names the next command where a view is empty."""
    if len(view) == 0:
        raise InputError(f"There are no {what}.", command)
