"""Which pixels are the cell in the middle of a picture, and the picture without what is around it.

``threshold`` is the paper's: grey, Gaussian blur, Otsu's threshold. It takes red cells along and
loses pale cytoplasm. ``stain``, the default, asks three questions in turn: what is not plasma (by
colour), where is the chromatin that stands in the middle (by stain), and where do the red cells
that touch the cell begin (by shape). docs/background.md compares the two.

All lengths are in pixels of a picture whose longer side is ``SIDE``; so large is a mask, too.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.color import rgb2gray, rgb2hed, rgb2lab
from skimage.filters import gaussian, threshold_otsu
from skimage.measure import label
from skimage.morphology import convex_hull_image, disk, reconstruction
from skimage.segmentation import watershed

SIDE = 96
BLUR = 2.0  # sigma of the paper's blur
MATTER = 9.0  # CIELAB distance from the plasma; sensor noise stays under 5, pale cytoplasm is at 12
BRIGHTEST = 0.25  # plasma is the brightest peak of lightness that is this share of the highest
ROUND = 0.5  # share of a hole that its largest inner circle covers: a gap between cells has less
MIDDLE = 0.3  # sigma of the weight of the middle, in half sides
LOBES = 24  # lobes of one nucleus lie nearer than this
LEAST_LOBE = 0.1  # and weigh at least this share of the main one
NECK = 0.1  # a cell of its own lies behind a neck narrower than it is by this share
TRIM = 0.4  # what is narrower than this share of the cell is no part of it


def cell_mask(rgb: np.ndarray, method: str = "stain") -> np.ndarray:
    """The cell in the middle of a picture.

    Args:
        rgb: (H, W, 3) uint8.
        method: one of ``METHODS``.

    Returns:
        (h, w) bool, True on the cell, the picture's shape with a longer side of ``SIDE``; all
        False where nothing is found.
    """
    height, width = rgb.shape[:2]
    scale = SIDE / max(height, width)
    small = _resized(rgb, (max(1, round(height * scale)), max(1, round(width * scale))))
    if np.ptp(small) == 0:
        return np.zeros(small.shape[:2], bool)
    return METHODS[method](small)


def background_colour(rgb: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The median colour (3,) float64 around the cell: plasma, where it fills half of that."""
    return np.median(rgb[~fitted(mask, rgb.shape[:2])].reshape(-1, 3), axis=0)


def without_background(rgb: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """The picture with ``colour`` wherever ``mask`` (h, w) does not say cell."""
    inside = fitted(mask, rgb.shape[:2])[..., None]
    return np.where(inside, rgb, np.asarray(colour, np.uint8))


def fitted(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask (h, w) at the size ``shape``, bool."""
    if mask.shape == tuple(shape):
        return mask.astype(bool)
    grey = mask.astype(np.uint8) * np.uint8(255)
    return _resized(grey, shape) >= 128


def _resized(pixels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if pixels.shape[:2] == tuple(shape):
        return pixels
    image = Image.fromarray(pixels).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _by_threshold(rgb: np.ndarray) -> np.ndarray:
    """Darker than Otsu's threshold (Otsu 1979, doi:10.1109/TSMC.1979.4310076)."""
    grey = gaussian(rgb2gray(rgb), BLUR)
    return grey < threshold_otsu(grey)


def _by_stain(rgb: np.ndarray) -> np.ndarray:
    lab = ndimage.gaussian_filter(rgb2lab(rgb), (0.7, 0.7, 0))
    matter = _matter(lab)
    nucleus = _nucleus(rgb, matter)
    if not nucleus.any():
        return nucleus
    # What lies between the lobes of a nucleus is cell, whatever its colour.
    core = convex_hull_image(nucleus) & matter
    return _trimmed(_parted(matter, core), core)


def _matter(lab: np.ndarray) -> np.ndarray:
    """All that is not plasma, without specks, with the pale middles of cells."""
    away = np.linalg.norm(lab - _plasma(lab), axis=2)
    matter = ndimage.binary_opening(away > MATTER, disk(1))
    return matter | _round_holes(matter)


def _plasma(lab: np.ndarray) -> np.ndarray:
    """The colour (3,) of the plasma: the brightest high peak of the lightness, 0 to 100."""
    light = lab[..., 0]
    counts, edges = np.histogram(light, 50, (0, 100))
    smooth = ndimage.gaussian_filter1d(counts.astype(float), 1)
    smooth[edges[1:] <= threshold_otsu(light)] = 0
    peaks = smooth >= np.maximum(ndimage.maximum_filter1d(smooth, 5), BRIGHTEST * smooth.max())
    away = np.abs(light - (edges[np.flatnonzero(peaks)[-1]] + 1))
    return np.median(lab[away <= max(2.0, away.min())], axis=0)


def _round_holes(matter: np.ndarray) -> np.ndarray:
    holes = ndimage.binary_fill_holes(matter) & ~matter
    numbers, count = label(holes, connectivity=1, return_num=True)
    if not count:
        return holes
    which = np.arange(1, count + 1)
    radius = np.asarray(ndimage.maximum(ndimage.distance_transform_edt(holes), numbers, which))
    area = np.bincount(numbers.ravel())[1:]
    return np.isin(numbers, which[np.pi * radius**2 > ROUND * area])


def _nucleus(rgb: np.ndarray, matter: np.ndarray) -> np.ndarray:
    """The chromatin in the middle, or a platelet's granules: dense in haematoxylin.

    Stains are parted as Ruifrok and Johnston 2001 do; Otsu's threshold is that of the matter.
    """
    if not matter.any():
        return matter
    stain = gaussian(rgb2hed(rgb)[..., 0], 1)
    excess = stain - threshold_otsu(stain[matter]) if np.ptp(stain[matter]) > 0 else stain * 0
    numbers, count = label((excess > 0) & matter, return_num=True)
    if not count:
        return np.zeros_like(matter)
    y, x = (np.linspace(-1, 1, n) for n in matter.shape)
    middle = np.exp(-(y[:, None] ** 2 + x**2) / (2 * MIDDLE**2))
    which = np.arange(1, count + 1)
    weight = np.asarray(ndimage.sum_labels(excess.clip(0) ** 2 * middle, numbers, which))
    main = numbers == weight.argmax() + 1
    away = np.asarray(ndimage.minimum(ndimage.distance_transform_edt(~main), numbers, which))
    kept = (away < LOBES) & (weight >= LEAST_LOBE * weight.max())
    # At the edge of the picture stands a second cell.
    border = np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]])
    kept &= ~np.isin(which, border) | (which == weight.argmax() + 1)
    return np.isin(numbers, which[kept])


def _parted(matter: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The part of ``matter`` that belongs to ``core``: a watershed of the distance to its edge.

    A peak of the distance is the middle of another cell where every way to the core leads through
    a neck; ``reach``, by morphological reconstruction, is the widest neck.
    """
    depth = ndimage.distance_transform_edt(matter)  # the edge of the picture is no edge of a cell
    height = np.where(core, depth.max(), depth)
    reach = reconstruction(np.where(core, height, 0), height)
    peaks = (depth == ndimage.maximum_filter(depth, 3)) & (depth > 2)
    others = label(peaks & (depth - reach > NECK * depth))
    markers = np.where(core, 1, np.where(others > 0, others + 1, 0))
    return watershed(-height, markers, mask=matter) == 1


def _trimmed(region: np.ndarray, core: np.ndarray) -> np.ndarray:
    """``region`` opened by a disc that goes with its size, around ``core``, without holes."""
    depth = ndimage.distance_transform_edt(region)
    radius = max(2.0, TRIM * depth.max())
    opened = ndimage.distance_transform_edt(depth <= radius) <= radius
    numbers = label((region & opened) | core)
    own = np.bincount(numbers[core]).argmax()
    return ndimage.binary_fill_holes(numbers == own)


METHODS = {"stain": _by_stain, "threshold": _by_threshold}
