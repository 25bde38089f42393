"""The paper's own raw data: Table 1 to the digit, and nothing planted left in the clean view."""

from __future__ import annotations

import sys
from pathlib import Path

import fiftyone as fo
import pytest

import bccurate

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from paper_data import CLEAN, TABLE_1, rebuild

pytestmark = pytest.mark.realdata
NAME = "paper-raw"


@pytest.fixture(scope="module")
def raw(real_data, tmp_path_factory):
    """The 13,759 files imported; the import's record."""
    pytest.importorskip("skimage")
    record = bccurate.import_(rebuild(real_data, tmp_path_factory.mktemp("paper")), NAME)
    yield record
    fo.delete_dataset(NAME)


def test_import_gives_table_1(raw):
    """The classes of the raw data count as in the paper's Table 1."""
    assert raw.class_counts == TABLE_1 and raw.total == 13_759 and not raw.unreadable
    assert {label: TABLE_1[label] - 200 - 200 * (label == "monocyte") for label in TABLE_1} == CLEAN


def test_planted_pictures_are_found(raw):
    """1,600 copies are one group under 8 labels, 200 another; no planted file is clean.

    At most 1 % of the genuine cells are gone with them, duplicates and conflicts included.
    """
    groups = bccurate.dedupe(NAME).groups
    assert len(groups[0]["members"]) == 1600 and groups[0]["conflict"]
    assert groups[0]["labels"] == dict.fromkeys(sorted(TABLE_1), 200)
    assert len(groups[1]["members"]) == 200 and groups[1]["labels"] == {"monocyte": 200}
    assert [group["contamination"] for group in groups] == [True] * 2 + [False] * (len(groups) - 2)
    assert all("planted" not in path for group in groups[2:] for path in group["members"])
    bccurate.outliers(NAME)
    dataset = fo.load_dataset(NAME)
    assert dataset.match_tags("contamination").count() == 1800
    tagged = dataset.match_tags(["duplicate", "label_conflict", "outlier"]).values("filepath")
    assert sum("planted" in path for path in tagged) == 1800
    clean = dataset.load_saved_view("clean").values("filepath")
    assert not any("planted" in path for path in clean)
    assert len(clean) >= 0.99 * sum(CLEAN.values())


def test_the_real_duplicates_are_found(raw):
    """Of the real cells 11 exact and 3 near pairs, looked at one by one; one has two labels."""
    groups = [g for g in bccurate.dedupe(NAME).groups if "planted" not in g["keep"]]
    kinds = [group["kind"] for group in groups]
    assert (kinds.count("exact"), kinds.count("near")) == (11, 3)
    assert all(len(group["members"]) == 2 for group in groups)
    near = {Path(group["keep"]).stem for group in groups if group["kind"] == "near"}
    assert near == {"MO_231316", "EO_246684", "IG_466905"}
    conflict = [set(group["labels"]) for group in groups if group["conflict"]]
    assert conflict == [{"eosinophil", "neutrophil"}]
