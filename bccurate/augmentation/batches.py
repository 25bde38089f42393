"""Share the steps of all batched operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

PIECE = 24  # images: 2.7 MB in float32 at 96x96
# (images uint8 (n, 3, H, W), magnitudes float64 (n,) on the host) -> uint8 (n, 3, H, W)
Operation = Callable[[torch.Tensor, np.ndarray], torch.Tensor]


def per_image(values: np.ndarray, images: torch.Tensor) -> torch.Tensor:
    """Return ``values`` (n, ...) as float32 (n, ..., 1, 1) that broadcasts over the pixels."""
    column = torch.from_numpy(np.asarray(values, dtype=np.float32)).to(images.device)
    return column.reshape(*column.shape, *[1] * (4 - column.ndim))


def to_bytes(pixels: torch.Tensor) -> torch.Tensor:
    """Return float ``pixels``, clipped in place and truncated, as uint8.

    Via int16: torch does not vectorise float to uint8 directly.
    """
    return pixels.clamp_(0, 255).to(torch.int16).to(torch.uint8)


def to_nearest_bytes(pixels: torch.Tensor) -> torch.Tensor:
    """Return float ``pixels``, rounded (half to even) and clipped in place, as uint8."""
    return to_bytes(pixels.round_())


def apply_per_image(
    operations: Sequence[Operation],
    images: torch.Tensor,
    chosen: np.ndarray,
    values: np.ndarray,
    into: torch.Tensor | None = None,
    sources: np.ndarray | None = None,
) -> torch.Tensor:
    """Apply to each image an operation of its own, with one call per operation.

    On a CPU images are processed in pieces that fit its cache.

    Args:
        operations: to choose from.
        images: uint8 (n, 3, H, W).
        chosen: int64 (n,), indices of ``operations``, -1 for none.
        values: (n, ...), arguments of the operations.
        into: the tensor to write to, by default a new one; may be ``images``. Rows without an
            operation are not written.
        sources: int64 (n,): row i is made from ``images[sources[i]]``; by default from its own.
    """
    if into is None:
        into = images.clone() if (chosen < 0).any() else torch.empty_like(images)
    for index, operation in enumerate(operations):
        of_operation = np.flatnonzero(chosen == index)
        for piece in _spans(len(of_operation), images):
            rows = of_operation[piece]
            part = select(images, rows if sources is None else sources[rows])
            fast_view(into)[rows] = fast_view(operation(part, values[rows]))
    return into


def cache_sized(images: torch.Tensor, *values: Any) -> Iterator[tuple[Any, ...]]:
    """Yield equal slices of ``images`` and of arrays, all (n, ...); on a CPU they fit its cache."""
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

    Fast if the chosen images are neighbours, as after ``gray_order``.
    """
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    for begin, end in edges.reshape(-1, 2).tolist():
        part = images[begin:end]
        part.copy_(change(part, np.arange(begin, end)))


def gray_order(*chosen: np.ndarray) -> np.ndarray:
    """Return an order of n samples in which each of the bool (n,) is true in few runs (Gray 1953).

    Of three arrays the first and the second are true in one run, the third in two.
    """
    code = np.zeros(len(chosen[0]), dtype=np.int64)
    for bit in chosen:
        code = 2 * code + (bit ^ (code % 2 == 1))
    return np.argsort(code, kind="stable")


def select(images: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
    """Return ``images[rows]`` (n, 3, H, W) in their memory layout, copying whole images."""
    index = torch.from_numpy(rows).to(images.device)
    if images.is_contiguous():
        return images.index_select(0, index)
    return images.permute(0, 2, 3, 1).index_select(0, index).permute(0, 3, 1, 2)


def fast_view(images: torch.Tensor) -> Any:
    """Return a view for fast indexed assignment: numpy's on a CPU, else ``images`` itself.

    torch does not vectorise such assignments on a CPU.
    """
    return images.numpy() if images.device.type == "cpu" else images
