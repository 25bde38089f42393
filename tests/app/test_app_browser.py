"""What a person sees: the App in a headless Chromium. Screenshots go to ``artefacts/``."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest
from browser import ARTEFACTS, TILE, page
from browser import count as _count
from browser import open_dataset as _open
from browser import until as _until
from PIL import Image

import bccurate
from bccurate.hub.review_tags import decide

__all__ = ["page"]  # a fixture

pytestmark = pytest.mark.browser

HEATMAP = "[data-cy='checkbox-gradcam_custom_cnn']"


def _pixels(locator) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"), dtype=float)


def _settled(page, locator) -> np.ndarray:
    """The locator's pixels once two looks in a row agree; the pointer is taken away first."""
    page.mouse.move(5, 5)
    last = _pixels(locator)
    for _ in range(40):
        page.wait_for_timeout(250)
        now = _pixels(locator)
        if now.shape == last.shape and np.abs(now - last).max() < 2:
            return now
        last = now
    raise AssertionError("the picture does not come to rest")


def _changed(page, locator, before: np.ndarray) -> np.ndarray:
    """The locator's pixels once they are others than ``before`` and have come to rest."""
    _until(lambda: np.abs(_settled(page, locator) - before).mean() > 3, "nothing changes", 20)
    return _settled(page, locator)


def test_grid_shows_truth_prediction_and_heatmap(page, open_app, reviewed) -> None:
    """Every tile shows its label, the model's and a Grad-CAM overlay without a click."""
    test = reviewed.dataset.load_saved_view("test")
    _open(page, open_app, reviewed.name, "test")
    _until(lambda: _count(page) == len(test), "the count is not the view's")
    tile = page.locator(TILE).first
    sample = test.first()
    truth = tile.locator("[data-cy='tag-ground_truth']")
    assert truth.inner_text() == sample.ground_truth.label
    predicted = tile.locator("[data-cy='tag-custom_cnn']")
    assert predicted.inner_text() == sample.custom_cnn.label

    shown = _settled(page, tile)
    page.screenshot(path=ARTEFACTS / "app-grid.png")
    page.locator(HEATMAP).click()
    hidden = _changed(page, tile, shown)
    page.locator(HEATMAP).click()
    again = _changed(page, tile, hidden)
    assert np.abs(shown - again).mean() < 1, "the heatmap does not come back"


def test_modal_shows_the_heatmap(page, open_app, reviewed) -> None:
    """One cell, large: the overlay is there and goes with its checkbox."""
    _open(page, open_app, reviewed.name, "test")
    page.locator(TILE).first.click()
    modal = page.locator("[data-cy='modal']")
    modal.wait_for()
    canvas = modal.locator("canvas").first
    shown = _settled(page, canvas)
    page.screenshot(path=ARTEFACTS / "app-heatmap.png")
    modal.locator(HEATMAP).click()
    _changed(page, canvas, shown)
    modal.locator(HEATMAP).click()
    page.mouse.click(10, 450)  # beside the modal, which closes it
    modal.wait_for(state="hidden")


def test_dedupe_runs_from_the_operator_browser(page, open_app, reviewed) -> None:
    """The backquote key lists our operators; the form of dedupe runs it and shows its record."""
    _open(page, open_app, reviewed.name)
    page.keyboard.press("Backquote")
    page.get_by_placeholder("Search operations by name...").fill("bccurate")
    listed = [
        "find duplicates",
        "find outliers",
        "split into",
        "find leaks",
        "mask cells",
        "predict with",
        "train a model",
        "evaluate a model",
        "explain predictions",
        "relabel",
        "keep the selected",
        "to drop",
    ]
    for label in listed:
        page.get_by_text(f"bccurate: {label}").or_(page.get_by_text(label)).first.wait_for()
    page.screenshot(path=ARTEFACTS / "app-operators.png")
    page.get_by_text("bccurate: find duplicates").first.click()
    page.get_by_text("Differing bits of 64 up to which hashes").wait_for()
    page.screenshot(path=ARTEFACTS / "app-dedupe.png")
    page.get_by_role("button", name="Execute").click()
    page.get_by_text("duplicate groups in").wait_for()
    page.get_by_role("button", name="Close", exact=True).last.click()


def test_mistakes_panel_opens_a_cell_and_a_sample_is_relabelled(page, open_app, reviewed) -> None:
    """Confusion cell to its samples, a button to the tag in the database, the tag to the label."""
    from fiftyone import ViewField as F

    dataset, model = reviewed.dataset, reviewed.model
    _open(page, open_app, reviewed.name)
    page.locator("[data-cy='new-panel-btn']").first.click()
    page.get_by_text("Mistakes", exact=True).first.click()
    page.get_by_text("labelled samples differ from").wait_for()
    page.get_by_role("button", name="All mistakes").click()
    mistakes = dataset.load_saved_view(f"mistakes_{model}")
    _until(lambda: _count(page) == len(mistakes), "the mistakes are not shown")

    (label, prediction), n = _worst_pair(mistakes, model)
    _click_cell(page, _names(dataset, model), label, prediction)
    _until(lambda: _count(page) == n, f"{label} as {prediction} are not shown")
    page.get_by_text(f"{label} taken for {prediction}").wait_for()
    page.wait_for_selector(f"{TILE} canvas[canvas-loaded='true']")
    _settled(page, page.locator("img[alt]").first)
    page.screenshot(path=ARTEFACTS / "app-mistakes.png")

    tag = f"relabel:{prediction}"
    page.get_by_role("button", name=f"Relabel {prediction}").click()
    _until(lambda: dataset.count_sample_tags().get(tag) == 1, f"no sample has {tag}")
    page.get_by_text(f"1 of {n} reviewed").wait_for()
    page.screenshot(path=ARTEFACTS / "app-mistakes-decided.png")
    page.get_by_role("button", name="Keep", exact=True).focus()
    page.keyboard.press("Space")
    _until(lambda: dataset.count_sample_tags().get("keep") == 1, "Space does not press Keep")

    dataset.reload()
    (sample,) = dataset.match_tags(tag)
    assert sample[model].label == prediction and sample.ground_truth.label == label
    assert sample[model].confidence == max(
        mistakes.match(F("ground_truth.label") == label)
        .match(F(f"{model}.label") == prediction)
        .values(f"{model}.confidence")
    ), "not the most confident one"
    try:
        (row,) = [r for r in bccurate.apply_review(reviewed.name).decisions if r["decision"] == tag]
        assert row["by"] and row["at"] and dataset[sample.id].ground_truth.label == prediction
        bccurate.undo("apply_review", reviewed.name)
        assert dataset[sample.id].ground_truth.label == label
    finally:  # the dataset is shared
        decide(dataset, dataset.match_tags([tag, "keep"]).values("id"), None, "")


def _worst_pair(mistakes, model: str) -> tuple[tuple[str, str], int]:
    labels, predictions = mistakes.values(["ground_truth.label", f"{model}.label"])
    return Counter(zip(labels, predictions, strict=True)).most_common(1)[0]


def _names(dataset, model: str) -> list[str]:
    return sorted({*dataset.distinct("ground_truth.label"), *dataset.distinct(f"{model}.label")})


def _click_cell(page, names: list[str], label: str, prediction: str) -> None:
    """Click a cell of the confusion; Plotly wants to see the pointer come."""
    plot = page.locator(".nsewdrag").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    x = box["x"] + box["width"] * (names.index(prediction) + 0.5) / len(names)
    y = box["y"] + box["height"] * (names.index(label) + 0.5) / len(names)
    page.mouse.move(x - 5, y - 5)
    page.mouse.move(x, y, steps=3)
    page.wait_for_timeout(300)
    page.mouse.click(x, y)
