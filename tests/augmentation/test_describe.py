"""The description of a variant is what was done to its pixels."""

from __future__ import annotations

import re

import numpy as np
import torch

from bccurate.augmentation import augmix, randaugment
from bccurate.augmentation.describe import describe_operation, describe_sequence
from bccurate.augmentation.variants import describe, make_variants

rng = np.random.default_rng(5)
# Smooth, so that rounding a value to three digits changes a pixel by at most two grey levels.
COARSE = torch.from_numpy(rng.uniform(0, 255, (1, 3, 5, 5)))
PIXELS = (
    torch.nn.functional.interpolate(COARSE, (48, 40), mode="bicubic")[0]
    .clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy().copy()
)  # fmt: skip
SEEDS = [seed * 2**40 - 2**44 for seed in range(40)]


def replayed(operations: dict, text: str) -> torch.Tensor:
    """Return the image after the operations of ``text``, applied one by one."""
    images = torch.from_numpy(PIXELS).permute(2, 0, 1)[None].contiguous()
    for step in text.split(" > "):
        name, _, value = step.partition(" ")
        images = operations[name][0](images, np.array([float(value or 0)]))
    return images[0].permute(1, 2, 0)


def test_an_operation_is_described_with_its_value() -> None:
    """With a sign if it has two directions, four digits at most, none for equalize."""
    assert describe_operation("rotate", -9.0, True) == "rotate -9"
    assert describe_operation("translate_x", 13.0513, True) == "translate_x +13.1"
    assert describe_operation("solarize", 178.5, False) == "solarize 178.5"
    assert describe_operation("equalize", 0.3, False) == "equalize"
    assert describe_sequence(["equalize", "posterize 4"]) == "equalize > posterize 4"


def test_replaying_a_description_of_randaugment_gives_its_pixels() -> None:
    """Bit for bit, over every operation."""
    texts = describe("randaugment", SEEDS, (48, 40))
    made = make_variants("randaugment", [PIXELS] * len(SEEDS), SEEDS, 0.0)
    for text, variant in zip(texts, made, strict=True):
        assert (replayed(randaugment.OPERATIONS, text).numpy() == variant).all(), text
    assert {step.split()[0] for t in texts for step in t.split(" > ")} == set(
        randaugment.OPERATIONS
    )


def test_replaying_a_description_of_augmix_gives_its_pixels() -> None:
    """Nearly, since the description has rounded weights and values."""
    texts = describe("augmix", SEEDS, (48, 40))
    made = make_variants("augmix", [PIXELS] * len(SEEDS), SEEDS, 0.0)
    for text, variant in zip(texts, made, strict=True):
        original, *chains = re.findall(r"(\d\.\d\d) (?:original|\(([^)]*)\))", text)
        mixed = float(original[0]) * PIXELS.astype(float)
        for weight, chain in chains:
            mixed += float(weight) * replayed(augmix.OPERATIONS, chain).numpy()
        assert len(chains) == augmix.WIDTH
        assert abs(mixed - variant).mean() < 3, text  # a weight's 0.01 is up to 2.55 levels


def test_described_values_scale_with_magnitude_and_side() -> None:
    """A third of the magnitude is a third of the value; shifts are in proportion to the side."""
    seeds = list(range(60))
    usual, mild = (describe("randaugment", seeds, (96, 96), m) for m in (None, 3))
    rotated = [i for i, text in enumerate(usual) if text.startswith("rotate")]
    assert rotated
    for i in rotated:
        first = [float(texts[i].split(" > ")[0].split()[1]) for texts in (usual, mild)]
        assert (abs(first[0]), abs(first[1])) == (9, 3)
    wide = describe("randaugment", seeds, (96, 200))
    moved = [float(w.split()[1]) for t in wide for w in t.split(" > ") if "translate_x" in w]
    assert set(map(abs, moved)) == {27.2}  # 150 / 331 of 200 pixels at 9 of 30
