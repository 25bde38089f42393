"""Grad-CAM maps as Heatmap fields: uint8 at the model's input size, in the database.

Measured per 1,000 maps of 96x96: uint8 takes 7.5 MB and 0.26 s, float32 32 MB and 1.3 s, and
float16 does not show in the App. A map is at most ``MAX_SIDE`` pixels a side; the App scales it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bccurate.hub.write import set_labels

if TYPE_CHECKING:
    import fiftyone as fo

MAX_SIDE = 96
BATCH = 200  # 96x96 maps a request: 2 MB, far under the database's 16


def write_heatmaps(view: Any, field: str, ids: Sequence[str], maps: np.ndarray) -> int:
    """Write (N, H, W) maps in [0, 1] as the Heatmap ``field`` of N samples."""
    import fiftyone as fo

    labels = (fo.Heatmap(map=to_bytes(heat), range=[0, 255]) for heat in maps)
    return set_labels(view, field, ids, labels, batch=BATCH)


def write_raw_maps(dataset: fo.Dataset, field: str, ids: Sequence[str], maps: np.ndarray) -> None:
    """Write float32 (N, h, w) as the array ``field`` of N samples; a layer's map is small."""
    import fiftyone as fo

    if dataset.get_field(field) is None:
        dataset.add_sample_field(field, fo.ArrayField)
    dataset.set_values(field, dict(zip(ids, maps, strict=True)), key_field="id", progress=False)


def to_bytes(heat: np.ndarray) -> np.ndarray:
    """A map (H, W) in [0, 1] as uint8, no larger than ``MAX_SIDE``."""
    pixels = np.rint(np.clip(heat, 0, 1) * 255).astype(np.uint8)
    if max(pixels.shape) <= MAX_SIDE:
        return pixels
    image = Image.fromarray(pixels)
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BILINEAR)
    return np.asarray(image)


def read_heatmaps(view: Any, field: str) -> dict[str, np.ndarray]:
    """Maps (H, W) float32 in [0, 1] by sample id, of the samples that have one."""
    ids, maps = view.exists(field).values(["id", f"{field}.map"])
    return {i: np.asarray(m, dtype=np.float32) / 255 for i, m in zip(ids, maps, strict=True)}
