"""The panel of mistakes: which samples it goes through, what its buttons write."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import bccurate
from bccurate.hub import runs
from bccurate.hub.heatmaps import write_heatmaps
from bccurate.hub.predictions import write_predictions
from bccurate.hub.review_tags import is_decision
from bccurate.records import PredictRecord
from bccurate.workflows.artifacts import classes_of_weights, model_folder

MODEL = "custom_cnn"
CLASSES = ["platelet", "monocyte", "basophil", "lymphocyte"]  # in an order of the model's own


class _Panel:
    """What FiftyOne's ``ctx.panel`` does, and the last view and data that were set."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.data: dict[str, Any] = {}

    def get_state(self, key: str) -> Any:
        return self.state.get(key)

    def set_state(self, key: Any, value: Any = None) -> None:
        self.state.update(key if isinstance(key, dict) else {key: value})

    def set_data(self, key: str, value: Any) -> None:
        self.data[key] = value


class _Ops:
    def __init__(self) -> None:
        self.view: Any = None

    def reload_samples(self) -> None:
        pass

    def set_view(self, view: Any) -> None:
        self.view = view


@pytest.fixture
def ctx(linked: Path, rendered: Path, name: str, tmp_path: Path) -> SimpleNamespace:
    """A context as the App gives it, on cells with predictions, many of them wrong."""
    import fiftyone as fo

    for label in CLASSES:
        for file in sorted((rendered / "images" / label).iterdir())[:8]:
            place = tmp_path / label / file.name
            place.parent.mkdir(exist_ok=True)
            shutil.copy(file, place)
    bccurate.import_(tmp_path, name=name)
    dataset = fo.load_dataset(name)
    ids = dataset.values("id")
    logits = np.random.default_rng(0).normal(size=(len(ids), len(CLASSES)))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    write_predictions(dataset, MODEL, ids, shares, logits, CLASSES)
    runs.save(dataset, f"predict_{MODEL}", PredictRecord(name, MODEL, MODEL, len(ids), 1.0), {})
    weights = model_folder(name, MODEL) / "model.safetensors"
    weights.parent.mkdir(parents=True)
    save_file({"w": np.zeros(1)}, weights, metadata={"bccurate": json.dumps({"classes": CLASSES})})
    write_heatmaps(dataset, f"gradcam_{MODEL}", ids[::2], np.full((len(ids[::2]), 8, 8), 0.5))
    return SimpleNamespace(dataset=dataset, ops=_Ops(), panel=_Panel(), user=None)


@pytest.fixture
def press(ctx: SimpleNamespace) -> Callable[..., dict[str, Any]]:
    """Call a method of the panel as a click does; gives the properties that it then shows."""
    import fiftyone.operators as foo

    panel = foo.get_operator("@bccurate/review/mistakes")

    def press(method: str, **params: Any) -> dict[str, Any]:
        ctx.params = params
        getattr(panel, method)(ctx)
        return panel.render(ctx).type.properties

    press("on_load")
    return press


def test_a_cell_is_gone_through_most_confident_first(press, ctx) -> None:
    """Next and previous walk the cell's samples in the grid's order; the ends are ends."""
    (plot,) = ctx.panel.data["confusion"]
    y, x = np.unravel_index(np.nanargmax(np.array(plot["z"], dtype=float)), (4, 4))
    label, prediction = plot["y"][y], plot["x"][x]
    press("show_cell", y=label, x=prediction)
    ids, sure = ctx.ops.view.values(["id", f"{MODEL}.confidence"])
    assert len(ids) == plot["z"][y][x]
    assert sure == sorted(sure, reverse=True) and len(ids) > 1
    assert set(ctx.ops.view.values("ground_truth.label")) == {label}
    seen = [ctx.panel.state["sample"]]
    for _ in ids:
        press("following")
        seen.append(ctx.panel.state["sample"])
    assert seen == [*ids, ids[-1]]
    press("previous")
    assert ctx.panel.state["sample"] == ids[-2]


def test_buttons_tag_the_sample_and_go_on(press, ctx) -> None:
    """Relabel, drop and keep write one tag each; progress counts them; clear takes one away."""
    press("show_all")
    ids = ctx.ops.view.values("id")
    press("relabel", label="monocyte")
    press("relabel", value="platelet")
    press("drop")
    press("keep")
    tagged = dict(zip(*ctx.dataset.select(ids[:4]).values(["id", "tags"]), strict=True))
    said = [next(filter(is_decision, tagged[i])) for i in ids[:4]]
    assert said == ["relabel:monocyte", "relabel:platelet", "drop", "keep"]
    assert ctx.panel.state["sample"] == ids[4]
    assert f"4 of {len(ids)} reviewed" in press("previous")["queue"].default
    assert r"decided: **keep**" in press("on_load")["words"].default
    press("clear")
    assert not any(map(is_decision, ctx.dataset[ids[3]].tags))


def test_a_card_shows_picture_map_and_likeliest(press, ctx) -> None:
    """The three likeliest classes are the softmax of the logits in the model's own order."""
    model = MODEL
    press("show_all")
    sample = ctx.dataset[ctx.panel.state["sample"]]
    (bars,) = ctx.panel.data["card.likeliest"]
    assert bars["y"][0] == sample[model].label
    assert bars["x"][0] == pytest.approx(sample[model].confidence, abs=1e-6)
    assert len(bars["x"]) == 3 and bars["x"] == sorted(bars["x"], reverse=True)
    order = np.argsort(-np.array(sample[model].logits))[:3]
    assert bars["y"] == [CLASSES[i] for i in order]
    assert ctx.panel.data["card.picture"].startswith("data:image/jpeg;base64,")
    assert (ctx.panel.data["card.heatmap"] is None) == (sample[f"gradcam_{model}"] is None)


def test_classes_are_read_without_the_network(name: str) -> None:
    """The header of the weights names them; where there are none no class is made up."""
    import torch

    from bccurate.learning.safetensors_io import write_tensors

    weights = model_folder(name, MODEL) / "model.safetensors"
    write_tensors(weights, {"w": torch.zeros(1)}, {"classes": CLASSES})
    assert classes_of_weights(name, MODEL) == CLASSES
    assert classes_of_weights(name, "resnet50") == []
    weights.write_bytes(b"no weights")
    assert classes_of_weights(name, MODEL) == []


def test_labels_are_text_and_no_markdown(linked) -> None:
    """A hostile class name is shown as it is."""
    import sys

    import fiftyone.operators as foo

    panel = foo.get_operator("@bccurate/review/mistakes")
    layout = sys.modules[type(panel).__module__].layout
    assert layout.plain("![x](http://e) <b>") == r"\!\[x\]\(http\:\/\/e\) \<b\>"
