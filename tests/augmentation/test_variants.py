"""Augmentation: decided by the seed alone, and the pixels that it should give."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from bccurate.augmentation.dihedral import dihedral
from bccurate.augmentation.noise import add_noise
from bccurate.augmentation.variants import AUGMENTATIONS, augment_batch, make_variant
from bccurate.errors import UsageError
from bccurate.learning import settings

PIXELS = np.random.default_rng(3).integers(0, 256, (24, 24, 3), dtype=np.uint8)
IMAGE = torch.from_numpy(PIXELS).permute(2, 0, 1).contiguous()


@pytest.mark.parametrize("kind", ["randaugment", "augmix"])
def test_same_seed_same_pixels_in_threads(kind: str) -> None:
    """A seed gives its pixels in any order and in any number of threads."""
    alone = [make_variant(kind, IMAGE, seed, 0.2) for seed in range(12)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda s: make_variant(kind, IMAGE, s, 0.2), range(11, -1, -1)))
    assert all(torch.equal(a, b) for a, b in zip(alone, reversed(together), strict=True))
    assert not torch.equal(alone[0], alone[1])
    assert alone[0].dtype == torch.uint8 and alone[0].shape == IMAGE.shape


@pytest.mark.parametrize("kind", ["randaugment", "augmix"])
def test_global_generator_is_left_alone(kind: str) -> None:
    """torch's and numpy's global generators stand where they stood."""
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    make_variant(kind, IMAGE, 5, 0.2)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()


@pytest.mark.parametrize(
    ("kind", "transform"),
    [("randaugment", transforms.RandAugment()), ("augmix", transforms.AugMix())],
)
def test_equals_torchvision(kind: str, transform: torch.nn.Module) -> None:
    """Without noise a variant is what torchvision gives under manual_seed."""
    with torch.random.fork_rng():
        torch.manual_seed(11)
        expected = np.array(transform(Image.fromarray(PIXELS)))
    assert (make_variant(kind, IMAGE, 11, 0.0).permute(1, 2, 0).numpy() == expected).all()


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
def test_batch_is_per_sample(kind: str) -> None:
    """An image's augmentation depends on its own seed, not on its neighbours."""
    seeds = torch.tensor([9, 2**61 + 3, 5])
    images = IMAGE.expand(3, -1, -1, -1).contiguous()
    batch = augment_batch(kind, images, seeds)
    assert batch.shape == images.shape and batch.dtype == torch.uint8
    assert torch.equal(batch[1], augment_batch(kind, images[:1], seeds[1:2])[0])


def test_unknown_kind_is_a_usage_error() -> None:
    """An unknown kind names the nearest."""
    with pytest.raises(UsageError, match="randaugment"):
        make_variant("randaug", IMAGE, 0, 0.0)
    with pytest.raises(UsageError, match="augmix"):
        augment_batch("augmx", IMAGE[None], torch.zeros(1, dtype=torch.int64))


def test_settings_offer_what_exists() -> None:
    """The kinds that a training may name are the kinds that exist."""
    assert settings.AUGMENTATIONS == AUGMENTATIONS
