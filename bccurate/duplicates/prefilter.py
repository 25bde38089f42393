"""Which of all pairs of small pictures are worth aligning: two sieves on spectra of 8x8 pictures.

1. normalised correlation, in up to eight turns of the second picture. A spectrum of cosines is
   sorted by how turns change it, so that the eight correlations of a pair come from eight short
   scalar products, 95 multiplications in place of 512;
2. tangent distance: how much of one picture lies in the span of the other and its derivatives by
   shift, scale and rotation, taken at 32x32 (Simard, LeCun, Denker 1993, "Efficient pattern
   recognition using a new transformation distance"), in both directions.
"""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import numpy as np

from bccurate import native
from bccurate.duplicates.registration import SIDE, check_pictures, turned
from bccurate.native.threads import in_threads

MIN_COARSE = 0.90  # a shift of 3 pixels in 96 leaves 0.90 in 24 of 25 cells
MIN_TANGENT = 0.965  # the copies that we promise to find have 0.978 and more
TANGENTS = 5
_TERMS = 64  # 63 and a zero
_LANES = 32  # second pictures side by side in the kernel
_ONE = 16384  # its 1, in whole numbers
_SMALL = 8
_ROOM = 4096  # candidates a block of rows; it is asked again where there are more
_BATCH = 256  # pictures described at once

_p, _n, _f = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
_describe = native.function("bc_describe_whole", _p, _n, _n, _p, _p, _p, _p)
_search = native.function("bc_search_whole", _p, _p, _p, _p, _n, _n, _n, _n, _f, _f, _p, _p, _p, _n)

Candidates = tuple[np.ndarray, np.ndarray, np.ndarray]


class Described(NamedTuple):
    """What the sieves know of N pictures.

    Attributes:
        bases: (N, 5, 64) float32, orthonormal: the picture's spectrum, of length 1 or all zeros of
            a flat picture, and those of its derivatives.
        spectra: (N, 64) int16, the first of these in whole numbers, 16384 being 1, for the kernel.
        tangents: (N, 4, 64) int16, the others.
        blocks: (N / 32 rounded up, 32, 32, 2) int16, the spectra again: 32 pictures side by side,
            two terms of each at a time.
    """

    bases: np.ndarray
    spectra: np.ndarray
    tangents: np.ndarray
    blocks: np.ndarray


def described(thumbs: np.ndarray, kernel: bool = True) -> Described:
    """Spectra and tangent bases of (N, 32, 32) uint8 pictures."""
    check_pictures(thumbs)
    n, p = len(thumbs), native.pointer
    thumbs = np.ascontiguousarray(thumbs)
    bases = np.empty((n, TANGENTS, _TERMS), dtype=np.float32)
    spectra = np.zeros((-(-n // _LANES) * _LANES, _TERMS), dtype=np.int16)
    tangents = np.empty((n, TANGENTS - 1, _TERMS), dtype=np.int16)

    def describe(rows: range) -> None:
        if _describe and kernel:
            out = (p(bases), p(spectra), p(tangents))
            _describe(p(thumbs), rows.start, rows.stop, p(_COSINES), *out)
            return
        part = slice(rows.start, rows.stop)
        bases[part] = _tangent_bases(thumbs[part])
        spectra[part] = np.rint(bases[part, 0] * _ONE)
        tangents[part] = np.rint(bases[part, 1:] * _ONE)

    in_threads(describe, range(n), _BATCH)
    pairs = spectra.view(np.int32).reshape(-1, _LANES, _TERMS // 2)  # of terms, moved as one
    blocks = np.ascontiguousarray(pairs.transpose(0, 2, 1))
    blocks = blocks.view(np.int16).reshape(*blocks.shape, 2)
    return Described(bases, spectra[:n], tangents, blocks)


def candidates(of: Described, rows: range, turns: int, kernel: bool = True) -> Candidates:
    """Pairs that pass both sieves.

    Args:
        of: the pictures.
        rows: which first pictures, a range of step 1 within 0 to N.
        turns: 1 or 8.

    Returns:
        i, j (P,) int64, i in ``rows`` and i < j, and the turn (P,) int8, in no promised order.
    """
    if not 0 <= rows.start <= rows.stop <= len(of.bases):
        raise IndexError(f"{rows} of {len(of.bases)} pictures")
    if not (_search and kernel):
        found = [_candidates(of, rows, turn) for turn in range(turns)]
        i, j, turn = (np.concatenate(column) for column in zip(*found, strict=True))
        return i, j, turn
    room, count = 0, _ROOM
    p = native.pointer
    while count > room:
        room = count
        i, j, turn = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int8)
        count = _search(
            p(of.bases), p(of.spectra), p(of.tangents), p(of.blocks), len(of.bases),
            rows.start, rows.stop, turns, MIN_COARSE, MIN_TANGENT, p(i), p(j), p(turn), room,
        )  # fmt: skip
    return i[:count], j[:count], turn[:count]


def _cosines() -> np.ndarray:
    """(64, 64) float32: orthonormal columns that turn an 8x8 picture into its spectrum.

    By the irreducible parts of the square's group: 9 of A1, a column of zeros, 6 of B1, 10 of B2,
    6 of A2, and 16 whose sign a flip of x changes beside the 16 that a flip of y does.
    """
    pixel, order = np.arange(_SMALL), np.arange(_SMALL)[:, None]
    wave = np.cos(np.pi * (pixel + 0.5) * order / _SMALL) * np.sqrt(2 / _SMALL)
    wave[0] /= np.sqrt(2)
    product = np.einsum("uy,vx->uvyx", wave, wave).reshape(_SMALL, _SMALL, -1)

    def mixed(start: int, sign: int) -> list[np.ndarray]:
        """Sums or differences of two waves that swap with x and y, and the waves that stay."""
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
    """(N, 5, 64) orthonormal spectra of pictures and their derivatives (Gram, Schmidt)."""
    pictures = thumbs.astype(np.float32)
    dy, dx = np.gradient(pictures, axis=(1, 2))
    x = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    y = x[:, None]
    parts = np.stack([pictures, dx, dy, x * dx + y * dy, y * dx - x * dy], axis=1)
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
    """Rows of length 1; one that has none becomes all zeros and is like nothing."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.divide(rows, length, out=np.zeros_like(rows), where=length > 1e-3)


def _turn_matrix(turn: int) -> np.ndarray:
    """(64, 64): times a spectrum it is the spectrum of the turned picture."""
    waves = _COSINES.T.reshape(-1, _SMALL, _SMALL)
    return turned(waves, turn).reshape(_TERMS, -1) @ _COSINES


def _candidates(of: Described, rows: range, turn: int) -> Candidates:
    matrix, own = _turn_matrix(turn), slice(rows.start, rows.stop)
    spectra = of.bases[:, 0]
    other = spectra[rows.start :] @ matrix
    i, j = np.nonzero(spectra[own] @ other.T >= MIN_COARSE)
    i, j = i[i < j] + rows.start, j[i < j]
    near = _share(of.bases[i], other[j]) >= MIN_TANGENT
    i, j = i[near], j[near] + rows.start
    near = _share(of.bases[j], spectra[i] @ matrix.T) >= MIN_TANGENT
    i, j = i[near], j[near]
    return i, j, np.full(len(i), turn, dtype=np.int8)


def _share(bases: np.ndarray, spectra: np.ndarray) -> np.ndarray:
    """The share of each spectrum in the span of its basis, (P,) in 0 to 1."""
    return np.linalg.norm(np.matmul(bases, spectra[:, :, None])[:, :, 0], axis=1)
