"""Decode image files to arrays, and turn pixels into a network's input."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from tempfile import TemporaryFile

import numpy as np
import torch

from bccurate.errors import UnreadableImage
from bccurate.files import home
from bccurate.images.image_stats import Unreadable
from bccurate.images.workers import read_pixels
from bccurate.learning.registry import ModelSpec
from bccurate.progress import track

MEMORY_SHARE = 0.5  # of the physical memory, for one array of pixels


def load_pixels(paths: Sequence[str], size: int, workers: int | None = None) -> np.ndarray:
    """Decode every file once: uint8 (N, size, size, 3), RGB, in the order of ``paths``.

    An image of another size is resized to the square by antialiased bicubic interpolation.
    Files are decoded in ``workers`` processes, by default one for each core. An array of more than
    half of the memory is an unnamed file, deleted when it is no longer used.

    Raises:
        UnreadableImage: a file does not decode; the message names it.
    """
    pixels = _array((len(paths), size, size, 3))
    found = track(read_pixels(paths, size, workers), len(paths), "decoding")
    for index, image in enumerate(found):
        if isinstance(image, Unreadable):
            raise UnreadableImage(f"{image.filepath}: {image.reason}")
        pixels[index] = image
    return pixels


def _array(shape: tuple[int, ...]) -> np.ndarray:
    """Return an empty uint8 array, in memory or, if it is large, mapped from a file."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if np.prod(shape, dtype=np.int64) <= memory * MEMORY_SHARE:
        return np.empty(shape, dtype=np.uint8)
    folder = home() / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=folder) as file:  # the mapping keeps it alive
        return np.memmap(file, np.uint8, "w+", shape=shape)


def normalise(images: torch.Tensor, spec: ModelSpec) -> torch.Tensor:
    """Return uint8 (N, 3, H, W) as float32: minus the mean, divided by the std of each channel.

    They are those of ``spec`` (on the scale 0 to 1) or, if it standardises, those of each image,
    with a std of at least one level of 255, so that noise in a uniform image is not amplified.
    """
    pixels = images.float()
    if spec.standardise:
        std, mean = torch.std_mean(pixels, (2, 3), correction=0, keepdim=True)
        return (pixels - mean) / std.clamp(min=1)
    mean, std = _statistics(spec.mean, spec.std, images.device)
    return (pixels - mean) / std


@lru_cache(maxsize=16)
def _statistics(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and std on the device, cached: a GPU waits for each transfer."""
    both = torch.tensor([mean, std], device=device).view(2, 1, 3, 1, 1) * 255
    return both[0], both[1]


def to_inputs(images: np.ndarray, spec: ModelSpec) -> torch.Tensor:
    """Return uint8 (N, H, W, 3) as the network's input: float32 (N, 3, H, W), on the CPU."""
    return normalise(torch.from_numpy(images).permute(0, 3, 1, 2), spec)
