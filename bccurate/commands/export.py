"""``bccurate export``: samples out of the dataset, with labels, splits, tags and checksums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bccurate.errors import InputError, UsageError
from bccurate.hub import views
from bccurate.hub.folder_export import Outcome, write_folder
from bccurate.hub.manifest import Row, split_of
from bccurate.hub.open import opened
from bccurate.hub.read import columns, label_path, require_samples
from bccurate.records import ExportRecord
from bccurate.settings.data import ExportOptions
from bccurate.settings.in_use import dataset_in_use


def export(
    out: str | Path,
    dataset: str | None = None,
    format: str | None = None,
    view: str | None = None,
    size: int | None = None,
) -> ExportRecord:
    """Write samples as files that ``import_`` and other programs read; nothing is written over.

    All formats keep labels, splits, tags and checksums: ``import_`` of an export gives the samples
    back. The folders hold the very bytes of the files, ``npz`` their pixels.

    Args:
        out: a folder, or for ``npz`` a file; not there yet, or of this very export.
        dataset: name; the one in use where None.
        format: one of ``settings.vocabulary.EXPORT_FORMATS``; None is ``npz`` where ``out`` ends
            in .npz, else ``imagefolder``.
        view: a saved view; all samples but variants where None.
        size: for ``npz``, the side in pixels that images are scaled to; None keeps theirs.

    Raises:
        UsageError: an unknown format, view or dataset, or ``out`` holds something else.
        InputError: no samples, or ``out`` cannot be written.
        NoSpaceError: the disk is full.
    """
    ExportOptions(format=format, size=size).check()
    target = Path(out).absolute()
    format = format or ("npz" if target.suffix.lower() == ".npz" else "imagefolder")
    if size is not None and format != "npz":
        raise UsageError("--size is for an npz only", "bccurate export cells.npz --size 96")
    if (format == "npz") != (target.suffix.lower() == ".npz"):
        raise UsageError(f"--format {format} does not make {target.name}", _example(format))
    name = dataset_in_use(dataset)
    with opened(name) as hub:
        chosen = views.chosen(hub, view) if view else views.everything(hub)
        require_samples(chosen, f"samples to export in {name!r}", f"bccurate info -d {name}")
        rows = _rows(chosen)
        outcome = _write(rows, target, format, size)
    if not outcome.written:
        first = outcome.skipped[0]
        raise InputError(
            f"Nothing could be exported: {first['filepath']}: {first['reason']}",
            f"bccurate info -d {name}",
        )
    return ExportRecord(
        dataset=name,
        path=str(target),
        format=format,
        view=view,
        exported=outcome.written,
        skipped=outcome.skipped,
        altered=outcome.altered,
        changed=outcome.changed,
    )


def _example(format: str) -> str:
    return f"bccurate export cells{'.npz' if format == 'npz' else ''} --format {format}"


def _rows(view: Any) -> list[Row]:
    """The samples by path, so that no outcome hangs on their order in the database."""
    table = columns(view, "filepath", label_path(view), "tags", "filehash")
    rows = []
    for path, label, tags, filehash in zip(*table, strict=True):
        # Whether a file decodes is for the next import to say.
        split, rest = split_of(tag for tag in tags if tag != "unreadable")
        rows.append(Row(path, label or None, split, rest, filehash))
    return sorted(rows, key=lambda row: row.filepath)


def _write(rows: list[Row], target: Path, format: str, size: int | None) -> Outcome:
    if format == "npz":
        from bccurate.hub.npz_export import write_npz

        return write_npz(rows, target, size)
    if format == "huggingface":
        from bccurate.hub.huggingface import write_saved

        return write_saved(rows, target)
    return write_folder(rows, target, format)
