"""Small JPEG pictures for the page: thumbnails, and Grad-CAM maps laid over their images."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

# Ten evenly spaced entries of the inferno colormap (Smith & van der Walt, CC0), lightness even.
INFERNO = np.array(
    [
        [0, 0, 4],
        [27, 12, 65],
        [74, 12, 107],
        [120, 28, 109],
        [165, 44, 96],
        [207, 68, 70],
        [237, 105, 37],
        [251, 155, 6],
        [247, 209, 61],
        [252, 255, 164],
    ],
    np.float32,
)
QUALITY = 82


def colour_map(heat: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) float32, 0 to 255, of ``heat`` (H, W) in [0, 1]."""
    steps = np.linspace(0, 1, len(INFERNO))
    return np.stack([np.interp(heat, steps, channel) for channel in INFERNO.T], axis=-1)


def thumbnail(rgb: np.ndarray, size: int = 96) -> bytes:
    """``rgb`` (H, W, 3) uint8 as JPEG bytes, at most ``size`` pixels on its longer side."""
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()


def overlay(rgb: np.ndarray, heat: np.ndarray, size: int = 96) -> bytes:
    """``rgb`` (H, W, 3) uint8 with ``heat`` over it, as JPEG bytes of at most ``size`` pixels.

    ``heat`` is (h, w) in [0, 1], of any size, and is resized to the image. Its colours are mixed
    in with alpha = heat, so that what the model did not use stays as it was.
    """
    alpha = _resized(heat, rgb)[..., None]
    mixed = rgb * (1 - alpha) + colour_map(alpha[..., 0]) * alpha
    return thumbnail(np.clip(mixed + 0.5, 0, 255).astype(np.uint8), size)


def heat_picture(rgb: np.ndarray, heat: np.ndarray, size: int = 96) -> bytes:
    """``heat`` alone, in colours, of the size that ``overlay`` has."""
    return thumbnail((colour_map(_resized(heat, rgb)) + 0.5).astype(np.uint8), size)


def _resized(heat: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """``heat`` in [0, 1], (H, W) as ``rgb``; what is not finite is none."""
    height, width = rgb.shape[:2]
    plain = Image.fromarray(np.nan_to_num(heat).clip(0, 1).astype(np.float32))
    return np.asarray(plain.resize((width, height), Image.Resampling.BILINEAR))
