"""The App operator ``explain``: Grad-CAM for the selected samples, else the current view."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from bccurate.app.command_form import CommandForm
from bccurate.app.operations import classes, model_choice, models_with_predictions


class Explain(CommandForm, foo.Operator):
    """``bccurate explain`` on what is selected or shown."""

    command = "explain"
    label = "explain predictions (Grad-CAM)"
    description = "Write a heatmap of what the model looked at"
    icon = "blur_on"
    title = "Explain predictions"
    options = ("model", "target")
    verb = "Explain"
    dynamic = True

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """A model, and the class whose evidence is shown."""
        models = models_with_predictions(ctx.dataset)
        model_choice(inputs, models, "A model that has predictions on this dataset")
        inputs.enum(
            "target",
            ["predicted", "true", *classes(ctx.dataset)],
            default="predicted",
            label="Target",
            description="The class whose evidence is shown",
            view=types.DropdownView(),
        )


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    plugin.register(Explain)
