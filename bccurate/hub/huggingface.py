"""Hugging Face ``datasets``, in and out, by the folders of ``save_to_disk`` (optional extra).

Columns: ``image``, ``label`` (ClassLabel), and from an export ``tags``, ``sha256`` and
``filename``. Image bytes go in and out as they are. No code of a data set is run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from bccurate.errors import InputError, UsageError
from bccurate.files import atomic_folder, atomic_write, disk_errors, safe_name, sha256
from bccurate.hub.folder_export import Outcome, holds_something, images_of, not_empty
from bccurate.hub.manifest import SPLIT_NAMES, Row
from bccurate.hub.views import SPLITS
from bccurate.progress import track

LABELS = ("label", "labels", "fine_label")
NO_SPLIT = "all"  # the name of the part that holds samples without a split
_SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"GIF8": ".gif", b"BM": ".bmp",
             b"RIFF": ".webp", b"II*\0": ".tif", b"MM\0*": ".tif"}  # fmt: skip


def _datasets() -> ModuleType:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import datasets
    except ImportError as error:
        raise UsageError(
            "The package datasets is not installed.", 'pip install "bccurate[huggingface]"'
        ) from error
    datasets.disable_progress_bars()
    return datasets


def read_saved(path: Path, unpacked: Path) -> Iterator[Row]:
    """A row an image of a folder that ``save_to_disk`` wrote; images go to ``unpacked``.

    Raises:
        UsageError: the package ``datasets`` is not installed.
        InputError: not such a folder, or without a column of images.
    """
    datasets = _datasets()
    try:
        found = datasets.load_from_disk(str(path))
    except Exception as error:  # those of arrow and of datasets share no base class
        raise InputError(f"Cannot read {path} as a saved dataset: {error}", f"ls {path}") from error
    # Their state holds a fingerprint of the content.
    states = b"".join(file.read_bytes() for file in sorted(path.rglob("state.json")))
    folder = unpacked / f"{safe_name(path.name)}-{sha256(states)[:12]}"
    parts = found if isinstance(found, dict) else {getattr(found, "split", None): found}
    for split, part in parts.items():
        yield from _rows(datasets, path, str(split), part, folder / safe_name(str(split)))


def _rows(datasets: ModuleType, path: Path, split: str, part: Any, folder: Path) -> Iterator[Row]:
    images = [name for name, kind in part.features.items() if isinstance(kind, datasets.Image)]
    if not images:
        raise InputError(f"{path} has no column of images: {part.column_names}", f"ls {path}")
    column = next((name for name in LABELS if name in part.features), None)
    names = getattr(part.features.get(column), "names", None)
    part = part.cast_column(images[0], datasets.Image(decode=False))
    for index, row in enumerate(track(part, len(part), "writing images")):
        label = row[column] if column else None
        if names and label is not None:
            label = names[label] if 0 <= label < len(names) else None
        tags = row.get("tags")
        own = tuple(map(str, tags)) if isinstance(tags, list) else ()
        file = _file(row[images[0]] or {}, folder / f"{index:07d}")
        known = SPLIT_NAMES.get(split.lower())
        yield Row(file, None if label is None else str(label) or None, known, own)


def _file(image: dict[str, Any], stem: Path) -> str:
    """The image as a file of its own; one that is there already is kept."""
    data = image.get("bytes")
    if data is None:
        return os.path.abspath(str(image.get("path") or "missing"))
    suffix = next((s for head, s in _SUFFIXES.items() if data.startswith(head)), ".img")
    file = stem.with_name(stem.name + suffix)
    if not file.exists():
        with atomic_write(file, durable=False) as handle:
            handle.write(data)
    return str(file.absolute())


def write_saved(rows: Sequence[Row], out: Path) -> Outcome:
    """Save ``rows`` as a ``DatasetDict`` with a part a split, in the folder ``out``.

    Raises:
        UsageError: ``datasets`` is not installed, or ``out`` holds something else.
        InputError: ``out`` cannot be written.
        NoSpaceError: the disk is full.
    """
    datasets, outcome = _datasets(), Outcome()
    good = [row for row, _ in images_of(rows, outcome)]
    outcome.written = len(good)
    if not good:
        return outcome
    wanted = {
        split or NO_SPLIT: [_record(row, outcome) for row in good if row.split == split]
        for split in (*SPLITS, None)
    }
    wanted = {split: part for split, part in wanted.items() if part}
    with disk_errors(out):
        if holds_something(out):
            _require_same(datasets, out, wanted)
            outcome.changed = False
            return outcome
        classes = sorted({row.label for row in good if row.label is not None})
        with atomic_folder(out) as work:
            _saved(datasets, wanted, classes, work)
    return outcome


def _record(row: Row, outcome: Outcome) -> dict[str, Any]:
    path = Path(row.filepath)
    return {
        "image": row.filepath, "label": row.label, "tags": list(row.tags),
        "sha256": outcome.seal(row), "filename": path.name,
    }  # fmt: skip


def _saved(
    datasets: ModuleType, parts: dict[str, list[dict[str, Any]]], classes: list[str], out: Path
) -> None:
    text = datasets.Value("string")
    label = datasets.ClassLabel(names=classes) if classes else text
    features = datasets.Features(
        {"image": datasets.Image(), "label": label, "tags": datasets.List(text),
         "sha256": text, "filename": text}
    )  # fmt: skip
    tables = {}
    for split, part in parts.items():
        table = {key: [row[key] for row in part] for key in part[0]}
        table["image"] = [
            {"path": row["filename"], "bytes": Path(row["image"]).read_bytes()} for row in part
        ]
        tables[split] = datasets.Dataset.from_dict(table, features=features)
    datasets.DatasetDict(tables).save_to_disk(str(out))


def _require_same(datasets: ModuleType, out: Path, wanted: dict[str, list[dict[str, Any]]]) -> None:
    try:
        found = datasets.load_from_disk(str(out))
        same = {split: _told(part) for split, part in found.items()}
    except Exception as error:  # those of arrow and of datasets share no base class
        raise not_empty(out) from error
    if same != {split: [{**row, "image": None} for row in part] for split, part in wanted.items()}:
        raise not_empty(out)


def _told(part: Any) -> list[dict[str, Any]]:
    names = getattr(part.features["label"], "names", None)
    part = part.remove_columns("image")
    rows = []
    for row in part:
        label = row["label"]
        named = names[label] if names and label is not None else label
        rows.append({**row, "image": None, "label": named})
    return rows
