"""Find the duplicates in a folder or CSV of image files: no dataset, no database, no writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from bccurate.duplicates.engine import Engine
from bccurate.duplicates.groups import Group, ImageColumns
from bccurate.errors import InputError
from bccurate.hub.import_formats import Listing, list_files
from bccurate.images.image_stats import Batch, Unreadable, variance
from bccurate.images.thumbnail import SIDE
from bccurate.progress import track
from bccurate.records import DedupeRecord
from bccurate.settings.curation import DedupeOptions
from bccurate.workflows.duplicate_search import Images, method_options, search_duplicates


def dedupe_files(
    options: DedupeOptions, engine: Engine
) -> tuple[DedupeRecord, dict[str, str | None]]:
    """Find the duplicates among the images of a folder or CSV.

    Args:
        options: ``path`` is a folder, where the name of an image's folder is its label, or a CSV
            with a column of paths and perhaps one of labels.
        engine: where files are read and compared.

    Returns:
        the record, and the label of each readable image by its path.

    Raises:
        InputError: there is no such path, no image in it, or none that is readable.
    """
    path = Path(str(options.path))
    listing = list_files(path)
    rows = {row.filepath: row for row in sorted(listing.rows, key=lambda row: row.filepath)}
    batches: list[Batch] = []
    read = engine.read(list(rows), options.method)
    for batch in track(_for_each_file(read), len(rows), "reading images"):
        if not batches or batch is not batches[-1]:
            batches.append(batch)
    unreadable = listing.unreadable + [
        {"filepath": batch.paths[index], "reason": reason}
        for batch in batches
        for index, reason in batch.unreadable.items()
    ]
    if len(unreadable) == len(rows) + len(listing.unreadable):
        first = unreadable[0]
        raise InputError(
            f"None of the {len(unreadable):,} images in {path} is readable; the first is "
            f"{first['filepath']}: {first['reason']}",
            f"ls -l {path}",
        )
    bad = {row["filepath"] for row in unreadable}
    labels = {name: row.label for name, row in rows.items() if name not in bad}
    images = _images(batches, labels, options.method, engine)
    found = search_duplicates(images, options, engine)
    splits = [rows[name].split for name in labels]
    leaks = sum(_crosses(group, splits) for group in found.found.groups)
    record = DedupeRecord(
        dataset=None,
        source=options.path,
        **method_options(options),
        groups=found.rows(),
        unreadable=unreadable,
        counts=found.counts(leaks),
        decoded=len(labels),
        warnings=[*found.warnings(), *_warnings(listing, leaks)],
    )
    return record, labels


def _images(
    batches: Sequence[Batch], labels: dict[str, str | None], method: str, engine: Engine
) -> Images:
    """Return the readable images of the batches; ``labels`` has their paths in the same order."""
    records = np.concatenate([batch.records for batch in batches])
    readable = [i not in b.unreadable for b in batches for i in range(len(b.paths))]
    records = records[np.array(readable)]
    n = records["width"] * records["height"]
    edges = np.maximum(records["width"] - 2, 0) * np.maximum(records["height"] - 2, 0)
    columns = ImageColumns(
        _pixelhashes(list(labels), records, method, engine),
        records[method],
        np.array([v**0.5 for v in _variances(n, records["grey_sum"], records["grey_squares"])]),
        np.ascontiguousarray(records["thumb"]).view(np.uint8).reshape(-1, SIDE, SIDE),
    )
    sharpness = _variances(edges, records["edge_sum"], records["edge_squares"])
    return Images(list(labels), list(labels.values()), columns, n.tolist(), sharpness)


def _pixelhashes(
    paths: Sequence[str], records: np.ndarray, method: str, engine: Engine
) -> list[str]:
    """Return N strings, equal where the decoded pixels are.

    Only images with the same hash, size and thumbnail can be equal. Those are read again for their
    digests: it takes less time than the digests of all.

    Raises:
        InputError: a file can no longer be read.
    """
    _, inverse, counts = np.unique(records[method], return_inverse=True, return_counts=True)
    similar: dict[tuple, list[int]] = {}
    shown = records[[method, "width", "height", "thumb"]]
    for k in np.flatnonzero(counts[inverse] > 1).tolist():
        similar.setdefault(shown[k].item(), []).append(k)
    suspects = [k for own in similar.values() if len(own) > 1 for k in own]
    pixelhashes = [str(k) for k in range(len(paths))]
    stats = engine.read_stats([paths[k] for k in suspects])
    for k, one in zip(suspects, stats, strict=True):
        if isinstance(one, Unreadable):
            raise InputError(f"{one.filepath} changed during the search: {one.reason}")
        pixelhashes[k] = one.pixelhash
    return pixelhashes


def _for_each_file(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield a batch as often as it has files, so that the progress bar counts files."""
    for batch in batches:
        for _ in batch.paths:
            yield batch


def _variances(*columns: np.ndarray) -> list[float]:
    """Compute ``image_stats.variance`` in each row, in Python: the squares overflow a double."""
    return [variance(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


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
