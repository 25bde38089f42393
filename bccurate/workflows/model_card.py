"""The model card beside a model's weights, written by ``train`` and ``evaluate``."""

from __future__ import annotations

import shlex
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

from bccurate.errors import UsageError
from bccurate.files import atomic_write, sweep
from bccurate.hub import runs, views
from bccurate.hub.predictions import field_of
from bccurate.hub.views import SPLITS
from bccurate.records import EvaluateRecord, TrainRecord
from bccurate.reporting.model_card import CardData, command_line, render_card
from bccurate.workflows.artifacts import WEIGHTS, model_folder, read_finished

CARD = "MODEL_CARD.md"
# Options of ``train`` that are stored with the weights and are no settings of the training.
OPTIONS_OF_TRAIN = ("views", "bases", "folds")
R = TypeVar("R", TrainRecord, EvaluateRecord)


def with_card(hub: Any, record: R, zoo: str | Path | None = None) -> R:
    """Write the card of a record's model from the stored runs; the record with its path.

    A card that would say the same is left as it is.

    Raises:
        InputError: the folder cannot be written.
        NoSpaceError: the disk is full.
    """
    path = model_folder(hub.name, record.model) / CARD
    text = render_card(card_data(hub, record.model, zoo)).encode("utf-8", "replace")
    sweep(path.parent, idle=60)  # the model may be in training
    if not path.exists() or path.read_bytes() != text:
        with atomic_write(path) as file:
            file.write(text)
    return replace(record, model_card=str(path))


def card_data(hub: Any, model: str, zoo: str | Path | None = None) -> CardData:
    """What is known of the weights that lie in the model's folder; nothing of older ones."""
    finished = read_finished(model_folder(hub.name, model)) or {}
    options = finished.get("options", {})
    trained, measured = _runs_of(hub, model, finished)
    result = measured or trained
    return CardData(
        dataset=hub.name,
        model=model,
        spec=_spec(model, zoo),
        weights={"name": WEIGHTS, "sha256": finished["weights"]} if finished else {},
        options=options,
        command=_command(hub.name, model, options) if options else None,
        trained=trained.get("ended"),
        device=finished.get("device"),
        versions=finished.get("versions", {}),
        seen=len(finished["seen"]) if finished else None,
        best_epoch=finished.get("best_epoch"),
        epochs=len(finished["history"]) if finished else None,
        metrics=result.get("metrics", {}),
        temperature=result.get("temperature"),
        split=runs.load(hub, "split"),
        dedupe=runs.load(hub, "dedupe"),
        leaks=_leaks(hub),
        warnings=result.get("warnings", []),
    )


def _runs_of(
    hub: Any, model: str, finished: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The records of ``train`` (with its date) and ``evaluate``; empty where of other weights."""
    train, evaluate = (f"{command}_{field_of(model)}" for command in ("train", "evaluate"))
    trained, measured = {}, {}
    if finished and runs.stored_options(hub, train) == finished["options"]:
        ended = next(row["ended"] for row in runs.overview(hub) if row["run"] == train)
        trained = {**(runs.load(hub, train) or {}), "ended": ended}
    options = runs.stored_options(hub, evaluate) or {}
    if finished and options.get("weights") == finished["weights"]:
        measured = runs.load(hub, evaluate) or {}
    return trained, measured


def _spec(model: str, zoo: str | Path | None) -> dict[str, Any]:
    from bccurate.learning.registry import find_model

    try:
        spec = find_model(model, zoo)
    except UsageError:  # its zoo has gone; the weights and what is known of them have not
        return {}
    wanted = ("package", "licence", "paper", "weights", "parameters")
    return {name: getattr(spec, name) for name in wanted}


def _command(dataset: str, model: str, options: dict[str, Any]) -> str:
    from bccurate.learning.settings import TrainSettings

    start = shlex.join(["bccurate", "train", model, "-d", dataset])
    known = [*OPTIONS_OF_TRAIN, *(row.name for row in fields(TrainSettings))]
    joined = {k: ",".join(v) if k == "bases" else v for k, v in options.items()}
    return command_line(start, joined, known)


def _leaks(hub: Any) -> dict[str, int]:
    found = views.clean(hub).match_tags("leak")
    return {split: len(found.match_tags(split)) for split in SPLITS}
