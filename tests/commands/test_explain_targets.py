"""``explain``: the class that is asked for, and the layer's own maps where they are wanted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import fiftyone as fo
import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from tiny_zoo import ROW, TINY

import bccurate
from bccurate.learning.checkpoint import load_model
from bccurate.learning.data import load_pixels, to_inputs
from bccurate.workflows.artifacts import weights_file

NAME, RAW = "targets", "gradcam_raw_tiny"


@pytest.fixture(scope="module")
def zoo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("targets") / "zoo"
    folder.mkdir()
    manifest = {"name": "mine", "models": [{"base_name": "mine/tiny", "bccurate": ROW}]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "tiny.py").write_text(TINY)
    return folder


@pytest.fixture(scope="module")
def hub(rendered, zoo) -> Iterator[fo.Dataset]:
    """Rendered cells and a tiny model, trained for one epoch."""
    bccurate.import_(rendered, NAME)
    bccurate.split(NAME, val=0.2, test=0.2)
    bccurate.train("tiny", NAME, zoo=zoo, epochs=1, batch_size=64, device="cpu")
    yield fo.load_dataset(NAME)
    fo.delete_dataset(NAME)


@pytest.mark.parametrize("target", ["predicted", "true", "ig"])
def test_the_class_asked_for_is_explained(hub, zoo, target: str) -> None:
    """The raw maps of a view are Captum's for that class: signed, at the layer's size."""
    bccurate.explain("tiny", NAME, target, view="test", zoo=zoo, device="cpu", raw=True)
    hub.reload()
    view = hub.load_saved_view("test")
    paths, truth, predicted, raw, maps = view.values(
        ["filepath", "ground_truth.label", "tiny.label", RAW, "gradcam_tiny.map"]
    )
    trained = load_model(weights_file(NAME, "tiny", zoo), zoo)
    wanted = {"true": truth, "predicted": predicted}.get(target, ["ig"] * len(paths))
    classes = torch.tensor([trained.classes.index(label) for label in wanted])
    inputs = to_inputs(load_pixels(paths, 32), trained.spec)
    explainer = LayerGradCam(trained.model.eval(), trained.model.conv)
    expected = explainer.attribute(inputs, classes)[:, 0].detach().numpy()
    found = np.stack(raw)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.shape[1:] == (16, 16) and found.min() < 0 < found.max()
    assert np.stack(maps).shape[1:] == (32, 32)


def test_raw_maps_are_kept_when_asked_for_alone(hub, zoo, cli) -> None:
    """Not without --raw; with it for what has a map already, once; undo takes them back."""
    options = ("tiny", "-d", NAME, "--view", "val", "--zoo", zoo, "--target", "ig", "--json")
    cli("explain", *options)
    view = hub.load_saved_view("val")
    assert not view.exists(RAW).count()
    assert cli("explain", *options, "--raw").json["changed"] is True
    assert view.exists(RAW).count() == len(view)
    assert cli("explain", *options, "--raw").json["changed"] is False
    bccurate.undo("explain_tiny", NAME)
    hub.reload()
    assert hub.get_field(RAW) is None and hub.get_field("gradcam_tiny") is None
