"""Small pictures on each other: found through shift, scale, turn and light, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from bccurate import native
from bccurate.duplicates import prefilter as sieves
from bccurate.duplicates import registration as alignment
from bccurate.duplicates.pair_search import (
    MIN_SIMILARITY,
    Pairs,
    aligned_similarity,
    confirmed,
    from_text,
    similar_pairs,
    thumbnail,
    to_text,
    turned,
)
from bccurate.native import threads
from bccurate.rendering.cells import CLASSES, render_cell

CELLS = [
    Image.fromarray(render_cell(CLASSES[k % 8], np.random.default_rng(k))[0]) for k in range(48)
]


def _thumbs(images) -> np.ndarray:
    return np.stack([thumbnail(image.convert("L")) for image in images])


BACK = [0, 3, 2, 1, 4, 5, 6, 7]  # the turn that undoes each turn


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
    i, j, similarity, turn = similar_pairs(_thumbs([*CELLS, *map(CHANGES[change], CELLS)]))
    assert ((j - i) == n).all() and not turn.any()
    assert len(i) >= 0.9 * n
    assert ((similarity >= MIN_SIMILARITY) & (similarity <= 1)).all()


@pytest.mark.parametrize("turn", range(8))
def test_every_quarter_turn_and_flip_is_found_when_asked(turn):
    """With 8 turns all turned copies are found; without, only the unturned ones."""
    thumbs = _thumbs(CELLS[:16])
    both = np.concatenate([thumbs, turned(thumbs, turn)])
    i, j, similarity, found = similar_pairs(both, turns=8)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(k, k + 16) for k in range(16)]
    assert similarity == pytest.approx(1, abs=1e-4)
    assert (turned(turned(thumbs, turn), found[0]) == thumbs).all() and len(set(found)) == 1
    assert len(similar_pairs(both)[0]) == (16 if turn == 0 else 0)


def test_a_turn_is_a_quarter_and_from_four_on_mirrored():
    """By hand on a 2x2 picture."""
    picture = np.array([[[1, 2], [3, 4]]], dtype=np.uint8)
    assert turned(picture, 1).tolist() == [[[2, 4], [1, 3]]]
    assert turned(picture, 4).tolist() == [[[2, 1], [4, 3]]]
    assert turned(picture, 6).tolist() == [[[3, 4], [1, 2]]]


def test_alignment_never_makes_a_pair_less_alike():
    """At least the plain correlation, as numpy has it, and the same in both directions."""
    thumbs = _thumbs(CELLS)
    i, j = np.triu_indices(len(thumbs), 1)
    plain = np.corrcoef(thumbs.reshape(len(thumbs), -1))[i, j]
    aligned = aligned_similarity(thumbs, i, j)
    assert (aligned >= plain - 1e-4).all() and (aligned <= 1 + 1e-5).all()
    assert (aligned_similarity(thumbs, j, i) == aligned).all()


def test_flat_and_few_pictures_pair_with_nothing():
    """Constant pictures correlate with nothing; 0 and 1 pictures have no pairs."""
    flat = np.full((3, 32, 32), 9, dtype=np.uint8)
    assert len(similar_pairs(flat).i) == 0
    for n, turns in ((0, 1), (0, 8), (1, 1), (1, 8)):
        assert all(len(column) == 0 for column in similar_pairs(flat[:n], turns))
    none = np.empty(0, dtype=np.int64)
    assert len(confirmed(flat, none, none).i) == len(aligned_similarity(flat, none, none)) == 0


def test_pictures_survive_as_text():
    """base64 there and back."""
    thumbs = _thumbs(CELLS[:3])
    assert (from_text([to_text(thumb) for thumb in thumbs]) == thumbs).all()
    assert from_text([]).shape == (0, 32, 32)


def _family(n: int) -> np.ndarray:
    """(3 n, 32, 32): cells, and two copies of each, shifted and lit otherwise, and turned."""
    cells = CELLS[:n]
    thumbs = _thumbs([*cells, *(_shifted(CHANGES["contrast"](cell), 1) for cell in cells)])
    copies = [turned(thumbs[k : k + 1], k % 8)[0] for k in range(n)]
    return np.concatenate([thumbs, copies])


def _same(one: Pairs, two: Pairs) -> bool:
    return all((a == b).all() for a, b in zip(one, two, strict=True))


def _hostile() -> np.ndarray:
    """(15, 32, 32) pictures of a hard edge, a dot, stripes, noise, black, white and nearly flat."""
    rng = np.random.default_rng(3)
    pictures = np.zeros((15, 32, 32), dtype=np.uint8)
    pictures[1] = 255
    pictures[2, :, 16:] = pictures[3, 16:] = pictures[4, 0, 0] = pictures[5, 31, 31] = 255
    pictures[6, ::2] = pictures[7, :, ::2] = pictures[8, ::2, ::2] = 255
    pictures[9:12] = rng.choice(np.array([0, 255], dtype=np.uint8), (3, 32, 32))
    pictures[12] = 128
    pictures[12, 5, 5] = 129
    pictures[13:] = np.arange(32, dtype=np.uint8) * 8
    return pictures


needs_kernels = pytest.mark.skipif(native.library is None, reason="no compiled kernels")


@needs_kernels
@pytest.mark.parametrize("turns", [1, 8])
def test_the_kernel_sifts_as_numpy_does(turns):
    """Spectra and bases to rounding, and the same candidates in the same turns."""
    thumbs = np.concatenate([_family(20), _hostile()])
    ours, numpys = sieves.described(thumbs), sieves.described(thumbs, kernel=False)
    for one, two, rounding in zip(ours, numpys, (1e-3, 16, 16, 16), strict=True):
        assert one == pytest.approx(two, abs=rounding)  # 16 of 16,384 is 1e-3, too
    rows = range(3, len(thumbs))
    found = [
        set(zip(*map(np.ndarray.tolist, sieves.candidates(of, rows, turns, kernel)), strict=True))
        for of, kernel in ((ours, True), (numpys, False))
    ]
    assert found[0] == found[1] and len(found[0]) >= 17


@needs_kernels
def test_the_kernel_aligns_as_numpy_does():
    """To 0.001, for copies and strangers in all turns."""
    thumbs = _family(12)
    i, j = np.triu_indices(len(thumbs), 1)
    turn = ((i + 3 * j) % 8).astype(np.int8)
    ours = alignment.similarity(thumbs, i, j, turn)
    assert ours == pytest.approx(alignment.similarity(thumbs, i, j, turn, kernel=False), abs=1e-3)


def test_more_candidates_than_room_are_all_told():
    """120 pictures that differ by a pixel make 7,140 pairs."""
    thumbs = np.repeat(_thumbs(CELLS[:1]), 120, axis=0)
    thumbs[np.arange(120), np.arange(120) % 32, 5] += 1
    i, j, _ = sieves.candidates(sieves.described(thumbs), range(120), 1)
    assert len(i) == len(set(zip(i.tolist(), j.tolist(), strict=True))) == 7140 and (i < j).all()


@pytest.mark.parametrize("cores", [1, 3])
def test_neither_threads_nor_parts_change_the_result(cores, monkeypatch):
    """One core, three, and the union of three shares: the same pairs, and no pair twice."""
    thumbs = np.random.default_rng(2).permutation(_family(48))
    whole = similar_pairs(thumbs, turns=8)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: cores)
    assert _same(similar_pairs(thumbs, turns=8), whole) and len(whole.i) >= 90
    shares = [similar_pairs(thumbs, 8, (k, 3)) for k in range(3)]
    table = np.concatenate([np.stack(share) for share in shares], axis=1)
    assert (table[:, np.lexsort((table[1], table[0]))] == np.stack(whole)).all()
    assert min(len(share.i) for share in shares) > 0


def test_the_order_of_pictures_does_not_change_the_result():
    """Shuffled: the same pairs as alike as before; a pair told backwards has the turn undone."""
    thumbs = _family(24)
    order = np.random.default_rng(1).permutation(len(thumbs))
    whole, shuffled = similar_pairs(thumbs, 8), similar_pairs(thumbs[order], 8)
    found = {}
    for i, j, similarity, turn in zip(*shuffled, strict=True):
        a, b = order[i], order[j]
        found[min(a, b), max(a, b)] = (similarity, turn if a < b else BACK[turn])
    expected = {(i, j): (similarity, turn) for i, j, similarity, turn in zip(*whole, strict=True)}
    assert found == expected


def test_given_pairs_are_confirmed_each_in_its_turn():
    """Copies in the right turn pass, in a wrong one do not; a stranger never does."""
    thumbs = _family(16)
    i, j = np.arange(16), np.arange(32, 48)
    turn = np.array(BACK * 2)
    found = confirmed(thumbs, i, j, turn)
    assert found.i.tolist() == list(range(16)) and (found.turn == turn).all()
    assert len(confirmed(thumbs, i, j, 1).i) < 4
    assert len(confirmed(thumbs, i, np.roll(j, 1), turn).i) == 0


def test_hostile_pictures_give_numbers():
    """Black and white, a single dot, stripes, noise: finite, within bounds, flat like nothing."""
    thumbs = _hostile()
    i, j = (grid.ravel() for grid in np.mgrid[:15, :15])
    for turn in range(8):
        similarity = aligned_similarity(thumbs, i, j, turn)
        assert np.isfinite(similarity).all() and (np.abs(similarity) <= 1 + 1e-5).all()
    assert not aligned_similarity(thumbs, i, j)[(i < 2) | (j < 2)].any()
    pairs = similar_pairs(thumbs, turns=8)
    assert (13, 14) in set(zip(pairs.i.tolist(), pairs.j.tolist(), strict=True))
    assert not np.isin([0, 1], np.concatenate([pairs.i, pairs.j])).any()


def test_what_is_no_picture_or_pair_is_refused():
    """Shapes, types, indices and turns that would lead a kernel astray."""
    thumbs = _family(2)
    one = np.array([0])
    with pytest.raises(ValueError, match="uint8"):
        similar_pairs(thumbs[:, :16])
    with pytest.raises(ValueError, match="uint8"):
        aligned_similarity(thumbs.astype(np.float32), one, one)
    with pytest.raises(ValueError, match="turns"):
        similar_pairs(thumbs, turns=3)
    with pytest.raises(ValueError, match="part"):
        similar_pairs(thumbs, part=(2, 2))
    for i, turn in ((np.array([6]), 0), (np.array([-1]), 0), (one, 8)):
        with pytest.raises(IndexError):
            aligned_similarity(thumbs, i, one, turn)
