"""Splits made elsewhere: what crosses them is found, tagged, and fails a script that asks."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import pytest

import bccurate
from bccurate.errors import UsageError


def test_leaks_of_a_careless_split_are_found_and_an_honest_one_has_none(
    cli, rendered, name, tmp_path
):
    """Tags by turns cross groups: exit 3; after undo and an honest split: exit 0."""
    bccurate.import_(rendered, name)
    with pytest.raises(UsageError, match="dedupe"):
        bccurate.leaks(name)
    groups = bccurate.dedupe(name).groups
    dataset = fo.load_dataset(name)
    ids = dataset.sort_by("duplicate_group").values("id")
    dataset.select(ids[::2]).tag_samples("train")
    dataset.select(ids[1::2]).tag_samples("test")
    outcome = cli("leaks", "-d", name, "--json", "--fail-on-found")
    assert outcome.code == 3 and "cross splits" in outcome.err
    found = {frozenset(row["members"]) for row in outcome.json["leaks"]}
    assert found and found <= {frozenset(group["members"]) for group in groups}
    assert dataset.match_tags("leak").count() == outcome.json["n"]
    assert not bccurate.leaks(name).changed
    assert f"{outcome.json['n']} images" in _reported(name, tmp_path)
    bccurate.undo("leaks", name)
    dataset.untag_samples(["train", "test"])
    bccurate.split(name)
    outcome = cli("leaks", "-d", name, "--json", "--fail-on-found")
    assert outcome.code == 0 and outcome.json["leaks"] == []
    assert "None: no copy" in _reported(name, tmp_path)


def _reported(name: str, folder: Path) -> str:
    """The report's section on leaks, as they are now."""
    bccurate.report(name, folder / "r.html")
    page = (folder / "r.html").read_text()
    return page.split('<section id="leaks">')[1].split("</section>")[0]


def test_dedupe_tags_what_leaks_and_leaks_names_it(cli, rendered, name):
    """With splits from elsewhere both commands tag the same samples; each undo takes its own."""
    bccurate.import_(rendered, name)
    dataset = fo.load_dataset(name)
    ids = dataset.values("id")
    dataset.select(ids[::2]).tag_samples("train")
    dataset.select(ids[1::2]).tag_samples("test")
    record = bccurate.dedupe(name)
    tagged = set(dataset.match_tags("leak").values("filepath"))
    assert tagged and any("tagged leak" in warning for warning in record.warnings)
    assert not bccurate.dedupe(name).changed
    found = bccurate.leaks(name)
    assert {path for row in found.leaks for path in row["members"]} == tagged
    assert (len(found.leaks), found.n) == (record.counts["leaks"], len(tagged))
    assert not bccurate.dedupe(name).changed and not bccurate.leaks(name).changed
    bccurate.undo("dedupe", name)
    dataset.reload()
    assert not dataset.match_tags("leak").count() and "leaks" not in dataset.list_saved_views()


def test_equal_pixels_that_came_after_dedupe_leak_by_their_pixels(cli, rendered, name, tmp_path):
    """A copy imported later into the test split is named, with no group to name it by."""
    bccurate.import_(rendered, name)
    bccurate.dedupe(name)
    dataset = fo.load_dataset(name)
    alone = dataset.match_tags("unreadable", bool=False).exists("linked_group", bool=False).first()
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "again.png").write_bytes(Path(alone.filepath).read_bytes())
    bccurate.import_(tmp_path / "copy", name)
    dataset.tag_samples("train")
    copy = dataset[str(tmp_path / "copy" / "again.png")]
    copy.tags = ["test"]
    copy.save()
    (row,) = bccurate.leaks(name).leaks
    assert row["field"] == "pixelhash" and row["splits"] == ["test", "train"]
    assert set(row["members"]) == {alone.filepath, copy.filepath}


def test_a_split_drawn_anew_leaks_no_more(rendered, name):
    """The tag follows the splits: it is gone after ``split --redo``."""
    bccurate.import_(rendered, name)
    bccurate.dedupe(name)
    dataset = fo.load_dataset(name)
    ids = dataset.sort_by("linked_group").values("id")
    dataset.select(ids[::2]).tag_samples("train")
    dataset.select(ids[1::2]).tag_samples("test")
    assert bccurate.leaks(name).n == dataset.match_tags("leak").count() > 0
    bccurate.split(name, redo=True)
    assert not dataset.match_tags("leak").count()
    assert bccurate.leaks(name).n == 0
