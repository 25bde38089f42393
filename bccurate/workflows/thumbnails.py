"""Pictures and points of samples, as ``outliers --plot`` and ``report`` show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from bccurate.hub.read import columns, label_path
from bccurate.hub.views import originals
from bccurate.images.image_stats import Unreadable
from bccurate.images.workers import read_pixels
from bccurate.progress import track
from bccurate.reporting.report_data import CorruptionRow
from bccurate.reporting.thumbnails import thumbnail

CORRUPTED_SIDE, SMALL = 96, 64  # pixels
SHOWN = (1, 3, 5)  # severities


def intensities(hub: Any) -> dict[str, list[tuple[float, float, bool]]]:
    """Label to (mean, standard deviation, is an outlier) of each original with both."""
    labels, means, stds, tags = columns(
        originals(hub), label_path(hub), "intensity_mean", "intensity_std", "tags"
    )
    points: dict[str, list[tuple[float, float, bool]]] = {}
    for label, mean, std, own in zip(labels, means, stds, tags, strict=True):
        if label is not None and mean is not None:
            points.setdefault(label, []).append((mean, std, "outlier" in own))
    return points


def thumbnails(paths: Iterable[str], size: int = 96) -> dict[str, bytes]:
    """Path to JPEG bytes of at most ``size`` pixels a side, without the files that have gone."""
    wanted = list(dict.fromkeys(paths))
    images = zip(wanted, track(read_pixels(wanted), len(wanted), "thumbnails"), strict=True)
    return {path: thumbnail(rgb, size) for path, rgb in images if not isinstance(rgb, Unreadable)}


def corruption_rows(rgb: np.ndarray) -> list[CorruptionRow]:
    """A picture (H, W, 3) uint8 under each corruption, and under three, as small JPEGs."""
    from bccurate.evaluation.corruptions.suite import KNOWN, corrupt

    image = Image.fromarray(rgb)
    image.thumbnail((CORRUPTED_SIDE, CORRUPTED_SIDE))  # else a large one takes a minute
    cell = np.asarray(image)[None]
    return [
        CorruptionRow(
            kind.name,
            kind.family,
            [thumbnail(corrupt(kind.name, cell, s)[0], SMALL) for s in SHOWN],
        )
        for kind in KNOWN.values()
    ]


def pixels(path: str) -> Any:
    """Return the image (H, W, 3) uint8, or None where it can no longer be read."""
    (found,) = read_pixels([path])
    return None if isinstance(found, Unreadable) else found
