"""Cell masks: against the exact masks of rendered cells, by hand, and on hostile pictures."""

from __future__ import annotations

import numpy as np
import pytest

from bccurate.curation.cell_mask import (
    METHODS,
    SIDE,
    background_colour,
    cell_mask,
    fitted,
    without_background,
)
from bccurate.rendering.cells import CLASSES, render_cell

PLASMA, RED, LILAC, DARK = (250, 228, 205), (206, 168, 160), (170, 150, 200), (70, 40, 110)


def disc(shape: tuple[int, int], y: int, x: int, radius: float) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, list[float]]]:
    """IoU with the exact mask by method and class, 8 rendered cells each."""
    found: dict[str, dict[str, list[float]]] = {method: {} for method in METHODS}
    for number, label in enumerate(CLASSES):
        for copy in range(8):
            rgb, mask = render_cell(label, np.random.default_rng([51, number, copy]))
            for method in METHODS:
                found[method].setdefault(label, []).append(iou(cell_mask(rgb, method), mask))
    return found


def test_stain_finds_the_rendered_cells(scores):
    """Mean IoU with the exact masks is at least 0.90, and 0.80 for the median of any class."""
    every = [score for of_class in scores["stain"].values() for score in of_class]
    assert np.mean(every) >= 0.90
    assert {label for label, own in scores["stain"].items() if np.median(own) < 0.80} == set()


def test_stain_beats_the_papers_threshold(scores):
    """The default is better by at least 0.2 of mean IoU, and worse for no class."""
    means = {m: {label: np.mean(own) for label, own in scores[m].items()} for m in METHODS}
    gains = [means["stain"][label] - means["threshold"][label] for label in CLASSES]
    assert np.mean(gains) >= 0.2 and min(gains) >= 0


@pytest.mark.parametrize("scale", [1, 3])
def test_a_red_cell_that_touches_is_left_out(scale):
    """Of two cells with a neck between them the mask is the one with a nucleus, at any size."""
    shape = (96 * scale, 96 * scale)
    cell = disc(shape, 48 * scale, 40 * scale, 20 * scale)
    rgb = np.full((*shape, 3), PLASMA, np.uint8)
    rgb[disc(shape, 48 * scale, 78 * scale, 19 * scale)] = RED
    rgb[cell] = LILAC
    rgb[disc(shape, 48 * scale, 36 * scale, 11 * scale)] = DARK
    mask = cell_mask(rgb)
    assert mask.shape == (SIDE, SIDE)
    assert iou(mask, disc((96, 96), 48, 40, 20)) > 0.9


def test_the_threshold_is_otsus_of_the_blurred_grey():
    """Two grey levels: the mask is the dark one, blurred edge apart."""
    dark = disc((96, 96), 30, 60, 12)
    rgb = np.where(dark[..., None], 60, 200).repeat(3, axis=2).astype(np.uint8)
    assert iou(cell_mask(rgb, "threshold"), dark) > 0.95


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (28, 28), (40, 200), (130, 60)])
def test_any_picture_gives_a_mask(method, shape):
    """Flat, noisy, black and white and split pictures of any shape give a mask, never an error."""
    rng = np.random.default_rng(0)
    halves = np.zeros((*shape, 3), np.uint8)
    halves[:, shape[1] // 2 :] = (255, 0, 0)
    for rgb in (
        np.full((*shape, 3), 255, np.uint8),
        rng.integers(0, 256, (*shape, 3), dtype=np.uint8),
        rng.integers(0, 2, (*shape, 1), dtype=np.uint8).repeat(3, axis=2) * np.uint8(255),
        halves,
    ):
        mask = cell_mask(rgb, method)
        assert mask.dtype == bool and max(mask.shape) == SIDE
        assert without_background(rgb, mask, np.array([1, 2, 3])).shape == rgb.shape


def test_a_flat_picture_has_no_cell():
    """Where there is nothing nothing is found."""
    assert not any(cell_mask(np.full((50, 50, 3), 128, np.uint8), m).any() for m in METHODS)


def test_background_is_replaced_and_the_cell_is_not_touched():
    """By hand: two pixels of cell stay, the other two take the colour; so does an enlarged mask."""
    rgb = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    mask = np.array([[True, False], [False, True]])
    assert without_background(rgb, mask, np.array([7, 8, 9])).tolist() == [
        [[0, 1, 2], [7, 8, 9]],
        [[7, 8, 9], [9, 10, 11]],
    ]
    assert background_colour(rgb, mask).tolist() == [4.5, 5.5, 6.5]  # of (3, 4, 5) and (6, 7, 8)
    left = fitted(np.array([[True, False]] * 2), (4, 4))
    assert left.tolist() == [[True, True, False, False]] * 4
