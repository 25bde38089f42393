"""Small pictures on each other: found through shift, scale, turn and light, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from bccurate.curation.registration import (
    MIN_SIMILARITY,
    aligned_similarity,
    from_text,
    similar_pairs,
    thumbnail,
    to_text,
    turned,
)
from bccurate.rendering.cells import CLASSES, render_cell

CELLS = [
    Image.fromarray(render_cell(CLASSES[k % 8], np.random.default_rng(k))[0]) for k in range(48)
]


def _thumbs(images) -> np.ndarray:
    return np.stack([thumbnail(image.convert("L")) for image in images])


def _shifted(image: Image.Image, pixels: int) -> Image.Image:
    wide = np.pad(np.asarray(image), ((4, 4), (4, 4), (0, 0)), mode="edge")
    return Image.fromarray(wide[4 - pixels : 100 - pixels, 4 + pixels : 100 + pixels])


def _cropped(image: Image.Image, share: float) -> Image.Image:
    edge = image.width * share / 2
    box = (edge, edge, image.width - edge, image.width - edge)
    return image.transform(image.size, Image.Transform.EXTENT, box, Image.Resampling.BICUBIC)


def _rotated(image: Image.Image, degrees: float) -> Image.Image:
    wide = np.pad(np.asarray(image), ((9, 9), (9, 9), (0, 0)), mode="edge")
    turned_wide = Image.fromarray(wide).rotate(degrees, Image.Resampling.BICUBIC)
    return turned_wide.crop((9, 9, 9 + image.width, 9 + image.height))


CHANGES = {
    "shift by 2 pixels": lambda image: _shifted(image, 2),
    "crop of 5 %": lambda image: _cropped(image, 0.05),
    "crop of 10 %": lambda image: _cropped(image, 0.10),
    "rotation by 3 degrees": lambda image: _rotated(image, 3),
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "half size": lambda image: image.resize((48, 48), Image.Resampling.BICUBIC),
    "brightness": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.9),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_no_stranger_is(change):
    """Of 48 cells and their changed copies, at least 9 of 10 pairs are found, and only those."""
    n = len(CELLS)
    i, j, similarity = similar_pairs(_thumbs([*CELLS, *map(CHANGES[change], CELLS)]))
    assert ((j - i) == n).all()
    assert len(i) >= 0.9 * n
    assert ((similarity >= MIN_SIMILARITY) & (similarity <= 1)).all()


@pytest.mark.parametrize("turn", range(8))
def test_every_quarter_turn_and_flip_is_found_when_asked(turn):
    """With 8 turns all turned copies are found; without, only the unturned ones."""
    thumbs = _thumbs(CELLS[:16])
    both = np.concatenate([thumbs, turned(thumbs, turn)])
    i, j, similarity = similar_pairs(both, turns=8)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(k, k + 16) for k in range(16)]
    assert similarity == pytest.approx(1, abs=1e-4)
    assert len(similar_pairs(both)[0]) == (16 if turn == 0 else 0)


def test_a_turn_is_a_quarter_and_from_four_on_mirrored():
    """By hand on a 2x2 picture."""
    picture = np.array([[[1, 2], [3, 4]]], dtype=np.uint8)
    assert turned(picture, 1).tolist() == [[[2, 4], [1, 3]]]
    assert turned(picture, 4).tolist() == [[[2, 1], [4, 3]]]
    assert turned(picture, 6).tolist() == [[[3, 4], [1, 2]]]


def test_alignment_never_makes_a_pair_less_alike():
    """At least the plain correlation, as numpy has it, and the same in both directions nearly."""
    thumbs = _thumbs(CELLS)
    i, j = np.triu_indices(len(thumbs), 1)
    plain = np.corrcoef(thumbs.reshape(len(thumbs), -1))[i, j]
    aligned = aligned_similarity(thumbs, i, j)
    assert (aligned >= plain - 1e-4).all() and (aligned <= 1 + 1e-5).all()


def test_flat_and_few_pictures_pair_with_nothing():
    """Constant pictures correlate with nothing; 0 and 1 pictures have no pairs."""
    flat = np.full((3, 32, 32), 9, dtype=np.uint8)
    assert len(similar_pairs(flat)[0]) == 0
    for n in (0, 1):
        assert all(len(column) == 0 for column in similar_pairs(flat[:n]))


def test_pictures_survive_as_text():
    """base64 there and back."""
    thumbs = _thumbs(CELLS[:3])
    assert (from_text([to_text(thumb) for thumb in thumbs]) == thumbs).all()
    assert from_text([]).shape == (0, 32, 32)
