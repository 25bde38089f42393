"""The saved views, all by tag or field match: they follow the data and store no list of ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bccurate.errors import UsageError, nearest

if TYPE_CHECKING:
    import fiftyone as fo

CURATION = ("duplicate", "label_conflict", "contamination", "outlier")
DROPPED = "dropped"  # by a person, once ``apply-review`` has read it
NOT_CLEAN = ("unreadable", *CURATION, DROPPED)
VARIANT = "variant"
SPLITS = ("train", "val", "test")


def originals(dataset: fo.Dataset) -> fo.DatasetView:
    """The readable samples that are not variants of another."""
    return dataset.match_tags(["unreadable", VARIANT], bool=False)


def everything(dataset: fo.Dataset) -> fo.DatasetView:
    """All samples that came from outside: no variants, but unreadable ones too."""
    return dataset.match_tags(VARIANT, bool=False)


def clean(dataset: fo.Dataset) -> fo.DatasetView:
    """The originals without duplicates, label conflicts, contamination, outliers and drops."""
    return dataset.match_tags([*NOT_CLEAN, VARIANT], bool=False)


def deduplicated(dataset: fo.Dataset) -> fo.DatasetView:
    """The originals without drops, one of each duplicate group."""
    return dataset.match_tags(["unreadable", "duplicate", DROPPED, VARIANT], bool=False)


def duplicates(dataset: fo.Dataset) -> fo.DatasetView:
    """All members of duplicate groups, group by group."""
    return dataset.exists("duplicate_group").sort_by("duplicate_group")


def leaks(dataset: fo.Dataset) -> fo.DatasetView:
    """The samples that leak between splits, each beside those it is linked to."""
    view = dataset.match_tags("leak")
    return view.sort_by("linked_group") if dataset.get_field("linked_group") else view


def folds(dataset: fo.Dataset) -> fo.DatasetView:
    """The clean samples that have a fold, fold by fold."""
    return clean(dataset).exists("fold").sort_by("fold")


def outliers(dataset: fo.Dataset) -> fo.DatasetView:
    """The outliers, worst first."""
    return dataset.match_tags("outlier").sort_by("outlier_score", reverse=True)


def embedding_outliers(dataset: fo.Dataset) -> fo.DatasetView:
    """The outliers by embedding, worst first."""
    return dataset.match_tags("outlier_embedding").sort_by("embedding_outlier_score", reverse=True)


def mistakes(dataset: fo.Dataset, model: str, label_field: str) -> fo.DatasetView:
    """The samples that a model gets wrong, most confident first."""
    from fiftyone import ViewField as F

    wrong = F(f"{model}.label") != F(f"{label_field}.label")
    return (
        originals(dataset)
        .exists(f"{label_field}.label")
        .exists(model)
        .match(wrong)
        .sort_by(f"{model}.confidence", reverse=True)
    )


def chosen(dataset: fo.Dataset, name: str | None) -> Any:
    """The saved view ``name``, or all originals where it is None.

    Raises:
        UsageError: there is no such view; the message names the nearest.
    """
    if name is None:
        return originals(dataset)
    known = dataset.list_saved_views()
    if name not in known:
        raise UsageError(
            f"Dataset {dataset.name!r} has no saved view {name!r}.{nearest(name, known)}",
            f"bccurate info -d {dataset.name}",
        )
    return dataset.load_saved_view(name)


def looked_at(dataset: fo.Dataset, name: str | None) -> Any:
    """The originals of the saved view ``name``, as they are now; all of them where it is None.

    Raises:
        UsageError: there is no such view; the message names the nearest.
    """
    if name is None:
        return originals(dataset)
    view = chosen(dataset, name).match_tags(["unreadable", VARIANT], bool=False)
    # By id: a view that takes some at random would take others at every look.
    return dataset.select(view.values("id"))


def save(dataset: fo.Dataset, name: str, view: fo.DatasetView) -> bool:
    """Save a view under a name unless the very same is there; tells whether it wrote."""
    there = name in dataset.list_saved_views()
    if there and content(dataset.load_saved_view(name)) == content(view):
        return False
    dataset.save_view(name, view, overwrite=True)
    return True


def refresh_clean(dataset: fo.Dataset) -> bool:
    """Save those views of clean samples that are there anew; tells whether any was out of date."""
    wanted = {"clean": clean(dataset), "deduplicated": deduplicated(dataset)}
    wanted |= {split: clean(dataset).match_tags(split) for split in SPLITS}
    if dataset.get_field("fold"):
        wanted["folds"] = folds(dataset)
    there = [name for name in wanted if name in dataset.list_saved_views()]
    return sum(save(dataset, name, wanted[name]) for name in there) > 0


def content(view: fo.DatasetView) -> str:
    """What a view takes of its dataset, as JSON: equal views have equal texts."""
    stages = [stage._serialize(include_uuid=False) for stage in view._stages]
    return json.dumps(stages, sort_keys=True, default=str)
