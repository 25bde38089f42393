"""Accuracy over the suite: means by hand, intervals of the number of images, bounded memory."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bccurate.errors import InputError, UsageError
from bccurate.evaluation.metrics import wilson
from bccurate.evaluation.robustness import CLEAN, kinds_of, robustness, summarise_hits

HITS = {
    CLEAN: 10,
    ("gaussian_noise", 1): 8,
    ("gaussian_noise", 5): 4,
    ("shot_noise", 1): 6,
    ("shot_noise", 5): 2,
    ("fog", 1): 9,
    ("fog", 5): 7,
}


def test_means_by_hand():
    """Ten images: 20 of 40 are correct under noise, 16 of 20 under light, 36 of 60 in all."""
    found = summarise_hits(HITS, 10)
    assert (found["n"], found["severities"], found["accuracy"]) == (10, [1, 5], 1.0)
    noise, light = found["families"]["noise"], found["families"]["light"]
    assert noise["accuracy"] == pytest.approx(0.5) and light["accuracy"] == pytest.approx(0.8)
    assert [row["accuracy"] for row in noise["severities"]] == pytest.approx([0.7, 0.3])
    assert found["corruptions"]["shot_noise"]["accuracy"] == pytest.approx(0.4)
    assert found["corrupted_accuracy"] == pytest.approx(0.6)
    assert found["mean_corruption_error"] == pytest.approx(0.4)
    assert found["gap"] == pytest.approx(0.4)
    assert json.loads(json.dumps(found)) == found


def test_intervals_count_images_and_not_their_copies():
    """A family's interval is that of ten images, though it has forty predictions."""
    found = summarise_hits(HITS, 10)
    assert found["families"]["noise"]["interval"] == pytest.approx(wilson(5, 10))
    assert found["corrupted_interval"] == pytest.approx(wilson(6, 10))
    row = found["corruptions"]["fog"]["severities"][0]
    assert row["n"] == 10 and row["interval"] == pytest.approx(wilson(9, 10))


def test_combined_corruptions_are_part_of_no_mean():
    """Four of twenty are correct: 0.2; all else is as without it."""
    found = summarise_hits({**HITS, ("combined", 1): 3, ("combined", 5): 1}, 10)
    combined = found.pop("combined")
    assert [row["accuracy"] for row in combined["severities"]] == pytest.approx([0.3, 0.1])
    assert combined["accuracy"] == pytest.approx(0.2)
    assert combined["interval"] == pytest.approx(wilson(2, 10))
    without = summarise_hits(HITS, 10)
    assert without.pop("combined") is None and found == without


def _bright(images: np.ndarray) -> np.ndarray:
    """Return scores of two classes: dark, bright."""
    means = images.mean(axis=(1, 2, 3))
    return np.stack([128 - means, means - 128], axis=1)


def test_a_model_of_brightness_fails_in_the_dark():
    """Cells of 200 stay bright at 0.9 and not at 0.5; the batch size changes nothing."""
    images = np.full((5, 8, 8, 3), 200, np.uint8)
    sizes: list[int] = []

    def predict(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return _bright(batch)

    targets = np.ones(5, int)
    found = robustness(predict, images, targets, (1, 5), ("brightness_down",), batch_size=2)
    rows = found["corruptions"]["brightness_down"]["severities"]
    assert [row["accuracy"] for row in rows] == [1.0, 0.0]
    assert found["accuracy"] == 1.0 and max(sizes) == 2
    assert found == robustness(_bright, images, targets, (1, 5), ("brightness_down",))


def test_images_may_be_a_mapped_file(tmp_path):
    """The result is that of an array in memory."""
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
    mapped = np.memmap(tmp_path / "pixels", np.uint8, "w+", shape=images.shape)
    mapped[:] = images
    targets = np.array([0, 1] * 3)
    assert robustness(_bright, mapped, targets, (3,)) == robustness(_bright, images, targets, (3,))


def test_invalid_arguments_are_refused():
    """Unknown and missing corruptions and severities, no images, too few targets."""
    none = ((1,), ()), ((1,), ("combined",))
    for bad in (((1,), ("smoke",)), ((0,), ("fog",)), ((), ("fog",)), *none):
        with pytest.raises(UsageError):
            kinds_of(*bad)
    images = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(InputError, match="2 images and 1 targets"):
        robustness(_bright, images, np.zeros(1, int))
    with pytest.raises(InputError, match="0 images"):
        robustness(_bright, images[:0], np.zeros(0, int))
