"""App operators that curate: ``dedupe``, ``outliers`` and ``split``."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types


def _choice(inputs: types.Object, name: str, values: tuple[str, ...], **kwargs: Any) -> None:
    """A choice of a few names, the first of them by default."""
    inputs.enum(name, values, default=values[0], view=types.RadioGroup(), **kwargs)


class Dedupe(foo.Operator):
    """``bccurate dedupe`` on the open dataset."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and looks in the operator browser."""
        return foo.OperatorConfig(
            name="dedupe",
            label="bccurate: find duplicates",
            description="Tag exact and near duplicates; nothing is removed",
            icon="content_copy",
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form."""
        inputs = types.Object()
        inputs.int(
            "threshold",
            default=4,
            min=0,
            max=14,
            label="Threshold",
            description="Hashes may differ in this many bits of 64; higher finds more candidates",
        )
        _choice(inputs, "method", ("phash", "dhash", "ahash", "whash"), label="Hash")
        _choice(
            inputs,
            "keep",
            ("first", "largest", "sharpest"),
            label="Keep",
            description="The member of each group that stays untagged",
        )
        inputs.bool(
            "rotations",
            default=False,
            label="Rotations",
            description="Match rotations by 90 degrees and flips too",
        )
        return types.Property(inputs, view=types.View(label="Find duplicates"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Run the command."""
        from bccurate import dedupe
        from bccurate.app.operations import perform

        return perform(
            ctx,
            dedupe,
            threshold=ctx.params.get("threshold", 4),
            method=ctx.params.get("method", "phash"),
            keep=ctx.params.get("keep", "first"),
            rotations=ctx.params.get("rotations", False),
        )

    def resolve_output(self, ctx: Any) -> types.Property:
        """The record's text."""
        from bccurate.app.operations import summary

        return summary(ctx, "Duplicates")


class Outliers(foo.Operator):
    """``bccurate outliers`` on the open dataset."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and looks in the operator browser."""
        return foo.OperatorConfig(
            name="outliers",
            label="bccurate: find outliers",
            description="Tag the images whose intensities stand out of their class",
            icon="scatter_plot",
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form."""
        inputs = types.Object()
        inputs.float(
            "alpha",
            default=3.0,
            label="Alpha",
            description="How many spreads from the centre of its class an image may lie",
        )
        _choice(
            inputs,
            "statistic",
            ("mean-std", "median-mad"),
            label="Statistic",
            description="mean-std is the paper's; median-mad withstands many outliers in a class",
        )
        inputs.bool(
            "iterate",
            default=False,
            label="Iterate",
            description="Leave out what was found and look again",
        )
        return types.Property(inputs, view=types.View(label="Find outliers"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Run the command."""
        from bccurate import outliers
        from bccurate.app.operations import perform

        return perform(
            ctx,
            outliers,
            alpha=ctx.params.get("alpha", 3.0),
            statistic=ctx.params.get("statistic", "mean-std"),
            iterate=ctx.params.get("iterate", False),
        )

    def resolve_output(self, ctx: Any) -> types.Property:
        """The record's text."""
        from bccurate.app.operations import summary

        return summary(ctx, "Outliers")


class Split(foo.Operator):
    """``bccurate split`` on the open dataset."""

    @property
    def config(self) -> foo.OperatorConfig:
        """Name and looks in the operator browser."""
        return foo.OperatorConfig(
            name="split",
            label="bccurate: split into train, val and test",
            description="Stratified; duplicate groups are never parted",
            icon="call_split",
            risk_level=types.RiskLevel.MEDIUM,
        )

    def resolve_input(self, ctx: Any) -> types.Property:
        """The form."""
        inputs = types.Object()
        for name, label in (("val", "Validation share"), ("test", "Test share")):
            inputs.float(name, default=0.15, min=0.0, max=0.99, label=label)
        inputs.int(
            "folds",
            min=2,
            max=100,
            label="Folds",
            description="Number the samples outside the test split by so many folds",
        )
        return types.Property(inputs, view=types.View(label="Split"))

    def execute(self, ctx: Any) -> dict[str, Any]:
        """Run the command."""
        from bccurate import split
        from bccurate.app.operations import perform

        return perform(
            ctx,
            split,
            val=ctx.params.get("val", 0.15),
            test=ctx.params.get("test", 0.15),
            folds=ctx.params.get("folds"),
        )

    def resolve_output(self, ctx: Any) -> types.Property:
        """The record's text."""
        from bccurate.app.operations import summary

        return summary(ctx, "Split")


def register(plugin: Any) -> None:
    """Called by FiftyOne."""
    for operator in (Dedupe, Outliers, Split):
        plugin.register(operator)
