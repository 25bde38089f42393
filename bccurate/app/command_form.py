"""The App operator that runs a command: a form of its options, and its record as the outcome."""

from __future__ import annotations

from typing import Any, ClassVar

import bccurate
from bccurate.app.operations import as_saved_view, perform, summary
from bccurate.hub.open import load_fiftyone


class CommandForm:
    """Mixed into ``fiftyone.operators.Operator``, which plugins alone import.

    Attributes:
        command: a function of ``bccurate``, and the operator's name.
        label, description, icon: in the operator browser.
        title: over the form and the outcome.
        options: inputs of the form that the command takes under the same names.
        verb: what is done to the view; empty where the command takes the whole dataset.
        selectable: whether the selected samples alone can be meant.
        dynamic: whether the form is asked for again as it is filled in.
        scheduled: whether scheduling is the default: FiftyOne ends an immediate run at 600 s.
    """

    command: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str]
    icon: ClassVar[str]
    title: ClassVar[str]
    options: ClassVar[tuple[str, ...]]
    verb: ClassVar[str] = ""
    selectable: ClassVar[bool] = True
    dynamic: ClassVar[bool] = False
    scheduled: ClassVar[bool] = False

    def form(self, ctx: Any, inputs: Any) -> None:
        """Put an input for each of ``options`` on the form."""
        raise NotImplementedError

    @property
    def config(self) -> Any:
        """Name and looks in the operator browser."""
        operators = load_fiftyone().operators
        return operators.OperatorConfig(
            name=self.command,
            label=f"bccurate: {self.label}",
            description=self.description,
            icon=self.icon,
            dynamic=self.dynamic,
            allow_delegated_execution=True,
            default_choice_to_delegated=self.scheduled,
            risk_level=operators.types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: Any) -> Any:
        """The form."""
        types = load_fiftyone().operators.types
        inputs = types.Object()
        if self.verb:
            inputs.view_target(
                ctx, action_description=self.verb, allow_selected_samples=self.selectable
            )
        self.form(ctx, inputs)
        return types.Property(inputs, view=types.View(label=self.title))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Run the command; what is left open takes its default."""
        given = {name: ctx.params.get(name) for name in self.options}
        options = {name: value for name, value in given.items() if value not in (None, "", [])}
        command = getattr(bccurate, self.command)
        if not self.verb:
            return perform(ctx, command, **options)
        with as_saved_view(ctx.dataset, self._target(ctx)) as view:
            return perform(ctx, command, view=view, **options)

    def _target(self, ctx: Any) -> Any:
        """What the form says; without a form the selection, else the view, else the dataset."""
        if self.selectable and ctx.selected and not ctx.params.get("view_target"):
            return ctx.view.select(ctx.selected)
        return ctx.target_view()

    def resolve_output(self, ctx: Any) -> Any:
        """The record's text."""
        return summary(ctx, self.title)
