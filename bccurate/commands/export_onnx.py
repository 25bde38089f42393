"""``bccurate export-onnx``: a trained model for other runtimes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bccurate.errors import UsageError
from bccurate.files import sha256_of_file
from bccurate.hub.predictions import field_of
from bccurate.records import OnnxRecord
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.artifacts import weights_file


def export_onnx(
    model: str,
    dataset: str | None = None,
    out: str | Path | None = None,
    zoo: str | Path | None = None,
) -> OnnxRecord:
    """Write a trained model as ONNX, once ONNX Runtime was seen to answer as torch does.

    A file that this wrote earlier for the model is replaced where the weights are others now;
    any other file is left alone.

    Args:
        model: a model that was trained on this dataset, and that reads images.
        dataset: name; the one in use where None.
        out: a file; ``<model>.onnx`` in the current folder where None.
        zoo: a folder with a ``manifest.json``, beside the installed zoos; ``$BCCURATE_ZOO`` where
            None.

    Raises:
        UsageError: not trained here, a stacker, the extra ``onnx`` is missing, or ``out`` is
            another file.
        InputError: the weights are broken, or the network cannot be expressed in ONNX.
        BccurateError: ONNX Runtime answers otherwise than torch.
    """
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.onnx_export import read_metadata, write_onnx

    name = dataset_in_use(dataset)
    file = weights_file(name, model, zoo)
    target = Path(out or f"{field_of(model)}.onnx").absolute()
    weights = sha256_of_file(file)
    there = read_metadata(target) if target.exists() else None
    if there is not None and there.get("model") != model:
        raise UsageError(
            f"{target} is there already and is another file.",
            f"bccurate export-onnx {model} --out FILE",
        )
    trained = load_model(file, zoo)
    record = OnnxRecord(name, model, str(target), trained.classes, trained.image_size)
    if there is not None and there.get("weights_sha256") == weights:
        return replace(record, changed=False)
    return replace(record, difference=write_onnx(trained, target, weights))
