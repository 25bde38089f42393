"""Pictures and points of samples, as ``outliers --plot`` and ``report`` show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bccurate.curation.reading import decode_rgb
from bccurate.errors import UnreadableImage
from bccurate.hub.read import LABEL_FIELD, columns
from bccurate.hub.views import originals
from bccurate.progress import track
from bccurate.reporting.pictures import thumbnail


def intensities(hub: Any) -> dict[str, list[tuple[float, float, bool]]]:
    """Label to (mean, standard deviation, is an outlier) of each original with both."""
    labels, means, stds, tags = columns(
        originals(hub), f"{LABEL_FIELD}.label", "intensity_mean", "intensity_std", "tags"
    )
    points: dict[str, list[tuple[float, float, bool]]] = {}
    for label, mean, std, own in zip(labels, means, stds, tags, strict=True):
        if label is not None and mean is not None:
            points.setdefault(label, []).append((mean, std, "outlier" in own))
    return points


def thumbnails(paths: Iterable[str]) -> dict[str, bytes]:
    """Path to JPEG bytes, without the files that have gone since."""
    wanted = list(dict.fromkeys(paths))
    pictures = ((path, pixels(path)) for path in track(wanted, len(wanted), "pictures"))
    return {path: thumbnail(rgb) for path, rgb in pictures if rgb is not None}


def pixels(path: str) -> Any:
    """The picture (H, W, 3) uint8, or None where the file has gone since: its name is shown."""
    try:
        return decode_rgb(path)
    except UnreadableImage:
        return None
