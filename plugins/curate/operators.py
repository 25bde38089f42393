"""Operators that curate: ``dedupe``, ``outliers``, ``split``, ``leaks`` and ``background``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import fiftyone as fo
import fiftyone.operators as foo

from bccurate.app.command_form import CommandForm
from bccurate.settings.curation import (
    BackgroundOptions,
    DedupeOptions,
    LeaksOptions,
    OutliersOptions,
    SplitOptions,
)


class Dedupe(CommandForm, foo.Operator):
    """``bccurate dedupe`` on the current view."""

    command = "dedupe"
    settings = (DedupeOptions,)
    options = ("threshold", "method", "keep", "rotations")
    label = "find duplicates"
    description = "Tag exact and near duplicates; nothing is removed"
    icon = "content_copy"
    title = "Find duplicates"
    verb = "Search duplicates in"
    selectable = False


class Outliers(CommandForm, foo.Operator):
    """``bccurate outliers`` on the current view."""

    command = "outliers"
    settings = (OutliersOptions,)
    options = ("alpha", "statistic", "iterate", "false_alarms")
    label = "find outliers"
    description = "Tag images whose intensity is far from their class"
    icon = "scatter_plot"
    title = "Find outliers"
    verb = "Search outliers in"
    selectable = False


class Split(CommandForm, foo.Operator):
    """``bccurate split`` on the open dataset; a split of a part would leave the rest without."""

    command = "split"
    settings = (SplitOptions,)
    options = ("val", "test", "folds")
    label = "split into train, val and test"
    description = "Stratified; duplicate groups never cross splits"
    icon = "call_split"
    title = "Split"


class Leaks(CommandForm, foo.Operator):
    """``bccurate leaks`` on the current view."""

    command = "leaks"
    settings = (LeaksOptions,)
    options = ("group",)
    label = "find leaks between splits"
    description = "Tag duplicates and groups in more than one split"
    icon = "water_drop"
    title = "Find leaks"
    verb = "Search leaks in"
    selectable = False

    def choices(self, dataset: Any) -> dict[str, Iterable[str]]:
        """Return the fields that may hold a patient or a slide."""
        return {"group": _groups(dataset)}


def _groups(dataset: Any) -> list[str]:
    """Return the text and number fields that bccurate did not write."""
    from bccurate.hub.samples import FACTS

    ours = {"filepath", "source_id", "augmentation", "fold", *FACTS}
    ours |= {"duplicate_group", "duplicate_of", "linked_group"}
    schema = dataset.get_field_schema(ftype=(fo.StringField, fo.IntField))
    return sorted(set(schema) - ours)


class Background(CommandForm, foo.Operator):
    """``bccurate background`` on the selected samples, else the current view."""

    command = "background"
    settings = (BackgroundOptions,)
    options = ("method",)
    label = "mask cells and remove the background"
    description = "Write cell masks, and training variants without background"
    icon = "format_color_reset"
    title = "Cell masks"
    verb = "Mask the cells of"
