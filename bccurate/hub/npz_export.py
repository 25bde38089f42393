"""Samples out of the dataset as one .npz, in the layout of MedMNIST.

``train_images`` uint8 (n, H, W, 3) with ``train_labels`` (n, 1), and so on for ``val`` and
``test``; ``images`` and ``labels`` for samples without a split. ``classes`` names the labels, -1 is
none. ``*_tags``, ``*_filenames`` and ``*_sha256`` tell of the files. The same samples give the
same bytes.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from bccurate.errors import InputError
from bccurate.files import disk_errors, sha256_of_file, temporary
from bccurate.hub.folder_export import Outcome, images_of, not_empty
from bccurate.hub.manifest import Row
from bccurate.hub.views import SPLITS
from bccurate.progress import track

SUFFIX = ".npz"
PARTS = (*SPLITS, None)
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member: the time of writing must not show


def write_npz(rows: Sequence[Row], out: Path, size: int | None = None) -> Outcome:
    """Write the decoded pixels of ``rows`` to the file ``out``, whole or not at all.

    Args:
        rows: the samples, absolute paths.
        out: a file that is not there yet, or holds this very export.
        size: side to which images are scaled; None where all have one size already.

    Raises:
        UsageError: ``out`` holds something else.
        InputError: the images have several sizes, or ``out`` cannot be written.
        NoSpaceError: the disk is full.
    """
    outcome = Outcome()
    classes = sorted({row.label for row in rows if row.label is not None})
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        work = temporary(out)
        try:
            with zipfile.ZipFile(work, "x", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
                shapes: set[tuple[int, ...]] = set()
                for split in PARTS:
                    part = [row for row in rows if row.split == split]
                    outcome.written += _write_part(
                        archive, split, part, classes, size, shapes, outcome
                    )
                _member(archive, "classes", np.array(classes, dtype=np.str_))
            if not outcome.written:
                return outcome
            if out.exists():
                if not out.is_file() or sha256_of_file(out) != sha256_of_file(work):
                    raise not_empty(out)
                outcome.changed = False
            else:
                os.replace(work, out)
        finally:
            work.unlink(missing_ok=True)
    return outcome


def _write_part(
    archive: zipfile.ZipFile, split: str | None, rows: Sequence[Row], classes: Sequence[str],
    size: int | None, shapes: set[tuple[int, ...]], outcome: Outcome,
) -> int:  # fmt: skip
    """The arrays of one split; returns how many samples they hold."""
    prefix = f"{split}_" if split else ""
    good = []
    # Not in memory, and not in the zip yet: how many decode stands before them, in their header.
    with tempfile.TemporaryFile(dir=Path(str(archive.filename)).parent) as pixels:
        for row, image in images_of(track(rows, len(rows), f"{split or 'no split'}"), outcome):
            image = image if size is None else _scaled(image, size)
            shapes.add(image.shape)
            if len(shapes) > 1:
                raise InputError(
                    "An npz holds images of one size, and these are "
                    + " and ".join(f"{w}x{h}" for h, w, _ in sorted(shapes)),
                    f"--size {min(min(shape[:2]) for shape in shapes)}",
                )
            pixels.write(image.tobytes())
            good.append(row)
        if not good:
            return 0
        pixels.seek(0)
        _stream(archive, f"{prefix}images", (len(good), *next(iter(shapes))), pixels)
    number = {label: i for i, label in enumerate(classes)}
    labels = np.array([[number.get(row.label or "", -1)] for row in good])
    small = len(classes) <= 255 and labels.min() >= 0
    _member(archive, f"{prefix}labels", labels.astype(np.uint8 if small else np.int32))
    tags = [json.dumps(list(row.tags), ensure_ascii=False) for row in good]
    _member(archive, f"{prefix}tags", np.array(tags))
    _member(archive, f"{prefix}filenames", np.array([Path(row.filepath).name for row in good]))
    sums = [outcome.seal(row) for row in good]
    _member(archive, f"{prefix}sha256", np.array(sums))
    return len(good)


def _scaled(image: np.ndarray, size: int) -> np.ndarray:
    from PIL import Image

    if image.shape[:2] == (size, size):
        return image
    scaled = Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(scaled)


def _stream(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], pixels: IO[bytes]) -> None:
    header = io.BytesIO()
    form = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, form)
    with _opened(archive, name) as file:
        file.write(header.getvalue())
        while block := pixels.read(1 << 20):
            file.write(block)


def _member(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    with _opened(archive, name) as file:
        np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)


@contextmanager
def _opened(archive: zipfile.ZipFile, name: str) -> Iterator[Any]:
    info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as file:
        yield file
