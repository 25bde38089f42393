"""Small pictures laid on each other: how alike they are once shift, scale and rotation are undone.

Gauss-Newton steps over the four moves, gain and offset solved for beside them (Lucas, Kanade 1981,
"An iterative image registration technique"), and the correlation of what overlaps.
"""

from __future__ import annotations

import ctypes

import numpy as np

from bccurate import native

SIDE = 32
_STEPS = 4
_MAX_SHIFT = 0.125  # of the side
_MAX_SCALE = 0.15
_RIDGE = 1e-3  # of sums over pixels of deviation 1
_CLOSE = 0.97
_BATCH = 256  # pairs at once in numpy: as many as a core's cache holds

_p, _n, _f = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
_aligned = native.function("bc_align", _p, _p, _p, _p, _n, _p, _f, _p)


def turned(pictures: np.ndarray, turn: int) -> np.ndarray:
    """(N, S, S) pictures turned by ``turn % 4`` quarters, from 4 on mirrored before."""
    if turn >= 4:
        pictures = pictures[:, :, ::-1]
    return np.rot90(pictures, turn % 4, axes=(1, 2))


def similarity(
    thumbs: np.ndarray,
    i: np.ndarray,
    j: np.ndarray,
    turn: np.ndarray,
    least: float = 0.94,
    kernel: bool = True,
) -> np.ndarray:
    """Correlation of the pairs' overlap after alignment.

    It is the same for (i, j) and (j, i): the picture whose bytes come first is held still, and
    where that brings them close the other one too; the better counts.

    Args:
        thumbs: (N, 32, 32) uint8.
        i: (P,) int64.
        j: (P,) int64.
        turn: (P,) int8, 0 to 7, of the second picture.
        least: a pair below it after two steps is given up.

    Returns:
        (P,) float32 in [-1, 1], but for rounding.

    Raises:
        ValueError: pictures of another shape or type, columns of unequal length.
        IndexError: no such picture or turn.
    """
    _check(thumbs, i, j, turn)
    result = np.empty(len(i), dtype=np.float32)
    if _aligned and kernel:
        p = native.pointer
        columns = [np.ascontiguousarray(c, t) for c, t in ((i, "i8"), (j, "i8"), (turn, "i1"))]
        thumbs = np.ascontiguousarray(thumbs)
        _aligned(p(thumbs), *map(p, columns), len(i), p(_WAYS), least, p(result))
        return result
    for start in range(0, len(i), _BATCH):
        part = slice(start, start + _BATCH)
        fixed, moving = _ordered(thumbs[i[part]], thumbs[j[part]], turn[part])
        fixed, moving = _standardised(fixed), _standardised(moving)
        best = _align(fixed, moving, least)
        close = best >= _CLOSE
        best[close] = np.maximum(best[close], _align(moving[close], fixed[close], least))
        result[part] = best
    return result


def check_pictures(thumbs: np.ndarray) -> None:
    """Raise ValueError unless they are (N, 32, 32) uint8: the kernels read what they are told."""
    if thumbs.dtype != np.uint8 or thumbs.shape[1:] != (SIDE, SIDE):
        raise ValueError(f"pictures are (N, {SIDE}, {SIDE}) uint8, not {thumbs.shape}")


def _check(thumbs: np.ndarray, i: np.ndarray, j: np.ndarray, turn: np.ndarray) -> None:
    check_pictures(thumbs)
    if not len(i) == len(j) == len(turn):
        raise ValueError("i, j and turn differ in length")
    for column, end in ((i, len(thumbs)), (j, len(thumbs)), (turn, 8)):
        if len(column) and not (column.min() >= 0 and column.max() < end):
            raise IndexError(f"pairs and turns are from 0 to {end - 1}")


def _ways() -> np.ndarray:
    """(8, 3) int64: where each turned picture starts, and its steps down and right."""
    pixels = np.arange(SIDE * SIDE).reshape(1, SIDE, SIDE)
    corners = [turned(pixels, turn)[0, [0, 1, 0], [0, 0, 1]] for turn in range(8)]
    return np.array([[at, down - at, right - at] for at, down, right in corners], dtype=np.int64)


_WAYS = _ways()


def _ordered(one: np.ndarray, two: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, S, S) fixed and moving pictures, the latter turned."""
    a, b = one.reshape(len(one), -1), two.reshape(len(two), -1)
    rows, differs = np.arange(len(a)), (a != b).argmax(axis=1)
    back = a[rows, differs] > b[rows, differs]
    turn = np.where(back & (turn < 4), -turn % 4, turn)  # a mirrored turn undoes itself
    fixed, other = np.where(back[:, None, None], (two, one), (one, two))
    moving = np.empty_like(other)
    for own in np.unique(turn):
        moving[turn == own] = turned(other[turn == own], own)
    return fixed, moving


def _standardised(pictures: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1; a flat picture is all zeros, like nothing."""
    pictures = pictures - pictures.mean(axis=(1, 2), keepdims=True, dtype=np.float32)
    deviation = pictures.std(axis=(1, 2), keepdims=True)
    return np.divide(pictures, deviation, out=np.zeros_like(pictures), where=deviation > 1e-3)


def _align(fixed: np.ndarray, moving: np.ndarray, least: float) -> np.ndarray:
    """Correlation of (P, S, S) pictures with others warped onto them."""
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
    """x and y of every pixel about the centre."""
    axis = np.arange(side, dtype=np.float32) - (side - 1) / 2
    return axis[None, :], axis[:, None]


def _step(fixed: np.ndarray, warped: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """One Gauss-Newton step of the four moves, gain and offset solved for beside them."""
    x, y = _grid(fixed.shape[1])
    dy, dx = np.gradient(warped, axis=(1, 2))
    slopes = np.stack([dx, dy, x * dx + y * dy, y * dx - x * dy, warped, np.ones_like(dx)], 1)
    slopes = (slopes * inside[:, None]).reshape(len(fixed), 6, -1)
    target = (fixed * inside).reshape(len(fixed), -1, 1)
    normal = (slopes @ slopes.transpose(0, 2, 1)).astype(np.float64) + _RIDGE * np.eye(6)
    solved = np.linalg.solve(normal, slopes @ target)[:, :, 0]
    gain = np.where(np.abs(solved[:, 4:5]) > 1e-3, solved[:, 4:5], 1.0)
    return (solved[:, :4] / gain).astype(np.float32)


def _warp(pictures: np.ndarray, move: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pictures sampled where ``move`` puts each pixel, bilinearly, and where that was inside."""
    n, side, _ = pictures.shape
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
    upper = pictures[which, top, left] * (1 - right_share)
    upper += pictures[which, top, left + 1] * right_share
    lower = pictures[which, top + 1, left] * (1 - right_share)
    lower += pictures[which, top + 1, left + 1] * right_share
    return upper * (1 - low_share) + lower * low_share, inside


def _correlation(one: np.ndarray, two: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Normalised correlation over the pixels inside, (P,)."""
    n = np.maximum(inside.sum(axis=(1, 2)), 1)[:, None, None]
    a = (one - (one * inside).sum(axis=(1, 2), keepdims=True) / n) * inside
    b = (two - (two * inside).sum(axis=(1, 2), keepdims=True) / n) * inside
    norm = np.sqrt((a * a).sum(axis=(1, 2)) * (b * b).sum(axis=(1, 2)))
    return np.divide((a * b).sum(axis=(1, 2)), norm, out=np.zeros_like(norm), where=norm > 1e-3)
