"""What bad input gets: the documented exit code, the name, a next command; nothing is lost."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bccurate.hub.open import load_fiftyone, opened


def _cells(folder: Path, n: int = 6, classes: str = "ab", first: int = 0) -> Path:
    for label in classes:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(first, first + n):
            rng = np.random.default_rng([number, ord(label)])
            pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder


def _digest(name: str) -> str:
    """One checksum of all that a dataset holds: samples, fields, tags, views, runs."""
    with opened(name) as dataset:
        samples = [sample.to_mongo_dict() for sample in dataset]
        for sample in samples:
            sample.pop("_last_modified_at", None)
        rest = [dataset.list_saved_views(), dataset.list_runs(), sorted(dataset.get_field_schema())]
    text = json.dumps([sorted(map(str, samples)), rest], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def stored(cli, name: str, tmp_path: Path) -> str:
    """A dataset that has been through dedupe, outliers and split."""
    assert cli("import", _cells(tmp_path / "stored"), "--name", name).code == 0
    for command in ("dedupe", "outliers", "split"):
        assert cli(command, "-d", name).code == 0
    return name


def _refused(outcome, code: int, *words: object) -> None:
    """The code, the words, a next command, and nothing on standard output."""
    assert outcome.code == code, outcome
    assert outcome.out == ""
    assert outcome.err.startswith(("Error: ", "Usage: ")), outcome.err
    for word in words:
        assert str(word) in outcome.err


def _tell(folder: Path) -> dict[str, Path]:
    """Paths with nothing usable under them."""
    (folder / "empty").mkdir()
    (folder / "words").mkdir()
    (folder / "words" / "a.txt").write_text("no image")
    (folder / "file.xyz").write_text("what is this")
    (folder / "broken.tar").write_bytes(b"no archive")
    (folder / "broken.zip").write_bytes(b"PK\x03\x04 cut")
    (folder / "broken.npz").write_bytes(b"no arrays")
    (folder / "broken.csv").write_bytes(b"name;kind\n1;2\n")
    np.savez(folder / "objects.npz", images=np.array([{}, None], dtype=object))
    np.savez(folder / "shape.npz", images=np.zeros((3, 5)), labels=np.arange(3))
    np.savez(folder / "lengths.npz", images=np.zeros((3, 5, 5)), labels=np.arange(2))
    missing = {"missing": folder / "missing", "long": folder / ("n" * 300)}
    return {path.name: path for path in folder.iterdir()} | missing


def test_every_source_with_nothing_usable_is_told_and_nothing_is_lost(
    cli, stored, tmp_path
) -> None:
    """Exit 4 with the path and a next command; the dataset is what it was before."""
    (tmp_path / "bad").mkdir()
    before = _digest(stored)
    for kind, path in _tell(tmp_path / "bad").items():
        outcome = cli("import", path, "--name", stored, "--json")
        _refused(outcome, 4, path)
        if not kind.startswith(("broken.", "objects", "shape", "lengths")):
            assert "try: " in outcome.err
    assert _digest(stored) == before


def test_a_source_with_nothing_usable_makes_no_dataset(cli, name: str, tmp_path: Path) -> None:
    """A mistyped path leaves no empty dataset behind, and no other one in use."""
    _refused(cli("import", tmp_path / "missing", "--name", name), 4)
    assert name not in load_fiftyone().list_datasets()


def test_wrong_formats_and_names_are_usage_errors(cli, stored: str, tmp_path: Path) -> None:
    """Unknown format, an empty name or path, a name that the database cannot take: exit 2."""
    before = _digest(stored)
    _refused(
        cli("import", tmp_path, "--name", stored, "--format", "yolo"), 2, "yolo", "imagefolder"
    )
    _refused(cli("import", tmp_path, "--name", " "), 2, "name", "--name cells")
    _refused(cli("import", "", "--name", stored), 2, "PATH is empty")
    _refused(cli("import", tmp_path / "stored", "--name", "!!!"), 2, "'!!!'", "try: ")
    _refused(cli("import", tmp_path / "stored"), 2, "--name")
    _refused(cli("import", tmp_path / "stored", "--name", stored.replace("-", " ")), 2, stored[:30])
    assert _digest(stored) == before


DATASET_COMMANDS = [
    ("info",), ("dedupe",), ("outliers",), ("split",), ("augment", "augmix"),
    ("train", "custom_cnn"), ("predict", "custom_cnn"), ("evaluate", "custom_cnn"),
    ("mistakes", "custom_cnn"), ("explain", "custom_cnn"), ("report",), ("undo", "dedupe"),
]  # fmt: skip


def test_a_dataset_that_does_not_exist_is_told_with_the_nearest(cli, stored: str) -> None:
    """By every command: exit 2 and the name that was meant."""
    mistyped = stored.replace("every", "evry") + "x"
    for command in [*DATASET_COMMANDS, ("use",)]:
        option = [mistyped] if command == ("use",) else ["-d", mistyped]
        outcome = cli(*command, *option, "--json")
        _refused(outcome, 2, mistyped, f"Did you mean {stored}", "try: bccurate import")


def test_no_dataset_at_all_is_told(cli, monkeypatch, tmp_path: Path) -> None:
    """Where none is named and none in use: exit 2 and how to choose one."""
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path))
    for command in DATASET_COMMANDS:
        _refused(cli(*command), 2, "No dataset is named", "or bccurate use NAME")


def test_unknown_names_and_values_are_usage_errors(cli, stored: str) -> None:
    """Models, views, runs, fields, numbers: exit 2, the nearest names, nothing changed."""
    before = _digest(stored)
    for arguments, words in [
        (["train", "resnet5"], ["resnet5", "Did you mean", "resnet50"]),
        (["train", "timm:resnet_50"], ["resnet_50", "resnet50"]),
        (["predict", "custom_cn"], ["Did you mean", "custom_cnn"]),
        (["predict", "custom_cnn"], ["not trained", "try: bccurate train custom_cnn"]),
        (["explain", "custom_cnn"], ["custom_cnn", "try: bccurate train"]),
        (["evaluate", "custom_cnn"], ["custom_cnn", "try: bccurate train"]),
        (["mistakes", "custom_cnn"], ["custom_cnn", "try: bccurate train"]),
        (["train", "custom_cnn", "--view", "claen"], ["claen", "Did you mean clean"]),
        (["undo", "dedup"], ["dedup", "Did you mean dedupe", "try: "]),
        (["undo", "import"], ["not undone", "try: "]),
        (["split", "--group", "patient"], ["patient", "try: "]),
        (["split", "--val", "0.6", "--test", "0.4"], ["0.6"]),
        (["split", "--val", "nan"], ["nan"]),
        (["split", "--test", "-0.1"], ["-0.1"]),
        (["split", "--seed", "-1"], ["-1"]),
        (["outliers", "--alpha", "0"], ["alpha"]),
        (["outliers", "--alpha", "nan"], ["alpha"]),
        (["outliers", "--alpha", "inf"], ["alpha"]),
        (["outliers", "--alpha", "1e9"], ["alpha"]),
        (["outliers", "--statistic", "median"], ["median", "median-mad"]),
        (["outliers", "--false-alarms", "-1"], ["--false-alarms"]),
        (["outliers", "--false-alarms", "nan"], ["--false-alarms"]),
        (["outliers", "--embedding", "custom_cnn"], ["not trained", "try: bccurate train"]),
        (["outliers", "--embedding", "custom_cn"], ["Did you mean", "custom_cnn"]),
        (["outliers", "--plot", "plot.png"], [".svg", "plot.png"]),
        (["dedupe", "--threshold", "15"], ["15"]),
        (["dedupe", "--method", "md5"], ["md5", "phash"]),
        (["dedupe", "--keep", "last"], ["last", "sharpest"]),
        (["augment", "mixup"], ["mixup", "augmix"]),
    ]:
        _refused(cli(*arguments, "-d", stored, "--json"), 2, *words)
    _refused(cli("dedup"), 2, "dedup", "Did you mean dedupe")
    assert _digest(stored) == before


def test_files_that_do_not_decode_are_tagged_and_the_good_ones_kept(cli, name, tmp_path) -> None:
    """Every kind of bad file in one folder: exit 0, a reason each, no good image lost."""
    folder = _cells(tmp_path / "cells")
    good, bad = folder / "a" / "0.png", tmp_path / "cells" / "a"
    (bad / "cut.png").write_bytes(good.read_bytes()[:200])
    (bad / "empty.jpg").write_bytes(b"")
    (bad / "page.png").write_text("<!doctype html><p>404")
    (bad / "folder.png").mkdir()
    Image.open(good).save(bad / "gif.png", format="GIF")
    Image.new("RGB", (1, 1)).save(bad / "dot.png")
    Image.fromarray(np.full((24, 24), 40_000, dtype=np.uint16)).save(bad / "deep.png")
    Image.open(good).convert("CMYK").save(bad / "print.tif")
    Image.open(good).convert("P").save(bad / "palette.png")
    red, blue = Image.new("RGB", (24, 24), "red"), Image.new("RGB", (24, 24), "blue")
    red.save(bad / "moves.gif", save_all=True, append_images=[blue])
    shutil.copy(good, os.fsencode(bad) + b"/caf\xe9.png")
    record = cli("import", folder, "--name", name, "--json").json
    reasons = {Path(row["filepath"]).name: row["reason"] for row in record["unreadable"]}
    assert set(reasons) == {"cut.png", "empty.jpg", "page.png", "caf\\xe9.png"}
    assert reasons["page.png"] == "not an image (HTML)"
    notes = {Path(row["filepath"]).name: row["note"] for row in record["notes"]}
    assert set(notes) == {"gif.png", "dot.png", "deep.png", "print.tif", "moves.gif"}
    assert record["total"] == 12 + 3 + 6
    with opened(name) as dataset:
        tagged = dataset.match_tags("unreadable").values("filepath")
        assert sorted(Path(path).name for path in tagged) == ["cut.png", "empty.jpg", "page.png"]
    for command in ("dedupe", "outliers", "split", "info"):
        assert cli(command, "-d", name, "--json").json["dataset"] == name


def test_a_file_that_was_mended_is_read_by_the_next_import(cli, name: str, tmp_path) -> None:
    """The tag unreadable goes when the file decodes; then nothing is new."""
    folder = _cells(tmp_path / "cells")
    whole = (folder / "a/0.png").read_bytes()
    (folder / "a/0.png").write_bytes(whole[:100])
    assert len(cli("import", folder, "--name", name, "--json").json["unreadable"]) == 1
    assert not cli("import", folder, "--name", name, "--json").json["changed"]
    (folder / "a/0.png").write_bytes(whole)
    record = cli("import", folder, "--name", name, "--json").json
    assert (record["changed"], record["added"]) == (True, 0)
    assert "decodes now" in record["notes"][0]["note"]
    assert not cli("import", folder, "--name", name, "--json").json["changed"]
    assert cli("dedupe", "-d", name, "--json").json["counts"]["samples"] == 12


def test_files_that_have_gone_for_a_while_lose_nothing(cli, stored: str, tmp_path: Path) -> None:
    """A disk that is not mounted: exit 4, not a dataset of unreadable samples."""
    before = _digest(stored)
    (tmp_path / "stored").rename(tmp_path / "away")
    for command in ("dedupe", "outliers"):
        _refused(cli(command, "-d", stored), 4, tmp_path / "stored", "try: ")
    assert _digest(stored) == before
    (tmp_path / "away").rename(tmp_path / "stored")
    assert not cli("dedupe", "-d", stored, "--json").json["changed"]


def test_one_file_that_was_spoilt_later_is_found_and_named(cli, stored: str, tmp_path) -> None:
    """Cut after the import: dedupe tags it and goes on; another method decodes nothing again."""
    file = tmp_path / "stored" / "a" / "0.png"
    file.write_bytes(file.read_bytes()[:300])
    record = cli("dedupe", "-d", stored, "--json").json
    assert [row["filepath"] for row in record["unreadable"]] == [str(file)]
    assert record["counts"]["samples"] == 11
    assert cli("dedupe", "-d", stored, "--method", "dhash", "--json").json["decoded"] == 0


def test_two_labels_for_one_path_are_told_and_stay_in_conflict(cli, name: str, tmp_path) -> None:
    """Also after a second import, and after dedupe, which writes the same tag."""
    folder = _cells(tmp_path / "cells", classes="a")
    rows = "".join(f"a/{i}.png,a\n" for i in range(5))
    (tmp_path / "cells" / "one.csv").write_text(f"path,label\n{rows}./a/0.png,b\n")
    record = cli("import", folder / "one.csv", "--name", name, "--json").json
    conflict = {"filepath": str(folder / "a/0.png"), "labels": ["a", "b"]}
    assert record["conflicts"] == [conflict]
    assert record["class_counts"] == {"a": 5}
    (tmp_path / "cells" / "two.csv").write_text("path,label\na/5.png,a\n")
    assert cli("import", folder / "two.csv", "--name", name, "--json").json["conflicts"] == []
    cli("dedupe", "-d", name)
    with opened(name) as dataset:
        assert dataset.match_tags("label_conflict").values("filepath") == [conflict["filepath"]]
    assert cli("undo", "dedupe", "-d", name).code == 0
    with opened(name) as dataset:
        assert dataset.match_tags("label_conflict").values("filepath") == [conflict["filepath"]]


def test_a_class_of_one_and_a_set_of_one_pass_with_a_warning(cli, name: str, tmp_path) -> None:
    """One image of a class: split, outliers and dedupe say what they cannot do."""
    _cells(tmp_path / "cells", n=20, classes="a")
    _cells(tmp_path / "cells", n=1, classes="b")
    cli("import", tmp_path / "cells", "--name", name)
    record = cli("split", "-d", name, "--json").json
    assert record["counts"]["train"] == {"a": 14, "b": 1}
    assert any("'b' has no image in val, test" in warning for warning in record["warnings"])
    warnings = cli("outliers", "-d", name, "--json").json["warnings"]
    assert any("under 11 images" in w and w.count("b") for w in warnings)
    assert cli("dedupe", "-d", name, "--json").json["counts"]["groups"] == 0


def test_only_unreadable_files_are_a_dataset_that_says_so(cli, name: str, tmp_path: Path) -> None:
    """Import reports them; what needs images ends with exit 4."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_text("no image")
    assert cli("import", tmp_path, "--name", name).code == 0
    for command in ("dedupe", "outliers", "split"):
        _refused(cli(command, "-d", name), 4, name, "try: ")


def test_a_dataset_that_another_tool_made_is_no_bug(cli, name: str, tmp_path: Path) -> None:
    """Without labels, without facts, with labels of another kind: exit 0 or 4, never 1."""
    fo = load_fiftyone()
    folder = _cells(tmp_path / "cells")
    own = fo.Dataset(name, persistent=True)
    files = sorted(folder.glob("*/*.png"))
    own.add_samples([fo.Sample(filepath=str(file)) for file in files])
    assert cli("info", "-d", name).code == 0
    for command in ("outliers", "split"):
        _refused(cli(command, "-d", name), 4, name)
    assert cli("dedupe", "-d", name, "--json").json["decoded"] == 12
    boxes = fo.Detections(detections=[fo.Detection(label="a", bounding_box=[0, 0, 1, 1])])
    own.set_values("boxes", [boxes] * 12)
    own.reload()
    assert cli("info", "-d", name).code == 0
