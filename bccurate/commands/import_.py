"""``bccurate import``: files into a dataset, only what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bccurate.errors import InputError, UsageError
from bccurate.hub import runs
from bccurate.hub.downloads import BLOODMNIST, is_published, published_file
from bccurate.hub.import_formats import discover
from bccurate.hub.manifest import Row
from bccurate.hub.open import opened
from bccurate.hub.read import columns, label_field, label_path
from bccurate.hub.samples import declare_fields, make_sample, mend_unreadable
from bccurate.hub.write import add_samples
from bccurate.hub.write_lock import write_lock
from bccurate.images.image_stats import Unreadable
from bccurate.images.workers import read_many
from bccurate.progress import track
from bccurate.records import ImportRecord
from bccurate.settings.data import ImportOptions
from bccurate.settings.in_use import use_dataset


def import_(
    path: str | Path,
    name: str | None = None,
    format: str = ImportOptions.format,
    size: int = ImportOptions.size,
) -> ImportRecord:
    """Import a folder tree, a CSV of paths and labels, an npz, COCO, or a tar or zip of these.

    Every file is decoded once, whole. One that does not decode becomes a sample with the tag
    ``unreadable``. Files that the dataset has already are passed over, so that an import which
    was stopped is finished by running it again.

    Args:
        path: file or folder, or ``bloodmnist``, which is fetched from its authors and held to
            their MD5.
        name: of the dataset; it is made where there is none, and is the one in use from now on.
            ``bloodmnist`` has a name of its own.
        format: one of ``auto``, ``imagefolder``, ``csv``, ``npz``, ``coco``, ``huggingface``.
        size: of ``bloodmnist``, pixels: 28, 64, 128 or 224.

    Raises:
        UsageError: an unknown format or size, or an empty name.
        InputError: nothing usable under ``path``, or what is to be fetched cannot be.
    """
    ImportOptions(format=format, size=size).check()
    if not str(path):
        raise UsageError("PATH is empty.", "bccurate import FOLDER --name cells")
    if is_published(Path(path)):
        name = name or f"{BLOODMNIST}-{size}"
        path = published_file(size)
    if not name or not name.strip():
        raise UsageError("A dataset needs a name.", f"bccurate import {path} --name cells")
    with write_lock(name):  # for the unpacking, too
        record = _import(Path(path), name, format)
    use_dataset(name)
    return record


def _import(path: Path, name: str, format: str) -> ImportRecord:
    listing = discover(path, name, format)
    with opened(name, create=True) as dataset:
        declare_fields(dataset)
        known = set(dataset.values("filepath"))
        new = [row for row in listing.rows if row.filepath not in known]
        if new and not known and not any(Path(row.filepath).exists() for row in new):
            raise InputError(f"None of the files is there: {new[0].filepath}", f"ls {path}")
        conflicting = {conflict["filepath"] for conflict in listing.conflicts}
        unreadable = list(listing.unreadable)
        mended, bad = mend_unreadable(dataset, {row.filepath for row in listing.rows} & known)
        notes = [{"filepath": path, "note": "decodes now, no longer unreadable"} for path in mended]
        added = add_samples(
            dataset, _samples(label_field(dataset), new, conflicting, unreadable, notes)
        )
        record = ImportRecord(
            dataset=name,
            source=str(path.absolute()),
            format=listing.format,
            added=added,
            already_there=len(listing.rows) - added,
            total=dataset.count(),
            class_counts=_class_counts(dataset),
            unreadable=unreadable,
            notes=notes,
            conflicts=listing.conflicts,
            changed=added > 0 or bool(mended),
        )
        _store(dataset, record, bad, mended, format)
        return record


def _store(
    dataset: Any,
    record: ImportRecord,
    bad: Sequence[Unreadable],
    mended: Sequence[str],
    format: str,
) -> None:
    """Store the run, where there is news; conflicts and unreadable files of earlier calls stay.

    Those that were killed before they could store a run count, too: ``bad`` are of all of them.
    """
    earlier = runs.load(dataset, "import") or {}
    conflicts, unreadable = earlier.get("conflicts", []), earlier.get("unreadable", [])
    known_bad = [{"filepath": one.filepath, "reason": one.reason} for one in bad]
    stored = replace(
        record,
        conflicts=_joined(conflicts, record.conflicts),
        unreadable=_joined(unreadable, known_bad, record.unreadable, without=mended),
    )
    if record.changed or not earlier or stored.conflicts != conflicts:
        runs.save(dataset, "import", stored, {"path": record.source, "format": format})


def _samples(
    field: str,
    rows: Sequence[Row],
    conflicting: set[str],
    unreadable: list[dict[str, str]],
    notes: list[dict[str, str]],
) -> Iterator[Any]:
    """Read files and make samples in one stream; what is wrong is noted on the way."""
    facts_of = read_many([row.filepath for row in rows])
    for row, facts in track(zip(rows, facts_of, strict=True), len(rows), "importing"):
        if isinstance(facts, Unreadable):
            unreadable.append({"filepath": row.filepath, "reason": facts.reason})
        elif note := _note(row, facts):
            notes.append({"filepath": row.filepath, "note": note})
        tags = ["label_conflict"] if row.filepath in conflicting else []
        yield make_sample(row, facts, field, tags)


def _note(row: Row, facts: Any) -> str:
    """What is odd about a file that decodes, its checksum included."""
    altered = row.sha256 not in (None, facts.filehash)
    own = ["its sha256 is not the one it was exported with"] if altered else []
    return "; ".join([*own, *([facts.note] if facts.note else [])])


def _joined(*parts: list[dict[str, Any]], without: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What was found by this import and the earlier ones, the last word on each path, sorted."""
    found = {row["filepath"]: row for part in parts for row in part}
    return [found[path] for path in sorted(found) if path not in without]


def _class_counts(dataset: Any) -> dict[str, int]:
    """Originals by class, variants left out."""
    labels, tags = columns(dataset, label_path(dataset), "tags")
    counts = Counter(
        label for label, own in zip(labels, tags, strict=True) if label and "variant" not in own
    )
    return dict(sorted(counts.items()))
