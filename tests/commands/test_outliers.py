"""``outliers`` on a dataset: why each was called, a plot, and the look by embedding."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import fiftyone as fo
import pytest

import bccurate
from bccurate.learning.checkpoint import TrainedModel, save_model
from bccurate.learning.registry import find_model
from bccurate.rendering.cells import CLASSES
from bccurate.workflows.artifacts import WEIGHTS, model_folder

NAME = "far"


@pytest.fixture(scope="module")
def stored(rendered):
    """The rendered cells after dedupe, with weights where a training would have put them."""
    bccurate.import_(rendered, NAME)
    bccurate.dedupe(NAME)
    spec = find_model("custom_cnn")
    path = model_folder(NAME, "custom_cnn") / WEIGHTS
    save_model(path, TrainedModel(spec.build(8), spec, CLASSES, 64, "train_custom_cnn"))
    yield fo.load_dataset(NAME)
    fo.delete_dataset(NAME)


def test_each_row_tells_which_equation_and_which_bound(stored):
    """The image's own value of that statistic lies outside low to high, and is the stored one."""
    record = bccurate.outliers(NAME)
    assert record.outliers
    for row in record.outliers:
        assert set(row) == {"filepath", "label", "score", "outlier", "equation", "mean", "std",
                            "low", "high"}  # fmt: skip
        value = row[row["equation"]]
        assert not row["low"] <= value <= row["high"] and row["outlier"] is True
        sample = stored[row["filepath"]]
        assert row["mean"] == pytest.approx(sample.intensity_mean, abs=1e-3)
        bounds = record.per_class[row["label"]][row["equation"]]
        assert row["low"] == pytest.approx(bounds["low"], abs=1e-3)
        assert f"{row['equation']} {value:.1f}" in str(record) or row not in record.outliers[:5]


def test_false_alarms_are_an_option_of_the_command(cli, stored):
    """A bound for a millionth of a false alarm is wider, and said a class; 0 keeps alpha."""
    wide = cli("outliers", "-d", NAME, "--false-alarms", "1e-6", "--json").json
    plain = cli("outliers", "-d", NAME, "--false-alarms", "0", "--json").json
    assert all(row["alpha"] > 4 for row in wide["per_class"].values())
    assert {row["alpha"] for row in plain["per_class"].values()} == {3.0}
    assert len(wide["outliers"]) < len(plain["outliers"])


def test_contamination_neither_bounds_a_class_nor_is_clean(stored):
    """What carries the tag is left out of the bounds and of the view clean."""
    before = bccurate.outliers(NAME)
    label = before.outliers[0]["label"]
    view = stored.match(fo.ViewField("ground_truth.label") == label)
    view = view.match_tags(["duplicate", "unreadable", "variant"], bool=False)
    path = view.sort_by("intensity_mean").first().filepath
    stored.select_by("filepath", path).tag_samples("contamination")
    try:
        after = bccurate.outliers(NAME)
        assert after.per_class[label]["mean"]["low"] > before.per_class[label]["mean"]["low"]
        assert path not in stored.load_saved_view("clean").values("filepath")
    finally:
        stored.select_by("filepath", path).untag_samples("contamination")
        bccurate.outliers(NAME)


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_the_plot_is_written_beside_the_record(cli, stored, tmp_path, suffix):
    """One file, made anew each time; a second run changes nothing in the dataset."""
    bccurate.outliers(NAME)
    path = tmp_path / f"plot{suffix}"
    outcome = cli("outliers", "-d", NAME, "--plot", path, "--json").json
    assert outcome["plot"] == str(path) and outcome["changed"] is False
    text = path.read_text()
    assert "basophil" in text and "data:image/jpeg" in text and "<script" not in text
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    if suffix == ".svg":
        assert ElementTree.fromstring(text).tag.endswith("svg")


def test_a_plot_that_cannot_be_written_is_told_before_the_work(cli, stored, tmp_path):
    """A folder is refused, and nothing is left of the attempt."""
    (tmp_path / "a.svg").mkdir()
    outcome = cli("outliers", "-d", NAME, "--plot", tmp_path / "a.svg")
    assert outcome.code != 0 and "a.svg" in outcome.err
    assert list((tmp_path / "a.svg").iterdir()) == []


def test_embedding_scores_all_and_leaves_clean_as_it_is(stored):
    """Field, tag and view of their own; the same again changes nothing; undo takes all back."""
    bccurate.outliers(NAME)
    clean = stored.load_saved_view("clean").values("id")
    record = bccurate.outliers(NAME, embedding="custom_cnn")
    rows = record.embedding["outliers"]
    assert record.embedding["model"] == "custom_cnn" and record.embedding["k"] == 10
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True) and all(0.5 < score < 1 for score in scores)
    stored.reload()
    assert stored.load_saved_view("clean").values("id") == clean
    view = stored.load_saved_view("outliers_embedding")
    assert view.values("filepath") == [row["filepath"] for row in rows]
    readable = stored.match_tags("unreadable", bool=False)
    assert None not in readable.values("embedding_outlier_score")
    assert bccurate.outliers(NAME, embedding="custom_cnn").changed is False
    assert json.loads(json.dumps(record.to_json()))["embedding"] == record.embedding
    bccurate.undo("outliers", NAME)
    stored.reload()
    assert stored.get_field("embedding_outlier_score") is None
    assert not stored.match_tags("outlier_embedding").count()
    assert "outliers_embedding" not in stored.list_saved_views()


def test_a_report_shows_both_views(stored, tmp_path):
    """Panels with their pictures, and the gallery of what the model finds far."""
    bccurate.outliers(NAME, embedding="custom_cnn", alpha=1.0, false_alarms=0)
    bccurate.report(NAME, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.count("<image ") == 24 and "in the features of custom_cnn" in page


def test_warnings_say_what_was_not_looked_for_and_what_is_planted(name, tmp_path, rendered):
    """Without dedupe that is said; then a class that is a third copies is named."""
    classes = sorted((rendered / "images").iterdir())[:2]
    for folder in classes:
        (tmp_path / "in" / folder.name).mkdir(parents=True)
        for file in sorted(folder.glob("*.png"))[:14]:
            (tmp_path / "in" / folder.name / file.name).write_bytes(file.read_bytes())
    for i in range(7):
        copy = tmp_path / "in" / classes[0].name / f"copy_{i}.png"
        copy.write_bytes(file.read_bytes())
    bccurate.import_(tmp_path / "in", name)
    assert "run bccurate dedupe" in " ".join(bccurate.outliers(name).warnings)
    bccurate.dedupe(name)
    (warning,) = [w for w in bccurate.outliers(name).warnings if "5%" in w]
    assert classes[0].name in warning and "duplicates" in warning
    assert not any("run bccurate dedupe" in w for w in bccurate.outliers(name).warnings)


def test_outliers_that_hide_each_other_are_told(name, tmp_path):
    """A fifth of a class is dark: mean-std flags none of it and says what to do."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    (tmp_path / "in" / "ig").mkdir(parents=True)
    for i in range(50):
        level = 60 if i < 10 else rng.normal(180, 5)
        pixels = np.clip(rng.normal(level, 20, (32, 32)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "in" / "ig" / f"{i:02d}.png")
    bccurate.import_(tmp_path / "in", name)
    record = bccurate.outliers(name)
    assert not record.outliers
    assert any("hide each other" in warning and "median-mad" in warning
               for warning in record.warnings)  # fmt: skip
    robust = bccurate.outliers(name, statistic="median-mad")
    assert {row["filepath"][-6:] for row in robust.outliers} >= {f"{i:02d}.png" for i in range(10)}
    assert not any("hide each other" in warning for warning in robust.warnings)
