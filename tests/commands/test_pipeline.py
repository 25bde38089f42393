"""The whole job on rendered cells, through Python and through the command line."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import pytest
from dataset_digest import digest

import bccurate
from bccurate.errors import UsageError
from bccurate.workflows.artifacts import model_folder

TRAINING = {"epochs": 2, "image_size": 64, "batch_size": 16}


@pytest.fixture(scope="module")
def made(rendered) -> Any:
    """A dataset with everything run once through Python; records by command."""
    name = "pipeline"
    records = {
        "import": bccurate.import_(rendered, name),
        "dedupe": bccurate.dedupe(name),
        "outliers": bccurate.outliers(name),
        "split": bccurate.split(name, val=0.2, test=0.2),
        "augment": bccurate.augment("augmix", name, noise=0.05),
        "train": bccurate.train("custom_cnn", name, **TRAINING),
        "evaluate": bccurate.evaluate("custom_cnn", name),
        "mistakes": bccurate.mistakes("custom_cnn", name),
        "explain": bccurate.explain("custom_cnn", name),
    }
    bccurate.augment("augmix", name, noise=0.05)  # measured by the model that is there now
    yield name, records
    fo.delete_dataset(name)


def test_import_counts_every_file_once(made, truth):
    """Every rendered file is a sample; those that do not decode are tagged, not lost."""
    name, records = made
    record = records["import"]
    assert record.added == record.total == 160
    found = {row["filepath"].rsplit("/images/")[1] for row in record.unreadable}
    assert found == {path.removeprefix("images/") for path in truth["unreadable"]}
    assert fo.load_dataset(name).match_tags("unreadable").count() == len(truth["unreadable"])


def test_dedupe_finds_what_was_planted(made, truth):
    """Every planted copy stands in a group with its original, and nothing else does."""
    _, records = made
    planted = {
        frozenset(pair) for kind in ("exact_pairs", "near_pairs") for pair in truth[kind]
    } | {frozenset(pair) for pair in truth["label_conflicts"]}
    found = {
        frozenset("images/" + path.rsplit("/images/")[1] for path in group["members"])
        for group in records["dedupe"].groups
    }
    assert found == planted
    conflicts = [group for group in records["dedupe"].groups if group["conflict"]]
    assert len(conflicts) == len(truth["label_conflicts"])


def test_keeper_is_untagged_and_the_rest_point_to_it(made):
    """One of each group stays in the view deduplicated; duplicate_of names it."""
    name, records = made
    dataset = fo.load_dataset(name)
    for group in records["dedupe"].groups:
        keeper = dataset[group["keep"]]
        assert "duplicate" not in keeper.tags and keeper.duplicate_of is None
        for path in group["members"][1:]:
            assert dataset[path].duplicate_of == keeper.id
            assert "duplicate" in dataset[path].tags
    assert not dataset.load_saved_view("deduplicated").match_tags("duplicate").count()


def test_outliers_are_sorted_and_tagged(made):
    """The record lists outliers worst first, with a score above the bound 0.5."""
    name, records = made
    rows = records["outliers"].outliers
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True) and all(score > 0.5 for score in scores)
    tagged = fo.load_dataset(name).match_tags("outlier").values("filepath")
    assert sorted(tagged) == sorted(row["filepath"] for row in rows)


def test_no_duplicate_group_is_parted(made):
    """All members of a duplicate group carry one and the same split tag."""
    name, _ = made
    dataset = fo.load_dataset(name)
    splits: dict[int, set[str]] = {}
    for group, tags in zip(*dataset.values(["duplicate_group", "tags"]), strict=True):
        if group is not None:
            splits.setdefault(group, set()).update({"train", "val", "test"} & set(tags))
    assert splits and all(len(found) == 1 for found in splits.values())


def test_variants_know_their_source_and_are_for_training_only(made):
    """Each variant is a new file with its source's label and the tag train alone."""
    name, records = made
    dataset = fo.load_dataset(name)
    view = dataset.load_saved_view("augmix")
    assert len(view) == records["augment"].written > 0
    for variant in view:
        source = dataset[variant.source_id]
        assert variant.ground_truth.label == source.ground_truth.label
        assert {"train"} == set(variant.tags) & {"train", "val", "test"}
        assert "train" in source.tags and variant.filepath != source.filepath
    assert not dataset.load_saved_view("clean").match_tags("variant").count()


def test_predictions_have_confidence_and_logits(made):
    """Every readable sample, variants too, has a Classification with as many logits as classes."""
    name, _ = made
    view = fo.load_dataset(name).match_tags("unreadable", bool=False)
    labels, confidences, logits = view.values(
        ["custom_cnn.label", "custom_cnn.confidence", "custom_cnn.logits"]
    )
    assert None not in labels and all(0 < confidence <= 1 for confidence in confidences)
    assert {len(row) for row in logits} == {8}


def test_metrics_are_those_of_scikit_learn(made):
    """The stored metrics equal scikit-learn's on the stored predictions."""
    from sklearn.metrics import accuracy_score, f1_score

    name, records = made
    view = fo.load_dataset(name).load_saved_view("test")
    labels, predictions = view.values(["ground_truth.label", "custom_cnn.label"])
    metrics = records["evaluate"].metrics["test"]
    assert metrics["n"] == len(labels)
    assert metrics["accuracy"] == pytest.approx(accuracy_score(labels, predictions))
    expected = f1_score(labels, predictions, average="macro", zero_division=0)
    assert metrics["macro_f1"] == pytest.approx(expected)
    assert fo.load_dataset(name).has_evaluation("eval_custom_cnn")


def test_mistakes_are_ranked(made):
    """The view opens on what the model gets wrong, most confident first."""
    name, records = made
    view = fo.load_dataset(name).load_saved_view("mistakes_custom_cnn")
    labels, predictions, confidences = view.values(
        ["ground_truth.label", "custom_cnn.label", "custom_cnn.confidence"]
    )
    assert all(label != prediction for label, prediction in zip(labels, predictions, strict=True))
    assert confidences == sorted(confidences, reverse=True)
    scores = [row["mistakenness"] for row in records["mistakes"].samples]
    assert scores == sorted(scores, reverse=True) and len(scores) == len(view)


def test_heatmaps_are_maps_in_range(made):
    """Every original has a uint8 map of the model's input size, its range stated."""
    name, records = made
    dataset = fo.load_dataset(name)
    heat = dataset.exists("gradcam_custom_cnn").first().gradcam_custom_cnn
    assert heat.map.dtype == "uint8" and heat.map.shape == (64, 64) and list(heat.range) == [0, 255]
    assert records["explain"].n == dataset.match_tags(["unreadable", "variant"], bool=False).count()


COMMANDS = [
    ("import", "{rendered}", "--name", "{name}"),
    ("use", "{name}"),
    ("dedupe",),
    ("outliers",),
    ("split", "--val", ".2", "--test", ".2"),
    ("augment", "augmix", "--noise", ".05"),
    ("train", "custom_cnn", "--epochs", "2", "--image-size", "64", "--batch-size", "16"),
    ("predict", "custom_cnn"),
    ("evaluate", "custom_cnn"),
    ("mistakes", "custom_cnn"),
    ("explain", "custom_cnn"),
]


def test_every_command_twice_changes_nothing_and_says_so(made, cli, rendered):
    """After the Python run, each command line finds nothing to do and stores nothing new."""
    name, _ = made
    before = digest(name)
    cli("use", name)
    for command in COMMANDS:
        arguments = [part.format(rendered=rendered, name=name) for part in command]
        outcome = cli(*arguments, "--json")
        assert outcome.code == 0, outcome.err
        assert outcome.json["changed"] is False, command
        assert outcome.json["command"] == command[0] and outcome.json["dataset"] == name
        assert "Already up to date" in cli(*arguments).out
        assert digest(name) == before, command


def test_the_same_job_twice_is_the_same(made, rendered, cli):
    """Through the command line on a second dataset all comes out as through Python."""
    name, records = made
    second = f"{name}-again"
    try:
        cli("import", rendered, "--name", second)
        for command in COMMANDS[2:]:
            assert cli(*command, "-d", second).code == 0
        ours = fo.load_dataset(second)
        theirs = fo.load_dataset(name)
        fields = ["duplicate_group", "outlier_score"]
        # The probe chooses the arithmetic by a stopwatch; where it chose alike all bits agree.
        if bccurate.train("custom_cnn", second, **TRAINING).device == records["train"].device:
            fields += ["mistakenness", "custom_cnn.label"]
        for field in fields:
            columns = [
                dict(zip(*ds.match_tags("variant", bool=False).values(["filepath", field]),
                         strict=True))
                for ds in (ours, theirs)
            ]  # fmt: skip
            assert columns[0] == columns[1], field
        for tag in ("duplicate", "outlier", "train", "val", "test", "label_conflict"):
            paths = [
                sorted(ds.match_tags(tag).match_tags("variant", bool=False).values("filepath"))
                for ds in (ours, theirs)
            ]
            assert paths[0] == paths[1], tag
    finally:
        fo.delete_dataset(second)


def test_report_is_one_page_with_no_network(made, cli, tmp_path):
    """The page is under 5 MB, refers to nothing outside itself, and holds both tables."""
    name, _ = made
    path = tmp_path / "report.html"
    outcome = cli("report", "-d", name, "--out", path, "--json")
    page = path.read_text()
    assert outcome.json["size"] == path.stat().st_size < 5_000_000
    assert "http://" not in page.replace("http://www.w3.org", "") and "<script" not in page
    for word in ("basophil", "custom_cnn", "Grad-CAM", "duplicate"):
        assert word in page


def test_info_lists_classes_views_and_runs(made, cli):
    """Info is the paper's Table 1 with what was run."""
    name, _ = made
    record = cli("info", "-d", name, "--json").json
    assert record["classes"][-1]["label"] == "total" and record["classes"][-1]["n"] == 160
    assert {"clean", "duplicates", "augmix", "test"} <= set(record["views"])
    assert {"import", "dedupe", "train_custom_cnn"} <= {run["run"] for run in record["runs"]}


def test_new_samples_join_without_moving_the_others(made, tmp_path):
    """After a second import, split keeps every assignment and adds the new samples."""
    name, _ = made
    dataset = fo.load_dataset(name)
    before = {tag: set(dataset.match_tags(tag).values("id")) for tag in ("train", "val", "test")}
    bccurate.sample(tmp_path / "more", n=24, seed=99)
    more = bccurate.import_(tmp_path / "more", name)
    try:
        bccurate.split(name, val=0.2, test=0.2)
        after = {tag: set(dataset.match_tags(tag).values("id")) for tag in before}
        assert all(before[tag] <= after[tag] for tag in before)
        gained = sum(len(after[tag] - before[tag]) for tag in before)
        assert gained == more.added - len(more.unreadable)
    finally:
        dataset.reload()
        added = [p for p in dataset.values("filepath") if str(tmp_path) in p]
        dataset.delete_samples(dataset.select_by("filepath", added))


@pytest.mark.parametrize("run", ["dedupe", "outliers", "augment_augmix", "explain_custom_cnn",
                                 "mistakes_custom_cnn", "evaluate_custom_cnn"])  # fmt: skip
def test_undo_takes_back_what_a_run_wrote(rendered, run, made):
    """After undo neither fields, tags, views nor files of the run are left; samples are."""
    name, _ = made
    copy = fo.load_dataset(name).clone(f"{name}-undo", persistent=True)
    try:
        # A clone does not take files along: variants of the copy are the original's, so only
        # what the database holds is taken back here.
        if run == "augment_augmix":
            folder = model_folder(f"{name}-undo", "x").parent.parent / "variants" / "augmix"
            folder.mkdir(parents=True)
        n = copy.match_tags("variant", bool=False).count()
        bccurate.undo(run, f"{name}-undo")
        copy.reload()
        assert not copy.has_run(run)
        assert copy.match_tags("variant", bool=False).count() == n
        if run == "dedupe":
            assert copy.get_field("duplicate_group") is None
            assert not copy.match_tags("duplicate").count()
            assert "duplicates" not in copy.list_saved_views()
        if run == "augment_augmix":
            assert not copy.match_tags("variant").count() and not folder.exists()
        with pytest.raises(UsageError):
            bccurate.undo(run, f"{name}-undo")
    finally:
        fo.delete_dataset(f"{name}-undo")


def test_undo_of_an_import_is_refused(made):
    """Samples are never removed by undo."""
    with pytest.raises(UsageError, match="would remove samples"):
        bccurate.undo("import", made[0])
