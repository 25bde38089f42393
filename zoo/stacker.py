"""Build the paper's stacker: three dense layers on the logits of base models.

The logits must come from models that did not see the image in training: from in-sample predictions
it learns which base overfits most.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

BASES = 3
DENSE_LAYERS = 3
DENSE_WIDTH = 128
DROPOUT = 0.25
L2 = 1e-4


class Stacker(nn.Module):
    """Map the bases' logits, float (N, bases, num_classes), to logits (N, num_classes).

    A softmax bounds the inputs, so that a base with large logits does not dominate.
    ``weight_decay`` is as in ``custom_cnn``.
    """

    def __init__(self, num_classes: int, bases: int = BASES) -> None:
        super().__init__()
        self.dense = _dense(bases * num_classes)
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(DENSE_WIDTH, num_classes)
        self.weight_decay = {"dense": L2}

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logits (N, num_classes)."""
        return self.head(self.dropout(self.dense(logits.softmax(2).flatten(1))))


def build(num_classes: int, bases: int = BASES) -> nn.Module:
    """Return a stacker of ``bases`` models and ``num_classes`` classes, with random weights."""
    return Stacker(num_classes, bases)


def _dense(inputs: int) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number in range(1, DENSE_LAYERS + 1):
        layers[f"fc{number}"] = nn.Linear(inputs, DENSE_WIDTH)
        layers[f"relu{number}"] = nn.ReLU()
        inputs = DENSE_WIDTH
    return nn.Sequential(layers)
