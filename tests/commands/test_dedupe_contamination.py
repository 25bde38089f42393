"""Images under many labels or repeated too often are tagged, reported, and not in clean."""

from __future__ import annotations

import shutil

import fiftyone as fo

import bccurate
from bccurate.rendering.cells import CLASSES


def test_contamination_is_tagged_and_no_member_is_clean(cli, rendered, name, tmp_path):
    """One cell under three labels, another 12 times under one; a pair in conflict is neither."""
    files = sorted((rendered / "images" / CLASSES[0]).glob("*.png"))
    folder = tmp_path / "cells"
    shutil.copytree(rendered / "images", folder)
    for label in CLASSES[1:3]:
        shutil.copy(files[0], folder / label / "planted.png")
    for copy in range(11):
        shutil.copy(files[1], folder / CLASSES[0] / f"again_{copy}.png")
    bccurate.import_(folder, name)
    outcome = cli("dedupe", "-d", name)
    assert "warning: " in outcome.out and "not even the image that is kept" in outcome.out
    record = cli("dedupe", "-d", name, "--json").json
    assert not record["changed"] and record["counts"]["contaminated"] == 2
    found = [group for group in record["groups"] if group["contamination"]]
    assert [len(group["members"]) for group in found] == [12, 3]
    assert [group["conflict"] for group in found] == [False, True]
    dataset = fo.load_dataset(name)
    members = {path for group in found for path in group["members"]}
    assert set(dataset.match_tags("contamination").values("filepath")) == members
    bccurate.outliers(name)
    dataset.reload()
    assert not members & set(dataset.load_saved_view("clean").values("filepath"))
    assert bccurate.info(name).classes[-1]["contamination"] == 15
    bccurate.undo("dedupe", name)
    assert not dataset.match_tags("contamination").count()


def test_every_group_explains_how_its_members_joined(rendered, name):
    """A pair fewer than members, paths of the group, and words that fit the kind."""
    bccurate.import_(rendered, name)
    for group in bccurate.dedupe(name, rotations=True).groups:
        assert len(group["pairs"]) == len(group["members"]) - 1
        for pair in group["pairs"]:
            assert set(pair["members"]) <= set(group["members"])
            assert (pair["why"] == "equal pixels") == (group["kind"] == "exact")
            assert pair["turn"] == "as it is" and 0.98 <= pair["similarity"] <= 1
