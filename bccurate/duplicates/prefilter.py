"""Select the pairs of thumbnails worth registering, by spectra of 8x8 images, in two stages.

1. Normalised correlation, in up to eight rotations of the second image. A spectrum of cosines is
   sorted by how rotations and flips change it, so that the eight correlations of a pair take eight
   short scalar products, 95 multiplications in place of 512.
2. Tangent distance: the share of one image that lies in the span of the other and its derivatives
   by shift, scale and rotation, taken at 32x32 (Simard, LeCun, Denker 1993, "Efficient pattern
   recognition using a new transformation distance"), in both directions.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import numpy as np

from bccurate import native
from bccurate.duplicates.registration import check_thumbnails, rotated
from bccurate.images.thumbnail import SIDE
from bccurate.native.threads import in_threads

MIN_COARSE = 0.90  # a shift of 3 pixels in 96 leaves 0.90 in 24 of 25 cells
MIN_TANGENT = 0.965  # the copies promised to be found reach 0.978 and more
TANGENTS = 5
_TERMS = 64  # 63 and a zero
_LANES = 32  # second images side by side in the kernel
_ONE = 16384  # its fixed-point 1
_SMALL = 8
_ROOM = 4096  # candidates of a block of rows; searched again where there are more
_BATCH = 256  # images described at once

_p, _n, _f = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
_describe = native.function("bc_describe", _p, _n, _n, _p, _p, _p, _p)
_prefilter = native.function("bc_prefilter", _p, _p, _p, _p, _n, _n, _n, _n, _f, _f, _p, _p, _p, _n)

Candidates = tuple[np.ndarray, np.ndarray, np.ndarray]


class Descriptors(NamedTuple):
    """What the prefilter compares of N images.

    Attributes:
        bases: (N, 5, 64) float32, orthonormal: the image's spectrum, of length 1, or all
            zeros for a flat image, and those of its derivatives.
        spectra: (N, 64) int16, the first of these in fixed point, 16384 being 1, for the kernel.
        tangents: (N, 4, 64) int16, the others.
        blocks: (N / 32 rounded up, 32, 32, 2) int16, the spectra again: 32 images side by side,
            two terms of each at a time.
    """

    bases: np.ndarray
    spectra: np.ndarray
    tangents: np.ndarray
    blocks: np.ndarray


def describe(thumbs: np.ndarray, kernel: bool = True) -> Descriptors:
    """Compute spectra and tangent bases of (N, 32, 32) uint8 thumbnails.

    Raises:
        ValueError: thumbnails of another shape or type.
    """
    check_thumbnails(thumbs)
    n, p = len(thumbs), native.pointer
    thumbs = np.ascontiguousarray(thumbs)
    bases = np.empty((n, TANGENTS, _TERMS), dtype=np.float32)
    spectra = np.zeros((-(-n // _LANES) * _LANES, _TERMS), dtype=np.int16)
    tangents = np.empty((n, TANGENTS - 1, _TERMS), dtype=np.int16)

    def fill(rows: range) -> None:
        if _describe and kernel:
            out = (p(bases), p(spectra), p(tangents))
            _describe(p(thumbs), rows.start, rows.stop, p(_COSINES), *out)
            return
        part = slice(rows.start, rows.stop)
        bases[part] = _tangent_bases(thumbs[part])
        spectra[part] = np.rint(bases[part, 0] * _ONE)
        tangents[part] = np.rint(bases[part, 1:] * _ONE)

    in_threads(fill, range(n), _BATCH)
    pairs = spectra.view(np.int32).reshape(-1, _LANES, _TERMS // 2)  # of terms, moved as one
    blocks = np.ascontiguousarray(pairs.transpose(0, 2, 1))
    blocks = blocks.view(np.int16).reshape(*blocks.shape, 2)
    return Descriptors(bases, spectra[:n], tangents, blocks)


def candidates(
    images: Descriptors, rows: range, rotations: bool, kernel: bool = True
) -> Candidates:
    """Find the pairs that pass both stages.

    Args:
        images: of ``describe``.
        rows: indices of the first images, a range of step 1 within 0 to N.
        rotations: compare the rotations and flips of the second image too.

    Returns:
        i, j (P,) int64, i in ``rows`` and i < j, and the rotation (P,) int8, in no defined order.

    Raises:
        IndexError: rows outside 0 to N.
    """
    n_rotations = 8 if rotations else 1
    if not 0 <= rows.start <= rows.stop <= len(images.bases):
        raise IndexError(f"{rows} of {len(images.bases)} images")
    if not (_prefilter and kernel):
        found = [_candidates(images, rows, rotation) for rotation in range(n_rotations)]
        i, j, rotation = (np.concatenate(column) for column in zip(*found, strict=True))
        return i, j, rotation
    room, count = 0, _ROOM
    p = native.pointer
    descriptors = (p(images.bases), p(images.spectra), p(images.tangents), p(images.blocks))
    while count > room:
        room = count
        i, j, rotation = (np.empty(room, kind) for kind in (np.int64, np.int64, np.int8))
        count = _prefilter(
            *descriptors, len(images.bases), rows.start, rows.stop, n_rotations,
            MIN_COARSE, MIN_TANGENT, p(i), p(j), p(rotation), room,
        )  # fmt: skip
    return i[:count], j[:count], rotation[:count]


def _cosines() -> np.ndarray:
    """Return (64, 64) float32: orthonormal columns that transform an 8x8 image to its spectrum.

    By the irreducible representations of the square's symmetry group: 9 of A1, a column of zeros,
    6 of B1, 10 of B2, 6 of A2, 16 whose sign a flip of x changes, 16 whose sign a flip of y does.
    """
    pixel, order = np.arange(_SMALL), np.arange(_SMALL)[:, None]
    wave = np.cos(np.pi * (pixel + 0.5) * order / _SMALL) * np.sqrt(2 / _SMALL)
    wave[0] /= np.sqrt(2)
    product = np.einsum("uy,vx->uvyx", wave, wave).reshape(_SMALL, _SMALL, -1)

    def mixed(start: int, sign: int) -> list[np.ndarray]:
        """Sum or subtract the waves that swap with x and y; keep those that do not."""
        orders = range(start, _SMALL, 2)
        pairs = [(u, v) for u in orders for v in orders if u < v]
        both = [(product[u, v] + sign * product[v, u]) / np.sqrt(2) for u, v in pairs]
        return both + [product[u, u] for u in orders if u and sign > 0]

    across = [(u, v) for u in range(0, _SMALL, 2) for v in range(1, _SMALL, 2)]
    columns = [*mixed(0, 1), np.zeros(_TERMS), *mixed(0, -1), *mixed(1, 1), *mixed(1, -1)]
    columns += [product[u, v] for u, v in across] + [product[v, u] for u, v in across]
    return np.ascontiguousarray(np.stack(columns, axis=1), dtype=np.float32)


_COSINES = _cosines()


def _tangent_bases(thumbs: np.ndarray) -> np.ndarray:
    """Return (N, 5, 64) orthonormal spectra of images and their derivatives (Gram-Schmidt)."""
    images = thumbs.astype(np.float32)
    dy, dx = np.gradient(images, axis=(1, 2))
    x = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    y = x[:, None]
    parts = np.stack([images, dx, dy, x * dx + y * dy, y * dx - x * dy], axis=1)
    step = SIDE // _SMALL
    small = parts.reshape(-1, TANGENTS, _SMALL, step, _SMALL, step).mean(axis=(3, 5))
    basis = _unit(small.reshape(-1, TANGENTS, _TERMS) @ _COSINES)
    for k in range(1, TANGENTS):
        for earlier in range(k):
            share = (basis[:, k] * basis[:, earlier]).sum(axis=1, keepdims=True)
            basis[:, k] -= share * basis[:, earlier]
        basis[:, k] = _unit(basis[:, k])
    return basis


def _unit(rows: np.ndarray) -> np.ndarray:
    """Scale rows to length 1; a row of zeros stays, and is similar to nothing."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-3)


def _rotation_matrix(rotation: int) -> np.ndarray:
    """Return (64, 64): times a spectrum it gives the spectrum of the rotated image."""
    waves = _COSINES.T.reshape(-1, _SMALL, _SMALL)
    return rotated(waves, rotation).reshape(_TERMS, -1) @ _COSINES


def _candidates(images: Descriptors, rows: range, rotation: int) -> Candidates:
    matrix, own = _rotation_matrix(rotation), slice(rows.start, rows.stop)
    spectra = images.bases[:, 0]
    other = spectra[rows.start :] @ matrix
    i, j = np.nonzero(spectra[own] @ other.T >= MIN_COARSE)
    i, j = i[i < j] + rows.start, j[i < j]
    near = _share(images.bases[i], other[j]) >= MIN_TANGENT
    i, j = i[near], j[near] + rows.start
    near = _share(images.bases[j], spectra[i] @ matrix.T) >= MIN_TANGENT
    i, j = i[near], j[near]
    return i, j, np.full(len(i), rotation, dtype=np.int8)


def _share(bases: np.ndarray, spectra: np.ndarray) -> np.ndarray:
    """Return the share of each spectrum in the span of its basis, (P,) in 0 to 1."""
    return np.linalg.norm(np.matmul(bases, spectra[:, :, None])[:, :, 0], axis=1)
