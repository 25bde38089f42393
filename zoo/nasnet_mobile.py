"""Build NASNet-A Mobile, 4 @ 1056 (Zoph et al. 2018, https://arxiv.org/abs/1707.07012).

timm has the cells and the Large network only; here the same cells form Mobile. The tensor names
are those of the public checkpoint ``nasnetamobile-7e03cead.pth`` (R. Cadene,
converted from TF-slim; Keras pads differently). The head is the paper's: averaged features,
dropout, one dense layer. The softmax is applied at prediction; the network returns logits.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from timm.layers import AvgPool2dSame, ConvNormAct
from timm.models.nasnet import (
    CellStem0,
    CellStem1,
    FirstCell,
    NormalCell,
    ReductionCell0,
    ReductionCell1,
)
from torch import nn

STEM = 32
WIDTH = 44  # 1056 = 6 blocks x 4 (twice doubled) x 44
PAD = "same"
DROPOUT = 0.25


class NASNetMobile(nn.Module):
    """Map images float (N, 3, H, W), normalised, to logits (N, num_classes); the stride is 32."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        norm = partial(nn.BatchNorm2d, eps=0.001)
        self.conv0 = ConvNormAct(
            3, STEM, kernel_size=3, stride=2, padding=0, norm_layer=norm, apply_act=False
        )
        self.cell_stem_0 = CellStem0(STEM, WIDTH // 4, PAD)
        self.cell_stem_1 = CellStem1(STEM, WIDTH // 2, PAD)
        self._add_stage(0, WIDTH, before=WIDTH, current=2 * WIDTH)
        self.reduction_cell_0 = _reduction(ReductionCell0, 2 * WIDTH)
        self._add_stage(6, 2 * WIDTH, before=6 * WIDTH, current=8 * WIDTH)
        self.reduction_cell_1 = _reduction(ReductionCell1, 4 * WIDTH)
        self._add_stage(12, 4 * WIDTH, before=12 * WIDTH, current=16 * WIDTH)
        self.act = nn.ReLU()
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(DROPOUT)
        self.last_linear = nn.Linear(24 * WIDTH, num_classes)
        # As in timm's networks: the layer that pretrained weights do not replace.
        self.pretrained_cfg = {"classifier": "last_linear"}
        _count_no_padding(self)

    def _add_stage(self, number: int, width: int, before: int, current: int) -> None:
        """Add four cells from ``cell_<number>``, for ``before`` and ``current`` input channels."""
        outputs = 6 * width
        self.add_module(f"cell_{number}", FirstCell(before, width // 2, current, width, PAD))
        for cell in range(number + 1, number + 4):
            before, current = current, outputs
            self.add_module(f"cell_{cell}", NormalCell(before, width, current, width, PAD))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, num_classes)."""
        features = self.act(self.forward_features(images))
        return self.last_linear(self.dropout(self.global_pool(features).flatten(1)))

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the output of the last cell, before its activation: (N, 1056, h, w).

        Every cell reads the two outputs before it. (In timm's Large the cell after a reduction
        skips one.)
        """
        stem = self.conv0(images)
        before = self.cell_stem_0(stem)
        current = self.cell_stem_1(stem, before)
        for name, cell in self.named_children():
            if name.startswith(("cell_", "reduction_")) and not name.startswith("cell_stem"):
                before, current = current, cell(current, before)
        return current


def build(num_classes: int) -> nn.Module:
    """Return the network with random weights and ``num_classes`` outputs."""
    return NASNetMobile(num_classes)


def _reduction(kind: type[nn.Module], width: int) -> nn.Module:
    inputs = 3 * width  # six blocks of half the width
    return kind(inputs, width, inputs, width, PAD)


class AveragePool(nn.Module):
    """Average pooling with TensorFlow's "same" padding, which is not counted in the mean.

    timm's ``AvgPool2dSame`` counts the zeros of the padding, which changes logits by 1e-2.
    """

    def __init__(self, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return (N, C, ceil(H / stride), ceil(W / stride)) of maps (N, C, H, W)."""
        height, width = (self._padding(side) for side in maps.shape[-2:])
        return F.avg_pool2d(
            maps,
            self.kernel_size,
            self.stride,
            (height, width),
            ceil_mode=True,  # pads the far side
            count_include_pad=False,
        )

    def _padding(self, side: int) -> int:
        outputs = -(-side // self.stride)
        return max(0, (outputs - 1) * self.stride + self.kernel_size - side) // 2


def _count_no_padding(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, AvgPool2dSame):
            setattr(module, name, AveragePool(child.kernel_size[0], child.stride[0]))
        else:
            _count_no_padding(child)
