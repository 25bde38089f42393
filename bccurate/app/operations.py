"""What the App plugins share: run a command from an operator, show its record.

``ctx`` is FiftyOne's execution context everywhere. Plugins are modules of their own in FiftyOne's
process; they reach bccurate through its commands and through here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from bccurate.hub import runs
from bccurate.hub.open import load_fiftyone
from bccurate.records import Record


def perform(ctx: Any, command: Callable[..., Record], *args: Any, **options: Any) -> dict[str, Any]:
    """Run a command on the context's dataset; gives the operator's results.

    The App shows an error's message and hint by itself, so errors are let through.

    Returns:
        ``summary``, the record as a person reads it, and ``changed``. Not the whole record: results
        of scheduled runs are documents, which take 16 MB and no label with a dot as a key.
    """
    ctx.set_progress(progress=0.0, label=f"{command.__name__} is running")
    record = command(*args, dataset=ctx.dataset.name, **options)
    ctx.set_progress(progress=1.0, label=f"{command.__name__} has ended")
    if not ctx.delegated:  # nobody's App is listening then
        ctx.ops.reload_dataset()
    return {"summary": str(record), "changed": record.changed}


def summary(ctx: Any, label: str) -> Any:
    """The output form of an operator that returned what ``perform`` gave."""
    types = load_fiftyone().operators.types
    outputs = types.Object()
    # Under another name than the result's: a result would take the place of the markdown.
    text = ctx.results.get("summary", "").replace("```", "'''")  # a name must not end the block
    outputs.md(f"```\n{text}\n```", name="shown")
    return types.Property(outputs, view=types.View(label=label))


def models_with_predictions(dataset: Any) -> list[str]:
    """Names of the models whose predictions stand on a dataset, in order."""
    fields = dataset.get_field_schema()
    records = [
        runs.load(dataset, run)
        for run in dataset.list_runs()
        if run.startswith("predict_") and run.removeprefix("predict_") in fields
    ]
    return sorted(record["model"] for record in records if record)


def classes(dataset: Any) -> list[str]:
    """The class names of the ground truth, in order."""
    from bccurate.hub.read import LABEL_FIELD, has_field

    if not has_field(dataset, LABEL_FIELD):
        return []
    return sorted(dataset.distinct(f"{LABEL_FIELD}.label"))


@contextmanager
def as_saved_view(dataset: Any, view: Any) -> Iterator[str | None]:
    """A name for a view, as commands take it; None for the whole dataset.

    The view is saved for as long as the block runs.
    """
    if not getattr(view, "_stages", None):
        yield None
        return
    name = f"app-{uuid4().hex[:12]}"
    dataset.save_view(name, view)
    try:
        yield name
    finally:
        dataset.delete_saved_view(name)
