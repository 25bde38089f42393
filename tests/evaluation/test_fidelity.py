"""Movements, rejections and suggestions, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from bccurate.evaluation.fidelity import (
    Seen,
    class_row,
    destroyed,
    distance,
    first_that_keeps,
    look,
    milder,
    rejected,
    spread,
)
from bccurate.images.workers import read_many


def plain(*colour: int) -> np.ndarray:
    return np.full((6, 5, 3), colour, dtype=np.uint8)


@pytest.mark.parametrize(
    ("colour", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),  # Lindbloom's tables of sRGB
        ((0, 0, 255), (32.30, 79.19, -107.86)),
    ],
)
def test_colours_are_those_of_the_tables(colour, lab):
    """CIELAB under D65 of white, black, red and blue."""
    assert look(plain(*colour))[2:] == pytest.approx(lab, abs=0.02)


def test_colours_agree_with_scikit_image():
    """On plain pictures of 50 colours, within 0.01."""
    skimage = pytest.importorskip("skimage.color")
    colours = np.random.default_rng(2).integers(0, 256, (50, 3), dtype=np.uint8)
    ours = np.array([look(plain(*colour))[2:] for colour in colours])
    assert ours == pytest.approx(skimage.rgb2lab(colours[None])[0], abs=0.01)


def test_the_mean_colour_is_that_of_the_mean_light():
    """Black and white halves are half the light, L* = 116 cbrt(1/2) - 16, not L* 50."""
    halves = np.zeros((4, 4, 3), np.uint8)
    halves[:2] = 255
    assert look(halves) == pytest.approx([127.5, 127.5, 116 * 0.5 ** (1 / 3) - 16, 0, 0], abs=1e-3)


def test_grey_values_are_those_of_the_outlier_rule(tmp_path):
    """Mean and deviation as the import stores them."""
    rgb = np.random.default_rng(4).integers(0, 256, (31, 18, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    (facts,) = read_many([str(tmp_path / "a.png")])
    assert look(rgb)[:2] == pytest.approx([facts.intensity_mean, facts.intensity_std])


def test_movement_is_told_in_spreads_of_the_class():
    """Sources at 10 and 14 have a spread of 2; variants moved by 3 and 1: the median is 1."""
    sources, variants = np.array([[10.0], [14.0]]), np.array([[13.0], [13.0]])
    assert spread(sources) == 2
    assert spread(np.array([[0.0, 0], [6, 8]])) == 5
    assert distance(sources, variants, np.array([0, 1])) == 2
    looks = np.array([[10.0, 5, 50, 0, 0], [14.0, 5, 50, 3, 4]])
    moved = np.array([[13.0, 6, 50, 3, 4], [13.0, 6, 50, 3, 4], [14.0, 6, 50, 3, 4]])
    row = class_row(Seen(looks), Seen(moved), np.array([0, 1, 1]), np.array([True, False, False]))
    assert row == {
        "n": 3,
        "intensity_mean": 0.5,  # the median of 3, 1 and 0, over 2
        "intensity_std": None,  # both sources have 5: no spread
        "colour": 0.0,  # of 5, 0 and 0
        "delta_e": 0.0,
        "embedding": None,
        "rejected": pytest.approx(1 / 3),
        "accuracy_sources": None,
        "accuracy": None,
    }


def test_accuracy_counts_a_source_for_each_of_its_variants():
    """Two variants of a source that is right and one of a source that is wrong: 2/3 to 1/3."""
    looks, features = np.eye(5)[:2], np.array([[1.0, 0], [0, 1.0]])
    sources = Seen(looks, features, np.array([True, False]))
    variants = Seen(np.eye(5)[:3], features[[1, 0, 1]], np.array([False, True, False]))
    row = class_row(sources, variants, np.array([0, 0, 1]), np.zeros(3, bool))
    assert (row["accuracy_sources"], row["accuracy"]) == pytest.approx((2 / 3, 1 / 3))
    assert row["embedding"] == 0.0  # distances sqrt(2), 0 and 0


def test_bounds_are_of_the_clean_pictures_alone():
    """90 and 110 by turns: 100 ± 3 x 10. No crowd of variants moves the bound."""
    clean = (np.tile([90.0, 110.0], 20), np.full(40, 20.0), ["a"] * 40)
    looks = np.array([[129.0, 20, 0, 0, 0]] + [[131.0, 20, 0, 0, 0]] * 99)
    out = rejected(looks, ["a"] * 100, clean, {})
    assert not out[0] and out[1:].all()
    assert not rejected(looks, ["a"] * 100, clean, {"alpha": 3.2}).any()


@pytest.mark.parametrize(
    ("share", "before", "after", "bad"),
    [(0.2, None, None, False), (0.21, None, None, True), (0.0, 0.9, 0.8, False),
     (0.0, 0.9, 0.79, True), (0.0, 0.5, 0.9, False)],
)  # fmt: skip
def test_a_class_is_destroyed_beyond_a_fifth_or_a_tenth(share, before, after, bad):
    """More than 20 % rejected, or an accuracy that falls by more than 0.1."""
    row = {"rejected": share, "accuracy_sources": before, "accuracy": after}
    assert destroyed(row) is bad


def test_milder_settings_change_one_thing_first():
    """Less noise, then weaker operations, then both; never below what the kind takes."""
    assert milder(0.2, 9) == [(0.1, 9), (0.05, 9), (0, 9), (0.2, 6), (0.2, 3), (0.2, 1),
                              (0.05, 6), (0.05, 3), (0, 1)]  # fmt: skip
    assert milder(0, 0.3, 0.1) == [(0, 0.2), (0, 0.1), (0, 0.1)]


def test_the_first_setting_that_keeps_a_class_is_suggested():
    """A class is asked for until one does; where none does, None."""
    kept_at, asked = {"a": 2, "b": 1, "c": 9}, []

    def measure(setting, labels):
        asked.append((setting, sorted(labels)))
        return {
            label: {"rejected": float(setting < kept_at[label]), "accuracy_sources": None,
                    "accuracy": None}
            for label in labels
        }  # fmt: skip

    assert first_that_keeps([0, 1, 2], "abc", measure) == {"a": 2, "b": 1, "c": None}
    assert asked == [(0, ["a", "b", "c"]), (1, ["a", "b", "c"]), (2, ["a", "c"])]
    assert first_that_keeps([0], "", measure) == {} and len(asked) == 3
