"""The panel ``duplicates``: each duplicate group side by side, and buttons that decide on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types
from fiftyone.operators.categories import Categories

from bccurate.app.operations import person
from bccurate.hub.review_tags import DROP, KEEP, decide

from .cards import put_group
from .groups import ALL, KINDS, Group, of_kind, read_groups

EDGE = {"container": {"sx": {"p": 2}}}
NO_GROUPS = "**No duplicate groups.** Press Find duplicates, or type `bccurate dedupe`."


class Duplicates(foo.Panel):
    """Steps through the groups. A decision is a tag; no sample is removed.

    The grid is not loaded anew at every click: that takes longer than to decide.
    """

    @property
    def config(self) -> foo.PanelConfig:
        """Name and looks in the list of panels."""
        return foo.PanelConfig(
            name="duplicates",
            label="Duplicates",
            icon="filter_none",
            category=Categories.CURATE,
            help_markdown="Each group side by side. Keep and Drop are tags; nothing is removed.",
        )

    def on_load(self, ctx: Any) -> None:
        """Begin at the first group, or go on where the panel was."""
        ctx.panel.set_state("kind", ctx.panel.get_state("kind") or ALL)
        ctx.panel.set_state("number", ctx.panel.get_state("number"))

    def on_change_dataset(self, ctx: Any) -> None:
        """Another dataset has other groups."""
        ctx.panel.set_state({"kind": ALL, "number": None})

    def choose(self, ctx: Any) -> None:
        """Other groups were asked for."""
        ctx.panel.set_state({"kind": ctx.params["value"], "number": None})

    def find(self, ctx: Any) -> None:
        """Open the form of ``dedupe``, and look again once it has run."""
        ctx.prompt("@bccurate/curate/dedupe", on_success=self.on_load)

    def step(self, ctx: Any) -> None:
        """Go ``by`` groups on, or back."""
        _Place.read(ctx).go(ctx, ctx.params["by"])

    def tag(self, ctx: Any) -> None:
        """Keep or drop one sample; the same again takes it back."""
        place, tag = _Place.read(ctx), ctx.params["tag"]
        place.go(ctx, 0)  # else a group of the undecided would go with its last decision
        for member in place.group.members if place.group else ():
            if member.id == ctx.params["id"]:
                new = None if member.decision == tag else tag
                decide(ctx.dataset, [member.id], new, person(ctx))

    def keep_all(self, ctx: Any) -> None:
        """Keep every one of the group and go on: they are no duplicates, or shall all stay."""
        self._settle(ctx, drop_rest=False)

    def keep_first(self, ctx: Any) -> None:
        """Keep the sample that ``dedupe`` keeps, drop the others and go on."""
        self._settle(ctx, drop_rest=True)

    def _settle(self, ctx: Any, drop_rest: bool) -> None:
        place = _Place.read(ctx)
        if place.group is None:
            return
        kept = [m.id for m in place.group.members if m.kept or not drop_rest]
        rest = [m.id for m in place.group.members if m.id not in kept]
        decide(ctx.dataset, kept, KEEP, person(ctx))
        if rest:
            decide(ctx.dataset, rest, DROP, person(ctx))
        place.go(ctx, 1)

    def show(self, ctx: Any) -> None:
        """Show the group in the grid."""
        group = _Place.read(ctx).group
        if group is not None:
            ctx.ops.set_view(view=ctx.dataset.select([m.id for m in group.members], ordered=True))

    def render(self, ctx: Any) -> types.Property:
        """The panel."""
        panel = types.Object()
        place = _Place.read(ctx)
        if not place.groups:
            panel.md(NO_GROUPS, name="nothing")
            buttons = panel.h_stack("buttons", gap=1)
            buttons.btn("find", label="Find duplicates", on_click=self.find, variant="contained")
            buttons.btn("again", label="Look again", on_click=self.on_load, variant="outlined")
        else:
            self._put_head(panel, place)
        if place.group is not None:
            put_group(panel, place.group, len(place.groups), self.tag)
            self._put_buttons(panel, place)
        looks = types.GridView(orientation="vertical", gap=2, componentsProps=EDGE)
        return types.Property(panel, view=looks)

    def _put_head(self, panel: types.Object, place: _Place) -> None:
        choices = types.DropdownView()
        for kind in KINDS:
            choices.add_choice(kind, label=f"{kind} ({len(of_kind(place.groups, kind)):,})")
        panel.enum(
            "kind", KINDS, default=place.kind, label="Show", view=choices, on_change=self.choose
        )
        done = sum(group.decided for group in place.groups)
        panel.float(
            "done",
            default=done / len(place.groups),
            view=types.ProgressView(label=f"{done:,} of {len(place.groups):,} groups decided"),
        )
        if place.group is None:
            panel.md(f"**No group: {place.kind}**", name="nothing")

    def _put_buttons(self, panel: types.Object, place: _Place) -> None:
        decisions = panel.h_stack("decisions", gap=1)
        for name, label, call in (
            ("keep_first", "Keep first, drop the rest", self.keep_first),
            ("keep_all", "Keep all", self.keep_all),
        ):
            decisions.btn(name, label=label, on_click=call, variant="contained")
        steps = panel.h_stack("steps", gap=1)
        for name, label, by, end in (
            ("previous", "Previous", -1, 0),
            ("next", "Next", 1, len(place.listed) - 1),
        ):
            steps.btn(
                name, label=label, on_click=self.step, params={"by": by}, variant="outlined",
                disabled=place.index == end,
            )  # fmt: skip
        steps.btn("show", label="Show in the grid", on_click=self.show, variant="outlined")


@dataclass(frozen=True)
class _Place:
    """Where a panel stands: all groups, those of the kind that is shown, and which one is."""

    groups: Sequence[Group]
    kind: str
    listed: Sequence[Group]
    index: int

    @classmethod
    def read(cls, ctx: Any) -> _Place:
        groups = read_groups(ctx.dataset)
        kind, number = ctx.panel.get_state("kind") or ALL, ctx.panel.get_state("number")
        wanted = {group.number for group in of_kind(groups, kind)}
        # The group that is shown stays while it is decided on.
        listed = [group for group in groups if group.number in wanted or group.number == number]
        index = sum(group.number < (number or 0) for group in listed)
        return cls(groups, kind, listed, min(index, len(listed) - 1))

    @property
    def group(self) -> Group | None:
        """The one that is shown, if there is one of the kind."""
        return self.listed[self.index] if self.listed else None

    def go(self, ctx: Any, by: int) -> None:
        """Move, not past the ends."""
        if self.listed:
            index = min(max(self.index + by, 0), len(self.listed) - 1)
            ctx.panel.set_state("number", self.listed[index].number)
