"""Apply affine maps, one per image, by sampling the whole batch at once."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from bccurate.augmentation.batches import fast_view, per_image, to_nearest_bytes


def inverse_affine(
    angle: np.ndarray,
    scale: np.ndarray | float = 1.0,
    shear: tuple[np.ndarray | float, np.ndarray | float] = (0.0, 0.0),
    translate: tuple[np.ndarray | float, np.ndarray | float] = (0.0, 0.0),
    centre: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Return the maps from output to input pixels, float64 (n, 2, 3), in pixels from the centre.

    The inverse of translation, rotation by ``angle``, ``scale`` and the shears about ``centre``,
    in torchvision's order and direction. Angles are in degrees.
    """
    theta = np.radians(angle)
    shear_x, shear_y = np.radians(shear[0]), np.radians(shear[1])
    a = np.cos(theta - shear_y) / np.cos(shear_y)
    b = -(a * np.tan(shear_x) + np.sin(theta))
    c = np.sin(theta - shear_y) / np.cos(shear_y)
    d = np.cos(theta) - c * np.tan(shear_x)
    x, y = centre[0] + np.asarray(translate[0]), centre[1] + np.asarray(translate[1])
    out = np.empty((len(theta), 2, 3))
    out[:, 0, 0], out[:, 0, 1] = d / scale, -b / scale
    out[:, 1, 0], out[:, 1, 1] = -c / scale, a / scale
    out[:, 0, 2] = centre[0] - out[:, 0, 0] * x - out[:, 0, 1] * y
    out[:, 1, 2] = centre[1] - out[:, 1, 0] * x - out[:, 1, 1] * y
    return out


def sample(
    pixels: torch.Tensor, matrices: np.ndarray, mode: str = "nearest", padding: str = "zeros"
) -> torch.Tensor:
    """Sample each of ``pixels`` float32 (n, 3, H, W) by its own inverse map (n, 2, 3)."""
    return F.grid_sample(
        pixels, _grid(pixels, matrices), mode=mode, padding_mode=padding, align_corners=False
    )


def _grid(pixels: torch.Tensor, matrices: np.ndarray) -> torch.Tensor:
    """Return the sampling grid, float32 (n, H, W, 2), from -1 to 1 between the edges.

    By sums and not by a matrix product, whose rounding depends on the batch size.
    """
    n, _, height, width = pixels.shape
    device = pixels.device
    x = torch.linspace((1 - width) / 2, (width - 1) / 2, width, device=device)
    y = torch.linspace((1 - height) / 2, (height - 1) / 2, height, device=device)[:, None]
    grid = pixels.new_empty((n, 2, height, width))  # one plane per axis: faster to write
    for axis, side in enumerate((width, height)):
        row = per_image(matrices[:, axis], pixels) / (0.5 * side)
        along, down, shift = row[:, :, :, 0].unbind(1)
        column = torch.addcmul(shift[:, :, None], down[:, :, None], y)
        torch.add(along[:, :, None] * x, column, out=grid[:, axis])
    return grid.permute(0, 2, 3, 1)


def warp(images: torch.Tensor, matrices: np.ndarray, mode: str) -> torch.Tensor:
    """Sample uint8 images (n, 3, H, W), black outside of them."""
    return to_nearest_bytes(sample(images.float(), matrices, mode))


def rotate(images: torch.Tensor, degrees: np.ndarray, mode: str = "nearest") -> torch.Tensor:
    """Rotate each of ``images`` uint8 (n, 3, H, W) counterclockwise about its centre."""
    return warp(images, inverse_affine(-degrees), mode)


def shear_x(images: torch.Tensor, slope: np.ndarray, mode: str = "nearest") -> torch.Tensor:
    """Shift each row in proportion to its distance from the top; ``slope`` (n,), pixels per row."""
    return _shear(images, (np.degrees(np.arctan(slope)), 0.0), mode)


def shear_y(images: torch.Tensor, slope: np.ndarray, mode: str = "nearest") -> torch.Tensor:
    """Shift each column in proportion to its distance from the left, by ``slope`` (n,)."""
    return _shear(images, (0.0, np.degrees(np.arctan(slope))), mode)


def _shear(
    images: torch.Tensor, shear: tuple[np.ndarray | float, np.ndarray | float], mode: str
) -> torch.Tensor:
    height, width = images.shape[-2:]
    centre = (-width / 2, -height / 2)
    return warp(images, inverse_affine(np.zeros(len(images)), 1.0, shear, centre=centre), mode)


def translate_x(images: torch.Tensor, shift: np.ndarray) -> torch.Tensor:
    """Shift right by whole pixels (truncated), filled with black."""
    return _translate(images, shift, 3)


def translate_y(images: torch.Tensor, shift: np.ndarray) -> torch.Tensor:
    """Shift down by whole pixels (truncated), filled with black."""
    return _translate(images, shift, 2)


def _translate(images: torch.Tensor, shift: np.ndarray, dim: int) -> torch.Tensor:
    """Shift along an axis by copying slices."""
    out = torch.zeros_like(images)
    side = images.shape[dim]
    whole = np.clip(shift.astype(np.int64), -side, side)
    source, target = fast_view(images), fast_view(out)
    for row, distance in enumerate(whole.tolist()):
        kept = side - abs(distance)
        here = (row, *[slice(None)] * (dim - 1), slice(max(distance, 0), max(distance, 0) + kept))
        there = (*here[:-1], slice(max(-distance, 0), max(-distance, 0) + kept))
        target[here] = source[there]
    return out
