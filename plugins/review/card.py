"""What the panel shows of one sample: picture, Grad-CAM map and the three likeliest classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIDE = 320  # pixels of the pictures; the panel shows them at a width of its own
LIKELIEST = 3


@dataclass(frozen=True)
class Card:
    """One sample.

    Attributes:
        picture, heatmap: JPEG as data URIs; None where the file or the map is not there.
        likeliest: (class, probability), likeliest first; the prediction alone where the order of
            the model's classes is not known any more.
    """

    name: str
    label: str
    prediction: str
    confidence: float
    picture: str | None = None
    heatmap: str | None = None
    likeliest: list[tuple[str, float]] = field(default_factory=list)


def read_card(dataset: Any, model: str, sample: str) -> Card:
    """The card of a sample of which there is a prediction of ``model``."""
    from bccurate.hub.heatmaps import read_heatmaps
    from bccurate.hub.predictions import field_of
    from bccurate.hub.read import columns, has_field, label_path

    own = field_of(model)
    view = dataset.select(sample)
    rows = columns(
        view, "filepath", label_path(dataset), f"{own}.label", f"{own}.confidence",
        f"{own}.logits",
    )  # fmt: skip
    path, label, prediction, confidence, logits = (column[0] for column in rows)
    maps = read_heatmaps(view, f"gradcam_{own}") if has_field(view, f"gradcam_{own}") else {}
    picture, heatmap = _pictures(path, maps.get(sample))
    return Card(
        Path(path).name,
        label,
        prediction,
        confidence,
        picture,
        heatmap,
        _likeliest(dataset.name, model, logits) or [(prediction, confidence)],
    )


def _pictures(path: str, heat: Any) -> tuple[str | None, str | None]:
    from bccurate.reporting.gallery import data_uri
    from bccurate.reporting.thumbnails import overlay, thumbnail
    from bccurate.workflows.thumbnails import pixels

    rgb = pixels(path)
    if rgb is None:
        return None, None
    shown = None if heat is None else overlay(rgb, heat, SIDE)
    return data_uri(thumbnail(rgb, SIDE)), data_uri(shown)


def _likeliest(dataset: str, model: str, logits: Any) -> list[tuple[str, float]]:
    import numpy as np

    from bccurate.workflows.artifacts import classes_of_weights

    classes = classes_of_weights(dataset, model)
    if logits is None or len(classes) != len(logits):
        return []
    shares = np.exp(logits - np.max(logits))
    shares = shares / shares.sum()
    best = np.argsort(-shares, kind="stable")[:LIKELIEST]
    return [(classes[i], float(shares[i])) for i in best]
