"""The suite: every corruption by name, and the one function that applies them.

    corrupt("motion_blur", images, severity=3)

``COMBINED`` is no part of ``SUITE`` and of its mean: three corruptions of different families, one
after the other, as images of another laboratory differ in several ways at once.

An image's draws come of the corruption, the severity and the image's own pixels (or seed) alone, so
that neither its place nor the batch that it comes in changes a bit of the result.
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
VERSION = 1  # part of every draw and of what is stored: another one where a definition changes
SUITE: dict[str, Corruption] = {
    corruption.name: corruption
    for family in (noise, blur, light, colour, geometric, occlusion, digital)
    for corruption in family.CORRUPTIONS
}
FAMILIES = tuple(dict.fromkeys(corruption.family for corruption in SUITE.values()))
AT_ONCE = 3


def _one_of_some_families(
    image: np.ndarray, severity: int, draw: np.random.Generator
) -> np.ndarray:
    for family in draw.choice(FAMILIES, AT_ONCE, replace=False):
        members = [corruption for corruption in SUITE.values() if corruption.family == family]
        chosen = members[draw.integers(len(members))]
        image = chosen.apply(np.ascontiguousarray(image), chosen.levels[severity - 1], draw)
    return image


COMBINED = Corruption(
    "combined", "three at once", _one_of_some_families, SEVERITIES, "of the suite"
)
KNOWN = SUITE | {COMBINED.name: COMBINED}


def corrupt(
    name: str, images: np.ndarray, severity: int, seeds: np.ndarray | None = None
) -> np.ndarray:
    """A corrupted copy uint8 (N, H, W, 3) of ``images`` uint8 (N, H, W, 3), N >= 0, H, W >= 1.

    ``name`` is one of ``KNOWN``, ``severity`` 1 to 5; ``seeds`` int (N,), at least
    0, one an image: ``content_seeds`` of the images where None.

    Raises:
        UsageError: an unknown corruption or severity.
        InputError: arrays that are not of these shapes and types.
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
    """A number uint64 (N,) of each image's pixels."""
    digests = [blake2b(image.tobytes(), digest_size=8).digest() for image in images]
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)


def check(name: str, severity: int) -> Corruption:
    """The corruption called ``name``.

    Raises:
        UsageError: there is none, or no such severity.
    """
    if name not in KNOWN:
        raise UsageError(f"There is no corruption {name!r}.{nearest(name, KNOWN)}")
    if severity not in SEVERITIES:
        raise UsageError(f"There is no severity {severity!r}: 1 to 5.")
    return KNOWN[name]
