"""Files to duplicate groups with no dataset and no database between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bccurate.curation.duplicates import Found, find_groups, keeper_rank
from bccurate.curation.hashing import hash_pixels, to_uint64
from bccurate.curation.reading import ImageFacts, Unreadable, decode_rgb
from bccurate.curation.registration import from_text
from bccurate.curation.workers import read_many


@dataclass(frozen=True)
class FileDuplicates:
    """``found`` speaks of indices of ``paths``, the files that decode, sorted."""

    paths: list[str]
    found: Found
    unreadable: list[Unreadable]


def duplicates_of_files(
    paths: Sequence[str],
    method: str = "phash",
    threshold: int = 4,
    rotations: bool = False,
    workers: int | None = None,
    keep: str = "first",
) -> FileDuplicates:
    """Group image files into duplicates, as ``bccurate.dedupe`` does on a dataset.

    Args:
        paths: files, each once, in any order.
        method: one of ``hashing.METHODS``.
        threshold: largest distance in bits of a candidate pair, 0 to 14.
        rotations: match rotations by 90 degrees and flips too.
        workers: processes that decode; all cores where None.
        keep: one of ``duplicates.KEEP``.

    Raises:
        UnreadableImage: a file is gone when it is read again, as whash may want.
    """
    facts: list[ImageFacts] = []
    unreadable: list[Unreadable] = []
    for one in read_many(sorted(paths), workers):
        if isinstance(one, Unreadable):
            unreadable.append(one)
        else:
            facts.append(one)
    readable = [one.filepath for one in facts]
    areas = [one.width * one.height for one in facts]
    hashes = [
        getattr(one, method) or hash_pixels(decode_rgb(one.filepath), method) for one in facts
    ]
    found = find_groups(
        [one.pixelhash for one in facts],
        to_uint64(hashes),
        np.array([one.intensity_std for one in facts]),
        from_text([one.thumb for one in facts]),
        threshold,
        keeper_rank(keep, readable, areas, [one.sharpness for one in facts]),
        turns=8 if rotations else 1,
    )
    return FileDuplicates(readable, found, unreadable)
