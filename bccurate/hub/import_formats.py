"""What lies on disk, as rows of path and label: a folder tree, a table, arrays, COCO, archives.

Formats only list; whether a file decodes is for ``images.decode`` to say.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bccurate.archives import unpack
from bccurate.errors import InputError
from bccurate.files import dataset_home, safe_name, sha256_of_file, sweep
from bccurate.hub import coco, manifest
from bccurate.hub.manifest import Row
from bccurate.images.decode import IMAGE_SUFFIXES

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
PATH_COLUMNS = ("filepath", "path", "file", "filename", "file_name", "image")
LABEL_COLUMNS = ("label", "class", "ground_truth", "target")
SPLIT_COLUMNS = ("split", "fold", "set")
HUGGING_FACE = ("dataset_dict.json", "state.json")  # what save_to_disk writes
HIDDEN = (".", "__MACOSX")  # what archives carry along
SPLIT_NAMES = manifest.SPLIT_NAMES | {"training": "train"}


@dataclass(frozen=True)
class Listing:
    """What was found.

    ``conflicts``: paths that came with two labels; the first one counts. ``unreadable``: files
    that no database can hold, because their names are not text.
    """

    format: str
    rows: list[Row]
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    unreadable: list[dict[str, str]] = field(default_factory=list)


def discover(path: Path, dataset: str, kind: str = "auto") -> Listing:
    """List the samples under ``path``; archives and npz are unpacked to the dataset's folder.

    Raises:
        InputError: nothing there, nothing usable in it, or it is broken.
    """
    if not os.path.exists(path):  # not path.exists(), which raises for a name too long
        raise InputError(f"There is no {path}", f"ls {path.parent}")
    return _checked(path, lambda: _list(path, dataset, kind))


def list_files(path: Path) -> Listing:
    """List the images of a folder, or of a CSV with or without labels; nothing is written.

    Raises:
        InputError: there is no such folder or CSV, or no image in it.
    """
    if os.path.isdir(path):
        return _checked(
            path, lambda: _without_repeats("imagefolder", _image_folder(_only_folder(path), ""))
        )
    if os.path.isfile(path) and path.suffix.lower() == ".csv":
        return _checked(path, lambda: _without_repeats("csv", _csv(path, "", labelled=False)))
    if os.path.exists(path):
        raise InputError(
            f"{path} is neither a folder nor a CSV", f"bccurate import {path} --name NAME"
        )
    raise InputError(
        f"There is no folder or CSV {path}", f"bccurate dedupe -d {path.name} for a dataset"
    )


def _checked(path: Path, read: Callable[[], Listing]) -> Listing:
    try:
        listing = read()
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}", f"ls -ld {path}") from error
    if not listing.rows:
        suffixes = " ".join(sorted(IMAGE_SUFFIXES))
        raise InputError(f"No images in {path} (looked for {suffixes})", f"ls {path}")
    return listing


def _list(path: Path, dataset: str, kind: str) -> Listing:
    if path.is_file() and path.name.lower().endswith(ARCHIVES):
        name = safe_name(f"{path.name.split('.')[0]}-{sha256_of_file(path)[:12]}")
        folder = dataset_home(dataset) / "unpacked"
        sweep(folder)
        path = unpack(path, folder / name)
    path = _only_folder(path)
    kind = _guess(path) if kind == "auto" else kind
    path = (_arrays_file(path) or path) if kind == "npz" else path
    rows = _READERS[kind](path, dataset)
    return _without_repeats(kind, rows)


def _only_folder(path: Path) -> Path:
    """Step into an archive's single top folder."""
    while path.is_dir():
        inside = [p for p in path.iterdir() if not p.name.startswith(HIDDEN)]
        if len(inside) != 1 or not inside[0].is_dir() or _has_images(inside[0]):
            break
        if inside[0].name.lower() in SPLIT_NAMES:  # the name says something: it stays
            break
        path = inside[0]
    return path


def _has_images(folder: Path) -> bool:
    return any(p.suffix.lower() in IMAGE_SUFFIXES for p in folder.iterdir())


def _guess(path: Path) -> str:
    if path.is_dir():
        if _label_file(path):
            return "csv"
        if any((path / name).is_file() for name in HUGGING_FACE):
            return "huggingface"
        if coco.label_files(path):
            return "coco"
        return "npz" if _arrays_file(path) else "imagefolder"
    kinds = {".csv": "csv", ".npz": "npz", ".json": "coco"}
    if path.suffix.lower() not in kinds:
        known = ", ".join([*kinds, *ARCHIVES])
        raise InputError(f"{path} is no folder and none of {known}", "bccurate import -h")
    return kinds[path.suffix.lower()]


def _label_file(folder: Path) -> Path | None:
    """Our manifest, else the folder's one CSV that has a path and a label column."""
    if manifest.is_manifest(folder / manifest.NAME):
        return folder / manifest.NAME
    found = [p for p in sorted(folder.glob("*.csv")) if _is_label_file(p)]
    return found[0] if len(found) == 1 else None


def _arrays_file(folder: Path) -> Path | None:
    """The npz that is all there is in a folder, as in an archive of one."""
    if not folder.is_dir():
        return None
    found = [p for p in folder.iterdir() if not p.name.startswith(HIDDEN)]
    return found[0] if len(found) == 1 and found[0].suffix.lower() == ".npz" else None


def _is_label_file(path: Path) -> bool:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            header = file.readline(4096).lower()
    except (OSError, UnicodeDecodeError):
        return False
    names = {name.strip().strip('"') for name in header.split(",")}
    return bool(names & set(PATH_COLUMNS)) and bool(names & set(LABEL_COLUMNS))


def _image_folder(path: Path, dataset: str) -> Iterator[Row]:
    """Every image file below; its folder's name is its label, ``train/`` and the like its split."""
    if not path.is_dir():
        raise InputError(f"{path} is not a folder", "bccurate import -h")
    root = path / "images" if _is_root(path / "images") else path
    seen = {os.path.realpath(root)}
    for folder, folders, files in os.walk(root, followlinks=True):
        folders[:] = [name for name in sorted(folders) if _is_new(os.path.join(folder, name), seen)]
        absolute, parts = os.path.abspath(folder), Path(folder).relative_to(root).parts
        label = parts[-1] if parts else None
        split = next((SPLIT_NAMES[p.lower()] for p in parts if p.lower() in SPLIT_NAMES), None)
        if label and label.lower() in SPLIT_NAMES:
            label = None
        for file in sorted(files):
            if os.path.splitext(file)[1].lower() in IMAGE_SUFFIXES and not file.startswith("."):
                yield Row(os.path.join(absolute, file), label, split)


def _is_new(folder: str, seen: set[str]) -> bool:
    """Whether a folder was not walked yet: links are followed, and may lead in a circle."""
    real = os.path.realpath(folder)
    if real in seen:
        return False
    seen.add(real)
    return True


def _is_root(images: Path) -> bool:
    """Whether ``images/`` holds all there is, and is not one class among others."""
    beside = [
        p for p in images.parent.iterdir() if p.is_dir() and p.name not in ("images", "masks")
    ]
    return images.is_dir() and not any(map(_has_images, beside))


def _csv(path: Path, dataset: str, labelled: bool = True) -> Iterator[Row]:
    file = _label_file(path) if path.is_dir() else path
    if file is None:
        raise InputError(f"{path} has no CSV with columns filepath,label", "bccurate import -h")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8 text: {error}", f"file {file}") from error
    if manifest.is_manifest(file):
        # With its line ends as they are: a label may hold one.
        yield from manifest.read(file, file.read_bytes().decode())
        return
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        names = {name.strip().lower(): name for name in reader.fieldnames or [] if name}
        path_column = _column(file, names, PATH_COLUMNS)
        if labelled or not names.keys().isdisjoint(LABEL_COLUMNS):
            label_column = _column(file, names, LABEL_COLUMNS)
        else:
            label_column = None
        split_column = next((names[n] for n in SPLIT_COLUMNS if n in names), None)
        for record in reader:
            if not (name := (record[path_column] or "").strip()):
                continue
            split = (record.get(split_column) or "").strip().lower() if split_column else ""
            label = (record[label_column] or "").strip() or None if label_column else None
            # normpath, not resolve: a link is the path that the person knows.
            absolute = os.path.normpath(os.path.join(file.parent.absolute(), name))
            yield Row(absolute, label, SPLIT_NAMES.get(split))
    except csv.Error as error:
        line = reader.line_num + 1
        raise InputError(f"{file}, line {line}: {error}", f"sed -n {line}p {file}") from error


def _column(file: Path, names: dict[str, str], known: tuple[str, ...]) -> str:
    for name in known:
        if name in names:
            return names[name]
    raise InputError(
        f"{file} has no column {' or '.join(known)} (it has {', '.join(names) or 'none'})",
        f"head -2 {file}",
    )


def _npz(path: Path, dataset: str) -> Iterator[Row]:
    from bccurate.hub.npz_import import write_npz_images

    folder = (
        dataset_home(dataset) / "unpacked" / f"{safe_name(path.stem)}-{sha256_of_file(path)[:12]}"
    )
    sweep(folder)
    yield from write_npz_images(path, folder)


def _coco(path: Path, dataset: str) -> Iterator[Row]:
    files = coco.label_files(path) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} has no COCO file", f"ls {path}")
    for file in files:
        yield from coco.read_coco(file)


def _hugging_face(path: Path, dataset: str) -> Iterator[Row]:
    from bccurate.hub.huggingface import read_saved

    yield from read_saved(path, dataset_home(dataset) / "unpacked")


_READERS = {
    "imagefolder": _image_folder,
    "csv": _csv,
    "npz": _npz,
    "coco": _coco,
    "huggingface": _hugging_face,
}


def _without_repeats(kind: str, rows: Iterable[Row]) -> Listing:
    first: dict[str, Row] = {}
    labels: dict[str, list[str]] = {}
    unreadable = []
    for row in rows:
        if not _is_text(row.filepath + (row.label or "")):
            name = os.fsencode(row.filepath).decode("utf-8", "backslashreplace")
            unreadable.append({"filepath": name, "reason": "its name is not UTF-8"})
            continue
        if first.setdefault(row.filepath, row).label is None:
            first[row.filepath] = row
        seen = labels.setdefault(row.filepath, [])
        if row.label is not None and row.label not in seen:
            seen.append(row.label)
    conflicts = [{"filepath": p, "labels": found} for p, found in labels.items() if len(found) > 1]
    return Listing(kind, list(first.values()), conflicts, unreadable)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes of a file name that are not UTF-8
        return False
    return True
