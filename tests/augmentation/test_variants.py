"""Variants depend on the seed alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from bccurate.augmentation.dihedral import dihedral
from bccurate.augmentation.noise import add_noise
from bccurate.augmentation.variants import AUGMENTATIONS, augment_batch, make_variants
from bccurate.errors import UsageError

PIXELS = np.random.default_rng(3).integers(0, 256, (24, 24, 3), dtype=np.uint8)
IMAGE = torch.from_numpy(PIXELS).permute(2, 0, 1).contiguous()


@pytest.mark.parametrize("kind", ["randaugment", "augmix"])
def test_the_same_seed_gives_the_same_pixels(kind: str) -> None:
    """In any order and any number of threads."""
    alone = [make_variants(kind, [PIXELS], [seed], 0.2)[0] for seed in range(12)]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda s: make_variants(kind, [PIXELS], [s], 0.2)[0], range(11, -1, -1))
        )
    assert all((a == b).all() for a, b in zip(alone, reversed(together), strict=True))
    assert not (alone[0] == alone[1]).all()
    assert alone[0].dtype == np.uint8 and alone[0].shape == PIXELS.shape


@pytest.mark.parametrize("kind", ["randaugment", "augmix"])
def test_images_may_differ_in_size(kind: str) -> None:
    """They come back in their order, as if made alone."""
    images = [PIXELS, PIXELS[:20], PIXELS[::-1].copy(), PIXELS[:20, :7], PIXELS[4:]]
    together = make_variants(kind, images, [5, -6, 7, 8, 2**60], 0.1)
    for image, seed, variant in zip(images, [5, -6, 7, 8, 2**60], together, strict=True):
        assert (variant == make_variants(kind, [image], [seed], 0.1)[0]).all()
    assert make_variants(kind, [], [], 0.1) == []


def test_the_magnitude_changes_the_pixels() -> None:
    """None is that of the papers, 9 and 3; values out of the papers' range are refused."""
    for kind, usual, other in (("randaugment", 9, 20), ("augmix", 3, 10)):
        seeds = list(range(8))
        made = [make_variants(kind, [PIXELS] * 8, seeds, 0.0, m) for m in (None, usual, other)]
        same = [[bool((a == b).all()) for a, b in zip(made[0], m, strict=True)] for m in made]
        assert all(same[1]) and not all(same[2])
    for kind, wrong in (("randaugment", 31), ("augmix", 0), ("augmix", float("nan"))):
        with pytest.raises(UsageError, match="magnitude"):
            make_variants(kind, [PIXELS], [0], 0.0, wrong)


@pytest.mark.parametrize("kind", ["randaugment", "augmix"])
def test_global_generators_are_not_used(kind: str) -> None:
    """Neither torch's nor numpy's."""
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    make_variants(kind, [PIXELS], [5], 0.2)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()


def test_noise_has_the_given_deviation() -> None:
    """Sigma 0.1 on grey is 25.5 levels; 0 changes nothing; seeds may be negative."""
    grey = torch.full((3, 128, 128), 128, dtype=torch.uint8)
    noisy = add_noise(grey, 0.1, 7).float()
    assert abs(noisy.mean() - 128) < 1
    assert abs(noisy.std() - 25.5) < 0.5
    assert torch.equal(add_noise(grey, 0.0, 7), grey)
    assert add_noise(grey, 0.2, -1).dtype == torch.uint8


def test_dihedral_gives_the_eight_symmetries() -> None:
    """Elements 0 to 7 are eight different images; 1 is a rotation by 90 degrees, 4 a flip."""
    out = dihedral(IMAGE.expand(8, -1, -1, -1), torch.arange(8))
    assert len({image.numpy().tobytes() for image in out}) == 8
    assert torch.equal(out[0], IMAGE)
    assert (out[1].permute(1, 2, 0).numpy() == np.rot90(PIXELS)).all()
    assert (out[4].permute(1, 2, 0).numpy() == PIXELS[:, ::-1]).all()


@pytest.mark.parametrize("kind", AUGMENTATIONS)
@pytest.mark.parametrize("threads", [1, 3])
def test_an_image_does_not_depend_on_its_batch(kind: str, threads: int) -> None:
    """Nor on order, memory layout or threads, only on its seed."""
    rng = np.random.default_rng(7)
    stored = torch.from_numpy(rng.integers(0, 256, (70, 40, 33, 3), dtype=np.uint8))
    if kind == "dihedral":
        stored = stored[:, :33]
    images, seeds = stored.permute(0, 3, 1, 2), torch.arange(70) * 2**50 - 2**54
    expected = augment_batch(kind, images, seeds)
    assert expected.dtype == torch.uint8 and expected.shape == images.shape
    order = torch.randperm(70, generator=torch.Generator().manual_seed(1))
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        mixed = augment_batch(kind, images.contiguous()[order], seeds[order])
        alone = augment_batch(kind, images[41:42], seeds[41:42])
    finally:
        torch.set_num_threads(before)
    assert torch.equal(mixed, expected[order])
    assert torch.equal(alone[0], expected[41])


def test_the_mixture_of_the_paper_is_a_third_each() -> None:
    """Of 600 grey images a third is unchanged; the others have noise of 51 levels."""
    grey = torch.full((600, 3, 24, 24), 128, dtype=torch.uint8)
    out = augment_batch("paper", grey, torch.arange(600) * 7919)
    spread = out.float().std(dim=(1, 2, 3))
    assert 150 < int((spread == 0).sum()) < 250  # 200; 3 standard deviations are 35
    assert 40 < spread[spread > 0].median() < 60


@pytest.mark.parametrize("kind", ["randaugment", "augmix", "smear"])
def test_draws_differ_within_a_batch(kind: str) -> None:
    """One image with 64 seeds gives many variants; the source is unchanged."""
    images = IMAGE.expand(64, -1, -1, -1).contiguous()
    out = augment_batch(kind, images, torch.arange(64))
    assert len({image.numpy().tobytes() for image in out}) >= 50
    assert torch.equal(images[63], IMAGE)


@pytest.mark.parametrize("kind", ["randaugment", "augmix", "smear"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 1), (96, 96)])
def test_images_may_have_any_size(kind: str, shape: tuple[int, int]) -> None:
    """One pixel too."""
    images = torch.full((32, 3, *shape), 77, dtype=torch.uint8)
    assert augment_batch(kind, images, torch.arange(32)).shape == images.shape


def test_an_unknown_kind_is_refused() -> None:
    """The error suggests a similar name."""
    with pytest.raises(UsageError, match="randaugment"):
        make_variants("randaug", [PIXELS], [0], 0.0)
    with pytest.raises(UsageError, match="augmix"):
        augment_batch("augmx", IMAGE[None], torch.zeros(1, dtype=torch.int64))
