"""The panel ``mistakes``: what a model confuses, and buttons that show those samples."""

from __future__ import annotations

from collections import Counter
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types
from fiftyone.operators.categories import Categories


class Mistakes(foo.Panel):
    """Counts and confusion of one model; a click on a cell shows its samples."""

    @property
    def config(self) -> foo.PanelConfig:
        """Name and looks in the list of panels."""
        return foo.PanelConfig(
            name="mistakes",
            label="Mistakes",
            icon="rule",
            category=Categories.CURATE,
            help_markdown="What a model confuses. Click a cell to see its samples.",
        )

    def on_load(self, ctx: Any) -> None:
        """Choose the first model and count."""
        from bccurate.app.operations import models_with_predictions

        models = models_with_predictions(ctx.dataset)
        ctx.panel.set_state("models", models)
        if models:
            model = ctx.panel.get_state("model")
            self._count(ctx, model if model in models else models[0])

    def on_change_dataset(self, ctx: Any) -> None:
        """Another dataset has other models."""
        ctx.panel.set_state("model", None)
        self.on_load(ctx)

    def choose(self, ctx: Any) -> None:
        """Another model was chosen."""
        self._count(ctx, ctx.params["value"])

    def _count(self, ctx: Any, model: str) -> None:
        """Count labels against predictions and hand the plot its data."""
        from bccurate.hub.predictions import field_of
        from bccurate.hub.read import columns, label_path, labelled
        from bccurate.hub.views import originals

        field = field_of(model)
        view = labelled(originals(ctx.dataset)).exists(field)
        pairs = Counter(zip(*columns(view, label_path(view), f"{field}.label"), strict=True))
        names = sorted({name for pair in pairs for name in pair})
        wrong = sum(n for (label, prediction), n in pairs.items() if label != prediction)
        ctx.panel.set_state("model", model)
        ctx.panel.set_state("n", sum(pairs.values()))
        ctx.panel.set_state("wrong", wrong)
        ctx.panel.set_data("confusion", [_heatmap(names, pairs)])

    def show_all(self, ctx: Any) -> None:
        """Show the saved view ``mistakes_<model>``; the command makes it where it is not there."""
        from bccurate import mistakes

        model = ctx.panel.get_state("model")
        record = mistakes(model, dataset=ctx.dataset.name)
        ctx.ops.set_view(name=record.view)

    def show_everything(self, ctx: Any) -> None:
        """Back to the whole dataset."""
        ctx.ops.clear_view()

    def show_cell(self, ctx: Any) -> None:
        """Show the samples of one cell: labelled ``y``, predicted ``x``, most confident first."""
        from fiftyone import ViewField as F

        from bccurate.hub.predictions import field_of
        from bccurate.hub.read import label_path
        from bccurate.hub.views import originals

        field = field_of(ctx.panel.get_state("model"))
        cell = (F(label_path(ctx.dataset)) == ctx.params["y"]) & (
            F(f"{field}.label") == ctx.params["x"]
        )
        view = originals(ctx.dataset).exists(field).match(cell)
        ctx.ops.set_view(view=view.sort_by(f"{field}.confidence", reverse=True))

    def render(self, ctx: Any) -> types.Property:
        """The panel."""
        panel = types.Object()
        models = ctx.panel.get_state("models") or []
        if not models:
            panel.md("### No predictions yet\n\nTrain a model: `bccurate train custom_cnn`")
            return types.Property(panel)
        self._controls(ctx, panel, models)
        panel.plot(
            "confusion",
            on_click=self.show_cell,
            layout=_LAYOUT,
            config={"displayModeBar": False},
            height=520,
        )
        return types.Property(panel, view=types.GridView(align_x="center", orientation="vertical"))

    def _controls(self, ctx: Any, panel: types.Object, models: list[str]) -> None:
        model = ctx.panel.get_state("model") or models[0]
        n, wrong = ctx.panel.get_state("n") or 0, ctx.panel.get_state("wrong") or 0
        choices = types.DropdownView()
        for name in models:
            choices.add_choice(name, label=name)
        panel.enum(
            "chosen", models, default=model, label="Model", view=choices, on_change=self.choose
        )
        share = f" ({wrong / n:.1%})" if n else ""
        panel.md(f"**{wrong:,} of {n:,}** labelled samples differ from {model}{share}.")
        buttons = panel.h_stack("buttons", gap=1)
        buttons.btn("show_all", label="Show the mistakes", on_click=self.show_all)
        buttons.btn("show_everything", label="Show all samples", on_click=self.show_everything)


_LAYOUT = {
    "xaxis": {"title": "predicted", "automargin": True},
    "yaxis": {"title": "labelled", "automargin": True, "autorange": "reversed"},
    "margin": {"t": 10, "r": 10},
}


def _heatmap(names: list[str], pairs: Counter[tuple[str, str]]) -> dict[str, Any]:
    """Plotly's heatmap of the wrong pairs; the agreeing ones would outshine them."""
    counts = [[pairs[label, prediction] for prediction in names] for label in names]
    shown = [[n if i != j else None for j, n in enumerate(row)] for i, row in enumerate(counts)]
    return {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": shown,
        "text": [[str(n) if n else "" for n in row] for row in counts],
        "texttemplate": "%{text}",
        "colorscale": "Oranges",
        "showscale": False,
        "hovertemplate": "labelled %{y}, predicted %{x}: %{text}<extra></extra>",
        "xgap": 1,
        "ygap": 1,
    }
