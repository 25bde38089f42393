"""Files to duplicate groups with no dataset and no database between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bccurate.duplicates.groups import Found, find_groups, keeper_rank
from bccurate.images.columns import read_columns
from bccurate.images.image_stats import Unreadable


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
        workers: threads or processes that decode; all cores where None.
        keep: one of ``duplicates.KEEP``.

    Raises:
        UnreadableImage: a file is gone when it is read again, as a whash or equal hashes may want.
    """
    columns, unreadable = read_columns(sorted(paths), method, workers)
    found = find_groups(
        columns.pixelhashes,
        columns.hashes,
        columns.intensity_std,
        columns.thumbs,
        threshold,
        keeper_rank(keep, columns.paths, columns.areas.tolist(), columns.sharpness.tolist()),
        turns=8 if rotations else 1,
    )
    return FileDuplicates(columns.paths, found, unreadable)
