"""Provide images to measure on: the real cells if available, else rendered ones."""

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
    """Return ``data`` if it is a folder, else its unpacked content, else 2,000 rendered cells."""
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
    """Return the JPEG images below ``images``, or the PNG images if there are none."""
    return sorted(images.rglob("*.jpg")) or sorted(images.rglob("*.png"))


def flat(images: Path, suffix: str, n: int | None = None) -> Path:
    """Return a new folder with ``n`` images, converted to ``suffix`` if they are of another."""
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
    """Return a new folder of ``n`` JPEGs of 500x500: 3x3 cells at twice their size, cropped."""
    folder = Path(tempfile.mkdtemp(prefix="bccurate-bench-mosaic-"))
    tiles = _tiles(images, n * _PER_SIDE**2)
    for number in range(n):
        rows = [np.hstack([next(tiles) for _ in range(_PER_SIDE)]) for _ in range(_PER_SIDE)]
        image = Image.fromarray(np.vstack(rows)[:MOSAIC, :MOSAIC])
        image.save(folder / f"{number:05d}.jpg", quality=quality)
    return folder


def _tiles(images: Path, n: int) -> Iterator[np.ndarray]:
    for path in _spread(files_of(images), n):
        with Image.open(path) as image:
            yield np.asarray(image.convert("RGB").resize((192, 192), Image.Resampling.BICUBIC))


def _spread(paths: list[Path], n: int | None) -> list[Path]:
    """Return ``n`` paths at equal steps, repeated if there are fewer, so that all classes occur."""
    return [paths[i * len(paths) // n % len(paths)] for i in range(n)] if n else paths
