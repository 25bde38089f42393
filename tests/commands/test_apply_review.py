"""``apply-review`` makes the dataset what people's tags say, and ``undo`` takes it back."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bccurate
from bccurate.errors import InputError
from bccurate.hub import runs
from bccurate.hub.review_tags import decide
from bccurate.hub.samples import declare_variant_fields, make_variant_sample
from bccurate.records import EvaluateRecord


@pytest.fixture(scope="module")
def curated(rendered: Path) -> Iterator[Any]:
    """160 rendered cells with duplicates, conflicts, outliers and splits found."""
    import fiftyone as fo

    name = f"t-curated-{os.getpid()}"
    bccurate.import_(rendered, name=name)
    bccurate.dedupe(name)
    bccurate.outliers(name)
    bccurate.split(name)
    yield fo.load_dataset(name)
    fo.delete_dataset(name)


@pytest.fixture
def hub(curated: Any, name: str) -> Any:
    """A copy of it that a test may change."""
    return curated.clone(name, persistent=True)


def _state(hub: Any) -> list[tuple[Any, ...]]:
    columns = hub.values(["id", "filepath", "ground_truth.label", "ground_truth.id", "tags"])
    return [(*row, sorted(tags)) for *row, tags in zip(*columns, strict=True)]


def _other(hub: Any, label: str) -> str:
    return next(known for known in hub.distinct("ground_truth.label") if known != label)


def test_decisions_become_labels_and_clean_samples(hub, cli) -> None:
    """A relabel changes one label, a drop leaves clean and training, a keep comes in."""
    clean = hub.load_saved_view("clean")
    before = set(clean.values("id"))
    relabelled, dropped = clean.match_tags("train").limit(2)
    label = relabelled.ground_truth.label
    new = _other(hub, label)
    kept = hub.match_tags("duplicate").first()
    marks = [tag for tag in kept.tags if tag in ("duplicate", "label_conflict", "outlier")]
    for sample, tag in ((relabelled, f"relabel:{new}"), (dropped, "drop"), (kept, "keep")):
        decide(hub, [sample.id], tag, "ada")
    truth = dict(zip(*hub.values(["id", "ground_truth.label"]), strict=True))

    record = cli("apply-review", "-d", hub.name, "--json").json
    hub.reload()
    assert record["counts"] == {"relabel": 1, "keep": 1, "drop": 1, "labels_changed": 1}
    now = dict(zip(*hub.values(["id", "ground_truth.label"]), strict=True))
    assert {i: now[i] for i in now if now[i] != truth[i]} == {relabelled.id: new}
    assert set(hub.load_saved_view("clean").values("id")) == (before | {kept.id}) - {dropped.id}
    assert len(hub) == len(truth), "a drop deletes nothing"
    rows = {row["filepath"]: row for row in record["decisions"]}
    assert rows[relabelled.filepath]["label_before"] == label
    assert rows[kept.filepath]["lifted"] == marks
    assert {row["by"] for row in rows.values()} == {"ada"}
    assert all(row["at"].endswith("+00:00") for row in rows.values())

    from bccurate.workflows.training_data import training_samples

    for views in ((), ("deduplicated",), ("train",)):
        assert dropped.filepath not in training_samples(hub, views).paths


def test_a_second_call_changes_nothing_and_says_so(hub, cli) -> None:
    """Nor do the commands that gave the tags which a keep took off."""
    decide(hub, hub.match_tags("duplicate").values("id"), "keep", "ada")
    decide(hub, hub.match_tags("outlier").limit(1).values("id"), "keep", "ada")
    assert bccurate.apply_review(hub.name).changed
    state = _state(hub)
    again = cli("apply-review", "-d", hub.name)
    assert again.out.splitlines()[-1].startswith("Already up to date")
    bccurate.dedupe(hub.name)
    bccurate.outliers(hub.name)
    assert not bccurate.dedupe(hub.name).changed
    assert hub.match_tags("keep").match_tags(["duplicate", "outlier"]).values("id") == []
    assert not bccurate.apply_review(hub.name).changed
    assert Counter(map(str, _state(hub))) == Counter(map(str, state))


def test_undo_gives_everything_back(hub) -> None:
    """Labels, their ids, curation tags and the views are those of before; people's tags stay."""
    tagged = {
        "drop": hub.limit(5).values("id"),
        "keep": hub.match_tags(["duplicate", "outlier", "label_conflict"]).values("id")[5:],
    }
    tagged["relabel:monocyte"] = [i for i in hub.values("id")[5:60] if i not in tagged["keep"]]
    for tag, ids in tagged.items():
        decide(hub, ids, tag, "ada")
    state, clean = _state(hub), hub.load_saved_view("clean").values("id")
    assert bccurate.apply_review(hub.name).counts["labels_changed"] > 0
    assert _state(hub) != state
    bccurate.undo("apply_review", hub.name)
    hub.reload()
    assert _state(hub) == state
    assert hub.load_saved_view("clean").values("id") == clean
    assert not hub.has_run("apply_review") and hub.get_field("label_before_review") is None


def test_undoing_dedupe_in_between_leaves_no_tag_of_it(hub) -> None:
    """What a keep took off does not come back once the run that gave it has gone."""
    decide(hub, hub.match_tags("duplicate").values("id"), "keep", "ada")
    bccurate.apply_review(hub.name)
    bccurate.undo("dedupe", hub.name)
    bccurate.undo("apply_review", hub.name)
    assert not [tag for tag in hub.distinct("tags") if "duplicate" in tag or tag == "kept"]


def test_a_decision_that_was_taken_away_is_undone(hub) -> None:
    """And the record still tells that it was in force."""
    sample = hub.load_saved_view("clean").first()
    label = sample.ground_truth.label
    decide(hub, [sample.id], f"relabel:{_other(hub, label)}", "ada")
    first = bccurate.apply_review(hub.name)
    decide(hub, [sample.id], None, "ada")
    second = bccurate.apply_review(hub.name)
    assert hub[sample.id].ground_truth.label == label
    assert (second.decisions, second.earlier) == ([], first.decisions)


def test_what_cannot_be_meant_is_refused_by_file(hub, cli) -> None:
    """Two decisions, an unknown class: exit 4 with the file's name, and nothing is written."""
    sample, other = hub.limit(2)
    hub.select(other.id).tag_samples("drop")
    for tags, words in (
        (("keep", "drop"), "has drop, keep"),
        (("relabel:monocyte", "relabel:platelet"), "has relabel:monocyte, relabel:platelet"),
        (("relabel:monocite",), "has relabel:monocite. Did you mean monocyte"),
        (("relabel:",), "has relabel:"),
    ):
        for tag in tags:
            hub.select(sample.id).tag_samples(tag)
        ended = cli("apply-review", "-d", hub.name)
        assert ended.code == 4 and f"{sample.filepath} {words}" in ended.err
        hub.select(sample.id).untag_samples(list(tags))
    assert "dropped" not in hub.distinct("tags") and not hub.has_run("apply_review")


def test_variants_follow_their_source_and_take_no_decision(hub) -> None:
    """A relabel reaches the variants of its sample, and undo takes it back there too."""
    source = hub.match_tags("train").first()
    label = source.ground_truth.label
    declare_variant_fields(hub)
    variant = make_variant_sample(
        source.filepath + ".png", "ground_truth", label, "augmix", source.id, "words"
    )
    hub.add_sample(variant)
    decide(hub, [variant.source_id], f"relabel:{_other(hub, label)}", "ada")
    bccurate.apply_review(hub.name)
    variant.reload()
    assert variant.ground_truth.label == _other(hub, label)
    bccurate.undo("apply_review", hub.name)
    variant.reload()
    assert variant.ground_truth.label == label
    hub.select(variant.id).tag_samples("drop")
    with pytest.raises(InputError, match="source's label"):
        bccurate.apply_review(hub.name)


def test_a_killed_call_is_finished_by_the_next(hub, monkeypatch) -> None:
    """Stopped between the labels and the tags, the label before is not lost."""
    from bccurate.commands import apply_review as module

    sample, dropped = hub.load_saved_view("clean").limit(2)
    label = sample.ground_truth.label
    decide(hub, [sample.id], f"relabel:{_other(hub, label)}", "ada")
    decide(hub, [dropped.id], "drop", "ada")
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_tags", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bccurate.apply_review(hub.name)
    assert bccurate.apply_review(hub.name).decisions[0]["label_before"] == label
    bccurate.undo("apply_review", hub.name)
    assert hub[sample.id].ground_truth.label == label


def test_an_unlabelled_sample_gets_a_label_and_loses_it_again(hub) -> None:
    """A relabel is an answer too where nobody has labelled before."""
    sample = hub.limit(1).first()
    hub.set_values("ground_truth", {sample.id: None}, key_field="id")
    hub.select(sample.id).tag_samples("relabel:monocyte")
    record = bccurate.apply_review(hub.name)
    assert (record.decisions[0]["label_before"], record.decisions[0]["by"]) == ("", None)
    sample.reload()
    assert sample.ground_truth.label == "monocyte"
    bccurate.undo("apply_review", hub.name)
    sample.reload()
    assert sample.ground_truth is None


def test_no_decision_leaves_no_run(hub) -> None:
    """Nothing to apply is said, and nothing is stored."""
    assert not bccurate.apply_review(hub.name).changed
    assert not hub.has_run("apply_review")


def test_evaluations_know_when_labels_have_changed(hub) -> None:
    """What is out of date is named until it is run again, or until the labels are back."""
    from bccurate.workflows.stale_runs import labels_digest

    options = {"weights": "w", "labels": labels_digest(hub)}
    runs.save(hub, "evaluate_custom_cnn", EvaluateRecord(hub.name, "custom_cnn", [], {}), options)
    sample = hub.load_saved_view("train").first()
    decide(hub, [sample.id], f"relabel:{_other(hub, sample.ground_truth.label)}", "ada")
    (warning,) = bccurate.apply_review(hub.name).warnings
    assert warning.endswith("bccurate dedupe, bccurate outliers, bccurate evaluate custom_cnn")
    (warning,) = bccurate.apply_review(hub.name).warnings
    assert warning.endswith("run again: bccurate evaluate custom_cnn")
    assert bccurate.undo("apply_review", hub.name).warnings == []
