"""App operators for models: ``train``, ``predict`` and ``evaluate``.

FiftyOne ends an immediate run at 600 seconds, so they are scheduled unless told otherwise;
``fiftyone delegated launch`` works off what was scheduled and notes how far it is.
"""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from bccurate.app.command_form import CommandForm
from bccurate.app.operations import (
    choices,
    model_choice,
    models_with_predictions,
    trained_models,
)


class Train(CommandForm, foo.Operator):
    """``bccurate train`` on the open dataset."""

    command = "train"
    label = "train a model"
    description = "Train on the clean training samples, then predict on all"
    icon = "model_training"
    title = "Train a model"
    options = ("model", "recipe", "epochs", "image_size", "views")
    dynamic = True
    scheduled = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """What is trained, and on what."""
        from bccurate.learning.recipes import RECIPES
        from bccurate.learning.registry import list_models

        models = choices(types.AutocompleteView(), (spec.name for spec in list_models()))
        inputs.str(
            "model",
            required=True,
            default=models.values()[0],
            label="Model",
            description="A model of the zoo, or timm:<name> for any model of timm",
            view=models,
        )
        inputs.str(
            "recipe",
            label="Recipe",
            description="Settings that belong together; robust: for images of other laboratories",
            view=choices(types.DropdownView(), RECIPES),
        )
        inputs.int("epochs", min=1, label="Epochs", description="20 where it is left open")
        inputs.int("image_size", min=16, label="Image size", description="Pixels; else its own")
        inputs.list(
            "views",
            types.String(),
            label="Views",
            description="Saved views to train on, joined; the clean samples where none is chosen",
            view=choices(types.DropdownView(multiple=True), ctx.dataset.list_saved_views()),
        )


class Predict(CommandForm, foo.Operator):
    """``bccurate predict`` on the open dataset."""

    command = "predict"
    label = "predict with a model"
    description = "Predict on every sample that has no prediction of these weights yet"
    icon = "online_prediction"
    title = "Predict"
    options = ("model",)
    scheduled = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """A model that is trained."""
        model_choice(
            inputs, trained_models(ctx.dataset), "A model that was trained on this dataset"
        )


class Evaluate(CommandForm, foo.Operator):
    """``bccurate evaluate`` on the open dataset."""

    command = "evaluate"
    label = "evaluate a model"
    description = "Accuracy, macro F1 and calibration, split by split"
    icon = "assessment"
    title = "Evaluate a model"
    options = ("model", "corruptions")
    scheduled = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """A model that has predicted."""
        models = models_with_predictions(ctx.dataset)
        model_choice(inputs, models, "A model that has predictions on this dataset")
        inputs.bool(
            "corruptions",
            default=False,
            label="Corruptions",
            description="Also on noisy, blurred, recoloured and turned cells; takes minutes",
        )


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    for operator in (Train, Predict, Evaluate):
        plugin.register(operator)
