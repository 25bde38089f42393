"""Exact Grad-CAM of a stack: one map of where its bases looked for the stacked logit.

Grad-CAM's weights are derivatives of the score, and the stacked logit hangs on a pixel only through
the bases' logits. With J the derivative of the stacked logit by each base's logits, the map is
ReLU(sum over bases of the base's signed Grad-CAM of J . logits), the bases' maps upsampled. To
average maps that were scaled per model would be another thing: a base that the stack ignores would
count as much as the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from bccurate.explanation.gradcam import scale_to_one, signed_maps


@dataclass(frozen=True)
class Branch:
    """One network of a base.

    Attributes:
        model: images to logits (N, C).
        layer: the dotted name of the layer that Grad-CAM reads.
        inputs: float (N, 3, H, W), its own size and scale.
        shares: float (N,): how much its logits count in the base's mean; 0 where they do not.
    """

    model: nn.Module
    layer: str
    inputs: torch.Tensor
    shares: torch.Tensor


def logit_derivatives(
    stacker: nn.Module, logits: torch.Tensor, temperatures: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """J, float (N, B, C): the stacked logit of ``targets`` (N,) by the bases' ``logits`` (N, B, C).

    The stacker reads the logits over their ``temperatures`` (B,).
    """
    leaf = logits.detach().clone().requires_grad_()
    with _evaluating(stacker):
        scores = stacker(leaf / temperatures[:, None]).gather(1, targets[:, None])
        (derivatives,) = torch.autograd.grad(scores.sum(), leaf)
    return derivatives


class StackMap:
    """The sum of the bases' maps, base by base, so that one network is in memory at a time."""

    def __init__(self, n: int, size: tuple[int, int], bases: int) -> None:
        """For ``n`` images, maps of ``size`` (H, W)."""
        self.signed = torch.zeros(bases, n, *size)

    def add(
        self, base: int, branch: Branch, derivatives: torch.Tensor, batch_size: int = 64
    ) -> tuple[int, int]:
        """Take in a network of the base number ``base``; the (h, w) of its own map, (0, 0) unused.

        ``derivatives`` (N, C) are the base's own of ``logit_derivatives``.
        """
        chosen = branch.shares.nonzero().flatten()
        weights = derivatives[chosen] * branch.shares[chosen, None]
        size = (0, 0)
        if len(chosen):
            inputs = branch.inputs[chosen]
            for rows, cams in signed_maps(branch.model, branch.layer, inputs, weights, batch_size):
                self.signed[base, chosen[rows]] += _upsampled(cams, self.signed.shape[2:]).cpu()
                size = (cams.shape[2], cams.shape[3])
        return size

    def maps(self) -> np.ndarray:
        """float32 (N, H, W) in [0, 1], each scaled to a maximum of 1; without evidence zeros."""
        return scale_to_one(self.signed.sum(0).relu()[:, None], self.signed.shape[2:]).numpy()

    def shares(self) -> np.ndarray:
        """float32 (N, B): each base's share of the positive evidence; zeros where there is none."""
        energy = self.signed.relu().sum((2, 3)).T
        sums = energy.sum(1, keepdim=True)
        return torch.where(sums > 0, energy / sums, torch.zeros_like(energy)).numpy()


def _upsampled(cams: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    return F.interpolate(cams.float(), size, mode="bilinear", align_corners=False)[:, 0]


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    was = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was)
