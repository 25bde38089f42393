"""Augmentation that comes in by and by, and several variants of an image in a batch."""

from dataclasses import replace

import pytest
import torch

from bccurate.augmentation.dihedral import dihedral
from bccurate.augmentation.variants import augment_batch
from bccurate.errors import UsageError
from bccurate.learning.job import Job
from bccurate.learning.loop import _pieces
from bccurate.learning.loss import Objective
from bccurate.learning.precision import Precision
from bccurate.learning.registry import ModelSpec
from bccurate.learning.settings import TrainSettings


def test_the_share_grows_evenly_over_the_ramp() -> None:
    """Ten epochs, half of them the ramp: none at the start, half after 2.5 epochs, all after 5."""
    settings = TrainSettings(epochs=10, ramp=0.5)
    shares = [settings.augmented_share(*at) for at in ((1, 0.0), (3, 0.5), (6, 0.0), (10, 0.9))]
    assert shares == [0, 0.5, 1, 1]
    assert TrainSettings(epochs=10).augmented_share(1, 0.0) == 1


def test_who_escapes_is_turned_and_the_others_are_as_they_would_be() -> None:
    """At a share of 1/4, of 400 images near 100 are augmented, each as at a share of 1."""
    images = torch.randint(0, 256, (400, 3, 16, 16), dtype=torch.uint8)
    seeds = torch.arange(400) * 7919
    some = augment_batch("randaugment", images, seeds, share=0.25)
    turned, whole = dihedral(images, seeds), augment_batch("randaugment", images, seeds)
    as_turned, as_whole = ((some == other).flatten(1).all(1) for other in (turned, whole))
    assert bool((as_turned | as_whole).all())
    assert 70 <= int((~as_turned).sum()) <= 130
    assert torch.equal(augment_batch("randaugment", images, seeds, share=0.0), turned)


def test_repeats_average_the_loss_over_variants_of_an_image(tiny: ModelSpec) -> None:
    """Two repeats: the mean of the losses of two views; the first is that of one repeat."""
    images = torch.randint(0, 256, (6, 16, 16, 3), dtype=torch.uint8)
    targets = torch.arange(6) % 2
    model = tiny.build(2).eval()
    settings = TrainSettings(augment="smear", image_size=16)
    rows, seeds = torch.arange(6), torch.arange(6)
    job = Job(tiny, settings, torch.device("cpu"), 2, images, targets, images, targets)
    twice = replace(job, settings=replace(settings, repeats=2))
    with torch.no_grad():
        precision = Precision()
        one = Objective(job, precision).losses(model, rows, seeds)
        both = Objective(twice, precision).losses(model, rows, seeds)
        other = Objective(job, precision).losses(model, rows, seeds ^ 0x5BD1E995)
    assert torch.equal(one.logits, both.logits)
    torch.testing.assert_close(both.losses, (one.losses + other.losses) / 2)
    assert not torch.equal(one.losses, other.losses)


@pytest.mark.parametrize("redraw", [True, False])
def test_variants_are_drawn_anew_in_every_epoch_or_once(tiny: ModelSpec, redraw: bool) -> None:
    """The seeds of an image's draws in two epochs: all unlike, or all equal and unlike others'."""
    images, targets = torch.zeros((9, 16, 16, 3), dtype=torch.uint8), torch.arange(9) % 2
    settings = TrainSettings(image_size=16, batch_size=4, redraw=redraw)
    job = Job(tiny, settings, torch.device("cpu"), 2, images, targets, images, targets)
    first, second = (
        dict(zip(*(torch.cat(part).tolist() for part in zip(*pieces, strict=True)), strict=True))
        for pieces in (list(_pieces(job, 1)), list(_pieces(job, 2)))
    )
    assert len(set(first.values())) == 9 and first.keys() == second.keys()
    assert {first[row] == second[row] for row in first} == {not redraw}


@pytest.mark.parametrize("wrong", [{"ramp": 1.5}, {"ramp": float("nan")}, {"repeats": 0}])
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    """With the name of the option."""
    with pytest.raises(UsageError, match=f"--{next(iter(wrong))}"):
        TrainSettings(**wrong).check()
