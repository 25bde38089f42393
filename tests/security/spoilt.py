"""Write valid image files, and files that are corrupted in thirteen ways."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from bccurate.rendering.cells import CLASSES, render_cell

Spoil = Callable[[Image.Image, np.random.Generator], tuple[str, bytes]]


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def _cut(kind: str, suffix: str) -> Spoil:
    def spoil(image: Image.Image, rng: np.random.Generator) -> tuple[str, bytes]:
        data = encoded(image, kind)
        return suffix, data[: int(len(data) * rng.uniform(0.05, 0.95))]

    return spoil


def _bad_crc(image: Image.Image, rng: np.random.Generator) -> tuple[str, bytes]:
    data = bytearray(encoded(image, "PNG"))
    data[29 + int(rng.integers(4))] ^= 1 + int(rng.integers(255))  # of the header
    return ".png", bytes(data)


def _flipped(image: Image.Image, rng: np.random.Generator) -> tuple[str, bytes]:
    data = bytearray(encoded(image, "PNG"))
    start = data.index(b"IDAT") + 4
    for at in rng.integers(start, len(data) - 20, 8):
        data[at] ^= 1 << int(rng.integers(8))
    return ".png", bytes(data)


def _no_size(image: Image.Image, rng: np.random.Generator) -> tuple[str, bytes]:
    width = int(rng.integers(2)) * 96
    body = b"IHDR" + struct.pack(">IIBBBBB", width, 0 if width else 96, 8, 2, 0, 0, 0)
    data = encoded(image, "PNG")
    return ".png", data[:12] + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


def _drawn(image: Image.Image, rng: np.random.Generator) -> tuple[str, bytes]:
    if rng.integers(2):
        return ".png", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>'
    return ".jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 96 96\nshowpage\n"


def _deep(image: Image.Image, rng: np.random.Generator) -> tuple[str, bytes]:
    return ".png", encoded(
        Image.fromarray(np.asarray(image.convert("L")).astype("u2") * 257), "PNG"
    )


def _moving(image: Image.Image, rng: np.random.Generator) -> tuple[str, bytes]:
    later = image.transpose(Image.Transpose.ROTATE_90)
    return ".gif", encoded(image, "GIF", save_all=True, append_images=[later])


def _other_suffix(image: Image.Image, rng: np.random.Generator) -> tuple[str, bytes]:
    return ".jpg", encoded(image, "PNG")


# Kind: a function that makes it, and a pattern of the reason or note that reports it.
UNREADABLE: dict[str, tuple[Spoil, str]] = {
    "empty": (lambda image, rng: (".png", b""), "empty file"),
    "text": (lambda image, rng: (".jpg", b"no image, only words %d" % rng.integers(9999)), "text"),
    "HTML": (lambda image, rng: (".png", b"<!DOCTYPE html><p>404 not found"), "HTML"),
    "cut PNG": (_cut("PNG", ".png"), "decode"),
    "cut JPEG": (_cut("JPEG", ".jpg"), "decode|JPEG"),
    "bad CRC": (_bad_crc, "broken PNG"),
    "bit flips": (_flipped, "decode"),
    "zero size": (_no_size, "PNG|decode|size"),
    "SVG or EPS": (_drawn, "SVG|PostScript"),
}
NOTED: dict[str, tuple[Spoil, str]] = {
    "other suffix": (_other_suffix, "named .jpg, is PNG"),
    "16 bits": (_deep, "converted to 8-bit"),
    "CMYK": (lambda image, rng: (".jpg", encoded(image.convert("CMYK"), "JPEG")), "CMYK"),
    "animated": (_moving, "several frames"),
}


def write(folder: Path, good: int, bad: int, seed: int = 0) -> tuple[list[Path], dict[Path, str]]:
    """Write valid cells, PNG and JPEG alternately, and corrupt ones among them.

    Returns:
        the paths of the valid files, and the kind of corruption by path of the others.
    """
    rng = np.random.default_rng(seed)
    kinds = {**UNREADABLE, **NOTED}
    names = list(kinds)
    fine: list[Path] = []
    spoilt: dict[Path, str] = {}
    for number in range(good + bad):
        label = CLASSES[number % len(CLASSES)]
        (folder / label).mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(render_cell(label, rng)[0])
        if number * bad // (good + bad) == (number + 1) * bad // (good + bad):
            suffix, kind = ((".png", "PNG"), (".jpg", "JPEG"))[number % 2]
            fine.append(folder / label / f"{number:05d}{suffix}")
            fine[-1].write_bytes(encoded(image, kind))
            continue
        name = names[len(spoilt) % len(names)]
        suffix, data = kinds[name][0](image, rng)
        path = folder / label / f"{number:05d}{suffix}"
        path.write_bytes(data)
        spoilt[path] = name
    return fine, spoilt
