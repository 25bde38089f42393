"""A trained model as FiftyOne's zoo loads it: ``foz.load_zoo_model("bccurate/resnet50")``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bccurate.errors import UsageError
from bccurate.hub.open import load_fiftyone
from bccurate.settings.in_use import dataset_in_use
from bccurate.workflows.artifacts import weights_file

if TYPE_CHECKING:
    import torch

    from bccurate.learning.registry import ModelSpec


def load_model(
    name: str,
    dataset: str | None = None,
    weights: str | Path | None = None,
    device: str | None = None,
    zoo: str | Path | None = None,
) -> Any:
    """A model that ``dataset.apply_model`` takes; its labels are those of ``predict``.

    FiftyOne keeps what it loaded as long as it is in use: after a new training load it with
    ``cache=False``.

    Args:
        name: ``bccurate/<model>``, or a name that ``train`` takes.
        dataset: the weights that were trained on it; on the one in use where None.
        weights: a file that ``train`` wrote, instead.
        device: a torch device; the GPU where None and there is one.
        zoo: a folder with a ``manifest.json``, beside the installed zoos.

    Raises:
        UsageError: the model was not trained on the dataset, or reads no images.
        InputError: the weights are broken, or of another model.
    """
    from bccurate.learning.checkpoint import load_model as load

    model = name.removeprefix("bccurate/")
    file = Path(weights) if weights else weights_file(dataset_in_use(dataset), model, zoo)
    trained = load(file.expanduser(), zoo)
    if trained.spec.name != model:
        raise UsageError(
            f"{file} holds {trained.spec.name}, not {model}", f"bccurate train {model}"
        )
    if trained.spec.inputs != "images":
        raise UsageError(f"{model} reads the predictions of other models, not images")
    load_fiftyone()  # configured, before the module that derives from its classes
    from bccurate.hub.fiftyone_model import as_fiftyone_model

    transform = Transform(trained.spec, trained.image_size)
    return as_fiftyone_model(trained.model, transform, trained.classes, str(file), device)


@dataclass(frozen=True)
class Transform:
    """One image as ``predict`` feeds it to the network: float32 (3, size, size), normalised."""

    spec: ModelSpec
    size: int

    def __call__(self, image: Any) -> torch.Tensor:
        """Of a Pillow image in RGB or uint8 (H, W, 3)."""
        from bccurate.images.thumbnail import resize
        from bccurate.learning.data import to_inputs

        pixels = np.array(resize(np.asarray(image), self.size))  # a copy: torch wants it writable
        return to_inputs(pixels[None], self.spec)[0]
