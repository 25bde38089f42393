"""Compute the training loss: weighted, smoothed or mixed cross-entropy, and consistency."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.transforms import v2

from bccurate.augmentation.variants import augment_batch
from bccurate.learning.batches import TrainingContext
from bccurate.learning.consistency import js_consistency
from bccurate.learning.precision import Precision
from bccurate.learning.registry import IMAGES

MIXUP_ALPHA = 0.2  # Zhang et al. 2018: 0.1 to 0.4 on ImageNet
CUTMIX_ALPHA = 1.0  # Yun et al. 2019
_VIEW_MASK = 0x5BD1E995  # seed XOR k * mask is the seed of a sample's view k


@dataclass(frozen=True)
class BatchLoss:
    """Losses (n,), logits (n, C) and targets (n,) of the samples of a batch, on the device."""

    losses: torch.Tensor
    logits: torch.Tensor
    targets: torch.Tensor


class Objective:
    """The loss of each sample of a batch. Uses torch's global generator (mixing, dropout).

    Attributes:
        augmented_share: share of the images that are augmented, 0 to 1; see ``TrainSettings.ramp``.
    """

    def __init__(self, context: TrainingContext, precision: Precision) -> None:
        self.context, self.precision = context, precision
        self.augmented_share = 1.0
        settings, classes = context.settings, len(context.data.classes)
        self.weights = context.class_weights() if settings.balance == "weights" else None
        self.mix = {
            "mixup": v2.MixUp(num_classes=classes, alpha=MIXUP_ALPHA),
            "cutmix": v2.CutMix(num_classes=classes, alpha=CUTMIX_ALPHA),
        }.get(settings.mix)

    def losses(self, model: nn.Module, rows: torch.Tensor, seeds: torch.Tensor) -> BatchLoss:
        """Return the losses of the samples ``rows``, each augmented by its own seed of ``seeds``.

        With ``repeats`` a sample's loss is the mean over its views, and the logits are those of
        the first view.
        """
        context, settings = self.context, self.context.settings
        samples, targets = context.batch(rows), context.targets[rows.to(context.device)]
        if settings.consistency:
            return self._three_views(model, samples, targets, seeds)
        if context.spec.inputs == IMAGES:
            views = [self._view(samples, seeds, k) for k in range(settings.repeats)]
            samples = torch.cat(views) if len(views) > 1 else views[0]
        inputs, wanted = context.inputs(samples), targets.repeat(len(samples) // len(targets))
        if self.mix is not None and len(inputs) > 1:
            inputs, wanted = self.mix(inputs, wanted)
        logits = context.logits(self.precision, model, inputs)
        losses = self._cross_entropy(logits, wanted).view(-1, len(targets)).mean(0)
        return BatchLoss(losses, logits[: len(targets)], targets)

    def _view(self, samples: torch.Tensor, seeds: torch.Tensor, k: int) -> torch.Tensor:
        augment = self.context.settings.augment
        return augment_batch(augment, samples, seeds ^ (_VIEW_MASK * k), self.augmented_share)

    def _three_views(
        self, model: nn.Module, samples: torch.Tensor, targets: torch.Tensor, seeds: torch.Tensor
    ) -> BatchLoss:
        """Return the cross-entropy of the original images, plus the consistency of two variants."""
        context = self.context
        variants = [self._view(samples, seeds, k) for k in range(2)]
        inputs = context.inputs(torch.cat([samples, *variants]))
        clean, first, second = context.logits(self.precision, model, inputs).chunk(3)
        consistency = context.settings.consistency * js_consistency(clean, first, second)
        return BatchLoss(self._cross_entropy(clean, targets) + consistency, clean, targets)

    def _cross_entropy(self, logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        smoothing = self.context.settings.label_smoothing
        return F.cross_entropy(
            logits, wanted, self.weights, reduction="none", label_smoothing=smoothing
        )
