"""Build Inception V3 (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567) with timm.

Without the auxiliary head, which needs images of 299 pixels. The head is the paper's: averaged
features, dropout, one dense layer. The softmax is applied at prediction; the network returns
logits.
"""

from __future__ import annotations

import timm
from torch import nn

DROPOUT = 0.25


def build(num_classes: int) -> nn.Module:
    """Return the network with random weights and ``num_classes`` outputs.

    It maps images float (N, 3, H, W), normalised, H and W at least 75, to logits (N, num_classes).
    """
    return timm.create_model("inception_v3", num_classes=num_classes, drop_rate=DROPOUT)
