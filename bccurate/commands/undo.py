"""``bccurate undo``: take back what a run wrote."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bccurate.commands.apply_review import RUN, take_back
from bccurate.commands.background import VIEW
from bccurate.errors import UsageError, nearest
from bccurate.files import dataset_home
from bccurate.hub import runs
from bccurate.hub.masks import AREA_FIELD, MASK_FIELD
from bccurate.hub.open import opened
from bccurate.hub.review_tags import set_curation_tag, shadow
from bccurate.hub.views import originals
from bccurate.records import UndoRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.artifacts import model_folder
from bccurate.workflows.attention import attention_fields, attention_view
from bccurate.workflows.corruptions import FOLDER
from bccurate.workflows.import_conflicts import imported_conflicts
from bccurate.workflows.stale_runs import out_of_date


@dataclass(frozen=True)
class _Traces:
    """What a run leaves: fields, tags on originals, saved views, a folder, variant samples."""

    fields: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    folder: Path | None = None
    variants: str | None = None
    evaluation: str | None = None


def undo(run: str, dataset: str | None = None) -> UndoRecord:
    """Take back a run: its fields, tags, views and files; imported samples always stay.

    Args:
        run: a name that ``info`` lists under runs.
        dataset: name; the one in use where None.

    Raises:
        UsageError: there is no such run, or it is the import.
    """
    name = dataset_in_use(dataset)
    with opened(name, write=True) as hub:
        known = [row["run"] for row in runs.overview(hub)]
        if run not in known:
            raise UsageError(f"{name!r} has no run {run!r}.{nearest(run, known)}", "bccurate info")
        if run == "import":
            raise UsageError(
                "An import is not undone: it would remove samples.",
                f"fiftyone datasets delete {name}",
            )
        if run == RUN:
            take_back(hub)
        else:
            _erase(hub, _traces(name, run))
        if run == "dedupe":  # the import gives that tag too, and stays
            set_curation_tag(originals(hub), "label_conflict", imported_conflicts(hub))
        runs.forget(hub, run)
        return UndoRecord(name, run, warnings=out_of_date(hub) if run == RUN else [])


def _traces(name: str, run: str) -> _Traces:
    command, _, what = run.partition("_")
    table = {
        "dedupe": _Traces(
            ("duplicate_group", "duplicate_of", "linked_group"),
            ("duplicate", "label_conflict", "contamination", "leak"),
            ("duplicates", "deduplicated", "leaks"),
        ),
        "outliers": _Traces(
            ("outlier_score", "embedding_outlier_score"),
            ("outlier", "outlier_embedding"),
            ("outliers", "outliers_embedding", "clean"),
        ),
        "split": _Traces(
            ("fold",), ("train", "val", "test", "leak"), ("train", "val", "test", "folds")
        ),
        "leaks": _Traces(tags=("leak",), views=("leaks",)),
        "augment": _Traces(
            views=(what,), folder=dataset_home(name) / "variants" / what, variants=what
        ),
        "background": _Traces(
            (MASK_FIELD, AREA_FIELD),
            views=(VIEW,),
            folder=dataset_home(name) / "variants" / VIEW,
            variants=VIEW,
        ),
        "train": _Traces(folder=model_folder(name, what)),
        "predict": _Traces((what,)),
        "evaluate": _Traces(evaluation=f"eval_{what}"),
        "corruptions": _Traces(folder=model_folder(name, what) / FOLDER),
        "mistakes": _Traces(
            ("mistakenness", f"out_of_fold_{what}"),
            views=(f"mistakes_{what}",),
            folder=model_folder(name, what) / "out_of_fold",
        ),
        "explain": _Traces(
            (f"gradcam_{what}", f"gradcam_raw_{what}", *attention_fields(what)),
            views=(attention_view(what),),
        ),
    }
    return table[command]


def _erase(hub: Any, traces: _Traces) -> None:
    """Views go before the fields that they read: a view on a lost field cannot be loaded."""
    for view in traces.views:
        if hub.has_saved_view(view):
            hub.delete_saved_view(view)
    if traces.variants:
        hub.delete_samples(hub.match_tags([traces.variants, "variant"], all=True))
    if traces.tags:
        tags = [*traces.tags, *map(shadow, traces.tags)]
        originals(hub).match_tags(tags).untag_samples(tags)
    if traces.evaluation and hub.has_evaluation(traces.evaluation):
        hub.delete_evaluation(traces.evaluation)
    for field in traces.fields:
        if hub.get_field(field) is not None:
            hub.delete_sample_field(field)
    if traces.folder:
        shutil.rmtree(traces.folder, ignore_errors=True)
