"""``bccurate import``: files into a dataset, only what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bccurate.curation.facts import ImageFacts, Unreadable
from bccurate.curation.workers import read_many
from bccurate.errors import InputError, UsageError
from bccurate.hub import runs
from bccurate.hub.formats import FORMATS, Row, discover
from bccurate.hub.lock import turn
from bccurate.hub.open import opened
from bccurate.hub.read import LABEL_FIELD, columns
from bccurate.hub.samples import declare_fields, make_sample, mend_unreadable
from bccurate.hub.write import add_samples
from bccurate.progress import track
from bccurate.records import ImportRecord
from bccurate.settings import use_dataset


def import_(path: str | Path, name: str, format: str = "auto") -> ImportRecord:
    """Import a folder tree, a CSV of paths and labels, an npz, or a tar or zip of these.

    Every file is decoded once, whole. One that does not decode becomes a sample with the tag
    ``unreadable``. Files that the dataset has already are passed over, so that an import which
    was stopped is finished by running it again.

    Args:
        path: file or folder.
        name: of the dataset; it is made where there is none, and is the one in use from now on.
        format: one of ``auto``, ``imagefolder``, ``csv``, ``npz``.

    Raises:
        UsageError: an unknown format or an empty name.
        InputError: nothing usable under ``path``.
    """
    if format not in FORMATS:
        raise UsageError(f"Unknown format {format!r}; known: {', '.join(FORMATS)}")
    if not str(path):
        raise UsageError("PATH is empty.", "bccurate import FOLDER --name cells")
    if not name.strip():
        raise UsageError("A dataset needs a name.", f"bccurate import {path} --name cells")
    with turn(name):  # for the unpacking, too
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
        added = add_samples(dataset, _samples(new, conflicting, unreadable, notes))
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
        elif isinstance(facts, ImageFacts) and facts.note:
            notes.append({"filepath": row.filepath, "note": facts.note})
        tags = ["label_conflict"] if row.filepath in conflicting else []
        yield make_sample(row, facts, tags)


def _joined(*parts: list[dict[str, Any]], without: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What was found by this import and the earlier ones, the last word on each path, sorted."""
    found = {row["filepath"]: row for part in parts for row in part}
    return [found[path] for path in sorted(found) if path not in without]


def _class_counts(dataset: Any) -> dict[str, int]:
    """Originals by class, variants left out."""
    labels, tags = columns(dataset, f"{LABEL_FIELD}.label", "tags")
    counts = Counter(
        label for label, own in zip(labels, tags, strict=True) if label and "variant" not in own
    )
    return dict(sorted(counts.items()))
