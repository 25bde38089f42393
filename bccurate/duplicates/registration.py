"""Register pairs of thumbnails: measure their similarity once shift, scale and rotation are undone.

Method: Gauss-Newton steps over the four parameters together with gain and offset (Lucas, Kanade
1981, "An iterative image registration technique"), then the correlation of the overlap.
"""

from __future__ import annotations

import ctypes

import numpy as np

from bccurate import native
from bccurate.images.thumbnail import SIDE

_STEPS = 4
_MAX_SHIFT = 0.125  # of the side
_MAX_SCALE = 0.15
_RIDGE = 1e-3  # of sums over pixels of deviation 1
_CLOSE = 0.97
_BATCH = 256  # pairs at once in numpy: as many as fit in a core's cache

_p, _n, _f = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
_register = native.function("bc_register", _p, _p, _p, _p, _n, _p, _f, _p)


def rotated(images: np.ndarray, rotation: int) -> np.ndarray:
    """Rotate (N, S, S) images by ``rotation % 4`` times 90 degrees, mirrored before from 4 on."""
    if rotation >= 4:
        images = images[:, :, ::-1]
    return np.rot90(images, rotation % 4, axes=(1, 2))


def similarity(
    thumbs: np.ndarray,
    i: np.ndarray,
    j: np.ndarray,
    rotation: np.ndarray,
    least: float = 0.94,
    kernel: bool = True,
) -> np.ndarray:
    """Return the correlation of the pairs' overlap after registration.

    It is the same for (i, j) and (j, i): the image whose bytes come first is the fixed one; where
    the two are close, the other one is tried as well and the better result counts.

    Args:
        thumbs: (N, 32, 32) uint8.
        i: (P,) int64.
        j: (P,) int64.
        rotation: (P,) int8, 0 to 7, applied to the second image first.
        least: registration of a pair stops where it is below this after two steps.

    Returns:
        (P,) float32 in [-1, 1], up to rounding.

    Raises:
        ValueError: thumbnails of another shape or type, columns of unequal length.
        IndexError: no such image or rotation.
    """
    _check(thumbs, i, j, rotation)
    result = np.empty(len(i), dtype=np.float32)
    if _register and kernel:
        p = native.pointer
        columns = [np.ascontiguousarray(c, t) for c, t in ((i, "i8"), (j, "i8"), (rotation, "i1"))]
        thumbs = np.ascontiguousarray(thumbs)
        _register(p(thumbs), *map(p, columns), len(i), p(_LAYOUTS), least, p(result))
        return result
    for start in range(0, len(i), _BATCH):
        part = slice(start, start + _BATCH)
        fixed, moving = _ordered(thumbs[i[part]], thumbs[j[part]], rotation[part])
        fixed, moving = _standardised(fixed), _standardised(moving)
        best = _align(fixed, moving, least)
        close = best >= _CLOSE
        best[close] = np.maximum(best[close], _align(moving[close], fixed[close], least))
        result[part] = best
    return result


def check_thumbnails(thumbs: np.ndarray) -> None:
    """Raise ValueError unless they are (N, 32, 32) uint8: the kernels do not check."""
    if thumbs.dtype != np.uint8 or thumbs.shape[1:] != (SIDE, SIDE):
        found = f"{thumbs.shape} {thumbs.dtype}"
        raise ValueError(f"thumbnails are (N, {SIDE}, {SIDE}) uint8, not {found}")


def _check(thumbs: np.ndarray, i: np.ndarray, j: np.ndarray, rotation: np.ndarray) -> None:
    check_thumbnails(thumbs)
    if not len(i) == len(j) == len(rotation):
        raise ValueError("i, j and rotation differ in length")
    for column, end in ((i, len(thumbs)), (j, len(thumbs)), (rotation, 8)):
        if len(column) and not (column.min() >= 0 and column.max() < end):
            raise IndexError(f"indices and rotations are from 0 to {end - 1}")


def _layouts() -> np.ndarray:
    """Return (8, 3) int64: first pixel, step down and step right of each rotated image."""
    pixels = np.arange(SIDE * SIDE).reshape(1, SIDE, SIDE)
    corners = [rotated(pixels, rotation)[0, [0, 1, 0], [0, 0, 1]] for rotation in range(8)]
    return np.array([[at, down - at, right - at] for at, down, right in corners], dtype=np.int64)


_LAYOUTS = _layouts()


def _ordered(
    one: np.ndarray, two: np.ndarray, rotation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (P, S, S) fixed and moving images, the latter rotated."""
    a, b = one.reshape(len(one), -1), two.reshape(len(two), -1)
    rows, differs = np.arange(len(a)), (a != b).argmax(axis=1)
    back = a[rows, differs] > b[rows, differs]
    rotation = np.where(back & (rotation < 4), -rotation % 4, rotation)  # a flip is its own inverse
    fixed, other = np.where(back[:, None, None], (two, one), (one, two))
    moving = np.empty_like(other)
    for own in np.unique(rotation):
        moving[rotation == own] = rotated(other[rotation == own], own)
    return fixed, moving


def _standardised(images: np.ndarray) -> np.ndarray:
    """Scale to mean 0 and deviation 1; a flat image becomes zeros, similar to nothing."""
    images = images - images.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    deviation = images.std(axis=(1, 2), keepdims=True)
    return np.divide(images, deviation, out=np.zeros_like(images), where=deviation > 1e-3)


def _align(fixed: np.ndarray, moving: np.ndarray, least: float) -> np.ndarray:
    """Return the correlation of (P, S, S) images with others registered on them."""
    low, high = _limits(fixed.shape[1])
    warped, inside = moving.copy(), np.ones_like(fixed, dtype=bool)
    best = _correlation(fixed, moving, inside)
    move = np.zeros((len(fixed), 4), dtype=np.float32)  # shift x, shift y, log scale, angle
    active = np.arange(len(fixed))
    for step in range(_STEPS):
        if not len(active):
            break
        change = np.clip(_step(fixed[active], warped[active], inside[active]), low, high)
        own = move[active] = np.clip(move[active] + change, 1.5 * low, 1.5 * high)
        warped[active], inside[active] = _warp(moving[active], own)
        reached = _correlation(fixed[active], warped[active], inside[active])
        reached[(np.abs(own) > high).any(axis=1)] = -1
        best[active] = np.maximum(best[active], reached)
        if step:
            active = active[best[active] >= least]
    return best


def _limits(side: int) -> tuple[np.ndarray, np.ndarray]:
    shift = _MAX_SHIFT * side
    high = np.array([shift, shift, _MAX_SCALE, _MAX_SCALE], dtype=np.float32)
    return -high, high


def _grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of every pixel relative to the centre."""
    axis = np.arange(side, dtype=np.float32) - (side - 1) / 2
    return axis[None, :], axis[:, None]


def _step(fixed: np.ndarray, warped: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Do one Gauss-Newton step of the four parameters together with gain and offset."""
    x, y = _grid(fixed.shape[1])
    dy, dx = np.gradient(warped, axis=(1, 2))
    slopes = np.stack([dx, dy, x * dx + y * dy, y * dx - x * dy, warped, np.ones_like(dx)], 1)
    slopes = (slopes * inside[:, None]).reshape(len(fixed), 6, -1)
    target = (fixed * inside).reshape(len(fixed), -1, 1)
    normal = (slopes @ slopes.transpose(0, 2, 1)).astype(np.float64) + _RIDGE * np.eye(6)
    solved = np.linalg.solve(normal, slopes @ target)[:, :, 0]
    gain = np.where(np.abs(solved[:, 4:5]) > 1e-3, solved[:, 4:5], 1.0)
    return (solved[:, :4] / gain).astype(np.float32)


def _warp(images: np.ndarray, move: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sample images bilinearly where ``move`` puts each pixel; return them and what was inside."""
    n, side, _ = images.shape
    x, y = _grid(side)
    shift_x, shift_y, scale, angle = (move[:, k, None, None] for k in range(4))
    centre = (side - 1) / 2
    column = x + shift_x + scale * x + angle * y + centre
    row = y + shift_y + scale * y - angle * x + centre
    inside = (column >= 0) & (column <= side - 1) & (row >= 0) & (row <= side - 1)
    left = np.clip(np.floor(column).astype(np.int32), 0, side - 2)
    top = np.clip(np.floor(row).astype(np.int32), 0, side - 2)
    right_share = np.clip(column - left, 0, 1)
    low_share = np.clip(row - top, 0, 1)
    which = np.arange(n)[:, None, None]
    upper = images[which, top, left] * (1 - right_share)
    upper += images[which, top, left + 1] * right_share
    lower = images[which, top + 1, left] * (1 - right_share)
    lower += images[which, top + 1, left + 1] * right_share
    return upper * (1 - low_share) + lower * low_share, inside


def _correlation(one: np.ndarray, two: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the normalised correlation over the pixels inside, (P,)."""
    n = np.maximum(inside.sum(axis=(1, 2)), 1)[:, None, None]
    a = (one - (one * inside).sum(axis=(1, 2), keepdims=True) / n) * inside
    b = (two - (two * inside).sum(axis=(1, 2), keepdims=True) / n) * inside
    norm = np.sqrt((a * a).sum(axis=(1, 2)) * (b * b).sum(axis=(1, 2)))
    return np.divide((a * b).sum(axis=(1, 2)), norm, out=np.zeros_like(norm), where=norm > 1e-3)
