"""What a person decides on the selected samples, as a tag: ``relabel:<class>``, ``keep``, ``drop``.

A sample carries one decision, the last. Only tags are written: labels and samples stay.
"""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

from bccurate.app.operations import choices, classes, person
from bccurate.hub.review_tags import DROP, KEEP, RELABEL, decide

NOTHING_SELECTED = "Select samples first: point at one and tick its box."


def _chosen(ctx: Any) -> list[str]:
    """Ids of the selected samples, else of the one that is open."""
    return list(ctx.selected or ([ctx.current_sample] if ctx.current_sample else []))


def decide_on_selected(ctx: Any, tag: str) -> dict[str, Any]:
    """Put a decision on the selected samples in place of an earlier one."""
    ids = _chosen(ctx)
    if not ids:
        ctx.ops.notify(NOTHING_SELECTED, variant="warning")
        return {"tagged": 0}
    write(ctx, ids, tag)
    ctx.ops.notify(f"{len(ids)} tagged {tag}", variant="success")
    ctx.ops.clear_selected_samples()
    return {"tagged": len(ids)}


def write(ctx: Any, ids: list[str], tag: str | None) -> None:
    """Put a decision, with who and when, in place of an earlier one; None takes it away."""
    decide(ctx.dataset, ids, tag, person(ctx))
    ctx.ops.reload_samples()


def _button(label: str, icon: str, prompt: bool = False) -> types.Placement:
    return types.Placement(
        types.Places.SAMPLES_GRID_SECONDARY_ACTIONS,
        types.Button(label=label, icon=icon, prompt=prompt),
    )


class Relabel(foo.Operator):
    """Say which class the selected samples are."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and looks in the operator browser."""
        return foo.OperatorConfig(
            name="relabel",
            label="bccurate: relabel the selected samples",
            description="Tag them relabel:<class>; their labels stay as they are",
            icon="label",
            dynamic=True,
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_placement(self, ctx: Any) -> types.Placement:
        """A button over the grid."""
        return _button("Relabel the selected samples", "label", prompt=True)

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form."""
        inputs = types.Object()
        n = len(_chosen(ctx))
        if not n:
            warning = types.Warning(label=NOTHING_SELECTED)
            inputs.view("nothing", warning).invalid = True
        view = choices(types.AutocompleteView(), classes(ctx.dataset))
        inputs.str("label", required=True, label=f"Class of the {n} selected", view=view)
        return types.Property(inputs, view=types.View(label="Relabel"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Write the tag."""
        return decide_on_selected(ctx, f"{RELABEL}{ctx.params['label']}")


class Keep(foo.Operator):
    """Say that the selected samples are right."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and looks in the operator browser."""
        return foo.OperatorConfig(
            name="keep",
            label="bccurate: keep the selected samples",
            description="Tag them keep",
            icon="check_circle",
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_placement(self, ctx: Any) -> types.Placement:
        """A button over the grid."""
        return _button("Keep the selected samples", "check_circle")

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Write the tag."""
        return decide_on_selected(ctx, KEEP)


class Drop(foo.Operator):
    """Say that the selected samples should go; they stay until a command is told to drop them."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and looks in the operator browser."""
        return foo.OperatorConfig(
            name="drop",
            label="bccurate: mark the selected samples to drop",
            description="Tag them drop; nothing is deleted",
            icon="block",
            risk_level=types.RiskLevel.LOW,
        )

    def resolve_placement(self, ctx: Any) -> types.Placement:
        """A button over the grid."""
        return _button("Mark the selected samples to drop", "block")

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Write the tag."""
        return decide_on_selected(ctx, DROP)
