"""Rows and files that the tests of exports write."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

from PIL import Image

from bccurate.files import sha256_of_file
from bccurate.hub.manifest import Row


def png(number: int, size: int = 8) -> bytes:
    with io.BytesIO() as file:
        Image.new("RGB", (size, size), (number % 256, 7, 9)).save(file, format="PNG")
        return file.getvalue()


def rows_of(folder: Path, *rows: tuple[str, str | None, str | None, tuple[str, ...]]) -> list[Row]:
    made = []
    for number, (name, label, split, tags) in enumerate(rows):
        file = folder / str(number) / name
        file.parent.mkdir(parents=True)
        file.write_bytes(png(number))
        made.append(Row(str(file), label, split, tags))
    return made


def content_of(rows: list[Row]) -> Counter:
    """What must be the same: content, label, split and tags, each as often."""
    return Counter(
        (sha256_of_file(Path(r.filepath)), r.label, r.split, tuple(sorted(r.tags))) for r in rows
    )


PLAIN = [
    ("1.png", "a", "train", ()),
    ("2.png", "b", "train", ("x",)),
    ("3.png", "a", "val", ()),
    ("4.png", "b", "test", ()),
    ("5.png", "a", None, ()),
]
