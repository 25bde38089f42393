"""A model's predictions as a Classification field with confidence and logits."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate.errors import UsageError
from bccurate.hub.read import columns, has_field, label_field, label_path, labelled
from bccurate.hub.write import set_documents

if TYPE_CHECKING:
    import fiftyone as fo


def field_of(model: str) -> str:
    """The field, run and folder name of a model: ``timm:resnet18`` is ``timm_resnet18``."""
    return re.sub(r"\W", "_", model)


def write_predictions(
    dataset: fo.Dataset, field: str, ids: Sequence[str], probabilities: np.ndarray,
    logits: np.ndarray, classes: Sequence[str],
) -> int:  # fmt: skip
    """Write (N, C) probabilities and logits as Classifications of N samples, in bulk.

    12,000 of 8 classes take half of what FiftyOne's ``set_values`` takes and a seventh of
    ``apply_model`` (``tests/bench/bench_predictions.py``).

    Raises:
        UsageError: there is a field of that name that holds something else.
    """
    import fiftyone as fo

    best, sure = probabilities.argmax(axis=1).tolist(), probabilities.max(axis=1).tolist()
    documents = (
        {"label": classes[top], "confidence": confidence, "logits": row}
        for top, confidence, row in zip(best, sure, _packed(logits), strict=True)
    )
    return set_documents(dataset, field, fo.Classification, ids, documents)


def _packed(rows: np.ndarray) -> Iterator[bytes]:
    """Each row as FiftyOne's ``serialize_numpy_array``; the header is alike and made once."""
    with io.BytesIO() as file:
        np.save(file, np.empty(rows.shape[1:], rows.dtype))
        header = file.getvalue()[: -rows.shape[1] * rows.itemsize]
    return (zlib.compress(header + row.tobytes()) for row in rows)


@dataclass(frozen=True)
class Predictions:
    """The samples of a view that have both a label and a prediction.

    Attributes:
        ids, paths, labels, predictions, confidences, tags: N each.
        contents: N pixel checksums, the path where there is none.
        logits: (N, C) float64, in the order of the model's classes.
    """

    ids: list[str]
    paths: list[str]
    labels: list[str]
    predictions: list[str]
    confidences: list[float]
    tags: list[list[str]]
    contents: list[str]
    logits: np.ndarray


def read_predictions(view: Any, model: str) -> Predictions:
    """Read a model's predictions on labelled samples.

    Raises:
        UsageError: the model has no predictions on this dataset.
    """
    field = field_of(model)
    if not has_field(view, field):
        raise UsageError(f"There are no predictions of {model!r} yet.", f"bccurate train {model}")
    known = labelled(view).exists(field)
    ids, paths, labels, predictions, confidences, logits, tags, pixels = columns(
        known, "id", "filepath", label_path(view), f"{field}.label",
        f"{field}.confidence", f"{field}.logits", "tags", "pixelhash",
    )  # fmt: skip
    if not ids:
        raise UsageError(
            f"No labelled sample has a prediction of {model!r}.", f"bccurate predict {model}"
        )
    contents = [pixel or path for pixel, path in zip(pixels, paths, strict=True)]
    table = np.array(logits, dtype=np.float64)
    return Predictions(ids, paths, labels, predictions, confidences, tags, contents, table)


def evaluate_in_app(view: Any, model: str) -> None:
    """Store FiftyOne's own evaluation as ``eval_<model>``, for its App panel."""
    field = field_of(model)
    view.evaluate_classifications(
        field, gt_field=label_field(view), eval_key=f"eval_{field}", progress=False
    )


def show_in_app(dataset: fo.Dataset, *fields: str) -> None:
    """Switch fields on in the App's grid, beside those that are on already."""
    import fiftyone as fo

    active = dataset.app_config.active_fields
    paths = list(active.paths or []) if active else []
    missing = [field for field in (label_field(dataset), *fields) if field not in paths]
    if missing:
        dataset.app_config.active_fields = fo.ActiveFields(paths=[*paths, *missing], exclude=False)
        dataset.save()
