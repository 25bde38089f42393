"""The images that are measured on: the real cells where they are, else rendered ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

RENDERED = 2000
MOSAIC = 500
_PER_SIDE = 3


def folder_of_images(data: Path) -> Path:
    """``data`` itself where it is a folder, else unpacked, else 2,000 rendered cells."""
    import bccurate
    from bccurate.archives import unpack

    if data.is_dir():
        return data
    folder = Path(tempfile.mkdtemp(prefix="bccurate-bench-"))
    if data.exists():
        return next(unpack(data, folder / "cells").glob("*/images"))
    bccurate.sample(folder / "cells", n=RENDERED)
    return folder / "cells" / "images"


def files_of(images: Path) -> list[Path]:
    """The images of a tree, of the one kind it holds."""
    return sorted(images.rglob("*.jpg")) or sorted(images.rglob("*.png"))


def flat(images: Path, suffix: str, n: int | None = None) -> Path:
    """A new folder with the first ``n`` images, all of one kind; copies where they are of it."""
    folder = Path(tempfile.mkdtemp(prefix=f"bccurate-bench-{suffix[1:]}-"))
    for number, path in enumerate(_spread(files_of(images), n)):
        target = folder / f"{number:05d}{suffix}"
        if path.suffix == suffix:
            shutil.copyfile(path, target)
        else:
            with Image.open(path) as image:
                image.convert("RGB").save(target)
    return folder


def mosaics(images: Path, n: int, quality: int = 95) -> Path:
    """A new folder of ``n`` JPEGs of 500x500: 3x3 cells at twice their size, cut to the frame."""
    folder = Path(tempfile.mkdtemp(prefix="bccurate-bench-mosaic-"))
    tiles = _tiles(images, n * _PER_SIDE**2)
    for number in range(n):
        rows = [np.hstack([next(tiles) for _ in range(_PER_SIDE)]) for _ in range(_PER_SIDE)]
        picture = Image.fromarray(np.vstack(rows)[:MOSAIC, :MOSAIC])
        picture.save(folder / f"{number:05d}.jpg", quality=quality)
    return folder


def _tiles(images: Path, n: int) -> Iterator[np.ndarray]:
    for path in _spread(files_of(images), n):
        with Image.open(path) as image:
            yield np.asarray(image.convert("RGB").resize((192, 192), Image.Resampling.BICUBIC))


def _spread(paths: list[Path], n: int | None) -> list[Path]:
    """``n`` of them at equal steps, over again where they are fewer; each class has its share."""
    return [paths[i * len(paths) // n % len(paths)] for i in range(n)] if n else paths
