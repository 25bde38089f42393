"""The panel ``mistakes``: what a model confuses, and those samples one by one, to decide on."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types
from fiftyone.operators.categories import Categories

from bccurate.app.operations import classes, models_with_predictions
from bccurate.hub.review_tags import DROP, KEEP, RELABEL

from . import layout
from .card import read_card
from .decisions import write
from .queue import Queue, confusion, queue_view


class Mistakes(foo.Panel):
    """Confusion of one model; the samples of a cell, or all mistakes, and a decision on each.

    State: ``models``, ``model``, ``n``, ``wrong``, ``cell`` (label and prediction, None for all
    mistakes), ``sample`` (the id that is shown) and ``shown`` (what its card says). Pictures and
    plots are data: the App does not send them back with every click.
    """

    @property
    def config(self) -> foo.PanelConfig:
        """Name and looks in the list of panels."""
        return foo.PanelConfig(
            name="mistakes",
            label="Mistakes",
            icon="rule",
            category=Categories.CURATE,
            help_markdown="What a model confuses. Click a cell to go through its samples.",
        )

    def on_load(self, ctx: Any) -> None:
        """Choose the first model and count."""
        models = models_with_predictions(ctx.dataset)
        ctx.panel.set_state("models", models)
        if models:
            model = ctx.panel.get_state("model")
            self._count(ctx, model if model in models else models[0])

    def on_change_dataset(self, ctx: Any) -> None:
        """Another dataset has other models."""
        ctx.panel.set_state({"model": None, "sample": None})
        self.on_load(ctx)

    def choose(self, ctx: Any) -> None:
        """Another model was chosen."""
        self._count(ctx, ctx.params["value"])

    def _count(self, ctx: Any, model: str) -> None:
        """Count labels against predictions, hand the plot its data, and begin with all mistakes."""
        pairs = confusion(ctx.dataset, model)
        wrong = sum(n for (label, prediction), n in pairs.items() if label != prediction)
        ctx.panel.set_state(
            {"model": model, "cell": None, "n": sum(pairs.values()), "wrong": wrong}
        )
        ctx.panel.set_data("confusion", [layout.heatmap(pairs)])
        self._show(ctx, ctx.panel.get_state("sample"))

    def show_cell(self, ctx: Any) -> None:
        """Go through one cell: labelled ``y``, predicted ``x``; the grid shows it too."""
        self._begin(ctx, [ctx.params["y"], ctx.params["x"]])

    def show_all(self, ctx: Any) -> None:
        """Go through all mistakes; the grid shows them too."""
        self._begin(ctx, None)

    def _begin(self, ctx: Any, cell: list[str] | None) -> None:
        ctx.panel.set_state("cell", cell)
        ctx.ops.set_view(view=queue_view(ctx.dataset, ctx.panel.get_state("model"), cell))
        self._show(ctx, None)

    def show_everything(self, ctx: Any) -> None:
        """Back to the whole dataset."""
        ctx.ops.clear_view()

    def open_sample(self, ctx: Any) -> None:
        """Show the sample large, as a click on it in the grid does."""
        ctx.ops.open_sample(id=ctx.panel.get_state("sample"))

    def following(self, ctx: Any) -> None:
        """One sample on."""
        self._step(ctx, 1)

    def previous(self, ctx: Any) -> None:
        """One sample back."""
        self._step(ctx, -1)

    def relabel(self, ctx: Any) -> None:
        """Say which class it is: of a button, or of the list of all classes."""
        self._decide(ctx, f"{RELABEL}{ctx.params.get('label') or ctx.params['value']}")

    def keep(self, ctx: Any) -> None:
        """Say that it is right as it is."""
        self._decide(ctx, KEEP)

    def drop(self, ctx: Any) -> None:
        """Say that it should go."""
        self._decide(ctx, DROP)

    def clear(self, ctx: Any) -> None:
        """Take the decision away; the sample stays in sight."""
        sample = ctx.panel.get_state("sample")
        write(ctx, [sample], None)
        self._show(ctx, sample)

    def _decide(self, ctx: Any, tag: str) -> None:
        """Tag the sample and go on to the next one that waits."""
        sample = ctx.panel.get_state("sample")
        write(ctx, [sample], tag)
        self._show(ctx, self._queue(ctx).undecided_after(sample))

    def _step(self, ctx: Any, by: int) -> None:
        self._show(ctx, self._queue(ctx).stepped(ctx.panel.get_state("sample"), by))

    def _queue(self, ctx: Any) -> Queue:
        state = ctx.panel.get_state
        return Queue.of(queue_view(ctx.dataset, state("model"), state("cell")))

    def _show(self, ctx: Any, sample: str | None) -> None:
        """Put a sample of the queue in sight; where it is not of it, the first that waits."""
        queue = self._queue(ctx)
        place = queue.place(sample if sample in queue.ids else queue.first)
        progress: dict[str, Any] = {
            "place": place + 1,
            "of": len(queue.ids),
            "reviewed": queue.reviewed,
        }
        if not queue.ids:
            ctx.panel.set_state({"sample": None, "shown": progress})
            return
        card = read_card(ctx.dataset, ctx.panel.get_state("model"), queue.ids[place])
        progress |= {
            "name": card.name,
            "label": card.label,
            "prediction": card.prediction,
            "confidence": card.confidence,
            "decision": queue.decisions[place],
            "offers": [name for name, _ in card.likeliest if name != card.label],
            "picture": card.picture is not None,
            "heatmap": card.heatmap is not None,
        }
        ctx.panel.set_state({"sample": queue.ids[place], "shown": progress})
        ctx.panel.set_data("card.picture", card.picture)
        ctx.panel.set_data("card.heatmap", card.heatmap)
        ctx.panel.set_data("card.likeliest", [layout.bars(card.likeliest, card.label)])

    def render(self, ctx: Any) -> types.Property:
        """The panel."""
        panel = types.Object()
        state = ctx.panel.get_state
        models = state("models") or []
        if not models:
            panel.md("### No predictions yet\n\nTrain a model: `bccurate train custom_cnn`")
            return types.Property(panel)
        layout.controls(self, panel, models, state("model"), state("n") or 0, state("wrong") or 0)
        layout.confusion_plot(self, panel)
        shown = state("shown") or {"of": 0}
        layout.progress(panel, shown, state("cell"), state("model"))
        if shown["of"]:
            layout.card(panel, shown, state("model"))
            layout.buttons(self, panel, shown, classes(ctx.dataset), state("sample"))
        return types.Property(panel, view=types.GridView(**layout.ROOT))
