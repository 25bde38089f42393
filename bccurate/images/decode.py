"""Reading images that nobody vouches for, by Pillow: what decodes, and what it then tells.

Plain files take the quick road of ``images.plain``; what that leaves comes here, and here is
decided what is readable. Nowhere else in the package is an image file opened. A file counts as
readable when its whole content decodes: Pillow's ``verify()`` passes truncated and bit-flipped
files.
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from bccurate.errors import UnreadableImage
from bccurate.files import fault_of_machine, sha256
from bccurate.images.hashing import imagehash_of, measure
from bccurate.images.image_stats import ImageStats, Unreadable, hash_of, make_image_stats
from bccurate.images.plain import SUFFIXES, name_note, pixel_digest

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
IMAGE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
MAX_PIXELS = 64_000_000  # a whole-slide thumbnail passes, a decompression bomb does not
MAX_BYTES = 1 << 30
BROKEN_STARTS = {b"\x89PNG": "PNG", b"\xff\xd8": "JPEG", b"GIF8": "GIF", b"RIFF": "WEBP",
                 b"II*\0": "TIFF", b"MM\0*": "TIFF", b"BM": "BMP"}  # fmt: skip
# Pillow warns of doubtful metadata; the pixels alone decide here. Not catch_warnings: threads.
warnings.filterwarnings("ignore", module=r"PIL\..*")


def decode_rgb(path: str | Path) -> np.ndarray:
    """The pixels of an image file, (H, W, 3) uint8 RGB.

    16-bit images are scaled to 8 bits, CMYK and palettes converted, transparency laid on white,
    the first frame of an animation taken.

    Raises:
        UnreadableImage: with the path and the reason as its message.
    """
    try:
        return np.asarray(_decode(_read(path))[0])
    except UnreadableImage as error:
        raise UnreadableImage(f"{path}: {error.message}") from error


def read_image_stats(path: str) -> ImageStats | Unreadable:
    """Decode one file with Pillow and tell all there is to tell; never raises for a bad file."""
    try:
        data = _read(path)
        image, kind, note = _decode(data)
    except UnreadableImage as error:
        return Unreadable(path, error.message)
    pixels = np.asarray(image)
    row = measure(pixels)
    row.width, row.height, row.size_bytes = image.width, image.height, len(data)
    return make_image_stats(
        row,
        path,
        sha256(data),
        pixel_digest(image.width, image.height, pixels.tobytes()).hexdigest(),
        kind,
        hash_of(row, "phash") or imagehash_of(image, "phash"),
        "; ".join(filter(None, [note, name_note(path, kind)])),
    )


def _read(path: str | Path) -> bytes:
    try:
        size = os.stat(path).st_size
        if size == 0:
            raise UnreadableImage("empty file")
        if size > MAX_BYTES:
            raise UnreadableImage(f"larger than {MAX_BYTES >> 20} MiB")
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if isinstance(error, OSError) and (ours := fault_of_machine(error, path)):
            raise ours from error  # the file may be sound
        raise UnreadableImage(f"cannot be opened: {getattr(error, 'strerror', error)}") from error


def _decode(data: bytes) -> tuple[Image.Image, str, str]:
    """RGB image, format and note of an image in memory."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise UnreadableImage(f"{width}x{height} is over {MAX_PIXELS:,} pixels")
            image.load()
            return _to_rgb(image), str(image.format), _note(image)
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage(f"not an image ({_looks_like(data)})") from None
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"too many pixels: {error}") from error
    except MemoryError as error:
        raise UnreadableImage("needs more memory than there is") from error
    except Exception as error:  # codecs raise what they like on hostile bytes
        raise UnreadableImage(f"does not decode: {error}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_to_eight_bits(np.asarray(image), image.mode)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _to_eight_bits(pixels: np.ndarray, mode: str) -> np.ndarray:
    """Deeper counts to 8 bits: 16-bit by 257, so that 65535 becomes 255; 0.0 to 1.0 by 255."""
    if not np.isfinite(pixels).all():
        raise UnreadableImage("holds values that are not numbers")
    top = pixels.max(initial=0)
    if mode == "F" and top <= 1:
        scale = 255.0
    elif mode.startswith("I;16") or top > 255:
        scale = 1 / 257
    else:
        scale = 1.0
    return np.clip(np.rint(pixels * scale), 0, 255).astype(np.uint8)


def _note(image: Image.Image) -> str:
    notes = []
    if getattr(image, "is_animated", False):  # not n_frames: a GIF is read whole to count them
        notes.append("several frames, the first was taken")
    if image.mode.startswith("I") or image.mode in ("F", "CMYK"):
        notes.append(f"mode {image.mode}, converted to 8-bit RGB")
    if min(image.size) < 8:
        notes.append(f"only {image.width}x{image.height} pixels")
    return "; ".join(notes)


def _looks_like(data: bytes) -> str:
    head = data[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if b"<svg" in head:
        return "SVG"
    if head.startswith(b"%!ps"):
        return "PostScript"
    for start, kind in BROKEN_STARTS.items():
        if data.startswith(start):
            return f"broken {kind}"
    return "text" if data[:512].isascii() else "unknown bytes"
