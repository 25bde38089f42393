"""List and build models; built-in and third-party models share one registry.

A zoo is a package with an entry point in the group ``bccurate.zoo``, or a folder, with a
``manifest.json`` that has a ``"bccurate"`` row for each model. torch is imported only to build a
model, so that ``bccurate models`` is fast.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bccurate.errors import InputError, UsageError, nearest

if TYPE_CHECKING:
    from torch import nn

GROUP = "bccurate.zoo"
MANIFEST = "manifest.json"
TIMM = "timm:"
IMAGES, PREDICTIONS = "images", "predictions"
_MODULE = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_LISTING_HINT = "bccurate models"


@dataclass(frozen=True)
class ModelSpec:
    """One row of a manifest: a model that can be built.

    Attributes:
        name: such as ``resnet50`` or ``timm:resnet18``.
        package: name of its package, or the absolute path of its folder.
        module: the module in ``package`` with ``build(num_classes)``.
        input_size: side of the square input in pixels; 0 if it reads no image.
        mean, std: of the channels R, G, B on the scale 0 to 1, for normalisation.
        gradcam_layer: dotted name of the layer for Grad-CAM, with a map of at least 4x4 at
            ``input_size``; "" if there is none.
        weights: source of the ImageNet weights: ``timm/<hub name>``, an https address, or None.
        licence: of the weights if there are any, else of the code (SPDX).
        paper: address or name of the paper.
        sha256: of the weights file, all digits or at least the first 8; None if unknown.
        parameters: number of parameters with 1000 classes; None if unknown.
        inputs: ``images``, or ``predictions`` if it reads other models' logits
            (N, bases, num_classes).
        standardise: whether each image is normalised by its own mean and std instead; set by
            training.
    """

    name: str
    package: str
    module: str
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    gradcam_layer: str
    weights: str | None
    licence: str
    paper: str
    sha256: str | None = None
    parameters: int | None = None
    inputs: str = "images"
    standardise: bool = False

    def build(self, num_classes: int, **options: Any) -> nn.Module:
        """Return the network with random weights: float (N, 3, H, W) to logits (N, num_classes).

        ``options`` are passed to the module's ``build``: ``bases`` if it reads predictions.

        Raises:
            InputError: the module is missing, points outside its zoo, or has no ``build``.
        """
        if self.name.startswith(TIMM):
            import timm

            return timm.create_model(self.module, num_classes=num_classes, **options)
        module = _load_module(self.package, self.module)
        if not callable(getattr(module, "build", None)):
            raise InputError(f"{self.package}: module {self.module} has no build(num_classes)")
        return module.build(num_classes, **options)


def list_models(zoo: str | Path | None = None) -> list[ModelSpec]:
    """Return all models of the installed zoos and of the folder ``zoo`` or ``$BCCURATE_ZOO``.

    Raises:
        UsageError: two models have one name, or the folder does not exist.
        InputError: a manifest cannot be read or a row is not valid.
    """
    specs: dict[str, ModelSpec] = {}
    for package, manifest in _manifests(zoo):
        for spec in _read_manifest(manifest, package):
            other = specs.setdefault(spec.name, spec)
            if other is not spec:
                raise UsageError(
                    f"Two models are named {spec.name}: one in {other.package}, "
                    f"one in {spec.package}",
                    "rename one in its manifest.json",
                )
    return list(specs.values())


def find_model(name: str, zoo: str | Path | None = None) -> ModelSpec:
    """Return the model named ``name``; ``timm:<name>`` is any model of timm.

    Raises:
        UsageError: an unknown model; the message gives similar names.
    """
    if name.startswith(TIMM):
        return _timm_spec(name)
    specs = {spec.name: spec for spec in list_models(zoo)}
    if name not in specs:
        raise UsageError(f"There is no model {name!r}.{nearest(name, specs)}", _LISTING_HINT)
    return specs[name]


def _manifests(zoo: str | Path | None) -> list[tuple[str, Path]]:
    """Return ``(package, manifest path)`` of every zoo, each once."""
    packages = dict.fromkeys(entry.module for entry in entry_points(group=GROUP))
    found = [(package, _package_folder(package) / MANIFEST) for package in packages]
    folder = zoo or os.environ.get("BCCURATE_ZOO")
    if folder:
        path = Path(folder).expanduser().resolve()
        if not (path / MANIFEST).is_file():
            raise UsageError(f"The zoo folder {path} has no {MANIFEST}", f"ls {path}")
        if all(path != manifest.parent.resolve() for _, manifest in found):
            found.append((str(path), path / MANIFEST))
    return found


def _package_folder(package: str) -> Path:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError) as error:
        raise InputError(f"The zoo {package} cannot be imported: {error}") from error
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"The zoo {package} is not a package", "pip install --force-reinstall it")
    return Path(next(iter(spec.submodule_search_locations)))


def _read_manifest(path: Path, package: str) -> list[ModelSpec]:
    try:
        models = json.loads(path.read_text(encoding="utf-8"))["models"]
        return [_row(model["bccurate"], package) for model in models if "bccurate" in model]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise InputError(f"The zoo manifest {path} is not valid: {reason}") from error


def _row(row: dict[str, Any], package: str) -> ModelSpec:
    name, module = str(row["name"]), str(row["module"])
    if not _MODULE.fullmatch(module):
        raise InputError(f"{package}: module {module!r} of {name} is outside its zoo")
    sha256, parameters = row.get("sha256"), row.get("parameters")
    if sha256 is not None and not _DIGEST.fullmatch(str(sha256)):
        raise ValueError(f"sha256 {sha256!r} of {name} is not 8 to 64 hexadecimal digits")
    return ModelSpec(
        name=name,
        package=package,
        module=module,
        weights=row.get("weights"),
        licence=str(row["licence"]),
        paper=str(row["paper"]),
        sha256=sha256,
        parameters=None if parameters is None else int(parameters),
        **_input(row, name),
    )


def _input(row: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the fields of the network's input and of its Grad-CAM layer."""
    inputs = row.get("inputs", IMAGES)
    if inputs == PREDICTIONS:
        flat: dict[str, Any] = {"mean": (0.0,) * 3, "std": (1.0,) * 3, "gradcam_layer": ""}
        return {"inputs": inputs, "input_size": 0, **flat}
    size = int(row["input_size"])
    if inputs != IMAGES:
        raise ValueError(f"inputs {inputs!r} of {name} is neither {IMAGES} nor {PREDICTIONS}")
    if not 1 <= size <= 4096:
        raise ValueError(f"input_size {size} of {name} is not in 1 to 4096")
    return {
        "inputs": inputs,
        "input_size": size,
        "mean": _triple(row["mean"]),
        "std": _triple(row["std"]),
        "gradcam_layer": str(row["gradcam_layer"]),
    }


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _load_module(package: str, module: str) -> ModuleType:
    if not Path(package).is_absolute():
        try:
            return importlib.import_module(f"{package}.{module}")
        except ModuleNotFoundError as error:
            raise InputError(f"{package}: cannot import {module}: {error}") from error
    folder = Path(package).resolve()
    file = folder.joinpath(*module.split(".")).with_suffix(".py").resolve()
    if not file.is_relative_to(folder):  # a symbolic link
        raise InputError(f"{folder}: module {module} is outside its zoo")
    if not file.is_file():
        raise InputError(f"{folder}: there is no module {file.name}")
    # The digest of the path tells modules of one name in two folders apart.
    name = f"bccurate_zoo_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def _timm_spec(name: str) -> ModelSpec:
    import timm
    import torch

    module = name.removeprefix(TIMM)
    if not timm.is_model(module):
        close = nearest(name, [TIMM + known for known in timm.list_models()])
        raise UsageError(f"timm has no model {module!r}.{close}", _LISTING_HINT)
    with torch.device("meta"):  # shapes without memory
        model: Any = timm.create_model(module, num_classes=0)
    config = model.pretrained_cfg
    hub = config.get("hf_hub_id")
    return ModelSpec(
        name=name,
        package="timm",
        module=module,
        # 96 px is the size of the cells; a network of fixed size keeps its own.
        input_size=config["input_size"][-1] if config.get("fixed_input_size") else 96,
        mean=_triple(config["mean"]),
        std=_triple(config["std"]),
        gradcam_layer=_timm_layer(model),
        weights=hub if hub and hub.startswith("timm/") else None,
        licence=config.get("license") or "unknown",
        paper=config.get("paper_ids") or "https://github.com/huggingface/pytorch-image-models",
    )


def _timm_layer(model: Any) -> str:
    """Return the last stage of a stride of at most 16 (6x6 at 96 px), "" if there is none."""
    stages = getattr(model, "feature_info", None) or []
    names = [stage["module"] for stage in stages if stage["reduction"] <= 16]
    return names[-1] if names else ""
