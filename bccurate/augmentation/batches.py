"""Shared steps of the batched operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

PIECE = 24  # images; of 96x96 in float32 a piece takes 2.7 MB
# (images uint8 (n, 3, H, W), magnitudes float64 (n,) on the host) -> uint8 (n, 3, H, W)
Operation = Callable[[torch.Tensor, np.ndarray], torch.Tensor]


def per_image(values: np.ndarray, images: torch.Tensor) -> torch.Tensor:
    """``values`` (n, ...) as float32 (n, ..., 1, 1), to broadcast over pixels on their device."""
    column = torch.from_numpy(np.asarray(values, dtype=np.float32)).to(images.device)
    return column.reshape(*column.shape, *[1] * (4 - column.ndim))


def to_bytes(pixels: torch.Tensor) -> torch.Tensor:
    """float ``pixels`` clipped to 0 to 255 in place, as uint8; fractions are cut off.

    By way of int16: from float to uint8 at once torch goes value by value.
    """
    return pixels.clamp_(0, 255).to(torch.int16).to(torch.uint8)


def to_nearest_bytes(pixels: torch.Tensor) -> torch.Tensor:
    """float ``pixels`` rounded (halves to even) and clipped in place, as uint8."""
    return to_bytes(pixels.round_())


def grouped(
    operations: Sequence[Operation],
    images: torch.Tensor,
    chosen: np.ndarray,
    values: np.ndarray,
    into: torch.Tensor | None = None,
    sources: np.ndarray | None = None,
) -> torch.Tensor:
    """Each of ``images`` (n, 3, H, W) under its own operation: a call an operation.

    ``chosen`` int64 (n,) are indices of ``operations``, -1 for none; ``values`` (n, ...) are what
    they are called with. Results are written to their rows of ``into``, which may be ``images``
    and where rows without an operation stay as they are; without it, to a new tensor. Where
    ``sources`` (n,) are given, row i is made of ``images[sources[i]]``. On a CPU each piece goes
    through its operation while it is in the cache.
    """
    if into is None:
        into = images.clone() if (chosen < 0).any() else torch.empty_like(images)
    for index, operation in enumerate(operations):
        of_operation = np.flatnonzero(chosen == index)
        for piece in _spans(len(of_operation), images):
            rows = of_operation[piece]
            part = select(images, rows if sources is None else sources[rows])
            quick(into)[rows] = quick(operation(part, values[rows]))
    return into


def pieces(images: torch.Tensor, *values: Any) -> Iterator[tuple[Any, ...]]:
    """``images`` (n, ...) and arrays (n, ...) cut alike: on a CPU in pieces that fit its cache."""
    for piece in _spans(len(images), images):
        yield images[piece], *(value[piece] for value in values)


def _spans(count: int, images: torch.Tensor) -> Iterator[slice]:
    size = PIECE if images.device.type == "cpu" else max(count, 1)
    for begin in range(0, count, size):
        yield slice(begin, begin + size)


def change_rows(
    images: torch.Tensor,
    chosen: np.ndarray,
    change: Callable[[torch.Tensor, np.ndarray], torch.Tensor],
) -> None:
    """Replace the images where ``chosen`` bool (n,) by ``change(images, rows)``, run by run.

    Quick where the chosen lie together, as after ``gray_order``.
    """
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    for begin, end in edges.reshape(-1, 2).tolist():
        part = images[begin:end]
        part.copy_(change(part, np.arange(begin, end)))


def gray_order(*chosen: np.ndarray) -> np.ndarray:
    """An order of n samples in which each of the bool (n,) is true in few runs (Gray 1953).

    Of three the first and the second are true in one run, the third in two.
    """
    code = np.zeros(len(chosen[0]), dtype=np.int64)
    for bit in chosen:
        code = 2 * code + (bit ^ (code % 2 == 1))
    return np.argsort(code, kind="stable")


def select(images: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    """``images[rows]`` (n, 3, H, W) in the memory format that they have, whole rows at a time."""
    index = torch.from_numpy(rows).to(images.device)
    if images.is_contiguous():
        return images.index_select(0, index)
    return images.permute(0, 2, 3, 1).index_select(0, index).permute(0, 3, 1, 2)


def quick(images: torch.Tensor) -> Any:
    """What takes assignments to rows and strips quickest, by the same indices.

    On a CPU numpy's view of ``images``, since torch goes value by value there; else ``images``.
    """
    return images.numpy() if images.device.type == "cpu" else images
