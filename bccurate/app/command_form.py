"""The App operator that runs a command: a form of its options, and the record as the result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import bccurate
from bccurate.app.form_inputs import put_options
from bccurate.app.operations import as_saved_view, perform, summary
from bccurate.hub.open import load_fiftyone
from bccurate.settings.option import options_of


class CommandForm:
    """Mixin for ``fiftyone.operators.Operator``, which only plugins import.

    Attributes:
        command: a function of ``bccurate``, and the operator's name.
        settings: the classes of the command's options.
        options: the names of those that are on the form.
        label, description, icon: in the operator browser.
        title: of the form and the result.
        verb: what is done to the view; empty where the command takes the whole dataset.
        selectable: whether it can run on the selected samples alone.
        dynamic: whether the form is built again as it is filled in.
        scheduled: whether to schedule by default: FiftyOne stops an immediate run at 600 s.
    """

    command: ClassVar[str]
    label: ClassVar[str]
    description: ClassVar[str]
    icon: ClassVar[str]
    title: ClassVar[str]
    settings: ClassVar[tuple[type, ...]]
    options: ClassVar[tuple[str, ...]]
    verb: ClassVar[str] = ""
    selectable: ClassVar[bool] = True
    dynamic: ClassVar[bool] = False
    scheduled: ClassVar[bool] = False

    def choices(self, dataset: Any) -> dict[str, Iterable[str]]:
        """Return the values to offer for options that depend on the dataset."""
        return {}

    @property
    def config(self) -> Any:
        """Return name and appearance in the operator browser."""
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
        """Return the form."""
        types = load_fiftyone().operators.types
        inputs = types.Object()
        if self.verb:
            inputs.view_target(
                ctx, action_description=self.verb, allow_selected_samples=self.selectable
            )
        offered = self.choices(ctx.dataset)
        for settings in self.settings:
            names = [name for name in self.options if name in options_of(settings)]
            put_options(inputs, settings, names, offered)
        return types.Property(inputs, view=types.View(label=self.title))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Run the command; empty inputs take their defaults."""
        given = {name: ctx.params.get(name) for name in self.options}
        options = {name: value for name, value in given.items() if value not in (None, "", [])}
        command = getattr(bccurate, self.command)
        if not self.verb:
            return perform(ctx, command, **options)
        with as_saved_view(ctx.dataset, self._target(ctx)) as view:
            return perform(ctx, command, view=view, **options)

    def _target(self, ctx: Any) -> Any:
        """Return the target of the form; without one the selection, the view or the dataset."""
        if self.selectable and ctx.selected and not ctx.params.get("view_target"):
            return ctx.view.select(ctx.selected)
        return ctx.target_view()

    def resolve_output(self, ctx: Any) -> Any:
        """Return the record as text."""
        return summary(ctx, self.title)
