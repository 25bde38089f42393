"""The App operator ``explain``: Grad-CAM for the selection, the current view or the dataset."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


class Explain(foo.Operator):
    """``bccurate explain`` on what the App shows."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and looks in the operator browser."""
        return foo.OperatorConfig(
            name="explain",
            label="bccurate: explain predictions (Grad-CAM)",
            description="Write a heatmap of what the model looked at",
            icon="blur_on",
            dynamic=True,
            allow_delegated_execution=True,
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form."""
        from bccurate.app.operations import classes, models_with_predictions

        models = models_with_predictions(ctx.dataset)
        inputs = types.Object()
        inputs.view_target(ctx, action_description="Explain")
        inputs.enum(
            "model",
            models,
            required=True,
            default=models[0] if models else None,
            label="Model",
            description="A model that has predictions on this dataset",
            view=types.DropdownView(),
        )
        inputs.enum(
            "target",
            ["predicted", "true", *classes(ctx.dataset)],
            default="predicted",
            label="Target",
            description="The class whose evidence is shown",
            view=types.DropdownView(),
        )
        return types.Property(inputs, view=types.View(label="Explain predictions"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Run the command."""
        from bccurate import explain
        from bccurate.app.operations import as_saved_view, perform

        with as_saved_view(ctx.dataset, ctx.target_view()) as view:
            return perform(
                ctx,
                explain,
                ctx.params["model"],
                target=ctx.params.get("target", "predicted"),
                view=view,
            )

    def resolve_output(self, ctx: Any) -> types.Property:
        """The record's text."""
        from bccurate.app.operations import summary

        return summary(ctx, "Grad-CAM")


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    plugin.register(Explain)
