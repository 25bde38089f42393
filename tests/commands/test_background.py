"""``bccurate background`` on a real database: masks, variants, going on, undo."""

from __future__ import annotations

from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
from PIL import Image

import bccurate
from bccurate.commands import background as module
from bccurate.errors import UsageError
from bccurate.hub.masks import read_masks
from bccurate.workflows.training_data import training_samples


@pytest.fixture
def hub(rendered, name) -> fo.Dataset:
    """The rendered cells, split."""
    bccurate.import_(rendered, name)
    bccurate.split(name, val=0.2, test=0.2)
    return fo.load_dataset(name)


def exact(rendered: Path, path: str) -> np.ndarray:
    mask = rendered / "masks" / Path(path).parent.name / Path(path).name
    return np.asarray(Image.open(mask)) > 0


def test_every_readable_sample_gets_its_mask(hub, rendered, truth, cli):
    """Masks are those of the cells, uint8 0 or 255; areas are their shares; --json tells it."""
    record = cli("background", "-d", hub.name, "--json").json
    hub.reload()
    readable = hub.match_tags(["unreadable", "variant"], bool=False)
    assert record["n"] == len(readable) == sum(row["n"] for row in record["per_class"].values())
    masks, strange = read_masks(readable), {rendered / path for path in truth["outliers"]}
    scores = []
    for sample in readable:
        mask = sample.cell_mask.mask
        assert mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 255}
        assert sample.cell_area == pytest.approx(masks[sample.id].mean())
        if Path(sample.filepath) not in strange:
            own, real = masks[sample.id], exact(rendered, sample.filepath)
            scores.append((own & real).sum() / (own | real).sum())
    assert np.mean(scores) > 0.85
    assert set(record["empty"]) == set(readable.match({"cell_area": 0}).values("filepath"))


def test_variants_are_training_samples_without_background(hub):
    """One for each clean training sample, for training alone; outside the cell one colour."""
    record = bccurate.background(hub.name)
    hub.reload()
    view = hub.load_saved_view("background_removed")
    assert len(view) == record.written > 50
    assert all(
        set(tags) == {"train", "variant", "background_removed"} for tags in view.values("tags")
    )
    for sample in view[:10]:
        source = hub[sample.source_id]
        assert "train" in source.tags and source.ground_truth.label == sample.ground_truth.label
        inside = source.cell_mask.mask > 0
        pixels, before = (np.asarray(Image.open(s.filepath)) for s in (sample, source))
        assert (pixels[~inside] == record.colour).all()
        assert (pixels[inside] == before[inside]).all()
    paths = training_samples(hub, ["background_removed"]).paths
    assert sorted(paths) == sorted(view.values("filepath"))


def test_a_second_call_changes_nothing_and_goes_on_where_one_was_killed(hub, monkeypatch):
    """After a stop half-way the rest is made, in the same colour; then nothing is left to do."""
    made, write = [], module._write_one

    def stops(variant, mask, colour):
        if len(made) == 20:
            raise KeyboardInterrupt
        made.append(tuple(colour))
        return write(variant, mask, colour)

    monkeypatch.setattr(module, "BATCH", 10)
    monkeypatch.setattr(module, "_write_one", stops)
    with pytest.raises(KeyboardInterrupt):
        bccurate.background(hub.name)
    monkeypatch.setattr(module, "_write_one", write)
    record = bccurate.background(hub.name)
    assert record.changed and {tuple(record.colour)} == set(made)
    files = {path: path.stat().st_mtime_ns for path in Path(record.folder).iterdir()}
    assert len(files) == record.written + record.already_there
    again = bccurate.background(hub.name)
    assert not again.changed and again.written == 0 and again.already_there == len(files)
    assert {path: path.stat().st_mtime_ns for path in Path(record.folder).iterdir()} == files


def test_undo_takes_masks_and_variants_back(hub):
    """Fields, view, variant samples and files are gone; originals are not."""
    n = len(hub)
    record = bccurate.background(hub.name)
    assert Path(record.folder).is_dir()
    bccurate.undo("background", hub.name)
    hub.reload()
    assert len(hub) == n and "background_removed" not in hub.list_saved_views()
    assert hub.get_field("cell_mask") is None and hub.get_field("cell_area") is None
    assert not Path(record.folder).exists()


def test_masks_of_two_methods_are_not_mixed(hub):
    """Another method is refused with the command that makes way, and so is a stranger's field."""
    bccurate.background(hub.name, "threshold")
    with pytest.raises(UsageError, match="bccurate undo background"):
        bccurate.background(hub.name)
    bccurate.undo("background", hub.name)
    hub.reload()
    hub.add_sample_field("cell_mask", fo.StringField)
    with pytest.raises(UsageError, match="not of our making"):
        bccurate.background(hub.name)


def test_without_a_split_there_are_masks_only(rendered, name):
    """Variants need training samples; the record says what makes them, and later they are made."""
    bccurate.import_(rendered, name)
    record = bccurate.background(name)
    assert record.n and record.colour is None and "bccurate split" in str(record)
    bccurate.split(name)
    assert bccurate.background(name).written


def test_a_file_that_has_gone_is_named(rendered, name, tmp_path):
    """A picture that was deleted after the import costs a warning, not the command."""
    bccurate.sample(tmp_path / "few", n=16, seed=3)
    bccurate.import_(tmp_path / "few" / "images", name)
    gone = fo.load_dataset(name).match_tags("unreadable", bool=False).first().filepath
    Path(gone).unlink()
    record = bccurate.background(name)
    assert gone in record.warnings[0] and record.n > 10
