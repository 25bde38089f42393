"""A network as a model of FiftyOne: ``dataset.apply_model`` takes it.

The only module of the hub that imports fiftyone at its top: its classes derive from FiftyOne's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fiftyone.utils.torch as fout
import fiftyone.zoo.models as fozm


class ZooModelConfig(fout.TorchImageModelConfig, fozm.HasZooModel):
    """FiftyOne's own settings of an image model, and ``model_path``, the weights file."""

    def __init__(self, d: dict[str, Any]) -> None:
        super().__init__(self.init(d))


class ZooModel(fout.TorchImageModel):
    """An image classifier with logits."""

    def __init__(self, config: ZooModelConfig) -> None:
        super().__init__(config)


class Labels(fout.ClassifierOutputProcessor):
    """Logits to labels, with a softmax that is stable.

    FiftyOne's takes the exponential of the logits as they are: a logit of 100 becomes nan.
    """

    def __call__(
        self,
        output: Any,
        frame_size: Any,
        confidence_thresh: float | None = None,
        classes: Any = None,
        **kwargs: Any,
    ) -> list[Any]:
        """Classifications of logits float (N, C), None for those under the threshold."""
        logits = output.detach().double().cpu()
        shifted = logits - logits.amax(1, keepdim=True)
        labels = super().__call__(shifted, frame_size, confidence_thresh, classes, **kwargs)
        for label, row in zip(labels, logits.numpy(), strict=True):
            if label.logits is not None:
                label.logits = row
        return labels


def as_fiftyone_model(
    network: Any,
    transform: Callable[[Any], Any],
    classes: list[str],
    weights: str,
    device: str | None = None,
) -> ZooModel:
    """``network`` for ``apply_model``, ``compute_embeddings`` and the App.

    Args:
        network: a torch module; its inputs to logits float (N, len(classes)).
        transform: a Pillow image or uint8 (H, W, 3) to one input of the network, float (3, h, w).
        classes: the label of each logit.
        weights: the file they came from.
        device: a torch device; None lets FiftyOne take the GPU where there is one.
    """
    return ZooModel(
        ZooModelConfig(
            {
                "model": network,
                "model_path": weights,
                "transforms": transform,
                "ragged_batches": False,
                "output_processor": Labels(classes=classes),
                "classes": classes,
                "device": device,
            }
        )
    )
