"""The App operator ``explain``: Grad-CAM for the selected samples, else the current view."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import fiftyone.operators as foo

from bccurate.app.command_form import CommandForm
from bccurate.app.operations import classes, models_with_predictions
from bccurate.settings.models import ExplainOptions


class Explain(CommandForm, foo.Operator):
    """``bccurate explain`` on the selected samples, else the current view."""

    command = "explain"
    settings = (ExplainOptions,)
    options = ("model", "target")
    label = "explain predictions (Grad-CAM)"
    description = "Write a heatmap of the evidence for a class"
    icon = "blur_on"
    title = "Explain predictions"
    verb = "Explain"
    dynamic = True

    def choices(self, dataset: Any) -> dict[str, Iterable[str]]:
        """Return the models that have predictions, and the classes to explain."""
        models = models_with_predictions(dataset)
        return {"model": models, "target": ["predicted", "true", *classes(dataset)]}


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    plugin.register(Explain)
