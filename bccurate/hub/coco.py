"""COCO: one cell an image, its class the category of its annotation.

Read are the names that its users give (``labels.json`` of FiftyOne, ``_annotations.coco.json`` of
Roboflow, ``instances_train2017.json`` of COCO itself); boxes are passed over. Written is FiftyOne's
layout, with the whole image for a box.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bccurate.errors import InputError
from bccurate.hub.manifest import SPLIT_NAMES, Row, is_sha256

LABELS, DATA = "labels.json", "data"
MAX_BYTES = 2 << 30
_NAMES = re.compile(r"labels(_\w+)?|.*annotations(\.coco)?|instances_\w+|.*\.coco")
_KEYS = ('"images"', '"annotations"', '"categories"')


def label_files(folder: Path) -> list[Path]:
    """The COCO files of a folder: in it, in ``annotations``, or one in each split's folder."""
    folders = [folder, folder / "annotations", *(folder / split for split in SPLIT_NAMES)]
    found = [p for place in folders for p in sorted(place.glob("*.json")) if is_coco(p)]
    return [folder / LABELS] if folder / LABELS in found else found


def is_coco(path: Path) -> bool:
    """Whether a file has the name and the keys of a COCO file."""
    if not _NAMES.fullmatch(path.stem) or path.suffix.lower() != ".json":
        return False
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
            file.seek(max(0, path.stat().st_size - 4096))
            ends = (start + file.read()).decode("utf-8", "replace")
    except OSError:
        return False
    return any(key in ends for key in _KEYS)


def read_coco(path: Path) -> Iterator[Row]:
    """A row an image and class; an image without annotation has no label.

    Raises:
        InputError: not JSON, or not what COCO says.
    """
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} has more than {MAX_BYTES >> 20:,} MiB", f"ls -l {path}")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        names = {row["id"]: str(row["name"]).strip() for row in data["categories"]}
        labels: dict[Any, list[str]] = {}
        for row in data["annotations"]:
            label, known = names[row["category_id"]], labels.setdefault(row["image_id"], [])
            if label and label not in known:
                known.append(label)
        files = [str(row["file_name"]) for row in data["images"]]
        root = _root(path, files)
        for row, file in zip(data["images"], files, strict=True):
            found = os.path.normpath(os.path.join(root, file))
            kinds: list[str | None] = [*labels.get(row["id"], [])]
            for kind in kinds or [None]:
                yield Row(found, kind, _split(path, row), *_ours(row))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"{path} is no COCO file: {reason}", f"head -c 300 {path}") from error


def _split(path: Path, row: dict[str, Any]) -> str | None:
    """As the image says it, else the file's name, else its folder's."""
    words = re.findall("[a-z]+", path.stem.lower())
    for word in (str(row.get("split", "")).lower(), *words, path.parent.name.lower()):
        if word in SPLIT_NAMES:
            return SPLIT_NAMES[word]
    return None


def _ours(row: dict[str, Any]) -> tuple[tuple[str, ...], str | None]:
    """Tags and checksum, where the image has them as ``as_json`` writes them."""
    tags, sha256 = row.get("tags"), row.get("sha256")
    known = isinstance(tags, list) and all(isinstance(tag, str) and tag for tag in tags)
    return tuple(tags) if known and tags else (), sha256 if is_sha256(sha256) else None


def _root(path: Path, files: Sequence[str]) -> Path:
    """The folder that the images' names start from: the first one where one of them lies."""
    here = path.parent.absolute()
    set_name = path.stem.removeprefix("instances_")
    places = [
        base / inside
        for base in (here, here.parent)
        for inside in ("", DATA, "images", set_name, f"images/{set_name}")
    ]
    some = files[:: max(1, len(files) // 8)]
    return next((p for p in places if any((p / file).is_file() for file in some)), here)


class Image(NamedTuple):
    """An image to be written: its row with a path below ``data``, and its size in pixels."""

    row: Row
    width: int
    height: int


def as_json(images: Iterable[Image], classes: Sequence[str]) -> str:
    """A COCO file; ids count from 1, and an image's box is the whole of it."""
    number = {label: i for i, label in enumerate(classes, 1)}
    rows: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i, (row, width, height) in enumerate(images, 1):
        more = {"split": row.split, "tags": list(row.tags), "sha256": row.sha256}
        rows.append({"id": i, "file_name": row.filepath, "width": width, "height": height, **more})
        if row.label is not None:
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": i, "category_id": number[row.label],
                    "bbox": [0, 0, width, height], "area": width * height,
                    "segmentation": [], "iscrowd": 0,
                }
            )  # fmt: skip
    categories = [{"id": i, "name": label, "supercategory": "cell"} for label, i in number.items()]
    info = {"description": "written by bccurate export"}
    return json.dumps(
        {"info": info, "licenses": [], "categories": categories, "images": rows,
         "annotations": annotations},
        ensure_ascii=False,
    )  # fmt: skip
