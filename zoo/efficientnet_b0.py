"""Build EfficientNet-B0 (Tan and Le 2019, https://arxiv.org/abs/1905.11946) with timm.

The head is the paper's: averaged features, dropout, one dense layer. The softmax is applied at
prediction; the network returns logits.
"""

from __future__ import annotations

import timm
from torch import nn

DROPOUT = 0.25


def build(num_classes: int) -> nn.Module:
    """Return the network with random weights and ``num_classes`` outputs.

    It maps images float (N, 3, H, W), normalised, to logits (N, num_classes).
    """
    return timm.create_model("efficientnet_b0", num_classes=num_classes, drop_rate=DROPOUT)
