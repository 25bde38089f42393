"""Operators that curate: ``dedupe``, ``outliers``, ``split``, ``leaks`` and ``background``."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import fiftyone.operators as foo
from fiftyone.operators import types

from bccurate.app.command_form import CommandForm
from bccurate.app.operations import choices


def _choice(inputs: types.Object, name: str, values: tuple[str, ...], **kwargs: Any) -> None:
    """A choice of a few names, the first of them by default."""
    inputs.enum(name, values, default=values[0], view=types.RadioGroup(), **kwargs)


class Dedupe(CommandForm, foo.Operator):
    """``bccurate dedupe`` on the current view."""

    command = "dedupe"
    label = "find duplicates"
    description = "Tag exact and near duplicates; nothing is removed"
    icon = "content_copy"
    title = "Find duplicates"
    options = ("threshold", "method", "keep", "rotations")
    verb = "Look for duplicates in"
    selectable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """How alike duplicates are, and which of them is kept."""
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


class Outliers(CommandForm, foo.Operator):
    """``bccurate outliers`` on the current view."""

    command = "outliers"
    label = "find outliers"
    description = "Tag the images whose intensities stand out of their class"
    icon = "scatter_plot"
    title = "Find outliers"
    options = ("alpha", "statistic", "iterate", "false_alarms")
    verb = "Look for outliers in"
    selectable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """The bounds."""
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
        inputs.float(
            "false_alarms",
            default=1.0,
            min=0.0,
            label="False alarms",
            description="How many images of a clean class may pass a bound by chance; widens the "
            "bounds of large classes. 0 keeps alpha in all",
        )


class Split(CommandForm, foo.Operator):
    """``bccurate split`` on the open dataset: a split of a part would leave the rest without."""

    command = "split"
    label = "split into train, val and test"
    description = "Stratified; duplicate groups are never parted"
    icon = "call_split"
    title = "Split"
    options = ("val", "test", "folds")

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """The shares."""
        for name, label in (("val", "Validation share"), ("test", "Test share")):
            inputs.float(name, default=0.15, min=0.0, max=0.99, label=label)
        inputs.int(
            "folds",
            min=2,
            max=100,
            label="Folds",
            description="Number the samples outside the test split by so many folds",
        )


class Leaks(CommandForm, foo.Operator):
    """``bccurate leaks`` on the current view."""

    command = "leaks"
    label = "find leaks between splits"
    description = "Tag duplicates and groups that stand in more than one split"
    icon = "water_drop"
    title = "Find leaks"
    options = ("group",)
    verb = "Look for leaks in"
    selectable = False

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """The field that is looked at beside the duplicates."""
        inputs.str(
            "group",
            label="Group",
            description="A field (patient, slide) whose values may not cross splits either",
            view=choices(types.DropdownView(), _groups(ctx.dataset)),
        )


def _groups(dataset: Any) -> list[str]:
    """The fields that may name a patient or a slide: texts and numbers, less those of ours."""
    from bccurate.hub.samples import FACTS

    ours = {"filepath", "source_id", "augmentation", "fold", *FACTS}
    ours |= {"duplicate_group", "duplicate_of", "linked_group"}
    schema = dataset.get_field_schema(ftype=(fo.StringField, fo.IntField))
    return sorted(set(schema) - ours)


class Background(CommandForm, foo.Operator):
    """``bccurate background`` on the selected samples, else the current view."""

    command = "background"
    label = "mask cells and remove the background"
    description = "Write cell masks, and training variants without background"
    icon = "format_color_reset"
    title = "Masks of the cells"
    options = ("method",)
    verb = "Mask the cells of"

    def form(self, ctx: Any, inputs: types.Object) -> None:
        """How cells are found."""
        _choice(
            inputs,
            "method",
            ("stain", "threshold"),
            label="Method",
            description="stain: by colour, stain and shape; threshold: the paper's grey, blur, "
            "threshold",
        )
