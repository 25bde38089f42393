"""Save and load trained models: safetensors with classes and preprocessing in the header."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any

from torch import nn

from bccurate.errors import InputError
from bccurate.learning.registry import PREDICTIONS, ModelSpec, find_model
from bccurate.learning.safetensors_io import read_tensors, write_tensors

KIND = "model"
FORMAT = 1
MAX_IMAGE_SIZE = 4096
MAX_BASES = 64


@dataclass(frozen=True)
class TrainedModel:
    """A trained network with its preprocessing and its classes.

    Attributes:
        model: maps float (N, 3, image_size, image_size), normalised, to logits (N, C).
        spec: its registry entry, with the mean, std and layer that it was trained with.
        classes: the label of each logit.
        image_size: side of the input in pixels.
        run: name of the folder that it was trained in.
        bases: of a stacker, the name and the temperature of each base model.
    """

    model: nn.Module
    spec: ModelSpec
    classes: list[str]
    image_size: int
    run: str
    bases: list[tuple[str, float]] = field(default_factory=list)


def save_model(path: Path, trained: TrainedModel, extra: dict[str, Any] | None = None) -> None:
    """Write ``trained`` to ``path`` (.safetensors), atomically.

    ``extra`` are further header fields.

    Raises:
        NoSpaceError: the disk is full.
        InputError: the folder cannot be written.
    """
    spec = trained.spec
    header = {
        "kind": KIND,
        "format": FORMAT,
        "model": spec.name,
        "mean": list(spec.mean),
        "std": list(spec.std),
        "standardise": spec.standardise,
        "gradcam_layer": spec.gradcam_layer,
        "classes": trained.classes,
        "image_size": trained.image_size,
        "run": trained.run,
        **({"bases": trained.bases} if trained.bases else {}),
        **(extra or {}),
    }
    write_tensors(path, trained.model.state_dict(), header)


def load_model(path: Path, zoo: str | Path | None = None) -> TrainedModel:
    """Load a file that ``save_model`` wrote; the network is in eval mode.

    The network is built by the registry entry, the folder ``zoo`` included, of the name in the
    header: a header cannot run other code.

    Raises:
        InputError: the file is damaged, was not written by ``save_model``, or does not fit its
            model.
        UsageError: no zoo has a model of that name.
    """
    tensors, header = read_tensors(path)
    if header.get("kind") != KIND or header.get("format") != FORMAT:
        raise InputError(f"{path} was not written by bccurate train (no bccurate header)")
    try:
        fields = _checked(header)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: the header is not valid: {error!r}") from error
    spec = replace(find_model(str(header["model"]), zoo), **fields["spec"])
    bases = fields["bases"]
    options = {"bases": len(bases)} if spec.inputs == PREDICTIONS and bases else {}
    model = spec.build(len(fields["classes"]), **options)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path} does not fit the model {spec.name}: {error}") from error
    return TrainedModel(
        model.eval(),
        spec,
        fields["classes"],
        fields["image_size"],
        str(header.get("run", "")),
        bases,
    )


def _checked(header: dict[str, Any]) -> dict[str, Any]:
    """Return the header's fields with their types and ranges checked."""
    classes = header["classes"]
    if not isinstance(classes, list) or not all(isinstance(label, str) for label in classes):
        raise ValueError("classes is not a list of labels")
    size = int(header["image_size"])
    if not classes or not 0 <= size <= MAX_IMAGE_SIZE:
        raise ValueError(f"{len(classes)} classes at {size} px")
    mean, std = (tuple(float(v) for v in header[key]) for key in ("mean", "std"))
    bases = header.get("bases", [])
    if len(bases) > MAX_BASES or any(not 0 < temperature < inf for _, temperature in bases):
        raise ValueError(f"bases {bases}")
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise ValueError(f"mean {mean}, std {std}")
    return {
        "classes": classes,
        "image_size": size,
        "bases": [(str(name), float(temperature)) for name, temperature in bases],
        "spec": {
            "mean": mean,
            "std": std,
            "standardise": header.get("standardise") is True,
            "gradcam_layer": str(header["gradcam_layer"]),
        },
    }
