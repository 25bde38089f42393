"""The rendered folder: what truth.json says is what the files are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pytest
from PIL import Image

from bccurate.commands.sample import sample
from bccurate.errors import UsageError
from bccurate.records import SampleRecord
from bccurate.rendering.cells import CLASSES
from bccurate.rendering.dataset import render_dataset
from bccurate.rendering.planting import plan, planted_counts

N = 240


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("rendered") / "cells"
    truth, _, changed = render_dataset(folder, N, seed=7)
    assert changed
    return folder, json.loads(truth.read_text())


def _phash(path: Path) -> imagehash.ImageHash:
    return imagehash.phash(Image.open(path))


def _decodes(path: Path) -> bool:
    try:
        Image.open(path).load()
    except OSError:
        return False
    return True


def test_there_are_n_files_of_all_classes_and_a_mask_for_each_that_can_be_read(rendered) -> None:
    """``n`` counts every image file, copies and unreadable ones too."""
    folder, truth = rendered
    images = {p.relative_to(folder / "images") for p in folder.glob("images/*/*.png")}
    masks = {p.relative_to(folder / "masks") for p in folder.glob("masks/*/*.png")}
    assert len(images) == N
    assert {p.parts[0] for p in images} == set(CLASSES)
    assert images - masks == {Path(p).relative_to("images") for p in truth["unreadable"]}


def test_exact_pairs_have_the_same_bytes_and_conflicts_another_label_too(rendered) -> None:
    """A copy is a copy; a conflict is a copy that lies in another class's folder."""
    folder, truth = rendered
    for original, copy in truth["exact_pairs"] + truth["label_conflicts"]:
        assert original != copy
        assert (folder / original).read_bytes() == (folder / copy).read_bytes()
    labels = [[Path(p).parts[1] for p in pair] for pair in truth["label_conflicts"]]
    assert labels
    assert all(one != other for one, other in labels)


def test_near_pairs_differ_in_bytes_and_lie_close_in_phash(rendered) -> None:
    """A near copy is within Hamming distance 4 of its original."""
    folder, truth = rendered
    assert truth["near_pairs"]
    for original, copy in truth["near_pairs"]:
        assert (folder / original).read_bytes() != (folder / copy).read_bytes()
        assert _phash(folder / original) - _phash(folder / copy) <= 4


def test_unreadable_files_do_not_decode_and_all_others_do(rendered) -> None:
    """The list of unreadable files is complete and right."""
    folder, truth = rendered
    decodes = {str(p.relative_to(folder)): _decodes(p) for p in folder.glob("images/*/*.png")}
    assert {path for path, good in decodes.items() if not good} == set(truth["unreadable"])


def test_black_and_white_outliers_lie_outside_the_brightness_of_the_others(rendered) -> None:
    """The plainest outliers are so by mean intensity alone."""
    folder, truth = rendered
    for path in truth["outliers"]:
        mean = np.asarray(Image.open(folder / path)).mean()
        if truth["kinds"][path] == "nearly black":
            assert mean < 20
        if truth["kinds"][path] == "nearly white":
            assert mean > 240


def test_every_planted_file_has_one_problem_and_mislabels_know_the_true_class(rendered) -> None:
    """The truths do not overlap, so that a score against one is not blurred by another."""
    _, truth = rendered
    copies = [p[1] for key in ("exact_pairs", "near_pairs", "label_conflicts") for p in truth[key]]
    singles = [p for key in ("outliers", "mislabels", "unreadable") for p in truth[key]]
    assert len(set(copies + singles)) == len(copies + singles)
    assert set(truth["true_labels"]) == {
        *truth["mislabels"],
        *(copy for _, copy in truth["label_conflicts"]),
    }
    for path, label in truth["true_labels"].items():
        assert Path(path).parts[1] != label


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    """Two folders of one seed are equal; another seed is another folder."""
    trees = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        render_dataset(tmp_path / name, 24, seed, size=32)
        files = sorted((tmp_path / name).rglob("*.*"))
        trees.append([(f.relative_to(tmp_path / name), f.read_bytes()) for f in files])
    assert trees[0] == trees[1] != trees[2]


def test_sample_run_twice_changes_nothing_and_says_so(tmp_path: Path) -> None:
    """The second run leaves every file and its time alone, and the record survives JSON."""
    first = sample(tmp_path / "cells", n=20, size=32)
    times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    second = sample(tmp_path / "cells", n=20, size=32)
    assert (first.changed, second.changed) == (True, False)
    assert first.planted == second.planted
    assert times == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    assert SampleRecord.from_json(json.loads(json.dumps(first.to_json()))) == first


def test_a_folder_with_other_content_is_left_alone(tmp_path: Path) -> None:
    """Neither a person's files nor a set of other parameters is written over."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "note.txt").write_text("keep")
    with pytest.raises(UsageError, match="something"):
        sample(tmp_path / "mine")
    sample(tmp_path / "cells", n=16, size=16)
    with pytest.raises(UsageError, match="rendered with"):
        sample(tmp_path / "cells", n=17, size=16)
    assert (tmp_path / "mine" / "note.txt").read_text() == "keep"


def test_a_crash_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error half way leaves neither the folder nor a temporary one."""

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bccurate.rendering.dataset._save", fail)
    with pytest.raises(Exception, match="No space"):
        sample(tmp_path / "cells", n=16)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bad", [{"n": 3}, {"seed": -1}, {"size": 2}])
def test_arguments_out_of_range_are_usage_errors(tmp_path: Path, bad: dict[str, int]) -> None:
    """Nothing is written where an argument makes no sense."""
    with pytest.raises(UsageError):
        sample(tmp_path / "cells", **bad)
    assert not (tmp_path / "cells").exists()


def test_a_file_in_the_place_of_the_folder_is_an_error_of_ours(tmp_path: Path) -> None:
    """A path that is a file ends with exit code 2 or 4, never a traceback."""
    (tmp_path / "cells").write_text("a file")
    with pytest.raises(UsageError):
        sample(tmp_path / "cells")
    with pytest.raises(UsageError):
        sample(tmp_path / "cells" / "inside")


@pytest.mark.parametrize("n", [16, 50, 400, 2000])
def test_a_plan_holds_what_the_shares_promise(n: int) -> None:
    """Numbers are 0 to n - 1, and every problem has its count."""
    items = plan(n, seed=0)
    assert [item.number for item in items] == list(range(n))
    for problem, count in planted_counts(n).items():
        assert sum(item.problem == problem for item in items) == count
