"""App operators for models: ``train``, ``predict`` and ``evaluate``.

FiftyOne stops an immediate run at 600 seconds, so they are scheduled by default; ``fiftyone
delegated launch`` runs what is scheduled and reports its progress.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import fiftyone.operators as foo

from bccurate.app.command_form import CommandForm
from bccurate.app.operations import models_with_predictions, trained_models
from bccurate.settings.models import EvaluateOptions, PredictOptions
from bccurate.settings.training import TrainOptions, TrainSettings


class Train(CommandForm, foo.Operator):
    """``bccurate train`` on the open dataset."""

    command = "train"
    settings = (TrainOptions, TrainSettings)
    options = ("model", "recipe", "views", "epochs", "image_size")
    label = "train a model"
    description = "Train on the clean training samples, then predict on all"
    icon = "model_training"
    title = "Train a model"
    dynamic = True
    scheduled = True

    def choices(self, dataset: Any) -> dict[str, Iterable[str]]:
        """Return the models of the zoo, as suggestions, and the saved views."""
        from bccurate.learning.registry import list_models

        models = tuple(spec.name for spec in list_models())
        return {"model": models, "views": dataset.list_saved_views()}


class Predict(CommandForm, foo.Operator):
    """``bccurate predict`` on the open dataset."""

    command = "predict"
    settings = (PredictOptions,)
    options = ("model",)
    label = "predict with a model"
    description = "Predict on every sample that has no prediction of these weights"
    icon = "online_prediction"
    title = "Predict"
    scheduled = True

    def choices(self, dataset: Any) -> dict[str, Iterable[str]]:
        """Return the trained models."""
        return {"model": trained_models(dataset)}


class Evaluate(CommandForm, foo.Operator):
    """``bccurate evaluate`` on the open dataset."""

    command = "evaluate"
    settings = (EvaluateOptions,)
    options = ("model", "corruptions")
    label = "evaluate a model"
    description = "Accuracy, macro F1 and calibration of each split"
    icon = "assessment"
    title = "Evaluate a model"
    scheduled = True

    def choices(self, dataset: Any) -> dict[str, Iterable[str]]:
        """Return the models that have predictions."""
        return {"model": models_with_predictions(dataset)}


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    for operator in (Train, Predict, Evaluate):
        plugin.register(operator)
