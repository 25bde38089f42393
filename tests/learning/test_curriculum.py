"""Augmentation is introduced gradually, and an image may have several variants in a batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from trainings import CLASSES

from bccurate.augmentation.dihedral import dihedral
from bccurate.augmentation.variants import augment_batch
from bccurate.errors import UsageError
from bccurate.learning.batches import TrainingContext, epoch_batches
from bccurate.learning.loss import Objective
from bccurate.learning.precision import Precision
from bccurate.learning.registry import ModelSpec
from bccurate.learning.settings import TrainingData, TrainSettings


def test_the_augmented_share_grows_evenly_over_the_ramp() -> None:
    """Ten epochs, half of them the ramp: none at the start, half after 2.5 epochs, all after 5."""
    settings = TrainSettings(epochs=10, ramp=0.5)
    shares = [settings.augmented_share(*at) for at in ((1, 0.0), (3, 0.5), (6, 0.0), (10, 0.9))]
    assert shares == [0, 0.5, 1, 1]
    assert TrainSettings(epochs=10).augmented_share(1, 0.0) == 1


def _context(spec: ModelSpec, settings: TrainSettings, images: np.ndarray) -> TrainingContext:
    targets = np.arange(len(images)) % 2
    data = TrainingData(images, targets, images, targets, CLASSES)
    return TrainingContext(spec, settings, torch.device("cpu"), data)


def test_images_that_are_not_augmented_are_rotated_or_flipped() -> None:
    """At a share of 1/4 about 100 of 400 images are augmented, each as at a share of 1."""
    images = torch.randint(0, 256, (400, 3, 16, 16), dtype=torch.uint8)
    seeds = torch.arange(400) * 7919
    some = augment_batch("randaugment", images, seeds, share=0.25)
    rotated, whole = dihedral(images, seeds), augment_batch("randaugment", images, seeds)
    as_rotated, as_whole = ((some == other).flatten(1).all(1) for other in (rotated, whole))
    assert bool((as_rotated | as_whole).all())
    assert 70 <= int((~as_rotated).sum()) <= 130
    assert torch.equal(augment_batch("randaugment", images, seeds, share=0.0), rotated)


def test_repeats_average_the_loss_over_variants_of_an_image(tiny: ModelSpec) -> None:
    """Two repeats: the mean of the losses of two views; the first is that of one repeat."""
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
    model = tiny.build(2).eval()
    settings = TrainSettings(augment="smear", image_size=16)
    rows, seeds = torch.arange(6), torch.arange(6)
    context = _context(tiny, settings, images)
    twice = replace(context, settings=replace(settings, repeats=2))
    with torch.no_grad():
        precision = Precision()
        one = Objective(context, precision).losses(model, rows, seeds)
        both = Objective(twice, precision).losses(model, rows, seeds)
        other = Objective(context, precision).losses(model, rows, seeds ^ 0x5BD1E995)
    assert torch.equal(one.logits, both.logits)
    torch.testing.assert_close(both.losses, (one.losses + other.losses) / 2)
    assert not torch.equal(one.losses, other.losses)


@pytest.mark.parametrize("redraw", [True, False])
def test_variants_are_drawn_in_each_epoch_or_once(tiny: ModelSpec, redraw: bool) -> None:
    """An image's seeds in two epochs differ, or are equal and differ from those of others."""
    settings = TrainSettings(image_size=16, batch_size=4, redraw=redraw)
    context = _context(tiny, settings, np.zeros((9, 16, 16, 3), np.uint8))
    first, second = (
        {
            int(row): int(seed)
            for rows, seeds in epoch_batches(context, epoch)
            for row, seed in zip(rows, seeds, strict=True)
        }
        for epoch in (1, 2)
    )
    assert len(set(first.values())) == 9 and first.keys() == second.keys()
    assert {first[row] == second[row] for row in first} == {not redraw}


@pytest.mark.parametrize("wrong", [{"ramp": 1.5}, {"ramp": float("nan")}, {"repeats": 0}])
def test_a_setting_out_of_range_is_named(wrong: dict[str, float]) -> None:
    """By its option."""
    with pytest.raises(UsageError, match=f"--{next(iter(wrong))}"):
        TrainSettings(**wrong).check()
