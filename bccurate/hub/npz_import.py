"""Images in .npz archives: the layout of MedMNIST and of ``images``/``labels`` pairs.

An npz is a zip of arrays and may hold anything: objects (code), or a gigabyte in a mebibyte. The
sizes in its headers are checked before a byte of the arrays is unpacked.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError

import numpy as np
from PIL import Image

from bccurate.archives import open_zip
from bccurate.errors import InputError
from bccurate.files import atomic_write, disk_errors
from bccurate.hub.manifest import Row, read_tags
from bccurate.progress import track

MAX_ARRAY_BYTES = 16 << 30
# What zipfile and numpy raise on bytes that are not theirs.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, RuntimeError, OSError,
          SyntaxError, TokenError)  # fmt: skip
MAX_HEADER = 1 << 16  # bytes of an array's header; numpy would read as many as it claims to have
MAX_RATIO = 200  # unpacked over packed; photographs reach 3, a bomb 1,000
PAIRS = (
    ("images", "labels", None),
    ("train_images", "train_labels", "train"),
    ("val_images", "val_labels", "val"),
    ("test_images", "test_labels", "test"),
    ("data", "labels", None),
)
# MedMNIST stores numbers only; these are the names that its own package gives them.
BLOODMNIST = (
    "basophil", "eosinophil", "erythroblast", "ig",
    "lymphocyte", "monocyte", "neutrophil", "platelet",
)  # fmt: skip


def write_npz_images(path: Path, folder: Path) -> Iterator[Row]:
    """Write an npz's images as PNG files below ``folder``; yield a row of each.

    Beside images and labels an export of ours holds ``classes``, the names of the labels, and
    ``tags``, a JSON list an image.

    A file that is there already is kept, so that an interrupted call goes on where it stopped.

    Raises:
        InputError: not an npz, an object array, a wrong shape or type, or larger than the caps.
    """
    try:
        with open_zip(path) as archive:
            shapes = {Path(name).stem: _header(path, archive, name) for name in archive.namelist()}
            pairs = [pair for pair in PAIRS if pair[0] in shapes]
            if not pairs:
                raise InputError(
                    f"{path} holds {', '.join(shapes) or 'nothing'}; needed: images and labels"
                )
            for images_name, labels_name, split in pairs:
                images = _images(path, images_name, _array(archive, images_name))
                labels = _labels(path, archive, labels_name, shapes, len(images))
                tags = _tags(archive, labels_name.replace("labels", "tags"), shapes, len(images))
                rows = _write(folder, images, split)
                for file, label, own in zip(rows, labels, tags, strict=True):
                    yield Row(file, label, split, own)
    except BROKEN as error:
        raise InputError(f"Cannot read {path}: {error}") from error


def _header(path: Path, archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    """The shape of one array, after its size was found to be what it claims."""
    info = archive.getinfo(name)
    with archive.open(name) as packed:
        file = io.BytesIO(packed.read(MAX_HEADER))
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0
        shape, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(file)
    if dtype.hasobject:
        raise InputError(f"{path}: array {name} holds Python objects, which could run code")
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if size > info.file_size or size > MAX_ARRAY_BYTES:
        raise InputError(f"{path}: array {name} claims {size:,} bytes and has {info.file_size:,}")
    if info.file_size > max(64 << 20, info.compress_size * MAX_RATIO):
        raise InputError(f"{path}: array {name} unpacks to {info.file_size:,} bytes, refused")
    return shape


def _array(archive: zipfile.ZipFile, stem: str) -> np.ndarray:
    with archive.open(f"{stem}.npy") as file:
        return np.lib.format.read_array(io.BytesIO(file.read()), allow_pickle=False)


def _images(path: Path, name: str, images: np.ndarray) -> np.ndarray:
    grey = images.ndim == 3
    colour = images.ndim == 4 and images.shape[3] in (1, 3)
    if not (grey or colour) or min(images.shape[1:3]) < 1:
        raise InputError(
            f"{path}: {name} has shape {images.shape}; needed (N, H, W) or (N, H, W, 3)"
        )
    if images.dtype.kind == "f" and len(images) and images.min() >= 0 and images.max() <= 1:
        images = np.rint(images * 255)
    if images.dtype.kind not in "uif" or (
        len(images) and not (images.min() >= 0 and images.max() <= 255)
    ):
        raise InputError(f"{path}: {name} has type {images.dtype}; needed 0 to 255 or 0.0 to 1.0")
    images = images.astype(np.uint8)
    return images[..., 0] if colour and images.shape[3] == 1 else images


def _labels(
    path: Path, archive: zipfile.ZipFile, name: str, shapes: dict[str, tuple[int, ...]], n: int
) -> list[str | None]:
    if name not in shapes:
        return [None] * n
    labels = _array(archive, name)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.shape[1] > 1 and labels.dtype.kind in "buif":
        labels = labels.argmax(axis=1)  # one-hot
    if labels.shape != (n,):
        raise InputError(f"{path}: {name} has shape {labels.shape} for {n} images")
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8")
    names = _names(path, archive, shapes) if labels.dtype.kind in "iu" else {}
    return [names[value] if value in names else str(value).strip() or None
            for value in labels.tolist()]  # fmt: skip


def _names(
    path: Path, archive: zipfile.ZipFile, shapes: dict[str, tuple[int, ...]]
) -> dict[int, str | None]:
    """What the numbers mean, where the file or its name says so; -1 is no label then."""
    known: tuple[str, ...] = ()
    if "classes" in shapes:
        classes = _array(archive, "classes")
        known = tuple(classes.tolist()) if classes.dtype.kind == "U" and classes.ndim == 1 else ()
    elif path.stem.lower().startswith("bloodmnist"):
        known = BLOODMNIST
    return {-1: None, **dict(enumerate(known))} if known else {}


def _tags(
    archive: zipfile.ZipFile, name: str, shapes: dict[str, tuple[int, ...]], n: int
) -> list[tuple[str, ...]]:
    if shapes.get(name) != (n,):
        return [()] * n
    tags = _array(archive, name)
    return [read_tags(own) for own in tags.tolist()] if tags.dtype.kind == "U" else [()] * n


def _write(folder: Path, images: np.ndarray, split: str | None) -> Iterator[str]:
    for index, pixels in enumerate(track(images, len(images), "writing images")):
        file = folder / f"{split or 'image'}_{index:06d}.png"
        if not file.exists():
            with atomic_write(file, durable=False) as handle, disk_errors(file):
                Image.fromarray(pixels).save(handle, format="PNG")
        yield str(file.absolute())
