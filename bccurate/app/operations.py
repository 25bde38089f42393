"""What the App plugins share: run a command from an operator, show its record.

``ctx`` is FiftyOne's execution context everywhere. Plugins are modules of their own in FiftyOne's
process; they reach bccurate through its commands and through here.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from textwrap import wrap
from typing import Any

from bccurate.files import sha256
from bccurate.hub import runs, views
from bccurate.hub.open import load_fiftyone
from bccurate.progress import listened
from bccurate.records import Record

WIDTH = 84  # characters of a line in the App's dialogue; what is longer is cut there


def perform(ctx: Any, command: Callable[..., Record], *args: Any, **options: Any) -> dict[str, Any]:
    """Run a command on the context's dataset; gives the operator's results.

    The App shows an error's message and hint by itself, so errors are let through.

    Returns:
        ``summary``, the record as a person reads it, and ``changed``. Not the whole record: results
        of scheduled runs are documents, which take 16 MB and no label with a dot as a key.
    """
    name = command.__name__
    ctx.set_progress(progress=0.0, label=f"{name} is running")
    with listened(lambda label, share: ctx.set_progress(progress=share, label=f"{name}: {label}")):
        record = command(*args, dataset=ctx.dataset.name, **options)
    ctx.set_progress(progress=1.0, label=f"{name} has ended")
    if not ctx.delegated:  # nobody's App is listening then
        ctx.ops.reload_dataset()
    return {"summary": str(record), "changed": record.changed}


def summary(ctx: Any, label: str) -> Any:
    """The output form of an operator that returned what ``perform`` gave."""
    types = load_fiftyone().operators.types
    outputs = types.Object()
    shown = ctx.results.get("summary", "").replace("```", "'''")  # a name must not end the block
    lines = [
        part
        for line in shown.splitlines()
        for part in wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False) or [""]
    ]
    # Under another name than the result's: a result would take the place of the markdown.
    outputs.md("\n".join(["```", *lines, "```"]), name="shown")
    return types.Property(outputs, view=types.View(label=label))


def models_with_predictions(dataset: Any) -> list[str]:
    """Names of the models whose predictions stand on a dataset, in order."""
    return _models(dataset, "predict_", dataset.get_field_schema())


def trained_models(dataset: Any) -> list[str]:
    """Names of the models that were trained on a dataset, in order."""
    return _models(dataset, "train_", None)


def _models(dataset: Any, prefix: str, fields: Any) -> list[str]:
    """The models of the runs with a prefix; of those only whose field is in ``fields``, if any."""
    records = [
        runs.load(dataset, run)
        for run in dataset.list_runs()
        if run.startswith(prefix) and (fields is None or run.removeprefix(prefix) in fields)
    ]
    return sorted(record["model"] for record in records if record)


def classes(dataset: Any) -> list[str]:
    """The class names of the ground truth, in order."""
    from bccurate.hub.read import has_field, label_field, label_path

    if not has_field(dataset, label_field(dataset)):
        return []
    return sorted(dataset.distinct(label_path(dataset)))


def choices(view: Any, names: Iterable[str]) -> Any:
    """A view of a choice, with ``names`` on it to choose from."""
    for name in names:
        view.add_choice(name, label=name)
    return view


def plain(text: str) -> str:
    """Text that markdown shows as it is: a label or a file's name is anybody's."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def person(ctx: Any) -> str:
    """Who sits at the App: FiftyOne's user where it knows one, else who runs its server."""
    if ctx.user:
        return str(getattr(ctx.user, "name", None) or ctx.user.id)
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user in this container
        return "unknown"


@contextmanager
def as_saved_view(dataset: Any, view: Any) -> Iterator[str | None]:
    """A name for a view, as commands take it; None for the whole dataset.

    A view that is not saved is, for as long as the block runs. Equal views have equal names, so
    that a command which is run again sees that it was.
    """
    if not getattr(view, "_stages", None):
        yield None
    elif view.name:
        yield view.name
    else:
        name = f"app-{sha256(views.content(view).encode())[:12]}"
        dataset.save_view(name, view, overwrite=True)
        try:
            yield name
        finally:
            if dataset.has_saved_view(name):  # an equal view may have been at work beside this
                dataset.delete_saved_view(name)
