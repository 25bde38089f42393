"""Files to groups without a dataset: what ``dedupe`` finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bccurate.duplicates.pipeline import duplicates_of_files
from bccurate.images import columns
from bccurate.images.image_stats import METHODS
from bccurate.images.workers import read_many


def test_planted_pairs_are_found_and_bad_files_named(rendered: Path, truth) -> None:
    """Rendered cells with 160 files: every planted pair, nothing else, in any order of paths."""
    planted = {
        frozenset(pair)
        for kind in ("exact_pairs", "near_pairs", "label_conflicts")
        for pair in truth[kind]
    }
    files = sorted(map(str, rendered.glob("images/*/*")))
    one, two = (duplicates_of_files(paths, workers=1) for paths in (files, files[::-1]))
    names = [str(Path(path).relative_to(rendered)) for path in one.paths]
    assert {frozenset(names[i] for i in group.members) for group in one.found.groups} == planted
    bad = {str(Path(row.filepath).relative_to(rendered)) for row in one.unreadable}
    assert bad == set(truth["unreadable"])
    assert one == two


@pytest.mark.parametrize("method", ["phash", "dhash"])
def test_every_method_names_its_pairs(rendered: Path, method: str) -> None:
    """Each pair within the threshold says so; no file at all is no group."""
    files = sorted(map(str, rendered.glob("images/*/*")))[:60]
    found = duplicates_of_files(files, method=method, threshold=2, workers=1).found
    for link in (link for group in found.groups for link in group.links):
        near = "equal pixels" if link.why == "equal pixels" else f"hash {link.distance} bit"
        assert link.why.startswith(near if link.distance <= 2 else "looks alike in small")
    assert duplicates_of_files([]).found.groups == []


@pytest.mark.parametrize("method", METHODS)
def test_columns_say_what_the_facts_of_each_file_say(rendered: Path, tmp_path, method) -> None:
    """By threads and by processes; pixel hashes are equal for the same files."""
    files = sorted(map(str, rendered.glob("images/*/*")))
    Image.open(files[0]).save(tmp_path / "slow.tif")
    Image.open(files[0]).convert("RGB").save(tmp_path / "quick.png")
    files += [str(tmp_path / "slow.tif"), str(tmp_path / "quick.png"), str(tmp_path / "gone.png")]
    found, bad = columns.read_columns(files, method, workers=2)
    facts = [one for one in read_many(files, workers=1) if hasattr(one, "phash")]
    assert [one.filepath for one in bad] == [p for p in files if p not in found.paths] != []
    assert found.paths == [one.filepath for one in facts]
    known = [(k, getattr(one, method)) for k, one in enumerate(facts) if getattr(one, method)]
    assert [f"{found.hashes[k]:016x}" for k, _ in known] == [text for _, text in known]
    assert found.areas.tolist() == [one.width * one.height for one in facts]
    assert found.intensity_std.tolist() == [one.intensity_std for one in facts]
    assert found.sharpness.tolist() == [one.sharpness for one in facts]
    ours, theirs = (np.array(p)[:, None] for p in (found.pixelhashes, [f.pixelhash for f in facts]))
    assert ((ours == ours.T) == (theirs == theirs.T)).all()
    assert found.pixelhashes[-1] == found.pixelhashes[-2]


def test_equal_hashes_are_not_equal_pixels(tmp_path: Path) -> None:
    """Two files that differ in one pixel share hash and small picture, and are told apart."""
    pixels = np.full((96, 96, 3), 90, dtype=np.uint8)
    pixels[20:70, 30:80] = 200
    for name, value in (("a", 90), ("b", 90), ("c", 91)):
        pixels[0, 0, 0] = value
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    found, _ = columns.read_columns(sorted(map(str, tmp_path.iterdir())), "phash")
    a, b, c = found.pixelhashes
    assert found.hashes[0] == found.hashes[2] and (found.thumbs[0] == found.thumbs[2]).all()
    assert a == b != c


def test_what_the_kernels_leave_is_read_in_another_process(tmp_path: Path, monkeypatch) -> None:
    """Among many files not one is opened by Pillow in this process."""
    for number in range(64):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(tmp_path / f"{number:02d}.tif")
    monkeypatch.setattr("bccurate.images.decode.read_image_stats", None)
    found, bad = columns.read_columns(sorted(map(str, tmp_path.iterdir())), "phash", workers=2)
    assert len(found.paths) == 64 and not bad
