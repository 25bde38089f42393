"""``evaluate --corruptions``: counted once, stored, resumed, refused where it makes no sense."""

from __future__ import annotations

import json
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image
from tiny_zoo import ROW, TINY

import bccurate
from bccurate.evaluation.corruptions.suite import SUITE, corrupt
from bccurate.learning.checkpoint import load_model
from bccurate.learning.predict import predict
from bccurate.workflows.artifacts import model_folder
from bccurate.workflows.corruptions import FOLDER, HITS

NAME = "corrupted"


@pytest.fixture(scope="module")
def options(tmp_path_factory, rendered):
    """160 rendered cells, split, and a tiny model of one epoch: the options that name them."""
    zoo = tmp_path_factory.mktemp("zoo")
    manifest = {"name": "mine", "models": [{"base_name": "mine/tiny", "bccurate": ROW}]}
    (zoo / "manifest.json").write_text(json.dumps(manifest))
    (zoo / "tiny.py").write_text(TINY)
    bccurate.import_(rendered, NAME)
    bccurate.split(NAME, val=0.2, test=0.2)
    bccurate.train("tiny", NAME, epochs=1, batch_size=64, zoo=zoo)
    yield "tiny", "-d", NAME, "--zoo", zoo, "--corruptions"
    fo.delete_dataset(NAME)


def _hits() -> Path:
    return model_folder(NAME, "tiny") / FOLDER / HITS


def test_the_figures_are_those_of_the_files_themselves(cli, options):
    """One cell of the table, counted again from the files of the test split."""
    found = cli("evaluate", *options, "--severities", "1,5", "--json").json["corruptions"]
    assert found["split"] == "test" and found["severities"] == [1, 5] and found["limit"] is None
    assert list(found["corruptions"]) == list(SUITE)
    view = fo.load_dataset(NAME).match_tags("test")
    view = view.match_tags(["duplicate", "label_conflict", "outlier", "unreadable"], bool=False)
    trained = load_model(model_folder(NAME, "tiny") / "model.safetensors", options[4])
    hits = []
    for path, label in zip(*view.values(["filepath", "ground_truth.label"]), strict=True):
        image = np.asarray(Image.open(path).convert("RGB"))
        image = corrupt("grid_mask", image[None], 5)[0]
        small = np.array(Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC))
        hits.append(trained.classes[predict(trained, small[None]).argmax()] == label)
    assert found["n"] == len(hits)
    row = found["corruptions"]["grid_mask"]["severities"][1]
    assert row["severity"] == 5 and row["accuracy"] == pytest.approx(np.mean(hits))


def test_again_changes_nothing_and_other_severities_count_only_what_is_new(
    cli, options, monkeypatch
):
    """Neither the same call nor a part of what was counted reads an image; the text has it all."""
    first = cli("evaluate", *options, "--severities", "1,5", "--limit", 2, "--json").json
    before = _hits().read_bytes()
    monkeypatch.setattr("bccurate.learning.data.load_pixels", None)
    again = cli("evaluate", *options, "--severities", "1,5", "--limit", 2, "--json").json
    assert again["corruptions"] == first["corruptions"] and not again["changed"]
    assert again["corruptions"]["n"] <= 16 and _hits().read_bytes() == before
    text = cli("evaluate", *options, "--severities", "5", "--limit", 2).out
    assert "mean corruption error" in text and all(name in text for name in SUITE)
    assert "three at once" in text


def test_a_stopped_run_goes_on_where_it_was(cli, options, monkeypatch):
    """What was counted before the interrupt is kept, and the outcome is that of a whole run."""
    call = ("evaluate", *options, "--severities", "3", "--limit", 3, "--json")
    whole = cli(*call).json["corruptions"]
    rows = json.loads(_hits().read_text())
    _hits().write_text(json.dumps({**rows, "hits": rows["hits"][:10]}))
    seen = []

    def spy(name, *rest):
        seen.append(name)
        return corrupt(name, *rest)

    monkeypatch.setattr("bccurate.evaluation.robustness.corrupt", spy)
    assert cli(*call).json["corruptions"] == whole
    assert seen == [*list(SUITE)[9:], "combined"]  # ten rows were clean and nine corruptions


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"hits": 3}', "\x00"])
def test_a_broken_store_is_counted_anew(cli, options, broken):
    """A file that some other hand cut or changed costs time, never the result."""
    call = ("evaluate", *options, "--severities", "1", "--limit", 1, "--json")
    whole = cli(*call).json["corruptions"]
    _hits().write_text(broken)
    assert cli(*call).json["corruptions"] == whole


def test_undo_takes_the_run_and_its_counts_back(cli, options):
    """The run and its file go; the evaluation stays."""
    cli("evaluate", *options, "--severities", "1", "--limit", 1)
    assert cli("undo", "corruptions_tiny", "-d", NAME).code == 0
    runs = [row["run"] for row in bccurate.info(NAME).runs]
    assert "corruptions_tiny" not in runs and "evaluate_tiny" in runs and not _hits().exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tiny", "--corruptions", "--severities", "1,6"), "from 1 to 5"),
        (("tiny", "--corruptions", "--severities", ""), "from 1 to 5"),
        (("tiny", "--corruptions", "--limit", "0"), "--limit"),
        (("--corruptions",), "name it"),
    ],
)
def test_wrong_options_are_usage_errors(cli, options, arguments, words):
    """Exit 2 and what is wrong, before anything is measured."""
    outcome = cli("evaluate", *arguments, "-d", NAME)
    assert outcome.code == 2 and words in outcome.err


def test_the_report_shows_it_beside_the_clean_test(cli, options, tmp_path):
    """The section has a map and a sheet; of other weights it has neither."""
    cli("evaluate", *options, "--severities", "1", "--limit", 1)
    bccurate.report(NAME, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    section = page.split('id="robustness"')[1].split("</section>")[0]
    assert section.count("<img") == 3 * (len(SUITE) + 1) and "three at once" in section
    bccurate.train("tiny", NAME, epochs=2, batch_size=64, zoo=options[4])
    bccurate.evaluate("tiny", NAME, options[4])
    bccurate.report(NAME, tmp_path / "b.html")
    page = (tmp_path / "b.html").read_text(encoding="utf-8")
    assert "evaluate tiny --corruptions" in page.split('id="robustness"')[1].split("</section>")[0]
