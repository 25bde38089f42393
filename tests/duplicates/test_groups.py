"""Groups of duplicates: equal pixels, or near hashes and similar thumbnails that pixels confirm."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from bccurate.duplicates import pairs
from bccurate.duplicates.components import connected
from bccurate.duplicates.dihedral import rotated_hashes
from bccurate.duplicates.groups import Group, ImageColumns, SearchOptions, find_groups
from bccurate.duplicates.pair_search import aligned_similarity
from bccurate.duplicates.registration import rotated
from bccurate.images.hashing import hash_pixels, to_uint64
from bccurate.images.thumbnail import thumbnail
from bccurate.rendering.cells import CLASSES

RNG = np.random.default_rng(0)


def _smooth(phase: float) -> np.ndarray:
    """Return an image with structure to register by: a few waves."""
    y, x = np.mgrid[:32, :32] / 5.0
    waves = np.sin(x + phase) * np.cos(0.7 * y) + np.cos(0.4 * x * phase + 1.3 * y)
    return np.uint8(127 + 60 * waves)


IMAGE = _smooth(1.0)
OTHER = _smooth(2.3)
UNRELATED = [_smooth(3.1 + 0.9 * k) for k in range(12)]


def _groups(pixelhashes, hashes, images, threshold=4, std=None, rank=None) -> list[Group]:
    columns = ImageColumns(
        pixelhashes,
        np.array(hashes, dtype=np.uint64),
        np.full(len(hashes), 50.0) if std is None else np.array(std),
        np.array(images, dtype=np.uint8).reshape(-1, 32, 32),
    )
    options = SearchOptions(threshold, rotations=False)
    return find_groups(columns, options, rank or (lambda index: (index,))).groups


def test_equal_pixels_are_an_exact_group() -> None:
    """Three of one, two of another, one alone: two groups, the larger first."""
    images = [IMAGE, OTHER, IMAGE, UNRELATED[0], IMAGE, OTHER]
    hashes = [0, 2**60, 0, 2**63 - 1, 0, 2**60]
    groups = _groups(list("abacab"), hashes, images, threshold=0)
    assert [(g.members, g.kind, g.similarity) for g in groups] == [
        ((0, 2, 4), "exact", 1.0),
        ((1, 5), "exact", 1.0),
    ]


def test_similar_images_are_a_group_at_any_hash_distance_and_a_near_hash_alone_is_not() -> None:
    """The same image is a near duplicate at any distance of hashes, a look-alike at none."""
    assert _groups("ab", [0, 3], [IMAGE, IMAGE])[0].kind == "near"
    assert _groups("ab", [0, 2**40 - 1], [IMAGE, IMAGE])[0].kind == "near"
    assert _groups("ab", [0, 3], [IMAGE, OTHER]) == []


def test_similarity_of_a_group_is_that_of_its_weakest_pair() -> None:
    """Correlation of an image with its noisy copy, as numpy's corrcoef has it."""
    noisy = np.uint8(np.clip(IMAGE + RNG.normal(0, 8, (32, 32)), 0, 255))
    (group,) = _groups("ab", [0, 1], [IMAGE, noisy])
    expected = np.corrcoef(IMAGE.ravel(), noisy.ravel())[0, 1]
    assert group.similarity == pytest.approx(expected, abs=0.002)
    assert 0.98 < group.similarity < 1


def test_each_pair_says_why_it_was_found() -> None:
    """Members minus one pairs: by hash, by thumbnail, by equal pixels, with the figures."""
    noisy = np.uint8(np.clip(IMAGE + RNG.normal(0, 8, (32, 32)), 0, 255))
    (group,) = _groups("abbc", [0, 0b111, 0b111, 2**40 - 1], [IMAGE, noisy, noisy, IMAGE])
    found = {(pair.a, pair.b): pair for pair in group.pairs}
    assert set(found) == {(0, 3), (0, 1), (1, 2)}
    assert found[0, 3].why == "similar thumbnails, correlation 1.000 after registration"
    assert (found[0, 3].distance, found[0, 3].similarity) == (40, 1.0)
    similarity = found[0, 1].similarity
    assert found[0, 1].why == f"hash 3 bits apart, correlation {similarity:.3f} after registration"
    assert found[1, 2][2:] == (0, 1.0, 0, "equal pixels")


def test_exact_copies_are_each_paired_with_the_keeper() -> None:
    """1,600 copies have 1,599 pairs, all with the one that is kept."""
    (group,) = _groups("a" * 1600, [0] * 1600, [IMAGE] * 1600, rank=lambda i: (i != 7, i))
    assert len(group.pairs) == 1599
    assert {pair.a for pair in group.pairs} == {7} == {group.members[0]}


@pytest.mark.parametrize("searched", [0, 40_000])
def test_a_rotated_copy_is_found_by_hash_and_by_thumbnail(monkeypatch, searched: int) -> None:
    """Also where images are too many to compare all; the pair names the rotation."""
    monkeypatch.setattr(pairs, "MAX_SEARCHED", searched)
    images = np.stack([IMAGE, rotated(IMAGE[None], 1)[0], OTHER])
    columns = ImageColumns(list("abc"), rotated_hashes(images)[0], np.full(3, 50.0), images)
    assert find_groups(columns, SearchOptions(4, False), lambda i: (i,)).groups == []
    (group,) = find_groups(columns, SearchOptions(4, True), lambda i: (i,)).groups
    (pair,) = group.pairs
    assert group.members == (0, 1)
    # a rotation by 90 degrees is undone by one of 270
    assert pair.why == "hash 0 bits apart, correlation 1.000 after a rotation by 270 degrees"


def test_exact_copies_join_the_near_group_of_their_image() -> None:
    """a, a and a near b are one group of three, called near."""
    (group,) = _groups("aab", [0, 0, 1], [IMAGE] * 3)
    assert (group.members, group.kind) == ((0, 1, 2), "near")


def test_a_chain_is_cut() -> None:
    """A slow morph in 40 steps, each like the next: no group holds two that are not similar."""
    steps = [np.uint8(IMAGE * (1 - t) + OTHER * t) for t in np.linspace(0, 1, 40)]
    groups = _groups([str(i) for i in range(40)], [0] * 40, steps, threshold=0)
    assert groups
    for group in groups:
        own = np.stack([steps[i] for i in group.members])
        assert aligned_similarity(own, *np.triu_indices(len(own), 1)).min() >= 0.94
        assert len(own) < 40


def test_flat_images_are_matched_exactly_only() -> None:
    """The hash of an empty field is noise: near is refused, equal is found."""
    assert _groups("ab", [0, 1], [IMAGE] * 2, std=[0.9, 50]) == []
    assert _groups("aa", [0, 0], [IMAGE] * 2, std=[0, 0])[0].kind == "exact"


def test_the_keeper_has_the_lowest_rank_and_comes_first() -> None:
    """Whatever the order, the rest ascend."""
    (group,) = _groups("aaaa", [0] * 4, [IMAGE] * 4, rank=lambda i: ((i - 2) ** 2, i))
    assert group.members == (2, 0, 1, 3)


def test_no_images_and_one_image_have_no_groups() -> None:
    """The smallest inputs."""
    assert _groups("", [], []) == []
    assert _groups("a", [1], [IMAGE]) == []


def test_copies_of_rendered_cells_are_found_and_no_other_pairs(rendered) -> None:
    """40 cells; 10 are saved again as JPEG, 10 brightened: 20 pairs, all of them true."""
    files = sorted(rendered.glob(f"images/{CLASSES[0]}/*.png"))[:5]
    files += sorted(rendered.glob(f"images/{CLASSES[4]}/*.png"))[:5]
    cells = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    images = list(cells)
    for cell in cells:
        buffer = io.BytesIO()
        Image.fromarray(cell).save(buffer, format="JPEG", quality=80)
        images.append(np.asarray(Image.open(buffer)))
    columns = ImageColumns(
        [image.tobytes().hex() for image in images],
        to_uint64([hash_pixels(image) for image in images]),
        np.array([image.std() for image in images]),
        np.stack([thumbnail(Image.fromarray(p).convert("L")) for p in images]),
    )
    found = find_groups(columns, SearchOptions(4, False), lambda index: (index,)).groups
    n = len(cells)
    by_cell = {cell.tobytes(): i for i, cell in reversed(list(enumerate(cells)))}
    truth = [by_cell[cells[i % n].tobytes()] for i in range(2 * n)]
    assert all(len({truth[i] for i in group.members}) == 1 for group in found)
    assert sum(len(group.members) for group in found) == 2 * n


@given(st.permutations(range(12)))
@settings(max_examples=60, deadline=None)
def test_groups_do_not_depend_on_the_order(order: list[int]) -> None:
    """Four exact, a near pair, a look-alike, unrelated images: the same sets in every order."""
    pixelhashes = list("aaaabcdefghi")
    hashes = (
        [0] * 4 + [1, 2] + [0xFFFF << 40, 0x1FFFF << 40, 2**64 - 1, 255 << 8, 255 << 20, 255 << 30]
    )
    images = [IMAGE] * 6 + [UNRELATED[0], OTHER] + UNRELATED[1:5]
    groups = _groups(
        [pixelhashes[i] for i in order],
        [hashes[i] for i in order],
        [images[i] for i in order],
        rank=lambda index: (order[index],),
    )
    found = [(order[g.members[0]], {order[i] for i in g.members}, g.kind) for g in groups]
    assert found == [(0, {0, 1, 2, 3, 4, 5}, "near")]


@pytest.mark.parametrize(
    ("keep", "keeper"), [("first", "a"), ("largest", "c"), ("sharpest", "b"), (None, "a")]
)
def test_the_keeper_is_the_first_the_largest_or_the_sharpest(cli, name, tmp_path, keep, keeper):
    """One image blurred (a), as it is (b), and twice as large (c): each rank keeps its own."""
    y, x = np.mgrid[:64, :64] / 5
    wave = np.uint8(127 + 60 * np.sin(x) * np.cos(y * 0.7) + 60 * np.cos(x * 0.3 + y * 0.4))
    grain = RNG.integers(0, 8, wave.shape, dtype=np.uint8)
    sharp = Image.fromarray(wave // 2 + grain).convert("RGB")
    sharp.filter(ImageFilter.GaussianBlur(1)).save(tmp_path / "a.png")
    sharp.save(tmp_path / "b.png")
    sharp.resize((128, 128), Image.Resampling.BICUBIC).save(tmp_path / "c.png")
    cli("import", tmp_path, "--name", name)
    options = ["--keep", keep] if keep else []
    record = cli("dedupe", "-d", name, *options, "--json").json
    (group,) = record["groups"]
    assert Path(group["keep"]).stem == keeper == Path(group["members"][0]).stem
    assert (len(group["members"]), group["kind"], record["counts"]["duplicates"]) == (3, "near", 2)
    assert not cli("dedupe", "-d", name, *options, "--json").json["changed"]


def test_linked_images_stay_linked_when_no_group_holds_them_all() -> None:
    """A slow morph is cut into groups, but every confirmed pair stays linked for the split."""
    steps = [np.uint8(IMAGE * (1 - t) + OTHER * t) for t in np.linspace(0, 1, 40)]
    columns = ImageColumns(
        [str(i) for i in range(41)],
        np.zeros(41, dtype=np.uint64),
        np.full(41, 50.0),
        np.stack([*steps, UNRELATED[0]]),
    )
    found = find_groups(columns, SearchOptions(0, False), lambda index: (index,))
    assert len(found.groups) > 1
    linked = connected(41, *found.joined)
    assert len(set(linked[:40])) == 1 and linked[40] != linked[0]
