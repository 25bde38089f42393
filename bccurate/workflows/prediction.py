"""Write the predictions of a trained model on all readable samples of its dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bccurate.files import sha256_of_file
from bccurate.hub import runs
from bccurate.hub.open import opened
from bccurate.hub.predictions import field_of, show_in_app
from bccurate.hub.read import columns, require_samples
from bccurate.records import PredictRecord
from bccurate.workflows.artifacts import predict_chunks, weights_file
from bccurate.workflows.stacking_features import contents_of, predict_stack


def predict_samples(
    model: str,
    name: str,
    batch_size: int = 128,
    device: str = "auto",
    zoo: str | Path | None = None,
) -> PredictRecord:
    """Predict on every readable sample that has no prediction of the present weights.

    Args:
        model: a model that was trained on the dataset ``name``.
        batch_size: images per forward pass.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        zoo: a folder with a ``manifest.json``, or None.

    Raises:
        UsageError: the model was not trained on this dataset.
        InputError: the weights are broken, or there is no readable sample.
    """
    from bccurate.learning.checkpoint import load_model

    field = field_of(model)
    with opened(name, write=True) as hub:
        file = weights_file(name, model, zoo)
        view = hub.match_tags("unreadable", bool=False)
        require_samples(view, f"readable samples in {name!r}", f"bccurate info -d {name}")
        options = {"weights": sha256_of_file(file)}
        same = runs.stored_options(hub, f"predict_{field}") == options
        ids, paths, done = columns(view, "id", "filepath", f"{field}.label")
        todo = [i for i, label in enumerate(done) if not (same and label)]
        record = PredictRecord(name, model, field, len(ids), 0.0, changed=bool(todo))
        if not todo:
            stored = runs.load(hub, f"predict_{field}")
            return replace(PredictRecord.from_json(stored or {}), n=len(ids), changed=False)
        trained = load_model(file, zoo)
        if not same:  # after a kill in between, stored predictions belong to no known weights
            runs.forget(hub, f"predict_{field}")
        rows = [ids[i] for i in todo], [paths[i] for i in todo]
        if trained.bases:
            contents = contents_of(hub, view)
            known = [contents[i] for i in todo]
            speed = predict_stack(hub, trained, model, *rows, known, zoo, device)
        else:
            speed = predict_chunks(hub, trained, model, *rows, batch_size, device)
        record = replace(record, images_per_second=round(speed, 1))
        show_in_app(hub, field)
        runs.save(hub, f"predict_{field}", record, options)
        return record
