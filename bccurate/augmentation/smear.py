"""Augment images strongly, for cells of other laboratories, cameras and slides.

Each step has its own probability and range, and each image its own draws. In sequence: affine map,
stain, colour, blur, occlusion, noise; values are rounded once at the end. About three steps per
image: with five, a network trained from scratch learned too slowly to profit
(docs/robustness-experiments.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bccurate.augmentation import geometry, occlusion, recolour
from bccurate.augmentation.batches import change_rows, gray_order, select, to_nearest_bytes
from bccurate.augmentation.blur import gaussian_blur
from bccurate.augmentation.dihedral import dihedral
from bccurate.augmentation.draws import Draws
from bccurate.augmentation.noise import add_windowed_noise_

_PERMUTATIONS = np.array([[1, 0, 2], [2, 1, 0], [0, 2, 1], [1, 2, 0], [2, 0, 1]])


@dataclass(frozen=True)
class SmearSettings:
    """Probabilities of the steps, and (minimum, maximum) of their uniform draws.

    Attributes:
        plain: only rotated by 90 degrees or flipped. Otherwise about one image in 45 would have no
            other step, too few to learn what original cells look like.
        affine: any rotation, flipped or not, and scale, shear (degrees) and shift (share of the
            side); other images are rotated by 90 degrees or flipped, without interpolation.
        black: black beyond the edge; other images are mirrored there.
        stain: each stain's density times 1 +- ``stain_factor`` plus +- ``stain_offset`` (Tellez et
            al. 2018).
        hue: shifted by up to +- ``hue_shift`` of the colour circle.
        saturation, brightness, contrast, gain: factors; a gain is drawn for each channel.
        swap: another order of the channels.
        blur: standard deviation as a share of the side.
        cutout: one or two boxes; ``cutout_side`` is the range of their sides, as shares of the
            image's.
        grid: squares of a grid; the period as a share of the side, the hole as a share of the
            period.
        noise: sigma as a fraction of the range 0 to 255 (0.2 in the paper).
    """

    plain: float = 0.2
    affine: float = 0.6
    scale: tuple[float, float] = (0.75, 1.3)
    shear: float = 15.0
    shift: float = 0.15
    black: float = 0.3
    stain: float = 0.25
    stain_factor: float = 0.3
    stain_offset: float = 0.1
    hue: float = 0.2
    hue_shift: float = 0.25
    saturation: float = 0.25
    saturation_factor: tuple[float, float] = (0.0, 2.0)
    brightness: float = 0.3
    brightness_factor: tuple[float, float] = (0.5, 1.5)
    contrast: float = 0.3
    contrast_factor: tuple[float, float] = (0.4, 1.6)
    gain: float = 0.15
    gain_factor: tuple[float, float] = (0.7, 1.3)
    swap: float = 0.15
    blur: float = 0.2
    blur_sigma: tuple[float, float] = (0.004, 0.018)
    cutout: float = 0.25
    cutout_side: tuple[float, float] = (0.15, 0.5)
    grid: float = 0.1
    grid_period: tuple[float, float] = (0.15, 0.4)
    grid_hole: tuple[float, float] = (0.3, 0.5)
    noise: float = 0.35
    noise_sigma: tuple[float, float] = (0.01, 0.2)


SETTINGS = SmearSettings()


def smear(images: torch.Tensor, draws: Draws, settings: SmearSettings = SETTINGS) -> torch.Tensor:
    """Return ``images`` uint8 (N, 3, H, W), on any device, each augmented by its own draws.

    Images are sorted first, so that each costly step processes only the images that need it.
    """
    black, stained, blurred = (
        draws.chance(share) for share in (settings.black, settings.stain, settings.blur)
    )
    plain, symmetry = draws.chance(settings.plain), draws.integers(8)
    order = gray_order(stained, black, blurred)
    draws.reorder(order)
    pixels = _transform(select(images, order).float(), draws, settings, black[order])
    _stain(pixels, draws, settings, stained[order])
    pixels = _change_colour(pixels, draws, settings)
    _blur(pixels, draws, settings, blurred[order])
    _cover(pixels, draws, settings)
    sigma = np.where(draws.chance(settings.noise), draws.uniform(*settings.noise_sigma), 0.0)
    add_windowed_noise_(pixels, sigma, draws.uniform())
    changed = select(to_nearest_bytes(pixels), np.argsort(order))
    return _restore_plain(images, changed, plain, symmetry)


def _restore_plain(
    images: torch.Tensor, changed: torch.Tensor, plain: np.ndarray, symmetry: np.ndarray
) -> torch.Tensor:
    """Return ``changed``, but where ``plain`` only rotated or flipped ``images``."""
    if images.shape[2] != images.shape[3]:
        symmetry = symmetry // 4 * 4 + symmetry % 2 * 2  # rotations by 180 degrees and flips
    rows = torch.from_numpy(np.flatnonzero(plain)).to(images.device)
    if len(rows):
        changed[rows] = dihedral(images[rows], torch.from_numpy(symmetry[plain]))
    return changed


def _transform(
    pixels: torch.Tensor, draws: Draws, s: SmearSettings, black: np.ndarray
) -> torch.Tensor:
    height, width = pixels.shape[-2:]
    affine, quarter = draws.chance(s.affine), 90.0 * draws.integers(4)
    angle = np.where(affine, draws.uniform(-180, 180), quarter)
    scale = np.exp(affine * draws.uniform(*np.log(s.scale)))
    shear = [affine * draws.uniform(-s.shear, s.shear) for _ in range(2)]
    shift = [affine * draws.uniform(-s.shift, s.shift) * side for side in (width, height)]
    matrices = geometry.inverse_affine(angle, scale, (shear[0], shear[1]), (shift[0], shift[1]))
    matrices[:, 0] *= draws.signs()[:, None]  # flips
    pieces = [
        geometry.sample(pixels[begin:end], matrices[begin:end], "bilinear", padding)
        for begin, end, padding in _runs(black)
    ]
    return torch.cat(pieces)


def _runs(black: np.ndarray) -> list[tuple[int, int, str]]:
    """Return runs of images with the same padding: start, end and the padding's name."""
    edges = [0, *(np.flatnonzero(np.diff(black.astype(np.int8))) + 1).tolist(), len(black)]
    names = ["zeros" if black[begin] else "reflection" for begin in edges[:-1]]
    return list(zip(edges, edges[1:], names, strict=False))


def _stain(pixels: torch.Tensor, draws: Draws, s: SmearSettings, chosen: np.ndarray) -> None:
    factors = 1 + _triple(draws, -s.stain_factor, s.stain_factor)
    offsets = _triple(draws, -s.stain_offset, s.stain_offset)
    change_rows(pixels, chosen, lambda x, rows: recolour.stain(x, factors[rows], offsets[rows]))


def _change_colour(pixels: torch.Tensor, draws: Draws, s: SmearSettings) -> torch.Tensor:
    """Change hue, saturation, gains, brightness, order of channels and contrast by one map."""
    shift = np.where(draws.chance(s.hue), draws.uniform(-s.hue_shift, s.hue_shift), 0.0)
    saturation = _factor(draws, s.saturation, s.saturation_factor)
    brightness = _factor(draws, s.brightness, s.brightness_factor)
    contrast = _factor(draws, s.contrast, s.contrast_factor)
    gains = np.where(draws.chance(s.gain)[:, None], _triple(draws, *s.gain_factor), 1.0)
    orders = _PERMUTATIONS[draws.integers(len(_PERMUTATIONS))]
    orders = np.where(draws.chance(s.swap)[:, None], orders, [0, 1, 2])
    matrices = recolour.saturation(saturation) @ recolour.hue(shift)
    matrices *= (gains * brightness[:, None])[:, :, None]
    matrices = np.take_along_axis(matrices, orders[:, :, None], axis=1)
    offsets = np.repeat((1 - contrast)[:, None] * recolour.MIDDLE, 3, axis=1)
    return recolour.linear(pixels, matrices * contrast[:, None, None], offsets).clamp_(0, 255)


def _blur(pixels: torch.Tensor, draws: Draws, s: SmearSettings, chosen: np.ndarray) -> None:
    side = min(pixels.shape[-2:])
    sigma, max_sigma = draws.uniform(*s.blur_sigma) * side, s.blur_sigma[1] * side
    change_rows(pixels, chosen, lambda x, rows: gaussian_blur(x, sigma[rows], max_sigma))


def _cover(pixels: torch.Tensor, draws: Draws, s: SmearSettings) -> None:
    """Cover one or two boxes, a grid, or both with one colour: black, white or random."""
    boxed, second = draws.chance(s.cutout), draws.chance(0.5)
    hole = draws.uniform(*s.grid_hole) * draws.chance(s.grid)
    offset = draws.uniform(), draws.uniform()
    covered = occlusion.grid(pixels, draws.uniform(*s.grid_period), hole, offset)
    for chosen in (boxed, boxed & second):
        centre = draws.uniform(), draws.uniform()
        size = draws.uniform(*s.cutout_side) * chosen, draws.uniform(*s.cutout_side)
        torch.maximum(covered, occlusion.boxes(pixels, centre, size), out=covered)
    level, colour = 255.0 * draws.integers(2), _triple(draws, 0, 255)
    fill = np.where(draws.chance(0.5)[:, None], colour, level[:, None])
    occlusion.paint_(pixels, covered, fill)


def _triple(draws: Draws, low: float, high: float) -> np.ndarray:
    """Return three uniform numbers per sample, (N, 3)."""
    return np.stack([draws.uniform(low, high) for _ in range(3)], axis=1)


def _factor(draws: Draws, probability: float, span: tuple[float, float]) -> np.ndarray:
    """Return uniform factors with ``probability``, else 1, (N,)."""
    return np.where(draws.chance(probability), draws.uniform(*span), 1.0)
