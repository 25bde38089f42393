"""Plausible blood-smear cells with their exact masks, 190 images of 96 x 96 a second on one core.

The eight classes are those of the PBC data (Acevedo et al. 2020, doi:10.1016/j.dib.2020.105474).
Nothing here is a model of optics or biology: the aim is pictures that a small network has to look
at, since shape and texture tell the classes apart and the mean colour alone does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from bccurate.errors import UsageError, nearest
from bccurate.rendering.canvas import (
    SUPERSAMPLE,
    Colour,
    ellipse,
    enlarge,
    grid,
    halve,
    noise,
    paint,
    soften,
    spread,
    tint,
)
from bccurate.rendering.nuclei import FULL_TURN, Nucleus, disc, either, kidney, lobes

PLASMA: Colour = (254, 231, 205)
LILAC_PLASMA: Colour = (224, 216, 236)  # a slide in twelve is stained bluer
RED_CELL: Colour = (206, 168, 160)
CHROMATIN: Colour = (62, 32, 108)
EDGE = 0.03  # width of a soft outline, in half picture sides


@dataclass(frozen=True)
class Granules:
    """Specks over the cytoplasm: ``share`` of its area, ``cells`` specks across the picture."""

    colour: Colour
    share: float
    cells: int
    strength: float
    over_nucleus: float = 0.0  # how much of them lies over the nucleus, in [0, 1]


@dataclass(frozen=True)
class Recipe:
    """How a class looks. Radii are in half picture sides, colours 0 to 255."""

    radius: tuple[float, float]
    cytoplasm: Colour
    nucleus: Nucleus | None
    granules: Granules | None = None
    wobble: float = 0.05  # how far the outline leaves an ellipse
    chromatin: Colour = CHROMATIN
    mottle: float = 0.35  # contrast of the chromatin's texture


RECIPES: dict[str, Recipe] = {
    "basophil": Recipe(
        (0.5, 0.72),
        (178, 140, 190),
        either(lobes(2, 3, (0.4, 0.5), 0.34), kidney(0.7, 0.8, (0.2, 0.3))),
        Granules((52, 24, 96), 0.42, 44, 0.95, over_nucleus=0.8),
        chromatin=(84, 48, 132),
    ),
    "eosinophil": Recipe(
        (0.62, 0.84),
        (216, 150, 140),
        lobes(2, 3, (0.3, 0.4), 0.42),
        Granules((196, 96, 92), 0.5, 56, 0.75),
    ),
    "erythroblast": Recipe(
        (0.4, 0.66),
        (150, 130, 172),
        disc(0.5, 0.68, 0.22, stretch=1.08),
        None,
        chromatin=(44, 22, 84),
        mottle=0.15,
    ),
    "ig": Recipe(
        (0.6, 0.86),
        (178, 150, 196),
        either(
            disc(0.62, 0.76, 0.22, stretch=1.25),
            disc(0.62, 0.76, 0.22, stretch=1.25),
            kidney(0.6, 0.72, (0.15, 0.3)),
        ),
        Granules((104, 58, 140), 0.3, 52, 0.7, over_nucleus=0.25),
        chromatin=(86, 44, 128),
        mottle=0.5,
    ),
    "lymphocyte": Recipe(
        (0.42, 0.66),
        (142, 138, 190),
        disc(0.82, 0.93, 0.08, stretch=1.08),
        None,
        wobble=0.06,
        chromatin=(70, 38, 116),
        mottle=0.45,
    ),
    "monocyte": Recipe(
        (0.66, 0.92),
        (166, 156, 190),
        either(kidney(0.68, 0.8, (0.22, 0.38)), lobes(2, 2, (0.4, 0.5), 0.36)),
        Granules((128, 116, 168), 0.35, 40, 0.5),
        wobble=0.1,
        chromatin=(82, 44, 122),
        mottle=0.5,
    ),
    "neutrophil": Recipe(
        (0.6, 0.8),
        (226, 196, 196),
        lobes(3, 5, (0.21, 0.3), 0.42),
        Granules((186, 134, 158), 0.3, 60, 0.55),
    ),
    "platelet": Recipe(
        (0.2, 0.32),
        (186, 152, 196),
        None,
        Granules((98, 54, 136), 0.45, 44, 0.85),
        wobble=0.08,
    ),
}
CLASSES = tuple(RECIPES)


def render_cell(
    label: str, rng: np.random.Generator, size: int = 96
) -> tuple[np.ndarray, np.ndarray]:
    """One cell of class ``label`` and its mask; the same ``rng`` state gives the same pixels.

    Args:
        label: one of ``CLASSES``.
        rng: the only source of chance.
        size: side of the picture in pixels.

    Returns:
        The image (size, size, 3) uint8 and the mask (size, size) bool, True on the cell.

    Raises:
        UsageError: the label is not one of ``CLASSES``.
    """
    if label not in RECIPES:
        raise UsageError(f"No recipe for a {label!r} cell.{nearest(label, CLASSES)}")
    recipe, side = RECIPES[label], size * SUPERSAMPLE
    x, y = grid(side)
    radius = rng.uniform(*recipe.radius)
    centre = tuple(np.float32(rng.uniform(-0.5, 0.5, 2) * min(0.3, 1 - radius)))
    canvas = _smear(rng, size, centre, radius)
    cell, within = _outline(rng, recipe, (x - centre[0]) / radius, (y - centre[1]) / radius)
    _fill(canvas, rng, recipe, cell * np.float32(radius), within, radius)
    mask = halve((cell > 0).astype(np.float32)) >= 0.5
    return _expose(halve(canvas), rng), mask


def _smear(
    rng: np.random.Generator, size: int, centre: tuple[float, ...], radius: float
) -> np.ndarray:
    """Plasma with red cells around, but not under, the place of the labelled cell.

    The red cells are out of focus anyway, so they are drawn at ``size`` and enlarged.
    """
    x, y = grid(size)
    plasma = tint(LILAC_PLASMA if rng.random() < 0.08 else PLASMA)
    density = np.zeros_like(x)
    for _ in range(int(rng.integers(3, 10))):
        own, angle = rng.uniform(0.27, 0.42), rng.uniform(0, FULL_TURN)
        away = radius + own * rng.uniform(0.85, 1.1) + rng.exponential(0.35)
        place = (centre[0] + away * np.cos(angle), centre[1] + away * np.sin(angle))
        ratio = rng.uniform(1, 1.15)
        field = ellipse(x, y, place, (own * ratio, own / ratio), rng.uniform(0, FULL_TURN))
        pale = soften(field - np.float32(own * rng.uniform(0.4, 0.65)), 0.16)
        density += soften(field, EDGE) * (1 - np.float32(rng.uniform(0.15, 0.85)) * pale)
    red = tint(RED_CELL) + (plasma - tint(PLASMA)) * np.float32(0.7) + spread(rng, 4)
    return plasma + enlarge(np.minimum(density, 1.5), size * SUPERSAMPLE) * (red - plasma)


def _outline(
    rng: np.random.Generator, recipe: Recipe, u: np.ndarray, v: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Field of the cell in its own unit, and the bent coordinates that its inside is drawn in."""
    side = u.shape[0]
    cells = max(4, round(3 / recipe.radius[1]))  # as many waves along a small cell's outline
    bent = np.float32(recipe.wobble)
    u = u + bent * noise(rng, cells, side)
    v = v + bent * noise(rng, cells, side)
    ratio = rng.uniform(1, 1.12)
    return ellipse(u, v, (0, 0), (ratio, 1 / ratio), rng.uniform(0, FULL_TURN)), (u, v)


def _fill(
    canvas: np.ndarray,
    rng: np.random.Generator,
    recipe: Recipe,
    cell: np.ndarray,
    within: tuple[np.ndarray, np.ndarray],
    radius: float,
) -> None:
    """Cytoplasm, nucleus, granules, in that order, onto ``canvas`` in place."""
    side = cell.shape[0]
    cover, cloud = soften(cell, EDGE), noise(rng, 14, side)
    fluid = tint(recipe.cytoplasm) + spread(rng, 6)
    paint(canvas, cover * (np.float32(0.9) + np.float32(0.06) * cloud), fluid)
    inside = np.zeros_like(cell)
    if recipe.nucleus is not None:
        field = recipe.nucleus(*within, rng) * np.float32(radius)
        inside = soften(np.minimum(field, cell), EDGE)
        mottle = np.float32(recipe.mottle) * (noise(rng, 30, side) + np.float32(0.5) * cloud)
        rim = soften(np.float32(0.04) - field, 0.06)  # chromatin lies dense along the membrane
        light = np.clip(mottle - rim, -0.6, 1) * np.float32(34) + np.float32(rng.normal(6, 6))
        paint(canvas, inside, tint(recipe.chromatin) + light * tint((1, 0.75, 0.9)))
    if recipe.granules is not None:
        _sprinkle(canvas, rng, recipe.granules, cover, inside)


def _sprinkle(
    canvas: np.ndarray,
    rng: np.random.Generator,
    granules: Granules,
    cover: np.ndarray,
    inside: np.ndarray,
) -> None:
    """Granules where smooth noise passes the level that leaves ``share`` of the area."""
    share = np.clip(granules.share * rng.uniform(0.7, 1.3), 0.05, 0.8)
    level = np.float32(0.88 * (1 - 2 * share))  # a line through the quantiles of the noise
    specks = soften(noise(rng, granules.cells, cover.shape[0]) - level, 1.1)
    specks *= cover * (1 - np.float32(1 - granules.over_nucleus) * inside)
    paint(canvas, specks * np.float32(granules.strength), tint(granules.colour))


def _expose(light: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a camera makes of ``light`` (3, size, size): uint8 (size, size, 3).

    Contrast, uneven lighting, white balance, focus and sensor noise differ between pictures.
    """
    size = light.shape[1]
    x, y = grid(size)
    slope = rng.normal(0, 0.012, 2).astype(np.float32)
    gain = np.float32(rng.normal(0.995, 0.02)) + spread(rng, 0.01)
    contrast = np.float32(rng.uniform(0.88, 1.06))
    light = (light - np.float32(230)) * contrast + np.float32(230)
    light *= (1 + slope[0] * x + slope[1] * y) * gain
    sharp = Image.fromarray(np.clip(light, 0, 255).astype(np.uint8).transpose(1, 2, 0).copy())
    blur = ImageFilter.GaussianBlur(rng.uniform(0.25, 0.7) * size / 96)
    seen = np.asarray(sharp.filter(blur), np.float32)
    seen = seen + rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(2)
    return np.clip(seen + np.float32(0.5), 0, 255).astype(np.uint8)
