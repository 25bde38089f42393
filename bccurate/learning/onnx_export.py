"""Export a trained model as ONNX, with its preprocessing in the metadata.

Metadata: ``classes`` (a JSON list, the label of each logit), ``image_size``, ``mean`` and ``std``
(unless each image is standardised by its own), ``preprocessing`` as a sentence, ``model`` and
``weights_sha256``. A file is written only if ONNX Runtime gives torch's logits.
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from bccurate import __version__
from bccurate.errors import BccurateError, InputError, UsageError
from bccurate.files import atomic_write
from bccurate.learning.checkpoint import TrainedModel
from bccurate.learning.registry import IMAGES

INPUT, OUTPUT = "images", "logits"
TOLERANCE = 1e-3  # of the largest logit; float32 sums in another order differ by about 1e-6
CHECKED = (1, 3)  # batch sizes compared: more than one, so that none is fixed in the graph
RESIZED = "RGB, resized to image_size x image_size by antialiased bicubic interpolation (Pillow), "
NORMALISED = "divided by 255, minus mean, divided by std, channels first"
STANDARDISED = (
    "each channel minus its own mean over the image, divided by its own standard deviation (at "
    "least 1 of 255), channels first"
)


def write_onnx(trained: TrainedModel, path: Path, weights_sha256: str) -> float:
    """Write ``trained`` to ``path``: images float32 (N, 3, size, size), normalised, to logits.

    Returns:
        the largest difference between ONNX Runtime and torch over random images, relative to
        the largest logit.

    Raises:
        UsageError: the model reads predictions, or the extra ``onnx`` is not installed.
        BccurateError: ONNX Runtime and torch differ; nothing was written.
        InputError: torch cannot express the network in ONNX, or ``path`` cannot be written.
        NoSpaceError: the disk is full.
    """
    if trained.spec.inputs != IMAGES:
        raise UsageError(f"{trained.spec.name} reads predictions, not images: export its bases")
    onnx, runtime = _packages()
    size = trained.image_size
    generator = torch.Generator().manual_seed(0)
    images = torch.randn((sum(CHECKED), 3, size, size), generator=generator)
    model = onnx.load_model_from_string(_exported(trained, images[:2]))
    onnx.helper.set_model_props(model, _metadata(trained, weights_sha256))
    model.producer_name, model.producer_version = "bccurate", __version__
    onnx.checker.check_model(model)
    content = model.SerializeToString(deterministic=True)
    worst = _difference(trained, runtime, content, images)
    if not worst <= TOLERANCE:
        raise BccurateError(f"ONNX Runtime differs from torch by {worst:.1e} of the largest logit")
    with atomic_write(path) as file:
        file.write(content)
    return worst


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of an ONNX file; empty if it is not one."""
    onnx, _ = _packages()
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:  # protobuf's errors share no base class with ONNX's
        return {}
    return {row.key: row.value for row in model.metadata_props}


def _packages() -> tuple[ModuleType, ModuleType]:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise UsageError(
            f"{error.name or 'onnx'} is not installed.", 'pip install "bccurate[onnx]"'
        ) from error
    return onnx, onnxruntime


def _exported(trained: TrainedModel, images: torch.Tensor) -> bytes:
    """Return the graph by torch's exporter, with a variable batch size."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program: Any = torch.onnx.export(
                trained.model, (images,), input_names=[INPUT], output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("batch")},), dynamo=True, verbose=False,
            )  # fmt: skip
    except ImportError as error:
        raise UsageError(
            f"{error.name or 'onnxscript'} is not installed.", 'pip install "bccurate[onnx]"'
        ) from error
    except Exception as error:  # the exporter has error classes for each stage
        reason = str(error).strip().split("\n", 1)[0][:200]
        raise InputError(f"{trained.spec.name} cannot be written as ONNX: {reason}") from error
    return program.model_proto.SerializeToString()


def _metadata(trained: TrainedModel, weights_sha256: str) -> dict[str, str]:
    spec = trained.spec
    statistics = {"mean": json.dumps(spec.mean), "std": json.dumps(spec.std)}
    return {
        "classes": json.dumps(trained.classes, ensure_ascii=False),
        "image_size": str(trained.image_size),
        **({} if spec.standardise else statistics),
        "preprocessing": RESIZED + (STANDARDISED if spec.standardise else NORMALISED),
        "model": spec.name,
        "weights_sha256": weights_sha256,
    }


def _difference(
    trained: TrainedModel, runtime: ModuleType, content: bytes, images: torch.Tensor
) -> float:
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch in torch.split(images, list(CHECKED)):
        with torch.no_grad():
            expected = trained.model(batch).numpy()
        (logits,) = session.run([OUTPUT], {INPUT: batch.numpy()})
        scale = max(1.0, float(np.abs(expected).max()))
        worst = max(worst, float(np.abs(logits - expected).max()) / scale)
    return worst
