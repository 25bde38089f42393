"""Reading images that nobody vouches for: one decode gives every consumer what it needs.

The only place in the package where an image file is opened. A file counts as readable when its
whole content decodes: Pillow's ``verify()`` passes truncated and bit-flipped files.
"""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from bccurate.curation.hashing import hash_image, sharpness, variance
from bccurate.curation.registration import thumbnail, to_text
from bccurate.errors import UnreadableImage
from bccurate.files import sha256

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
SUFFIXES = {
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
}
IMAGE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
MAX_PIXELS = 64_000_000  # a whole-slide thumbnail passes, a decompression bomb does not
MAX_BYTES = 1 << 30
# Pillow warns of doubtful metadata; the pixels alone decide here. Not catch_warnings: threads.
warnings.filterwarnings("ignore", module=r"PIL\..*")


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What one decode tells of a file.

    Attributes:
        filepath: as it was given.
        filehash: SHA-256 of the file's bytes; facts are cached by it.
        pixelhash: SHA-256 of shape and RGB pixels; equal exactly where the decoded pixels are.
        width, height: pixels.
        size_bytes: of the file.
        format: Pillow's name, one of ``FORMATS``.
        phash: 16 hexadecimal digits, equal to ``imagehash.phash``.
        intensity_mean, intensity_std: of the grey image, 0 to 255.
        sharpness: variance of the Laplacian of the grey image.
        thumb: the 32x32 grey picture of ``curation.registration``, base64.
        note: what is odd about the file though it decodes, else ``""``.
    """

    filepath: str
    filehash: str
    pixelhash: str
    width: int
    height: int
    size_bytes: int
    format: str
    phash: str
    intensity_mean: float
    intensity_std: float
    sharpness: float
    thumb: str
    note: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that does not decode, and why in a few words."""

    filepath: str
    reason: str


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


def read_facts(path: str) -> ImageFacts | Unreadable:
    """Decode one file and tell all there is to tell; never raises for a bad file."""
    try:
        data = _read(path)
        image, kind, note = _decode(data)
    except UnreadableImage as error:
        return Unreadable(path, error.message)
    suffix = os.path.splitext(path)[1]
    if suffix.lower() not in SUFFIXES[kind]:
        lie = f"named {suffix or 'without type'}, is {kind}"
        note = "; ".join(filter(None, [note, lie]))
    grey = image.convert("L")
    pixels = np.asarray(grey)
    mean, spread = variance(np.bincount(pixels.ravel(), minlength=256), np.arange(256))
    return ImageFacts(
        filepath=path,
        filehash=sha256(data),
        pixelhash=sha256(repr(image.size).encode() + image.tobytes()),
        width=image.width,
        height=image.height,
        size_bytes=len(data),
        format=kind,
        phash=hash_image(grey),
        intensity_mean=mean,
        intensity_std=spread**0.5,
        sharpness=sharpness(pixels),
        thumb=to_text(thumbnail(grey)),
        note=note,
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
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"{image.n_frames} frames, the first was taken")  # type: ignore[attr-defined]
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
    return "text" if data[:512].isascii() else "unknown bytes"
