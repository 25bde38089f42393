"""Run records: what was run on a dataset, with which options, and what came of it.

A run is stored last, after all that its command wrote: its presence says that the command ended.
It comes, and gives way to the next of its name, in one write of the database.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bccurate.hub.write import clear_fields
from bccurate.progress import say
from bccurate.records import Record

if TYPE_CHECKING:
    import fiftyone as fo


def save(dataset: fo.Dataset, run: str, record: Record, options: dict[str, Any]) -> bool:
    """Store a record as run ``run``, unless the very same is stored; tells whether it wrote."""
    body, options = _body(record.to_json()), _plain(options)
    if load(dataset, run) == body and stored_options(dataset, run) == options:
        return False
    config = dataset.init_run(
        bccurate_command=record.command,
        options=options,
        ended=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
    if not dataset.has_run(run):
        dataset.register_run(run, config)  # counts as none until its record is there
    # One string: a label may hold a dot or a dollar, which are no keys for the database.
    results = dataset.init_run_results(run, record=json.dumps(body))
    _replace(dataset._doc.runs[run], config.serialize(), json.dumps(results.serialize()))
    return True


def _replace(document: Any, config: dict[str, Any], results: str) -> None:
    """Put options and record in the place of the older ones.

    FiftyOne's own functions delete the older run first: a kill in between would lose both.
    """
    older = document.results.grid_id
    document.results.grid_id = document.results.gridout = None  # not yet: it is deleted last
    document.results.put(results.encode(), content_type="application/json")
    document.config = config
    document.save()
    if older is not None:
        document.results.fs.delete(older)


def has(dataset: fo.Dataset, run: str) -> bool:
    """Whether a run is stored whole; what a killed call began to store counts as none."""
    return dataset.has_run(run) and bool(dataset._doc.runs[run].results)


def forget(dataset: fo.Dataset, run: str, *fields: str) -> None:
    """Delete a run's record, where there is one, then clear those of ``fields`` that are there.

    The run goes first: after a kill in between, what is left counts as nobody's.
    """
    if dataset.has_run(run):
        dataset.delete_run(run)
    clear_fields(dataset, fields)


def load(dataset: fo.Dataset, run: str) -> dict[str, Any] | None:
    """The record of a finished run as JSON data, or None; as ``parse``."""
    if not has(dataset, run):
        return None
    results = dataset.load_run_results(run, cache=False)
    return parse(run, getattr(results, "record", None))


def parse(run: str, text: str | None) -> dict[str, Any] | None:
    """A record as it was stored, or None.

    A damaged one is said and counts as none, so that its command does the work again.
    """
    if not text:
        return None
    try:
        record = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        record = error
    if not isinstance(record, dict):
        say(f"warning: the record of run {run} is damaged; it counts as not there")
        return None
    return record


def stored_options(dataset: fo.Dataset, run: str) -> dict[str, Any] | None:
    """The options that a finished run was started with, or None."""
    if not has(dataset, run):
        return None
    return _plain(getattr(dataset.get_run_info(run).config, "options", None))


def overview(dataset: fo.Dataset) -> list[dict[str, Any]]:
    """Our runs, oldest first: ``[{"run", "command", "ended", "options"}]``."""
    rows = []
    for run in dataset.list_runs():
        config = dataset.get_run_info(run).config
        if hasattr(config, "bccurate_command") and has(dataset, run):
            rows.append(
                {
                    "run": run,
                    "command": config.bccurate_command,
                    "ended": config.ended,
                    "options": _plain(config.options),
                }
            )
    return sorted(rows, key=lambda row: (row["ended"], row["run"]))


def _body(data: dict[str, Any]) -> dict[str, Any]:
    """A record without what tells of this one call only."""
    return _plain({k: v for k, v in data.items() if k not in ("changed", "decoded")})


def _plain(data: Any) -> Any:
    """Plain dictionaries and lists of what may be the database's own kinds."""
    return json.loads(json.dumps(data))
