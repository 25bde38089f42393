"""Equations 3 (AugMix) and 4 (RandAugment) give the values calculated by hand."""

import numpy as np
import torch

from bccurate.augmentation import augmix, randaugment
from bccurate.augmentation.draws import Draws


def _image(rows: list[list[int]]) -> torch.Tensor:
    """Return (1, 3, H, W) with three equal channels."""
    return torch.tensor(rows, dtype=torch.uint8).expand(1, 3, -1, -1).contiguous()


def _index(module, name: str) -> np.ndarray:
    return np.array([list(module.OPERATIONS).index(name)])


def test_mix_is_equation_3() -> None:
    """x = 100, chains 0, 40, 200 of weights 1/2, 1/4, 1/4, m = 1/4: 75 + (0 + 10 + 50) / 4 = 90."""
    chains = [_image([[value]]) for value in (0, 40, 200)]
    weights = np.array([[0.5, 0.25, 0.25]])
    mixed = augmix.mix(_image([[100]]), chains, weights, np.array([0.25]))
    assert mixed.unique().tolist() == [90]
    # With m = 3/4: 25 + 3/4 of 60 = 70.
    assert augmix.mix(_image([[100]]), chains, weights, np.array([0.75])).unique().tolist() == [70]


def test_each_image_has_its_own_weights() -> None:
    """Of two images in a batch the first is kept, the second becomes its second chain."""
    images = torch.cat([_image([[8]]), _image([[8]])])
    chains = [images * 2, images * 3]
    mixed = augmix.mix(images, chains, np.array([[1.0, 0], [0, 1]]), np.array([0.0, 1]))
    assert mixed[:, 0, 0, 0].tolist() == [8, 24]


def test_levels_of_augmix_are_those_of_the_paper() -> None:
    """Level 3 of 10: 3 bits (4 - int(1.2)); values from 180 (256 - int(76.8)) are solarized."""
    image, level, sign = _image([[179, 180, 255]]), np.array([3.0]), np.ones(1)

    def one(name: str) -> list[int]:
        return augmix.apply(image, _index(augmix, name), level, sign)[0, 0, 0].tolist()

    assert one("posterize") == [160, 160, 224]
    assert one("solarize") == [179, 75, 0]
    # A third of 3 pixels at level 3 is 0.3: no shift.
    assert one("translate_x") == [179, 180, 255]


def test_augmix_has_the_operations_of_the_paper() -> None:
    """Nine operations: no contrast, colour, brightness or sharpness."""
    assert sorted(augmix.OPERATIONS) == sorted(
        ["autocontrast", "equalize", "posterize", "rotate", "solarize", "shear_x", "shear_y",
         "translate_x", "translate_y"]
    )  # fmt: skip


def test_randaugment_is_equation_4() -> None:
    """Magnitude 9 of 30: brightness times 1.27 or 0.73; from 178.5 on solarized; 7 bits."""
    image = _image([[100, 178, 179]])

    def one(name: str, sign: float) -> list[int]:
        chosen = _index(randaugment, name)
        return randaugment.apply(image, chosen, np.array([sign]))[0, 0, 0].tolist()

    assert one("identity", 1) == [100, 178, 179]
    assert one("brightness", 1) == [127, 226, 227]  # 226.06 and 227.33
    assert one("brightness", -1) == [73, 129, 130]  # 129.94 and 130.67
    assert one("solarize", 1) == [100, 178, 76]
    assert one("posterize", 1) == [100, 178, 178]
    # 0.3 times 150/331 of 3 pixels is 0.41: no shift.
    assert one("translate_x", 1) == [100, 178, 179]


def test_randaugment_shifts_by_whole_pixels() -> None:
    """0.3 times 150/331 of 10 pixels is 1.36: one pixel right or left, filled with black."""
    image = _image([list(range(10, 110, 10))])
    chosen = _index(randaugment, "translate_x")
    right = randaugment.apply(image, chosen, np.array([1.0]))[0, 0, 0].tolist()
    left = randaugment.apply(image, chosen, np.array([-1.0]))[0, 0, 0].tolist()
    assert right == [0, *range(10, 100, 10)] and left == [*range(20, 110, 10), 0]


def test_randaugment_applies_its_operations_in_sequence() -> None:
    """Two of 14."""
    assert len(randaugment.OPERATIONS) == 14
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (40, 3, 12, 12), dtype=np.uint8))
    draws, expected = Draws(torch.arange(40)), images
    for _ in range(2):
        chosen, signs = draws.integers(14), draws.signs()
        expected = randaugment.apply(expected, chosen, signs)
    assert torch.equal(randaugment.randaugment(images, Draws(torch.arange(40))), expected)
