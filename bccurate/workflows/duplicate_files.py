"""Find the duplicates in a folder or CSV of image files: no dataset, no database, no writing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from bccurate.duplicates.engine import Engine
from bccurate.duplicates.groups import Group, ImageColumns
from bccurate.errors import InputError, UnreadableImage
from bccurate.hub.import_formats import Listing, list_files
from bccurate.images.hashing import to_uint64
from bccurate.images.image_stats import ImageStats, Unreadable
from bccurate.images.thumbnail import from_text
from bccurate.images.workers import hash_many
from bccurate.progress import track
from bccurate.records import DedupeRecord
from bccurate.workflows.duplicate_search import DuplicateOptions, Images, search_duplicates


def dedupe_files(
    path: Path, options: DuplicateOptions, engine: Engine
) -> tuple[DedupeRecord, dict[str, str | None]]:
    """Find the duplicates among the images of a folder or CSV.

    Args:
        path: a folder, where the name of an image's folder is its label, or a CSV with a column
            of paths and perhaps one of labels.
        options: what a duplicate is.
        engine: where files are read and compared.

    Returns:
        the record, and the label of each readable image by its path.

    Raises:
        InputError: there is no such path, no image in it, or none that is readable.
    """
    listing = list_files(path)
    rows = {row.filepath: row for row in sorted(listing.rows, key=lambda row: row.filepath)}
    stats: list[ImageStats] = []
    unreadable = list(listing.unreadable)
    for one in track(engine.read(list(rows)), len(rows), "reading images"):
        if isinstance(one, Unreadable):
            unreadable.append({"filepath": one.filepath, "reason": one.reason})
        else:
            stats.append(one)
    if not stats:
        first = unreadable[0]
        raise InputError(
            f"None of the {len(unreadable):,} images in {path} is readable; the first is "
            f"{first['filepath']}: {first['reason']}",
            f"ls -l {path}",
        )
    labels = {one.filepath: rows[one.filepath].label for one in stats}
    found = search_duplicates(_images(stats, labels, options.method), options, engine)
    splits = [rows[one.filepath].split for one in stats]
    leaks = sum(_crosses(group, splits) for group in found.found.groups)
    warnings = [*found.warnings(), *_warnings(listing, leaks)]
    record = DedupeRecord(
        dataset=None,
        source=str(path),
        **asdict(options),
        groups=found.rows(),
        unreadable=unreadable,
        counts=found.counts(leaks),
        decoded=len(stats),
        warnings=warnings,
    )
    return record, labels


def _images(stats: list[ImageStats], labels: dict[str, str | None], method: str) -> Images:
    columns = ImageColumns(
        [one.pixelhash for one in stats],
        to_uint64(_hashes(stats, method)),
        np.array([one.intensity_std for one in stats]),
        from_text([one.thumb for one in stats]),
    )
    return Images(
        list(labels),
        list(labels.values()),
        columns,
        [one.width * one.height for one in stats],
        [one.sharpness for one in stats],
    )


def _hashes(stats: list[ImageStats], method: str) -> list[str]:
    """Return a hash of each image; a whash that only imagehash can compute is computed here."""
    hashes = {one.filepath: getattr(one, method) for one in stats}
    missing = [path for path, found in hashes.items() if found is None]
    for path, found in zip(missing, hash_many(missing, method), strict=True):
        if isinstance(found, Unreadable):
            raise UnreadableImage(f"{path}: {found.reason}")
        hashes[path] = found
    return list(hashes.values())


def _crosses(group: Group, splits: list[str | None]) -> bool:
    return len({splits[i] for i in group.members} - {None}) > 1


def _warnings(listing: Listing, leaks: int) -> Iterable[str]:
    if listing.conflicts:
        n, first = len(listing.conflicts), listing.conflicts[0]
        yield (
            f"{n:,} paths are listed with more than one label, the first of which is used: "
            f"{first['filepath']} ({', '.join(first['labels'])})"
        )
    if leaks:
        yield f"{leaks:,} groups have members in more than one split"
