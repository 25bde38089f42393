"""Pairs of thumbnails: found through shift, scale, rotation and light, and no others."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from bccurate import native
from bccurate.duplicates import prefilter, registration
from bccurate.duplicates.pair_search import (
    MIN_SIMILARITY,
    SimilarPairs,
    aligned_similarity,
    confirm,
    similar_pairs,
)
from bccurate.duplicates.registration import rotated
from bccurate.images.thumbnail import from_text, thumbnail, to_text
from bccurate.native import threads
from bccurate.rendering.cells import CLASSES, render_cell

CELLS = [
    Image.fromarray(render_cell(CLASSES[k % 8], np.random.default_rng(k))[0]) for k in range(48)
]


def _thumbs(images) -> np.ndarray:
    return np.stack([thumbnail(image.convert("L")) for image in images])


INVERSE = [0, 3, 2, 1, 4, 5, 6, 7]  # the rotation that undoes each rotation


def _shifted(image: Image.Image, pixels: int) -> Image.Image:
    wide = np.pad(np.asarray(image), ((4, 4), (4, 4), (0, 0)), mode="edge")
    return Image.fromarray(wide[4 - pixels : 100 - pixels, 4 + pixels : 100 + pixels])


def _cropped(image: Image.Image, share: float) -> Image.Image:
    edge = image.width * share / 2
    box = (edge, edge, image.width - edge, image.width - edge)
    return image.transform(image.size, Image.Transform.EXTENT, box, Image.Resampling.BICUBIC)


def _rotated(image: Image.Image, degrees: float) -> Image.Image:
    wide = np.pad(np.asarray(image), ((9, 9), (9, 9), (0, 0)), mode="edge")
    wide_rotated = Image.fromarray(wide).rotate(degrees, Image.Resampling.BICUBIC)
    return wide_rotated.crop((9, 9, 9 + image.width, 9 + image.height))


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
def test_a_changed_copy_is_found_and_no_other_pair(change):
    """Of 48 cells and their changed copies, at least 9 of 10 pairs are found, and only those."""
    n = len(CELLS)
    i, j, similarity, rotation = similar_pairs(_thumbs([*CELLS, *map(CHANGES[change], CELLS)]))
    assert ((j - i) == n).all() and not rotation.any()
    assert len(i) >= 0.9 * n
    assert ((similarity >= MIN_SIMILARITY) & (similarity <= 1)).all()


@pytest.mark.parametrize("rotation", range(8))
def test_every_rotation_and_flip_is_found_with_rotations(rotation):
    """With rotations all rotated copies are found; without, only those that are not rotated."""
    thumbs = _thumbs(CELLS[:16])
    both = np.concatenate([thumbs, rotated(thumbs, rotation)])
    i, j, similarity, found = similar_pairs(both, rotations=True)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(k, k + 16) for k in range(16)]
    assert similarity == pytest.approx(1, abs=1e-4)
    assert (rotated(rotated(thumbs, rotation), found[0]) == thumbs).all() and len(set(found)) == 1
    assert len(similar_pairs(both)[0]) == (16 if rotation == 0 else 0)


def test_rotations_are_by_90_degrees_and_from_four_on_mirrored():
    """By hand on a 2x2 image."""
    image = np.array([[[1, 2], [3, 4]]], dtype=np.uint8)
    assert rotated(image, 1).tolist() == [[[2, 4], [1, 3]]]
    assert rotated(image, 4).tolist() == [[[2, 1], [4, 3]]]
    assert rotated(image, 6).tolist() == [[[3, 4], [1, 2]]]


def test_registration_never_lowers_the_similarity():
    """At least the plain correlation, as numpy has it, and the same in both directions."""
    thumbs = _thumbs(CELLS)
    i, j = np.triu_indices(len(thumbs), 1)
    plain = np.corrcoef(thumbs.reshape(len(thumbs), -1))[i, j]
    aligned = aligned_similarity(thumbs, i, j)
    assert (aligned >= plain - 1e-4).all() and (aligned <= 1 + 1e-5).all()
    assert (aligned_similarity(thumbs, j, i) == aligned).all()


def test_flat_images_pair_with_nothing():
    """Constant images correlate with nothing; 0 and 1 images have no pairs."""
    flat = np.full((3, 32, 32), 9, dtype=np.uint8)
    assert len(similar_pairs(flat).i) == 0
    for n, rotations in ((0, False), (0, True), (1, False), (1, True)):
        assert all(len(column) == 0 for column in similar_pairs(flat[:n], rotations))
    none = np.empty(0, dtype=np.int64)
    assert len(confirm(flat, none, none).i) == len(aligned_similarity(flat, none, none)) == 0


def test_thumbnails_are_stored_as_text():
    """base64 there and back."""
    thumbs = _thumbs(CELLS[:3])
    assert (from_text([to_text(thumb) for thumb in thumbs]) == thumbs).all()
    assert from_text([]).shape == (0, 32, 32)


def _family(n: int) -> np.ndarray:
    """(3 n, 32, 32): cells, and two copies of each, shifted and lit differently, and rotated."""
    cells = CELLS[:n]
    thumbs = _thumbs([*cells, *(_shifted(CHANGES["contrast"](cell), 1) for cell in cells)])
    copies = [rotated(thumbs[k : k + 1], k % 8)[0] for k in range(n)]
    return np.concatenate([thumbs, copies])


def _same(one: SimilarPairs, two: SimilarPairs) -> bool:
    return all((a == b).all() for a, b in zip(one, two, strict=True))


def _hostile() -> np.ndarray:
    """(15, 32, 32) images of a hard edge, a dot, stripes, noise, black, white and nearly flat."""
    rng = np.random.default_rng(3)
    images = np.zeros((15, 32, 32), dtype=np.uint8)
    images[1] = 255
    images[2, :, 16:] = images[3, 16:] = images[4, 0, 0] = images[5, 31, 31] = 255
    images[6, ::2] = images[7, :, ::2] = images[8, ::2, ::2] = 255
    images[9:12] = rng.choice(np.array([0, 255], dtype=np.uint8), (3, 32, 32))
    images[12] = 128
    images[12, 5, 5] = 129
    images[13:] = np.arange(32, dtype=np.uint8) * 8
    return images


needs_kernels = pytest.mark.skipif(native.library is None, reason="no compiled kernels")


@needs_kernels
@pytest.mark.parametrize("rotations", [False, True])
def test_the_compiled_prefilter_gives_the_candidates_of_numpy(rotations):
    """Spectra and bases to rounding, and the same candidates in the same rotations."""
    thumbs = np.concatenate([_family(20), _hostile()])
    ours, numpys = prefilter.describe(thumbs), prefilter.describe(thumbs, kernel=False)
    for one, two, rounding in zip(ours, numpys, (1e-3, 16, 16, 16), strict=True):
        assert one == pytest.approx(two, abs=rounding)  # 16 of 16,384 is 1e-3, too
    rows = range(3, len(thumbs))
    found = [
        set(
            zip(
                *map(np.ndarray.tolist, prefilter.candidates(of, rows, rotations, kernel)),
                strict=True,
            )
        )
        for of, kernel in ((ours, True), (numpys, False))
    ]
    assert found[0] == found[1] and len(found[0]) >= 17


@needs_kernels
def test_the_compiled_registration_equals_numpy():
    """To 0.001, for copies and other images in all rotations."""
    thumbs = _family(12)
    i, j = np.triu_indices(len(thumbs), 1)
    rotation = ((i + 3 * j) % 8).astype(np.int8)
    ours = registration.similarity(thumbs, i, j, rotation)
    assert ours == pytest.approx(
        registration.similarity(thumbs, i, j, rotation, kernel=False), abs=1e-3
    )


def test_more_candidates_than_the_first_buffer_are_all_returned():
    """120 images that differ by a pixel make 7,140 pairs."""
    thumbs = np.repeat(_thumbs(CELLS[:1]), 120, axis=0)
    thumbs[np.arange(120), np.arange(120) % 32, 5] += 1
    i, j, _ = prefilter.candidates(prefilter.describe(thumbs), range(120), False)
    assert len(i) == len(set(zip(i.tolist(), j.tolist(), strict=True))) == 7140 and (i < j).all()


@pytest.mark.parametrize("cores", [1, 3])
def test_threads_and_parts_do_not_change_the_result(cores, monkeypatch):
    """One core, three, and the union of three shares: the same pairs, and no pair twice."""
    thumbs = np.random.default_rng(2).permutation(_family(48))
    whole = similar_pairs(thumbs, rotations=True)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: cores)
    assert _same(similar_pairs(thumbs, rotations=True), whole) and len(whole.i) >= 90
    shares = [similar_pairs(thumbs, True, (k, 3)) for k in range(3)]
    table = np.concatenate([np.stack(share) for share in shares], axis=1)
    assert (table[:, np.lexsort((table[1], table[0]))] == np.stack(whole)).all()
    assert min(len(share.i) for share in shares) > 0


def test_the_order_of_images_does_not_change_the_result():
    """Shuffled: the same pairs and similarities; a reversed pair has the inverse rotation."""
    thumbs = _family(24)
    order = np.random.default_rng(1).permutation(len(thumbs))
    whole, shuffled = similar_pairs(thumbs, True), similar_pairs(thumbs[order], True)
    found = {}
    for i, j, similarity, rotation in zip(*shuffled, strict=True):
        a, b = order[i], order[j]
        found[min(a, b), max(a, b)] = (similarity, rotation if a < b else INVERSE[rotation])
    expected = {
        (i, j): (similarity, rotation) for i, j, similarity, rotation in zip(*whole, strict=True)
    }
    assert found == expected


def test_given_pairs_are_confirmed_each_in_its_rotation():
    """Copies in the right rotation pass, in a wrong one they do not; other images never pass."""
    thumbs = _family(16)
    i, j = np.arange(16), np.arange(32, 48)
    rotation = np.array(INVERSE * 2)
    found = confirm(thumbs, i, j, rotation)
    assert found.i.tolist() == list(range(16)) and (found.rotation == rotation).all()
    assert len(confirm(thumbs, i, j, 1).i) < 4
    assert len(confirm(thumbs, i, np.roll(j, 1), rotation).i) == 0


def test_degenerate_images_give_finite_similarities():
    """Black and white, a dot, stripes, noise: finite, in bounds; flat ones pair with nothing."""
    thumbs = _hostile()
    i, j = (grid.ravel() for grid in np.mgrid[:15, :15])
    for rotation in range(8):
        similarity = aligned_similarity(thumbs, i, j, rotation)
        assert np.isfinite(similarity).all() and (np.abs(similarity) <= 1 + 1e-5).all()
    assert not aligned_similarity(thumbs, i, j)[(i < 2) | (j < 2)].any()
    pairs = similar_pairs(thumbs, rotations=True)
    assert (13, 14) in set(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True))
    assert not np.isin([0, 1], np.concatenate([pairs.i, pairs.j])).any()


def test_invalid_thumbnails_and_pairs_are_refused():
    """Shapes, types, indices and rotations that a kernel must not get."""
    thumbs = _family(2)
    one = np.array([0])
    with pytest.raises(ValueError, match="uint8"):
        similar_pairs(thumbs[:, :16])
    with pytest.raises(ValueError, match="uint8"):
        aligned_similarity(thumbs.astype(np.float32), one, one)
    with pytest.raises(ValueError, match="part"):
        similar_pairs(thumbs, part=(2, 2))
    for i, rotation in ((np.array([6]), 0), (np.array([-1]), 0), (one, 8)):
        with pytest.raises(IndexError):
            aligned_similarity(thumbs, i, one, rotation)
