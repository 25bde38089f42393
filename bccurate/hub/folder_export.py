"""Samples out of the dataset, as folders that other programs and ``import`` read.

Files are copied byte for byte; label, split, tags and checksum of each stand in ``manifest.csv``.
A folder is made whole or not at all, and nothing that is there is written over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bccurate.errors import UsageError
from bccurate.files import atomic_folder, disk_errors, safe_name, sha256, sha256_of_file
from bccurate.hub import coco, manifest
from bccurate.hub.manifest import Row
from bccurate.hub.views import SPLITS
from bccurate.images.image_stats import Unreadable
from bccurate.images.workers import read_pixels
from bccurate.progress import track

IMAGES = "images"
# A folder of such a name is read as something else than a class.
_TAKEN = {"train", "training", "val", "valid", "validation", "test", IMAGES, "masks"}
# What every file system takes, hidden from no program and stripped by none.
_PLAIN = re.compile(r"(?![.\s])[^\\/:*?\"<>|\x00-\x1f]{1,60}(?<![.\s])")


@dataclass
class Outcome:
    """What an export did.

    Attributes:
        written: how many samples it holds.
        changed: whether anything had to be written.
        skipped: ``[{"filepath", "reason"}]``: files that are gone, or that the format cannot hold.
        altered: paths whose bytes are not those that the dataset knows.
    """

    written: int = 0
    changed: bool = True
    skipped: list[dict[str, str]] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)

    def skip(self, row: Row, reason: str) -> None:
        """Note a sample that does not go out."""
        self.skipped.append({"filepath": row.filepath, "reason": reason})

    def seal(self, row: Row, digest: str | None = None) -> str:
        """The checksum of a row's file, held against the one that the dataset knows."""
        digest = digest or sha256_of_file(Path(row.filepath))
        if row.sha256 not in (None, digest):
            self.altered.append(row.filepath)
        return digest


def write_folder(rows: Sequence[Row], out: Path, kind: str) -> Outcome:
    """Copy the files of ``rows`` to the folder ``out``.

    Args:
        rows: the samples, absolute paths.
        out: a folder that is not there yet, is empty, or holds this very export.
        kind: ``imagefolder``: ``split/label/file``; ``csv``: all in ``images``; ``coco``: all in
            ``data``, with ``labels.json``, and ``labels_train.json`` and so on where there are
            splits.

    Raises:
        UsageError: ``out`` holds something else.
        InputError: ``out`` cannot be written.
        NoSpaceError: the disk is full.
    """
    outcome = Outcome()
    sizes: list[tuple[int, int]] = []
    if kind == "coco":
        told = [(row, pixels.shape[1::-1]) for row, pixels in images_of(rows, outcome)]
        rows, sizes = [row for row, _ in told], [size for _, size in told]
    else:
        rows = list(_present(rows, outcome))
    names = names_of(rows, kind)
    outcome.written = len(rows)
    if not rows:
        return outcome
    with disk_errors(out):
        if holds_something(out):
            _require_same(out, rows, names, outcome)
            outcome.changed = False
            return outcome
        with atomic_folder(out) as work:
            placed = [
                replace(row, filepath=name, sha256=_copy(row, work / name, outcome))
                for row, name in track(zip(rows, names, strict=True), len(rows), "exporting")
            ]
            (work / manifest.NAME).write_bytes(manifest.as_text(placed).encode())
            if kind == "coco":
                _write_coco(work, placed, sizes)
    return outcome


def images_of(rows: Iterable[Row], outcome: Outcome) -> Iterator[tuple[Row, Any]]:
    """Each row that decodes, and its pixels uint8 (H, W, 3); the others are skipped."""
    listed = list(rows)
    found = read_pixels([row.filepath for row in listed])
    for row, pixels in zip(listed, found, strict=True):
        if isinstance(pixels, Unreadable):
            outcome.skip(row, f"{row.filepath}: {pixels.reason}")
        else:
            yield row, pixels


def _present(rows: Iterable[Row], outcome: Outcome) -> Iterator[Row]:
    for row in rows:
        if Path(row.filepath).is_file():
            yield row
        else:
            outcome.skip(row, "no such file")


def names_of(rows: Sequence[Row], kind: str) -> list[str]:
    """A path below the export's folder for each row, distinct on every file system.

    A file keeps its name. Where two would be one, the later gets the checksum of its old path.
    """
    folders = folder_names(sorted({row.label for row in rows if row.label is not None}))
    flat = {"csv": [IMAGES], "coco": [coco.DATA]}.get(kind)
    places = [
        flat or [part for part in (row.split, folders.get(row.label or "")) if part] for row in rows
    ]
    names: list[str] = []
    taken = {"/".join(place[:n]).casefold() for place in places for n in (1, 2)}
    taken |= {manifest.NAME, coco.LABELS}
    for row, place in zip(rows, places, strict=True):
        path = Path(row.filepath)
        name = "/".join([*place, path.name])
        if name.casefold() in taken:
            stem = f"{path.stem[:60]}-{sha256(row.filepath.encode())[:12]}"
            name = "/".join([*place, f"{stem}{path.suffix[:12]}"])
        taken.add(name.casefold())
        names.append(name)
    return names


def folder_names(labels: Sequence[str]) -> dict[str, str]:
    """A folder's name for each label: the label itself, unless that would be read as another."""
    names: dict[str, str] = {}
    taken = set(_TAKEN)
    for label in labels:
        plain = _PLAIN.fullmatch(label) and label.casefold() not in taken
        names[label] = label if plain else f"{safe_name(label)[:60]}-{sha256(label.encode())[:8]}"
        taken.add(names[label].casefold())
    return names


def _copy(row: Row, target: Path, outcome: Outcome) -> str:
    """Copy a file; returns the SHA-256 of what was written."""
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(row.filepath, "rb") as file, open(target, "xb") as copy:
        while block := file.read(1 << 20):
            digest.update(block)
            copy.write(block)
    return outcome.seal(row, digest.hexdigest())


def _require_same(out: Path, rows: Sequence[Row], names: Sequence[str], outcome: Outcome) -> None:
    """Raise a ``UsageError`` unless ``out`` holds these rows and the very bytes of their files."""
    wanted = {
        str(out.absolute() / name): (row.label, row.split, row.tags, outcome.seal(row))
        for row, name in zip(rows, names, strict=True)
    }
    file = out / manifest.NAME
    found = {}
    if manifest.is_manifest(file):
        for row in manifest.read(file, file.read_bytes().decode("utf-8", "replace")):
            path = Path(row.filepath)
            held = sha256_of_file(path) if path.is_file() else None
            found[row.filepath] = (row.label, row.split, row.tags, held)
    if found != wanted:
        raise not_empty(out)


def holds_something(out: Path) -> bool:
    """Whether a target is there and is no empty folder."""
    return out.exists() and not (out.is_dir() and not any(out.iterdir()))


def not_empty(out: Path) -> UsageError:
    """The error of a target that holds something else."""
    return UsageError(
        f"{out} is there already and holds something else.", "name a path that is not there yet"
    )


def _write_coco(work: Path, placed: Sequence[Row], sizes: Sequence[tuple[int, int]]) -> None:
    classes = sorted({row.label for row in placed if row.label is not None})
    images = [
        coco.Image(replace(row, filepath=row.filepath.removeprefix(f"{coco.DATA}/")), *size)
        for row, size in zip(placed, sizes, strict=True)
    ]
    parts = {coco.LABELS: images}
    for split in SPLITS:
        mine = [image for image in images if image.row.split == split]
        if mine:
            parts[f"labels_{split}.json"] = mine
    for name, part in parts.items():
        (work / name).write_text(coco.as_json(part, classes), encoding="utf-8")
