"""Write images of every supported format, in every mode of the format and of odd sizes.

``reference_pixels`` gives their pixels by Pillow alone: transparency on white, 16 bits divided by
257, all else by ``convert("RGB")``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice, product
from pathlib import Path

import cv2
import imagehash
import numpy as np
from PIL import Image

REFERENCE: dict[str, Callable[[Image.Image], imagehash.ImageHash]] = {
    "phash": imagehash.phash,
    "dhash": imagehash.dhash,
    "ahash": imagehash.average_hash,
    "whash": imagehash.whash,
}
# Suffix, modes, ways to save. "RGB;16", 16 bits a colour, is read by Pillow but not written.
KINDS: tuple[tuple[str, tuple[str, ...], tuple[dict, ...]], ...] = (
    (
        ".jpg",
        ("RGB", "L", "CMYK"),
        (
            {"quality": 95},
            {"quality": 90, "subsampling": 0},
            {"quality": 60, "subsampling": 1},
            {"quality": 75, "progressive": True},
            {"quality": 30, "optimize": True},
        ),
    ),
    (
        ".png",
        ("RGB", "L", "1", "LA", "P", "RGBA", "I;16", "RGB;16", "P transparent"),
        ({}, {"compress_level": 0}, {"compress_level": 9}),
    ),
    (".bmp", ("RGB", "L", "1", "P", "RGBA"), ({},)),
    (".gif", ("P", "L", "P transparent"), ({}, {"interlace": 0})),
    (
        ".tif",
        ("RGB", "L", "1", "LA", "P", "RGBA", "CMYK", "I;16"),
        ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}),
    ),
    (".webp", ("RGB", "RGBA"), ({"quality": 80}, {"lossless": True})),
)


def write_images(folder: Path, n: int, seed: int = 0) -> list[Path]:
    """Write ``n`` images of 1 to 200 pixels a side, of one kind after the other."""
    rng = np.random.default_rng(seed)
    paths = []
    for number, (suffix, mode, options) in enumerate(islice(cycle(_kinds()), n)):
        paths.append(folder / f"{number:05d}{suffix}")
        height, width = np.exp(rng.uniform(0, np.log(200), 2)).astype(int).tolist()
        _save(_pixels(rng, height, width), mode, paths[-1], options)
    return paths


def _kinds() -> list[tuple[str, str, dict]]:
    """Return the kinds with alternating suffixes, so that a short list has all suffixes."""
    each = [[(s, m, o) for m, o in product(modes, options)] for s, modes, options in KINDS]
    longest = max(map(len, each))
    return [kinds[number % len(kinds)] for number in range(longest) for kinds in each]


def _pixels(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Return waves with more or less noise, (height, width, 4) uint8."""
    y, x = np.mgrid[:height, :width, :4][:2]
    waves = np.sin(x / rng.uniform(3, 40, 4) + y / rng.uniform(3, 40, 4) + rng.uniform(0, 6, 4))
    noise = rng.normal(0, rng.choice([0, 2, 30]), waves.shape)
    return np.uint8(np.clip(128 + 120 * waves + noise, 0, 255))


def _save(pixels: np.ndarray, mode: str, path: Path, options: dict) -> None:
    deep = pixels[..., :3].astype(np.uint16) * 257 - pixels[..., 1:4] // 2
    if mode == "RGB;16":
        assert cv2.imwrite(str(path), deep)
        return
    if mode == "I;16":
        Image.fromarray(np.ascontiguousarray(deep[..., 0])).save(path, **options)
        return
    image = Image.fromarray(pixels if mode in ("RGBA", "LA") else pixels[..., :3].copy())
    if mode == "P transparent":
        options = {**options, "transparency": int(pixels[0, 0, 3]) % 200}
        mode = "P"
    image.convert(mode).save(path, **options)


def reference_pixels(path: Path) -> Image.Image:
    """Return the image of the file in RGB."""
    with Image.open(path) as image:
        if image.mode == "I;16":
            grey = np.uint8(np.rint(np.asarray(image) / 257))
            return Image.fromarray(grey).convert("RGB")
        if image.has_transparency_data:
            white = Image.new("RGBA", image.size, "white")
            return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
        return image.convert("RGB")


def unequal(paths: list[Path], hashes: list[str | None], method: str) -> Iterator[Path]:
    """Yield the files whose hash differs from imagehash's."""
    for path, found in zip(paths, hashes, strict=True):
        if found != str(REFERENCE[method](reference_pixels(path))):
            yield path
