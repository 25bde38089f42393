"""``bccurate explain`` with cell masks: fields, view, record, report, undo."""

from __future__ import annotations

from collections.abc import Iterator

import fiftyone as fo
import numpy as np
import pytest

import bccurate
from bccurate.workflows.attention import attention_fields
from bccurate.workflows.report_models import model_part

FIELDS = attention_fields("custom_cnn")


@pytest.fixture(scope="module")
def hub(rendered) -> Iterator[fo.Dataset]:
    """Rendered cells with a model, and without masks."""
    name = "attention"
    bccurate.import_(rendered, name)
    bccurate.split(name, val=0.2, test=0.2)
    bccurate.train("custom_cnn", name, epochs=1, image_size=64, batch_size=32)
    yield fo.load_dataset(name)
    fo.delete_dataset(name)


@pytest.fixture(scope="module")
def record(hub) -> bccurate.records.Record:
    """Explained without masks, then with."""
    first = bccurate.explain("custom_cnn", hub.name)
    assert first.attention is None and "bccurate background" in str(first)
    bccurate.background(hub.name)
    record = bccurate.explain("custom_cnn", hub.name)
    hub.reload()
    assert record.changed and not bccurate.explain("custom_cnn", hub.name).changed
    return record


def test_fields_are_those_of_map_and_mask(hub, record):
    """By the definition, from the stored map: energy on the mask, its lift, the maximum."""
    view = hub.exists(FIELDS[0])
    assert len(view) > 100
    for sample in view[:20]:
        heat = np.asarray(sample.gradcam_custom_cnn.map, float)
        rows = np.repeat(np.repeat(sample.cell_mask.mask > 0, 2, 0), 2, 1)  # 96 and 64 in 192
        share = rows.reshape(64, 3, 64, 3).mean((1, 3))
        energy = (heat * share).sum() / heat.sum()
        found = [sample[field] for field in FIELDS]
        assert found[:2] == pytest.approx([energy, energy / share.mean()], abs=1e-6)
        assert found[2] == (share[heat == heat.max()].mean() >= 0.5)


def test_the_record_tells_by_split_and_class(hub, record, cli):
    """Means are those of the fields; --json holds them."""
    rows = {(row["split"], row["label"]): row for row in record.attention}
    assert rows[None, None]["n"] == len(hub.exists(FIELDS[0]))
    labels = hub.distinct("ground_truth.label")
    assert {(None, None), ("test", None), *((None, label) for label in labels)} <= set(rows)
    some = hub.match_tags("train").match({"ground_truth.label": "ig"}).exists(FIELDS[0])
    energies, lifts, hits = some.values(list(FIELDS))
    row = rows["train", "ig"]
    assert row["n"] == len(energies) and row["attention"] == pytest.approx(np.mean(energies))
    assert row["lift"] == pytest.approx(np.median(lifts))
    assert row["pointing_game"] == pytest.approx(np.mean(hits))
    assert cli("explain", "custom_cnn", "-d", hub.name, "--json").json["attention"]
    assert "pointing game" in str(record)


def test_the_view_shows_the_worst_first(hub, record):
    """All that was measured, least on the cell first."""
    found = hub.load_saved_view("looks_at_background_custom_cnn").values(FIELDS[0])
    assert len(found) == record.attention[0]["n"] and found == sorted(found)


def test_the_report_has_a_table(hub, record, tmp_path):
    """A row a class of the test split."""
    bccurate.report(hub.name, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    section = page.split("Attention on the cell")[1].split("</table>")[0]
    assert "looks_at_background_custom_cnn" in section and section.count('scope="row"') >= 8


def test_other_masks_are_measured_anew(hub, record):
    """Masks of another method give other numbers; without masks there are none; undo clears all."""
    before = dict(zip(*hub.values(["id", FIELDS[0]]), strict=True))
    bccurate.undo("background", hub.name)
    hub.reload()
    bccurate.background(hub.name, "threshold")
    assert bccurate.explain("custom_cnn", hub.name).changed
    hub.reload()
    after = dict(zip(*hub.values(["id", FIELDS[0]]), strict=True))
    assert sum(before[i] != after[i] for i in before if after.get(i) is not None) > 100
    bccurate.undo("background", hub.name)
    assert bccurate.explain("custom_cnn", hub.name).attention is None
    hub.reload()
    assert not hub.exists(FIELDS[0]).count()
    bccurate.undo("explain_custom_cnn", hub.name)
    hub.reload()
    assert not {*FIELDS, "gradcam_custom_cnn"} & set(hub.get_field_schema())
    assert "looks_at_background_custom_cnn" not in hub.list_saved_views()


def test_training_without_background_stands_beside_the_one_with_it(hub, record, tmp_path):
    """The first training's figures stay, of the same images; the second call changes nothing."""
    before = bccurate.train("custom_cnn", hub.name, epochs=1, image_size=64, batch_size=32)
    bccurate.background(hub.name)
    views = ["train", "background_removed"]
    settings = {"views": views, "epochs": 1, "image_size": 64, "batch_size": 32}
    after = bccurate.train("custom_cnn", hub.name, **settings)
    (row,) = after.earlier
    assert row["views"] == [] and row["held_out"] == before.held_out == after.held_out
    assert row["metrics"]["test"]["accuracy"] == before.metrics["test"]["accuracy"]
    again = bccurate.train("custom_cnn", hub.name, **settings)
    assert not again.changed and again.earlier == after.earlier
    bccurate.report(hub.name, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    section = page.split('id="background"')[1].split("</section>")[0]
    assert section.count('scope="row"') == 2 and "What the mask leaves" in section


def test_validation_is_told_with_and_without_what_leaks(hub, record):
    """Where the wrongly named val samples are those that leak, the others are all right."""
    hub.reload()
    val = hub.match_tags("val").match_tags(["unreadable", "variant"], bool=False)
    val = val.exists("ground_truth.label")
    ids, labels, named = val.values(["id", "ground_truth.label", "custom_cnn.label"])
    wrong = {i for i, a, b in zip(ids, labels, named, strict=True) if a != b}
    assert 0 < len(wrong) < len(ids)
    found = model_part(hub, "custom_cnn", {}, wrong).validation
    assert found["all"]["n"] == len(ids) and found["safe"]["n"] == len(ids) - len(wrong)
    assert found["all"]["accuracy"] == pytest.approx(1 - len(wrong) / len(ids))
    assert found["safe"]["accuracy"] == 1 and found["safe"]["interval"][1] == 1
    assert model_part(hub, "custom_cnn", {}, set()).validation is None
