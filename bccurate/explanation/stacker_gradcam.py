"""Compute the exact Grad-CAM of a stacker: one map over all its base models.

Grad-CAM's weights are derivatives of the score, and the stacker's logit depends on a pixel only
through the logits of the bases. With J the derivative of the stacker's logit by each base's logits,
the map is ReLU(sum over bases of the base's signed Grad-CAM of J . logits), each upsampled. The
mean of maps scaled per model would be wrong: a base that the stacker ignores would count as much as
the others.
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
    """One network of a base model.

    Attributes:
        model: images to logits (N, C).
        layer: dotted name of the layer for Grad-CAM.
        inputs: float (N, 3, H, W), at the size and normalisation of this network.
        shares: float (N,), weight of its logits in the mean of the base; may be 0.
    """

    model: nn.Module
    layer: str
    inputs: torch.Tensor
    shares: torch.Tensor


def logit_derivatives(
    stacker: nn.Module, logits: torch.Tensor, temperatures: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Return J, float (N, B, C): derivatives of the stacker's logits of ``targets`` (N,).

    They are by the bases' ``logits`` (N, B, C), which the stacker reads divided by their
    ``temperatures`` (B,).
    """
    leaf = logits.detach().clone().requires_grad_()
    with _evaluation(stacker):
        scores = stacker(leaf / temperatures[:, None]).gather(1, targets[:, None])
        (derivatives,) = torch.autograd.grad(scores.sum(), leaf)
    return derivatives


class StackMap:
    """Sum of the bases' maps, added one by one, so that one network is in memory at a time."""

    def __init__(self, n: int, size: tuple[int, int], bases: int) -> None:
        """Start with zeros for ``n`` images and maps of ``size`` (H, W)."""
        self.signed = torch.zeros(bases, n, *size)

    def add(
        self, base: int, branch: Branch, derivatives: torch.Tensor, batch_size: int = 64
    ) -> tuple[int, int]:
        """Add a network of the base number ``base``.

        ``derivatives`` (N, C) are those of this base, from ``logit_derivatives``. Returns the
        (h, w) of the network's map, (0, 0) if all its shares are 0.
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
        """Return float32 (N, H, W), scaled to a maximum of 1 each; zeros without evidence."""
        return scale_to_one(self.signed.sum(0).relu()[:, None], self.signed.shape[2:]).numpy()

    def shares(self) -> np.ndarray:
        """Return each base's share of the positive evidence, float32 (N, B); zeros without any."""
        energy = self.signed.relu().sum((2, 3)).T
        sums = energy.sum(1, keepdim=True)
        return torch.where(sums > 0, energy / sums, torch.zeros_like(energy)).numpy()


def _upsampled(cams: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    return F.interpolate(cams.float(), size, mode="bilinear", align_corners=False)[:, 0]


@contextmanager
def _evaluation(model: nn.Module) -> Iterator[None]:
    was = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was)
