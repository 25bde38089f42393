"""``dedupe FOLDER|CSV``: the groups of the dataset command, with no dataset and no database."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bccurate

COLUMNS = ["group", "kind", "keep", "filepath", "label", "similarity", "why", "matches"]


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """A folder of classes a and b with one image in both, and a third image that differs."""
    rng = np.random.default_rng(3)
    images = [rng.integers(0, 256, (48, 48, 3), dtype=np.uint8) for _ in range(2)]
    for name, image in (("a/1.png", images[0]), ("b/2.png", images[0]), ("b/3.png", images[1])):
        (tmp_path / "cells" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "cells" / name)
    return tmp_path / "cells"


def _rows(file: Path) -> list[list[str]]:
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.reader(text, strict=True))


@pytest.mark.parametrize("options", [[], ["--rotations", "--keep", "sharpest"]])
def test_groups_of_a_folder_equal_those_of_its_dataset(cli, rendered, name, options) -> None:
    """Groups, counts and unreadable files, member by member; dataset is null, source the folder."""
    images = rendered / "images"
    cli("import", images, "--name", name)
    ours = cli("dedupe", images, *options, "--json").json
    theirs = cli("dedupe", "-d", name, *options, "--json").json
    assert ours["groups"] == theirs["groups"] != []
    assert ours["counts"] == theirs["counts"]
    assert ours.keys() == theirs.keys()
    assert (ours["dataset"], ours["source"]) == (None, str(images))
    assert (theirs["dataset"], theirs["source"]) == (name, None)
    assert ours["decoded"] == ours["counts"]["samples"]


def test_planted_duplicates_are_found_and_broken_files_named(cli, rendered, truth) -> None:
    """Every planted pair, nothing else; each broken file with its reason."""
    record = bccurate.dedupe(path=rendered / "images")
    planted = [*truth["exact_pairs"], *truth["near_pairs"], *truth["label_conflicts"]]
    found = {frozenset(_below(rendered, group["members"])) for group in record.groups}
    assert found == set(map(frozenset, planted))
    bad = {row["filepath"]: row["reason"] for row in record.unreadable}
    assert set(_below(rendered, bad)) == set(truth["unreadable"]) and all(bad.values())


def _below(folder: Path, paths) -> list[str]:
    return [str(Path(path).relative_to(folder)) for path in paths]


@pytest.mark.parametrize("method", ["dhash", "ahash", "whash"])
def test_every_method_finds_the_exact_copies(rendered, truth, method) -> None:
    """Also a whash that only imagehash can compute has its bits."""
    record = bccurate.dedupe(path=rendered / "images", method=method, threshold=0)
    exact = {frozenset(_below(rendered, g["members"])) for g in record.groups}
    assert set(map(frozenset, truth["exact_pairs"])) <= exact


def test_text_lists_every_group(cli, pair) -> None:
    """The keeper, its duplicate and why; labels that differ are called a conflict."""
    outcome = cli("dedupe", pair)
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines() == [
        f"{pair}: 1 duplicate groups in 3 images (1 exact, 0 near), 1 duplicates, 1 with labels in "
        "conflict, 0 contaminated, 0 unreadable files",
        "1. exact, 2 images (a 1, b 1), conflict",
        f"  keep       {pair}/a/1.png",
        f"  duplicate  {pair}/b/2.png: equal pixels",
    ]


def test_csv_has_a_row_for_each_image_of_a_group(cli, pair, tmp_path) -> None:
    """RFC 4180: header, CRLF; a path with comma and quote, a label that is a formula."""
    odd = pair / "=1+1" / 'x, "y".png'
    odd.parent.mkdir()
    shutil.copy(pair / "a" / "1.png", odd)
    out = tmp_path / "out" / "groups.csv"
    assert cli("dedupe", pair, "--csv", out).code == 0
    assert out.read_bytes().endswith(b"\r\n")
    first = str(odd)
    assert _rows(out) == [
        COLUMNS,
        ["1", "exact", "yes", first, "'=1+1", "", "", ""],
        ["1", "exact", "no", f"{pair}/a/1.png", "a", "1.0", "equal pixels", first],
        ["1", "exact", "no", f"{pair}/b/2.png", "b", "1.0", "equal pixels", first],
    ]


def test_the_dataset_command_writes_the_same_csv(cli, pair, name, tmp_path) -> None:
    """Row for row."""
    cli("import", pair, "--name", name)
    assert cli("dedupe", "-d", name, "--csv", tmp_path / "dataset.csv").code == 0
    assert cli("dedupe", pair, "--csv", tmp_path / "folder.csv").code == 0
    assert _rows(tmp_path / "dataset.csv") == _rows(tmp_path / "folder.csv") != [COLUMNS]


def test_every_duplicate_of_a_near_group_has_a_reason(rendered, tmp_path) -> None:
    """The pairs of a group form a tree that reaches each member."""
    bccurate.dedupe(path=rendered / "images", csv=tmp_path / "g.csv")
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in _rows(tmp_path / "g.csv")[1:]]
    assert all(bool(row["why"]) == (row["keep"] == "no") for row in rows)
    assert any("correlation" in row["why"] for row in rows)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_csv_of_paths_is_searched_with_or_without_labels(cli, pair, tmp_path, labelled) -> None:
    """Paths are relative to the CSV; two labels of one path are reported."""
    lines = ["filepath,label", "cells/a/1.png,x", "cells/b/2.png,y", "cells/a/1.png,z"]
    if not labelled:
        lines = [line.split(",")[0] for line in lines]
    (tmp_path / "list.csv").write_text("\n".join(lines))
    record = cli("dedupe", tmp_path / "list.csv", "--json").json
    (group,) = record["groups"]
    assert group["labels"] == ({"x": 1, "y": 1} if labelled else {})
    assert group["conflict"] == labelled
    assert ["more than one label" in text for text in record["warnings"]] == [True] * labelled
    assert record["counts"]["samples"] == 2


def test_duplicates_across_the_folders_of_splits_are_counted(cli, pair, tmp_path) -> None:
    """train/ and test/ are splits, as ``import`` has it."""
    for split, source in (("train", "a"), ("test", "b")):
        shutil.copytree(pair / source, tmp_path / "set" / split / source)
    record = cli("dedupe", tmp_path / "set", "--json").json
    assert record["counts"]["leaks"] == 1
    assert any("more than one split" in warning for warning in record["warnings"])


def test_fail_on_found_exits_3_where_there_are_duplicates(cli, pair, name) -> None:
    """For a folder and for a dataset; the groups are printed all the same."""
    outcome = cli("dedupe", pair, "--fail-on-found", "--json")
    assert outcome.code == 3 and outcome.json["groups"] and "1 groups of duplicates" in outcome.err
    cli("import", pair, "--name", name)
    assert cli("dedupe", "-d", name, "--fail-on-found").code == 3
    (pair / "b" / "2.png").unlink()
    assert cli("dedupe", pair, "--fail-on-found").code == 0


def test_what_cannot_be_searched_is_an_error_with_a_next_step(cli, tmp_path) -> None:
    """No such path, no image, no readable image, neither folder nor CSV: exit 4."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_text("no image")
    (tmp_path / "a.tar").write_bytes(b"x")
    for path, message in (
        ("none", "There is no folder or CSV"),
        ("empty", "No images in"),
        ("bad", "a.png: not an image"),
        ("a.tar", "is neither a folder nor a CSV"),
    ):
        outcome = cli("dedupe", tmp_path / path)
        assert outcome.code == 4 and message in outcome.err and "try: " in outcome.err, path


@pytest.mark.parametrize("other", [["-d", "cells"], ["--view", "test"], ["--threshold", "15"]])
def test_options_that_need_a_dataset_or_are_out_of_range_are_usage_errors(cli, pair, other):
    """Exit 2."""
    assert cli("dedupe", pair, *other).code == 2


def test_nothing_is_written_and_no_database_or_training_library_is_loaded(pair, tmp_path) -> None:
    """A process of its own: no fiftyone, torch, scikit-learn, pandas or scipy, an empty home."""
    home = tmp_path / "home"
    home.mkdir()
    before = sorted(pair.rglob("*"))
    code = (
        "import json, sys, bccurate\n"
        f"record = bccurate.dedupe(path={str(pair)!r})\n"
        "heavy = ('fiftyone', 'torch', 'sklearn', 'pandas', 'scipy', 'mongoengine', 'pymongo')\n"
        "print(json.dumps([len(record.groups), [name for name in heavy if name in sys.modules]]))"
    )
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "BCCURATE_HOME": str(home / "bccurate")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=env
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == [1, []]
    assert sorted(pair.rglob("*")) == before and not list(home.iterdir())
