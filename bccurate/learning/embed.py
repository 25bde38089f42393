"""A trained network's features: what its last layer reads."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from bccurate.errors import UsageError
from bccurate.learning.checkpoint import TrainedModel
from bccurate.learning.predict import predict


def embed(
    trained: TrainedModel, images: np.ndarray, batch_size: int = 128, device: str = "auto"
) -> np.ndarray:
    """Penultimate features of ``images`` uint8 (N, H, W, 3): float32 (N, D), rows of length 1.

    Raises:
        UsageError: no such device here, or no layer of the network gives its logits.
    """
    return embed_and_predict(trained, images, batch_size, device)[0]


def embed_and_predict(
    trained: TrainedModel, images: np.ndarray, batch_size: int = 128, device: str = "auto"
) -> tuple[np.ndarray, np.ndarray]:
    """What ``embed`` gives, and the logits float32 (N, classes), of one pass.

    Features are taken by a hook at the input of the layer that gives the logits, so that any
    network has them. A picture without any feature is a row of zeros.

    Raises:
        UsageError: no such device here, or no layer of the network gives its logits.
    """
    kept: list[np.ndarray] = []

    def keep(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        kept.append(inputs[0].float().flatten(1).cpu().numpy())

    handle = classifier(trained).register_forward_pre_hook(keep)
    try:
        logits = predict(trained, images, batch_size, device)
    finally:
        handle.remove()
    features = np.concatenate(kept) if kept else np.empty((0, 0), np.float32)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(lengths, np.finfo(np.float32).tiny), logits


def classifier(trained: TrainedModel) -> nn.Module:
    """The layer, linear or a 1x1 convolution, whose output is the network's logits.

    Found by running one black picture: zoos are free in what they call it and where they put it.

    Raises:
        UsageError: there is none, such as in a network that averages two heads.
    """
    model = trained.model.eval()
    outputs: dict[nn.Module, torch.Tensor] = {}
    handles = [
        module.register_forward_hook(lambda module, _inputs, out: outputs.update({module: out}))
        for module in model.modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    size = trained.image_size
    place = next(model.parameters()).device
    try:
        with torch.inference_mode():
            logits = model(torch.zeros(1, 3, size, size, device=place))
    finally:
        for handle in handles:
            handle.remove()
    for module, out in reversed(outputs.items()):
        if out.numel() == logits.numel() and torch.equal(out.flatten(), logits.flatten()):
            return module
    raise UsageError(
        f"No layer of {trained.spec.name} gives its logits, so it has no features to compare",
        "choose another model for --embedding",
    )
