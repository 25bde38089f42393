"""Compute a trained network's features: the input of its last layer."""

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
    """Return penultimate features of ``images``: float32 (N, D), each row of Euclidean length 1.

    ``images`` are uint8 (N, S, S, 3) at the model's size. An image without any feature gives a row
    of zeros.

    Raises:
        UsageError: this machine has no such device, or no layer of the network gives its logits.
    """
    return embed_and_predict(trained, images, batch_size, device)[0]


def embed_and_predict(
    trained: TrainedModel, images: np.ndarray, batch_size: int = 128, device: str = "auto"
) -> tuple[np.ndarray, np.ndarray]:
    """Return the result of ``embed`` and the logits, float32 (N, C), of one forward pass.

    A hook reads the input of the layer that gives the logits, so that it works for any network.

    Raises:
        UsageError: this machine has no such device, or no layer of the network gives its logits.
    """
    collected: list[np.ndarray] = []

    def collect(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        collected.append(inputs[0].float().flatten(1).cpu().numpy())

    handle = classifier(trained).register_forward_pre_hook(collect)
    try:
        logits = predict(trained, images, batch_size, device)
    finally:
        handle.remove()
    features = np.concatenate(collected) if collected else np.empty((0, 0), np.float32)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.maximum(lengths, np.finfo(np.float32).tiny), logits


def classifier(trained: TrainedModel) -> nn.Module:
    """Return the layer, linear or a 1x1 convolution, whose output is the network's logits.

    Found by running one black image, since the layer's name differs between zoos.

    Raises:
        UsageError: there is none, as in a network that averages two heads.
    """
    model = trained.model.eval()
    outputs: dict[nn.Module, torch.Tensor] = {}
    handles = [
        module.register_forward_hook(lambda module, _inputs, out: outputs.update({module: out}))
        for module in model.modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    size = trained.image_size
    device = next(model.parameters()).device
    try:
        with torch.inference_mode():
            logits = model(torch.zeros(1, 3, size, size, device=device))
    finally:
        for handle in handles:
            handle.remove()
    for module, out in reversed(outputs.items()):
        if out.numel() == logits.numel() and torch.equal(out.flatten(), logits.flatten()):
            return module
    raise UsageError(
        f"No layer of {trained.spec.name} gives its logits, so its features cannot be read",
        "choose another model for --embedding",
    )
