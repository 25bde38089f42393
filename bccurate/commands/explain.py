"""``bccurate explain``: Grad-CAM maps of what a model looks at, and how much is on the cell."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate.errors import UsageError, nearest
from bccurate.files import sha256_of_file
from bccurate.hub import runs, views
from bccurate.hub.heatmaps import write_heatmaps, write_raw_maps
from bccurate.hub.open import opened
from bccurate.hub.predictions import field_of, show_in_app
from bccurate.hub.read import columns, label_field, labelled, require_field, require_samples
from bccurate.progress import say
from bccurate.records import ExplainRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.settings.models import ExplainOptions
from bccurate.workflows.artifacts import CHUNK, model_folder, weights_file
from bccurate.workflows.attention import forget_attention, measure_attention
from bccurate.workflows.stacker_maps import stack_maps
from bccurate.workflows.stacking_features import contents_of

if TYPE_CHECKING:
    from bccurate.learning.checkpoint import TrainedModel


def explain(
    model: str,
    dataset: str | None = None,
    target: str = ExplainOptions.target,
    view: str | None = None,
    batch_size: int = ExplainOptions.batch_size,
    device: str = ExplainOptions.device,
    zoo: str | Path | None = None,
    raw: bool = ExplainOptions.raw,
) -> ExplainRecord:
    """Write a Grad-CAM map in [0, 1] for every sample of a view; maps that are there stay.

    Where ``background`` has made cell masks, the share of each map on the cell is written, too.

    Args:
        model: a model that was trained on this dataset.
        dataset: name; the one in use where None.
        target: the class that is explained: ``predicted``, ``true`` or a class name.
        view: a saved view; all originals where None.
        batch_size: images a pass.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.
        raw: keep the layer's own maps, too, before ReLU, upsampling and scaling, in the field
            ``gradcam_raw_<model>``.

    Raises:
        UsageError: an unknown model, dataset, view or target, a 1x1 map, or raw maps of a stacker.
    """
    from bccurate.learning.checkpoint import load_model

    name = dataset_in_use(dataset)
    field = f"gradcam_{field_of(model)}"
    run = f"explain_{field_of(model)}"
    with opened(name, write=True) as hub:
        file = weights_file(name, model, zoo)
        trained = load_model(file, zoo)
        _check_target(target, trained.classes)
        _check_raw(raw, trained)
        require_field(hub, field_of(model), f"bccurate predict {model} -d {name}")
        chosen = views.chosen(hub, view).match_tags("unreadable", bool=False)
        chosen = labelled(chosen) if target == "true" else chosen.exists(field_of(model))
        require_samples(chosen, f"samples to explain in {name!r}", f"bccurate info -d {name}")
        options: dict[str, Any] = {"target": target, "weights": sha256_of_file(file)}
        stored = runs.stored_options(hub, run) or {}
        # Maps of other weights or another target would pass for these; they are made anew.
        if any(stored.get(key) != value for key, value in options.items()):
            runs.forget(hub, run, field, raw_field(model))
        options["masks"] = (runs.stored_options(hub, "background") or {}).get("method")
        if stored != options:
            forget_attention(hub, field_of(model))
        path = f"{_field(hub, target, model)}.label"
        ids, paths, labels, done, kept = columns(
            chosen, "id", "filepath", path, f"{field}.range", raw_field(model)
        )
        todo = [i for i, there in enumerate(done) if not there or (raw and kept[i] is None)]
        targets = _targets(labels, target, trained.classes)
        if todo:
            work = _Work(hub, trained, model, zoo, batch_size, device, raw)
            size = _write_maps(work, field, chosen, ids, paths, targets, todo)
            show_in_app(hub, field)
        else:
            size = (runs.load(hub, run) or {})["map_size"]
        measured, attention = measure_attention(hub, field_of(model))
        n = len(hub.exists(field))
        layer = trained.spec.gradcam_layer or ", ".join(name for name, _ in trained.bases)
        record = ExplainRecord(name, model, target, field, layer, list(size), n, attention)
        runs.save(hub, run, record, options)
        return replace(record, changed=bool(todo or measured))


def _check_target(target: str, classes: list[str]) -> None:
    known = ["predicted", "true", *classes]
    if target not in known:
        raise UsageError(
            f"Unknown target {target!r}.{nearest(target, known)}", "bccurate explain -h"
        )


def _field(hub: Any, target: str, model: str) -> str:
    return label_field(hub) if target == "true" else field_of(model)


def raw_field(model: str) -> str:
    """``gradcam_raw_<model>``."""
    return f"gradcam_raw_{field_of(model)}"


def _check_raw(raw: bool, trained: TrainedModel) -> None:
    if raw and trained.bases:
        raise UsageError(
            "The map of a stacker is a sum of its bases' maps, which differ in size",
            f"bccurate explain {trained.bases[0][0]} --raw",
        )


def _targets(labels: list[str], target: str, classes: list[str]) -> list[int]:
    if target in classes:
        return [classes.index(target)] * len(labels)
    unknown = set(labels) - set(classes)
    if unknown:
        raise UsageError(f"The model knows no class {sorted(unknown)[0]!r}.", "--target predicted")
    return [classes.index(label) for label in labels]


# maps (N, H, W) in [0, 1], the layer's own size, raw maps (N, h, w) where asked for
_Maps = tuple[np.ndarray, tuple[int, int], np.ndarray | None]


@dataclass(frozen=True)
class _Work:
    """What explains: a trained model, and how to run it."""

    hub: Any
    trained: TrainedModel
    model: str
    zoo: str | Path | None
    batch_size: int
    device: str
    raw: bool

    def maps(self, paths: list[str], contents: list[str], targets: np.ndarray) -> _Maps:
        """Maps of N files."""
        if self.trained.bases:
            folder = model_folder(self.hub.name, self.model)
            maps, _, size = stack_maps(
                *(self.trained, folder, paths, contents, targets),
                *(self.zoo, self.batch_size, self.device),
            )
            return maps, size, None
        return self._own_maps(paths, targets)

    def _own_maps(self, paths: list[str], targets: np.ndarray) -> _Maps:
        import torch

        from bccurate.explanation.gradcam import gradcam
        from bccurate.learning.data import load_pixels, to_inputs
        from bccurate.learning.precision import pick_device

        place = pick_device(self.device)
        spec, size = self.trained.spec, self.trained.image_size
        found = gradcam(
            self.trained.model.to(place),
            spec.gradcam_layer,
            to_inputs(load_pixels(paths, size), spec).to(place),
            torch.from_numpy(targets).to(place),
            self.batch_size,
            self.raw,
        )
        return found.maps, found.map_size, found.raw


def _write_maps(
    work: _Work,
    field: str,
    view: Any,
    ids: list[str],
    paths: list[str],
    targets: list[int],
    todo: list[int],
) -> tuple[int, int]:
    contents = contents_of(work.hub, view)
    say(f"explaining {len(todo):,} images")
    size = (0, 0)
    for start in range(0, len(todo), CHUNK):
        rows = todo[start : start + CHUNK]
        maps, size, raw = work.maps(
            [paths[i] for i in rows],
            [contents[i] for i in rows],
            np.array([targets[i] for i in rows], dtype=np.int64),
        )
        write_heatmaps(work.hub, field, [ids[i] for i in rows], np.asarray(maps))
        if raw is not None:
            write_raw_maps(work.hub, raw_field(work.model), [ids[i] for i in rows], raw)
    return size
