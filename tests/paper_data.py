"""Rebuild the paper's raw data: 11,959 real cells and 1,800 planted duplicates.

1,600 identical copies of one cell blended with a photograph, 200 under each label, and 200 of a
second blend, all labelled monocyte; together the 13,759 files of the paper's Table 1.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from bccurate.archives import unpack

TABLE_1 = {
    "basophil": 1052, "eosinophil": 2381, "erythroblast": 1285, "ig": 2226,
    "lymphocyte": 1049, "monocyte": 1393, "neutrophil": 2530, "platelet": 1843,
}  # fmt: skip
CLEAN = {
    "basophil": 852, "eosinophil": 2181, "erythroblast": 1085, "ig": 2026,
    "lymphocyte": 849, "monocyte": 993, "neutrophil": 2330, "platelet": 1643,
}  # fmt: skip
COPIES = 200


def rebuild(archive: Path, folder: Path) -> Path:
    """Unpack the real cells below ``folder``, plant the copies and return the images' folder."""
    root = unpack(archive, folder / "raw")
    images = next(root.glob("*/images"))
    (images.parent / "labels.csv").unlink(missing_ok=True)  # folder names are the labels
    first, second = _blend(images, "basophil", "astronaut"), _blend(images, "monocyte", "chelsea")
    for label in TABLE_1:
        for copy in range(COPIES):
            (images / label / f"planted_a_{copy:03d}.jpg").write_bytes(first)
    for copy in range(COPIES):
        (images / "monocyte" / f"planted_b_{copy:03d}.jpg").write_bytes(second)
    return images


def _blend(images: Path, label: str, photograph: str) -> bytes:
    import skimage.data

    cell = Image.open(min((images / label).glob("*.jpg"))).convert("RGB")
    other = Image.fromarray(np.asarray(getattr(skimage.data, photograph)())).resize(cell.size)
    file = io.BytesIO()
    Image.blend(cell, other, 0.5).save(file, format="JPEG", quality=95)
    return file.getvalue()
