"""App operators that train: ``train`` and ``evaluate``.

FiftyOne cuts an immediate run at 600 seconds, so training is scheduled unless told otherwise;
``fiftyone delegated launch`` works off what was scheduled.
"""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class Train(foo.Operator):
    """``bccurate train`` on the open dataset."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and looks in the operator browser."""
        return foo.OperatorConfig(
            name="train",
            label="bccurate: train a model",
            description="Train on the clean training samples, then predict on all",
            icon="model_training",
            dynamic=True,
            allow_delegated_execution=True,
            default_choice_to_delegated=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form."""
        from bccurate.learning.recipes import RECIPES
        from bccurate.learning.zoo import list_models

        inputs = types.Object()
        models = types.AutocompleteView()
        for spec in list_models():
            models.add_choice(spec.name, label=spec.name)
        inputs.str(
            "model",
            required=True,
            default=models.values()[0],
            label="Model",
            description="A model of the zoo, or timm:<name> for any model of timm",
            view=models,
        )
        recipes = types.DropdownView()
        for name in RECIPES:
            recipes.add_choice(name, label=name)
        inputs.str(
            "recipe",
            label="Recipe",
            description="Settings that belong together; robust: for images of other laboratories",
            view=recipes,
        )
        inputs.int("epochs", min=1, label="Epochs", description="20 where it is left open")
        inputs.int("image_size", min=16, label="Image size", description="Pixels; else its own")
        views = types.DropdownView(multiple=True)
        for name in ctx.dataset.list_saved_views():
            views.add_choice(name, label=name)
        inputs.list(
            "views",
            types.String(),
            label="Views",
            description="Saved views to train on, joined; the clean samples where none is chosen",
            view=views,
        )
        return types.Property(inputs, view=types.View(label="Train a model"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Run the command."""
        from bccurate import train
        from bccurate.app.operations import perform

        return perform(
            ctx,
            train,
            ctx.params["model"],
            recipe=ctx.params.get("recipe"),
            epochs=ctx.params.get("epochs"),
            image_size=ctx.params.get("image_size"),
            views=ctx.params.get("views") or (),
        )

    def resolve_output(self, ctx: Any) -> types.Property:
        """The record's text."""
        from bccurate.app.operations import summary

        return summary(ctx, "Training")


class Evaluate(foo.Operator):
    """``bccurate evaluate`` on the open dataset."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and looks in the operator browser."""
        return foo.OperatorConfig(
            name="evaluate",
            label="bccurate: evaluate a model",
            description="Accuracy, macro F1 and calibration, split by split",
            icon="assessment",
            allow_delegated_execution=True,
            default_choice_to_delegated=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form."""
        from bccurate.app.operations import models_with_predictions

        inputs = types.Object()
        inputs.enum(
            "model",
            models_with_predictions(ctx.dataset),
            required=True,
            label="Model",
            description="A model that has predictions on this dataset",
            view=types.DropdownView(),
        )
        return types.Property(inputs, view=types.View(label="Evaluate a model"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Run the command."""
        from bccurate import evaluate
        from bccurate.app.operations import perform

        return perform(ctx, evaluate, ctx.params["model"])

    def resolve_output(self, ctx: Any) -> types.Property:
        """The record's text."""
        from bccurate.app.operations import summary

        return summary(ctx, "Evaluation")


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    plugin.register(Train)
    plugin.register(Evaluate)
