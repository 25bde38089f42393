"""List all corruptions and apply them by name.

    corrupt("motion_blur", images, severity=3)

``COMBINED`` is not part of ``SUITE`` or of its mean: it applies three corruptions of different
families in sequence, since images of another laboratory differ in several ways at once.

The random draws of an image depend only on the corruption, the severity and the image's pixels (or
seed), so that order and batch do not change the result.
"""

from __future__ import annotations

from hashlib import blake2b
from zlib import crc32

import numpy as np

from bccurate.errors import InputError, UsageError, nearest
from bccurate.evaluation.corruptions import (
    blur,
    colour,
    digital,
    geometric,
    light,
    noise,
    occlusion,
)
from bccurate.evaluation.corruptions.kind import Corruption

SEVERITIES = (1, 2, 3, 4, 5)
VERSION = 1  # seeds every draw and is stored with results: increase it to change a definition
SUITE: dict[str, Corruption] = {
    corruption.name: corruption
    for family in (noise, blur, light, colour, geometric, occlusion, digital)
    for corruption in family.CORRUPTIONS
}
FAMILIES = tuple(dict.fromkeys(corruption.family for corruption in SUITE.values()))
COMBINED_FAMILIES = 3


def _several_families(image: np.ndarray, severity: int, draw: np.random.Generator) -> np.ndarray:
    for family in draw.choice(FAMILIES, COMBINED_FAMILIES, replace=False):
        members = [corruption for corruption in SUITE.values() if corruption.family == family]
        chosen = members[draw.integers(len(members))]
        image = chosen.apply(np.ascontiguousarray(image), chosen.levels[severity - 1], draw)
    return image


COMBINED = Corruption("combined", "three at once", _several_families, SEVERITIES, "of the suite")
KNOWN = SUITE | {COMBINED.name: COMBINED}


def corrupt(
    name: str, images: np.ndarray, severity: int, seeds: np.ndarray | None = None
) -> np.ndarray:
    """Return corrupted copies, uint8 (N, H, W, 3).

    Args:
        name: one of ``KNOWN``.
        images: uint8 (N, H, W, 3), N >= 0, H, W >= 1.
        severity: 1 to 5.
        seeds: int (N,), at least 0; by default ``content_seeds`` of the images.

    Raises:
        UsageError: an unknown corruption or severity.
        InputError: arrays of another shape or type.
    """
    corruption = check(name, severity)
    if (
        images.ndim != 4
        or images.shape[3] != 3
        or images.dtype != np.uint8
        or 0 in images.shape[1:]
    ):
        raise InputError(f"Images are {images.dtype} {images.shape}, not uint8 (N, H, W, 3)")
    seeds = content_seeds(images) if seeds is None else np.asarray(seeds)
    if len(seeds) != len(images):
        raise InputError(f"There are {len(seeds)} seeds for {len(images)} images")
    level, key = corruption.levels[severity - 1], crc32(name.encode())
    out = np.empty(images.shape, np.uint8)
    for row, (image, seed) in enumerate(zip(images, seeds.tolist(), strict=True)):
        draw = np.random.Generator(np.random.PCG64([VERSION, key, severity, seed]))
        out[row] = corruption.apply(np.ascontiguousarray(image), level, draw)
    return out


def content_seeds(images: np.ndarray) -> np.ndarray:
    """Return a hash of each image's pixels, uint64 (N,)."""
    digests = [blake2b(image.tobytes(), digest_size=8).digest() for image in images]
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)


def check(name: str, severity: int) -> Corruption:
    """Return the corruption called ``name``.

    Raises:
        UsageError: an unknown corruption or severity.
    """
    if name not in KNOWN:
        raise UsageError(f"There is no corruption {name!r}.{nearest(name, KNOWN)}")
    if severity not in SEVERITIES:
        raise UsageError(f"There is no severity {severity!r}: 1 to 5.")
    return KNOWN[name]
