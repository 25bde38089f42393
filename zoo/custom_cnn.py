"""Build the paper's small network: six convolution blocks and five dense layers.

Each block is a 3x3 convolution (stride 1, padding 1) to 32, 64, 128, 256, 512 and 512 channels,
batch normalisation, ReLU and 2x2 max-pooling. Then dropout 0.25, five dense layers of 128 with
ReLU, and a linear head. The softmax is applied at prediction; the network returns logits.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

CHANNELS = (32, 64, 128, 256, 512, 512)
DENSE_LAYERS = 5
DENSE_WIDTH = 128
DROPOUT = 0.25
L2 = 1e-4  # the paper gives no factor; this one has little effect by itself


class CustomCNN(nn.Module):
    """Map images float (N, 3, H, W), normalised, H and W at least 64, to logits (N, num_classes).

    ``weight_decay`` maps the name of a submodule to the L2 factor of its weights, not biases;
    ``bccurate.learning.optimiser`` reads it. Any zoo module may have this attribute.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        inputs = 3
        for number, outputs in enumerate(CHANNELS, start=1):
            self.add_module(f"block{number}", _block(inputs, outputs))
            inputs = outputs
        # At 96 px the map is 1x1 after six pools; at other sizes it is averaged.
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(DROPOUT)
        self.dense = _dense(inputs)
        self.head = nn.Linear(DENSE_WIDTH, num_classes)
        self.weight_decay = {"dense": L2}
        self.apply(_initialise)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, num_classes)."""
        features = images
        for number in range(1, len(CHANNELS) + 1):
            features = self.get_submodule(f"block{number}")(features)
        return self.head(self.dense(self.dropout(self.pool(features).flatten(1))))


def build(num_classes: int) -> nn.Module:
    """Return the network with random weights and ``num_classes`` outputs."""
    return CustomCNN(num_classes)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            # No bias: the batch normalisation that follows would remove it.
            conv=nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
            bn=nn.BatchNorm2d(outputs),
            relu=nn.ReLU(),
            pool=nn.MaxPool2d(2),
        )
    )


def _dense(inputs: int) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number in range(1, DENSE_LAYERS + 1):
        layers[f"fc{number}"] = nn.Linear(inputs, DENSE_WIDTH)
        layers[f"relu{number}"] = nn.ReLU()
        inputs = DENSE_WIDTH
    return nn.Sequential(layers)


def _initialise(module: nn.Module) -> None:
    """Initialise as He et al. 2015: torch's default weakens the signal in each ReLU layer."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
