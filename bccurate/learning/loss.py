"""What a training minimises: cross-entropy, weighted, smoothed or mixed, and consistency."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.transforms import v2

from bccurate.augmentation.variants import augment_batch
from bccurate.learning.consistency import js_consistency
from bccurate.learning.job import Job
from bccurate.learning.precision import Precision
from bccurate.learning.registry import IMAGES

MIXUP_ALPHA = 0.2  # Zhang et al. 2018: 0.1 to 0.4 on ImageNet
CUTMIX_ALPHA = 1.0  # Yun et al. 2019
_OTHER_VIEW = 0x5BD1E995  # times k turns a sample's seed into the seed of its view k


@dataclass(frozen=True)
class Batch:
    """What ``Objective.losses`` found: losses and logits (n, ...) of the samples, on the device."""

    losses: torch.Tensor
    logits: torch.Tensor
    targets: torch.Tensor


class Objective:
    """The loss of each sample of a batch. Touches torch's global generator (mixing, dropout)."""

    def __init__(self, job: Job, precision: Precision) -> None:
        self.job, self.precision = job, precision
        self.share = 1.0  # of the images that are augmented; see ``TrainSettings.ramp``
        settings = job.settings
        self.weights = job.class_weights() if settings.balance == "weights" else None
        self.mix = {
            "mixup": v2.MixUp(num_classes=job.classes, alpha=MIXUP_ALPHA),
            "cutmix": v2.CutMix(num_classes=job.classes, alpha=CUTMIX_ALPHA),
        }.get(settings.mix)

    def losses(self, model: nn.Module, rows: torch.Tensor, seeds: torch.Tensor) -> Batch:
        """The losses (n,) of the samples ``rows``, each augmented by its own of ``seeds``."""
        job, settings = self.job, self.job.settings
        samples, targets = job.batch(rows), job.targets[rows.to(job.device)]
        if settings.consistency:
            return self._three_views(model, samples, targets, seeds)
        if job.spec.inputs == IMAGES:
            views = [self._view(samples, seeds, k) for k in range(settings.repeats)]
            samples = torch.cat(views) if len(views) > 1 else views[0]
        inputs, wanted = job.inputs(samples), targets.repeat(len(samples) // len(targets))
        if self.mix is not None and len(inputs) > 1:
            inputs, wanted = self.mix(inputs, wanted)
        logits = job.logits(self.precision, model, inputs)
        losses = self._cross_entropy(logits, wanted).view(-1, len(targets)).mean(0)
        return Batch(losses, logits[: len(targets)], targets)

    def _view(self, samples: torch.Tensor, seeds: torch.Tensor, k: int) -> torch.Tensor:
        own = seeds ^ (_OTHER_VIEW * k)
        return augment_batch(self.job.settings.augment, samples, own, self.share)

    def _three_views(
        self, model: nn.Module, samples: torch.Tensor, targets: torch.Tensor, seeds: torch.Tensor
    ) -> Batch:
        """Cross-entropy of the images as they are, and how far two variants stray from them."""
        job = self.job
        variants = [self._view(samples, seeds, k) for k in range(2)]
        inputs = job.inputs(torch.cat([samples, *variants]))
        clean, one, two = job.logits(self.precision, model, inputs).chunk(3)
        consistency = js_consistency(clean, one, two)
        losses = self._cross_entropy(clean, targets) + job.settings.consistency * consistency
        return Batch(losses, clean, targets)

    def _cross_entropy(self, logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        smoothing = self.job.settings.label_smoothing
        return F.cross_entropy(
            logits, wanted, self.weights, reduction="none", label_smoothing=smoothing
        )
