"""Change colours, each image by its own magnitude, with the results of torchvision's kernels.

Images are uint8 (n, 3, H, W), magnitudes float64 (n,) on the CPU.
"""

from __future__ import annotations

import numpy as np
import torch

from bccurate.augmentation.batches import per_image, to_bytes

GREY = (0.2989, 0.587, 0.114)


def grey(images: torch.Tensor) -> torch.Tensor:
    """Return the luma, float32 (n, 1, H, W), truncated."""
    red, green, blue = (images[:, i : i + 1] for i in range(3))
    luma = red.mul(GREY[0]).add_(green, alpha=GREY[1]).add_(blue, alpha=GREY[2])
    return luma.floor_()


def _blend(images: torch.Tensor, other: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """Return ``factor`` times the images plus 1 - ``factor`` times the others."""
    out = images.float().mul_(per_image(factor, images))
    return to_bytes(out.addcmul_(other, per_image(1 - factor, images)))


def brightness(images: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """Multiply all values by ``factor``."""
    return to_bytes(images.float().mul_(per_image(factor, images)))


def contrast(images: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """Scale the distance to the image's mean luma by ``factor``."""
    # In float64 the sum of whole numbers is exact in any order.
    mean = grey(images).mean((1, 2, 3), keepdim=True, dtype=torch.float64).float()
    return _blend(images, mean, factor)


def saturation(images: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """Scale the distance to the pixel's luma by ``factor``."""
    return _blend(images, grey(images), factor)


def sharpness(images: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """Scale the distance to the mean of 3x3 pixels by ``factor``; edges are unchanged.

    The central pixel has the weight 5.
    """
    if min(images.shape[-2:]) <= 2:
        return images
    whole = images.to(torch.int16)  # 13 * 255 fits
    rows = whole[..., :-2, :] + whole[..., 1:-1, :]
    rows += whole[..., 2:, :]
    middle = whole[..., 1:-1, 1:-1]
    mean = rows[..., :-2] + rows[..., 1:-1]
    mean += rows[..., 2:]
    mean = mean.add_(middle, alpha=4).mul(1 / 13).round_()
    inner = middle.float()
    inner.addcmul_(mean.sub_(inner), per_image(1 - factor, images))
    out = images.clone()
    out[..., 1:-1, 1:-1] = to_bytes(inner)
    return out


def posterize(images: torch.Tensor, bits: np.ndarray) -> torch.Tensor:
    """Keep the upper ``bits`` of each value, 0 to 8."""
    mask = 255 & ~(255 >> bits.astype(np.int64))
    return images & per_image(mask, images).to(torch.uint8)


def solarize(images: torch.Tensor, threshold: np.ndarray) -> torch.Tensor:
    """Invert the values that are at least ``threshold``."""
    # A value reaches the threshold if it exceeds the next lower integer. In bytes without a
    # comparison, which torch does not vectorise.
    below = np.ceil(threshold) - 1
    over = images - images.minimum(per_image(below.clip(0), images).to(torch.uint8))
    all_reach = per_image(below < 0, images).to(torch.uint8)
    return images ^ over.clamp_(max=1).bitwise_or_(all_reach).neg_()


def invert(images: torch.Tensor, _magnitude: np.ndarray) -> torch.Tensor:
    """Replace each value by 255 minus it."""
    return ~images


def identity(images: torch.Tensor, _magnitude: np.ndarray) -> torch.Tensor:
    """Return the images unchanged."""
    return images


def autocontrast(images: torch.Tensor, _magnitude: np.ndarray) -> torch.Tensor:
    """Stretch each channel to 0 to 255, unless it is constant."""
    low = images.amin((2, 3), keepdim=True).float()
    high = images.amax((2, 3), keepdim=True).float()
    flat = high == low
    scale = ((high - low) * (1 / 255)).masked_fill_(flat, 1.0)
    return to_bytes(images.float().sub_(low.masked_fill_(flat, 0.0)).div_(scale))


def equalize(images: torch.Tensor, _magnitude: np.ndarray) -> torch.Tensor:
    """Equalise the histogram of each channel as Pillow does, unless it is constant."""
    index = images.flatten(2).long()
    histogram = index.new_zeros((*index.shape[:2], 256), dtype=torch.int32)
    ones = histogram.new_ones(1).expand_as(index)
    total = histogram.scatter_add_(2, index, ones).cumsum(2, dtype=torch.int32)
    last = histogram.gather(2, total.argmax(2, keepdim=True))
    step = (index.shape[2] - last) // 255
    table = (total - histogram + step // 2) // step.clamp(min=1)
    plain = torch.arange(256, dtype=torch.int32, device=images.device)
    table = torch.where(step > 0, table.clamp_(0, 255), plain).to(torch.uint8)
    return table.gather(2, index).view_as(images)
