"""Colour operations, one magnitude an image, with the results of torchvision's tensor kernels.

Images are uint8 (n, 3, H, W); magnitudes float64 (n,) on the host.
"""

from __future__ import annotations

import numpy as np
import torch

from bccurate.augmentation.batches import per_image, to_bytes

GREY = (0.2989, 0.587, 0.114)


def grey(images: torch.Tensor) -> torch.Tensor:
    """Luma float32 (n, 1, H, W), fractions cut off."""
    red, green, blue = (images[:, i : i + 1] for i in range(3))
    luma = red.mul(GREY[0]).add_(green, alpha=GREY[1]).add_(blue, alpha=GREY[2])
    return luma.floor_()


def _blend(images: torch.Tensor, other: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """``factor`` times the image plus 1 - ``factor`` times the other."""
    out = images.float().mul_(per_image(factor, images))
    return to_bytes(out.addcmul_(other, per_image(1 - factor, images)))


def brightness(images: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """All values times ``factor``."""
    return to_bytes(images.float().mul_(per_image(factor, images)))


def contrast(images: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """Away from the image's mean luma by ``factor``."""
    # In float64 the sum of whole numbers is exact, whatever its order.
    mean = grey(images).mean((1, 2, 3), keepdim=True, dtype=torch.float64).float()
    return _blend(images, mean, factor)


def saturation(images: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """Away from the pixel's luma by ``factor``."""
    return _blend(images, grey(images), factor)


def sharpness(images: torch.Tensor, factor: np.ndarray) -> torch.Tensor:
    """Away from the mean of 3x3 pixels, the middle counted 5 times, by ``factor``; edges stay."""
    if min(images.shape[-2:]) <= 2:
        return images
    whole = images.to(torch.int16)  # 13 times 255 fits
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
    """The upper ``bits`` of each value, 0 to 8."""
    mask = 255 & ~(255 >> bits.astype(np.int64))
    return images & per_image(mask, images).to(torch.uint8)


def solarize(images: torch.Tensor, threshold: np.ndarray) -> torch.Tensor:
    """Values from ``threshold`` on become 255 minus themselves."""
    # A whole value reaches the threshold where it is more than the whole number below that. In
    # bytes, without a comparison: those torch makes value by value.
    below = np.ceil(threshold) - 1
    over = images - images.minimum(per_image(below.clip(0), images).to(torch.uint8))
    all_reach = per_image(below < 0, images).to(torch.uint8)
    return images ^ over.clamp_(max=1).bitwise_or_(all_reach).neg_()


def invert(images: torch.Tensor, _magnitude: np.ndarray) -> torch.Tensor:
    """255 minus each value."""
    return ~images


def identity(images: torch.Tensor, _magnitude: np.ndarray) -> torch.Tensor:
    """Nothing."""
    return images


def autocontrast(images: torch.Tensor, _magnitude: np.ndarray) -> torch.Tensor:
    """Each channel stretched to 0 to 255; one of a single value stays."""
    low = images.amin((2, 3), keepdim=True).float()
    high = images.amax((2, 3), keepdim=True).float()
    flat = high == low
    scale = ((high - low) * (1 / 255)).masked_fill_(flat, 1.0)
    return to_bytes(images.float().sub_(low.masked_fill_(flat, 0.0)).div_(scale))


def equalize(images: torch.Tensor, _magnitude: np.ndarray) -> torch.Tensor:
    """Each channel's histogram made even, by Pillow's table; one of a single value stays."""
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
