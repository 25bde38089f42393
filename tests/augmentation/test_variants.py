"""Augmentation: decided by the seed alone, and the pixels that it should give."""

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
def test_same_seed_same_pixels_in_threads(kind: str) -> None:
    """A seed gives its pixels in any order and in any number of threads."""
    alone = [make_variants(kind, [PIXELS], [seed], 0.2)[0] for seed in range(12)]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda s: make_variants(kind, [PIXELS], [s], 0.2)[0], range(11, -1, -1))
        )
    assert all((a == b).all() for a, b in zip(alone, reversed(together), strict=True))
    assert not (alone[0] == alone[1]).all()
    assert alone[0].dtype == np.uint8 and alone[0].shape == PIXELS.shape


@pytest.mark.parametrize("kind", ["randaugment", "augmix"])
def test_a_batch_of_many_sizes_is_each_alone(kind: str) -> None:
    """Pictures of one size go together and come back in their order, as if made alone."""
    pictures = [PIXELS, PIXELS[:20], PIXELS[::-1].copy(), PIXELS[:20, :7], PIXELS[4:]]
    together = make_variants(kind, pictures, [5, -6, 7, 8, 2**60], 0.1)
    for picture, seed, variant in zip(pictures, [5, -6, 7, 8, 2**60], together, strict=True):
        assert (variant == make_variants(kind, [picture], [seed], 0.1)[0]).all()
    assert make_variants(kind, [], [], 0.1) == []


def test_magnitude_is_the_operations_strength() -> None:
    """None is the papers' 9 and 3; another one changes the pixels; its range is the paper's."""
    for kind, usual, other in (("randaugment", 9, 20), ("augmix", 3, 10)):
        seeds = list(range(8))
        made = [make_variants(kind, [PIXELS] * 8, seeds, 0.0, m) for m in (None, usual, other)]
        same = [[bool((a == b).all()) for a, b in zip(made[0], m, strict=True)] for m in made]
        assert all(same[1]) and not all(same[2])
    for kind, wrong in (("randaugment", 31), ("augmix", 0), ("augmix", float("nan"))):
        with pytest.raises(UsageError, match="magnitude"):
            make_variants(kind, [PIXELS], [0], 0.0, wrong)


@pytest.mark.parametrize("kind", ["randaugment", "augmix"])
def test_global_generator_is_left_alone(kind: str) -> None:
    """torch's and numpy's global generators stand where they stood."""
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    make_variants(kind, [PIXELS], [5], 0.2)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()


def test_noise_has_the_asked_spread() -> None:
    """Sigma 0.1 on mid-grey is 25.5 grey levels; 0 changes nothing; a negative seed is a seed."""
    grey = torch.full((3, 128, 128), 128, dtype=torch.uint8)
    noisy = add_noise(grey, 0.1, 7).float()
    assert abs(noisy.mean() - 128) < 1
    assert abs(noisy.std() - 25.5) < 0.5
    assert torch.equal(add_noise(grey, 0.0, 7), grey)
    assert add_noise(grey, 0.2, -1).dtype == torch.uint8


def test_dihedral_gives_the_eight_symmetries() -> None:
    """Elements 0 to 7 are the eight different images; 1 is a quarter turn, 4 a mirror."""
    out = dihedral(IMAGE.expand(8, -1, -1, -1), torch.arange(8))
    assert len({image.numpy().tobytes() for image in out}) == 8
    assert torch.equal(out[0], IMAGE)
    assert (out[1].permute(1, 2, 0).numpy() == np.rot90(PIXELS)).all()
    assert (out[4].permute(1, 2, 0).numpy() == PIXELS[:, ::-1]).all()


@pytest.mark.parametrize("kind", AUGMENTATIONS)
@pytest.mark.parametrize("threads", [1, 3])
def test_batch_is_per_sample(kind: str, threads: int) -> None:
    """An image's result hangs on its own seed, not on neighbours, order, layout or threads."""
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


def test_papers_mixture_is_a_third_each() -> None:
    """Of 600 grey images a third stays grey; noise of 0.2 spreads the others by 51 levels."""
    grey = torch.full((600, 3, 24, 24), 128, dtype=torch.uint8)
    out = augment_batch("paper", grey, torch.arange(600) * 7919)
    spread = out.float().std(dim=(1, 2, 3))
    assert 150 < int((spread == 0).sum()) < 250  # 200, 3 deviations are 35
    assert 40 < spread[spread > 0].median() < 60


@pytest.mark.parametrize("kind", ["randaugment", "augmix", "smear"])
def test_draws_differ_within_a_batch(kind: str) -> None:
    """One image under 64 seeds of a batch becomes many pictures; nothing writes to its source."""
    images = IMAGE.expand(64, -1, -1, -1).contiguous()
    out = augment_batch(kind, images, torch.arange(64))
    assert len({image.numpy().tobytes() for image in out}) >= 50
    assert torch.equal(images[63], IMAGE)


@pytest.mark.parametrize("kind", ["randaugment", "augmix", "smear"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 1), (96, 96)])
def test_any_size_of_image(kind: str, shape: tuple[int, int]) -> None:
    """Images of one pixel too."""
    images = torch.full((32, 3, *shape), 77, dtype=torch.uint8)
    assert augment_batch(kind, images, torch.arange(32)).shape == images.shape


def test_unknown_kind_is_a_usage_error() -> None:
    """An unknown kind names the nearest."""
    with pytest.raises(UsageError, match="randaugment"):
        make_variants("randaug", [PIXELS], [0], 0.0)
    with pytest.raises(UsageError, match="augmix"):
        augment_batch("augmx", IMAGE[None], torch.zeros(1, dtype=torch.int64))
