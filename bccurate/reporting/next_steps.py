"""What to do next, by what was found: words and the command to type, a section each."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from bccurate.reporting.attention import HALF
from bccurate.reporting.background import VIEW
from bccurate.reporting.models import metrics_of
from bccurate.reporting.report_data import ModelPart, ReportData
from bccurate.reporting.robustness import LARGE_GAP, figures_of
from bccurate.reporting.summary import best_model
from bccurate.reporting.text import count_of

STRONGEST = "smear"  # what --recipe robust augments with


@dataclass(frozen=True)
class Step:
    """``words`` on why, ``command`` to type, and the ``section`` that shows the reason."""

    section: str
    words: str
    command: str


def steps(data: ReportData) -> list[Step]:
    """In the order of a day's work: the images first, for every figure hangs on them."""
    of = f" -d {shlex.quote(data.dataset)}"
    found = [*_of_images(data), *_of_models(data)]
    return [Step(step.section, step.words, f"bccurate {step.command}{of}") for step in found]


def _of_images(data: ReportData) -> Iterator[Step]:
    dedupe, outliers = data.records.get("dedupe"), data.records.get("outliers")
    if not dedupe:
        yield Step("duplicates", "Look for copies: they flatter every figure below.", "dedupe")
    elif unclear := sum(bool(g["conflict"] or g.get("contamination")) for g in dedupe["groups"]):
        words = f"Say which label is right in {count_of(unclear, 'group')} of copies."
        yield Step("duplicates", words, "review --view duplicates")
    if data.leaks:
        words = "Draw the split anew with copies kept together, then train and evaluate again."
        yield Step("leaks", words, "split --redo")
    if not outliers:
        yield Step("outliers", "Look for images far from their class.", "outliers")
    elif n := len(outliers["outliers"]):
        words = f"Look at {count_of(n, 'outlier')}: a bad picture, a wrong label or a rare cell?"
        yield Step("outliers", words, "review --view outliers")
    if not data.records.get("split"):
        yield Step("split", "Set images apart for validation and test.", "split")


def _of_models(data: ReportData) -> Iterator[Step]:
    if not data.models:
        yield Step("models", "Train a first model; it takes minutes.", "train custom_cnn")
        return
    best = best_model(data) or data.models[0]
    name = shlex.quote(best.name)
    if not best.evaluate:
        words = "Measure it split by split, with calibration."
        yield Step("models", words, f"evaluate {name}")
    yield from _of_robustness(best, name)
    if not best.mistakes:
        words = "Rank what it gets wrong: some of it is wrongly labelled."
        yield Step("models", words, f"mistakes {name}")
    elif "test" in metrics_of(best):
        words = "Go through its most confident mistakes and tag what is mislabelled."
        yield Step("mistakes", words, f"review --view {shlex.quote(best.mistakes['view'])}")
    yield from _of_attention(best, name)


def _of_robustness(model: ModelPart, name: str) -> Iterator[Step]:
    figures = figures_of(model)
    if not figures:
        words = "Measure what is left of its accuracy on images from elsewhere."
        yield Step("robustness", words, f"evaluate {name} --corruptions --limit 25")
    elif figures["gap"] > LARGE_GAP and _augment(model) != STRONGEST:
        words = "Train it for other stains, lights and cameras, then evaluate again."
        yield Step("robustness", words, f"train {name} --recipe robust")


def _augment(model: ModelPart) -> str | None:
    return ((model.train or {}).get("settings") or {}).get("augment")


def _of_attention(model: ModelPart, name: str) -> Iterator[Step]:
    if not model.explain:
        words = "See what it looks at: Grad-CAM maps for every image."
        yield Step("gradcam", words, f"explain {name}")
        return
    measured = model.explain.get("attention")
    if not measured:
        words = "Mask the cells and explain again: does the evidence lie on the cell?"
        yield Step("gradcam", words, "background")
        return
    overall = next((row for row in measured if row["split"] is row["label"] is None), None)
    views = ((model.train or {}).get("settings") or {}).get("views", [])
    if overall and overall["attention"] < HALF and VIEW not in views:
        words = "Most of its evidence lies beside the cells: train without background, too."
        yield Step("gradcam", words, f"train {name} --view train --view {VIEW}")
