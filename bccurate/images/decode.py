"""Decode an image file to RGB: the one place in the package where image files are opened.

A file is readable when Pillow decodes its whole content; Pillow's ``verify()`` passes truncated and
bit-flipped files. A JPEG is decoded by simplejpeg (libjpeg-turbo) in its strict mode, which gives
Pillow's pixels in half the time; what it refuses, Pillow decides. Figures: docs/house.md.

Call this in a worker process (``images.workers``): files are untrusted.
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from bccurate.errors import UnreadableImage
from bccurate.files import fault_of_machine

try:
    import simplejpeg
except ImportError:  # on a machine that only trains: Pillow gives the same pixels
    simplejpeg = None  # type: ignore[assignment]

SUFFIXES = {
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
FORMATS = tuple(SUFFIXES)
IMAGE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
MAX_PIXELS = 64_000_000  # allows a whole-slide thumbnail, refuses a decompression bomb
MAX_BYTES = 1 << 30
MIN_SIDE = 8  # pixels; smaller images get a note
SIGNATURES = {b"\x89PNG": "PNG", b"\xff\xd8": "JPEG", b"GIF8": "GIF", b"RIFF": "WEBP",
              b"II*\0": "TIFF", b"MM\0*": "TIFF", b"BM": "BMP"}  # fmt: skip
# Not blocking: a named pipe would wait for ever.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
# Pillow warns of doubtful metadata; only the pixels matter. Not catch_warnings: it is not
# thread-safe.
warnings.filterwarnings("ignore", module=r"PIL\..*")


class Decoded(NamedTuple):
    """A decoded image.

    Attributes:
        pixels: uint8 (H, W, 3), RGB.
        format: one of ``FORMATS``.
        note: what is unusual about the file, else ``""``.
    """

    pixels: np.ndarray
    format: str
    note: str


def decode_rgb(path: str | Path) -> np.ndarray:
    """Return the pixels of an image file, uint8 (H, W, 3), RGB.

    16-bit images are scaled to 8 bits, CMYK and palettes converted, transparency composited on
    white; of an animation the first frame is taken.

    Raises:
        UnreadableImage: with the path and the reason in its message.
    """
    try:
        return decode(read_bytes(path)).pixels
    except UnreadableImage as error:
        raise UnreadableImage(f"{path}: {error.message}") from error


def read_bytes(path: str | Path) -> bytes:
    """Read a file of at most ``MAX_BYTES``.

    Raises:
        UnreadableImage: it is empty, too large or cannot be opened.
    """
    try:
        file = os.open(path, _READ)  # fewer system calls a file than open()
        try:
            size = os.fstat(file).st_size
            if size == 0:
                raise UnreadableImage("empty file")
            if size > MAX_BYTES:
                raise UnreadableImage(f"larger than {MAX_BYTES >> 20} MiB")
            data = os.read(file, size)
            while len(data) < size and (more := os.read(file, size - len(data))):
                data += more
            return data
        finally:
            os.close(file)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if isinstance(error, OSError) and (fault := fault_of_machine(error, path)):
            raise fault from error  # the file may be sound
        raise UnreadableImage(f"cannot be opened: {getattr(error, 'strerror', error)}") from error


def decode(data: bytes) -> Decoded:
    """Decode an image in memory.

    Raises:
        UnreadableImage: with the reason as its message.
    """
    pixels = _decode_jpeg(data)
    if pixels is not None:
        return Decoded(pixels, "JPEG", _small_note(*pixels.shape[:2]))
    return _decode_by_pillow(data)


def _decode_jpeg(data: bytes) -> np.ndarray | None:
    """Decode a sound grey, YCbCr or RGB JPEG; None for any other data."""
    if simplejpeg is None or not data.startswith(b"\xff\xd8\xff"):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if colours not in ("Gray", "YCbCr", "RGB") or width * height > MAX_PIXELS:
            return None
        return simplejpeg.decode_jpeg(data, "RGB", strict=True)
    except (ValueError, MemoryError):
        return None


def _decode_by_pillow(data: bytes) -> Decoded:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise UnreadableImage(f"{width}x{height} is over {MAX_PIXELS:,} pixels")
            image.load()
            kind = "JPEG" if image.format == "MPO" else str(image.format)  # JPEGs in one file
            return Decoded(np.asarray(_to_rgb(image)), kind, _note(image))
    except UnreadableImage:
        raise
    except UnidentifiedImageError:
        raise UnreadableImage(f"not an image ({_describe_bytes(data)})") from None
    except Image.DecompressionBombError as error:
        raise UnreadableImage(f"too many pixels: {error}") from error
    except MemoryError as error:
        raise UnreadableImage("needs more memory than there is") from error
    except Exception as error:  # codecs raise any exception on hostile bytes
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
    """Scale deeper pixels to 8 bits: 16 bits by 1/257, so that 65535 becomes 255; 0 to 1 by 255."""
    if not np.isfinite(pixels).all():
        raise UnreadableImage("contains NaN or infinite values")
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
    if getattr(image, "is_animated", False):  # not n_frames: that reads a GIF whole
        notes.append("several frames, the first was taken")
    if image.mode.startswith("I") or image.mode in ("F", "CMYK"):
        notes.append(f"mode {image.mode}, converted to 8-bit RGB")
    notes.append(_small_note(image.height, image.width))
    return "; ".join(filter(None, notes))


def _small_note(height: int, width: int) -> str:
    return f"only {width}x{height} pixels" if min(height, width) < MIN_SIDE else ""


def _describe_bytes(data: bytes) -> str:
    """Name the kind of a file that is no image, from its first bytes."""
    head = data[:512].lstrip().lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return "HTML"
    if b"<svg" in head:
        return "SVG"
    if head.startswith(b"%!ps"):
        return "PostScript"
    for start, kind in SIGNATURES.items():
        if data.startswith(start):
            return f"broken {kind}"
    return "text" if data[:512].isascii() else "unknown bytes"
