"""Compute AugMix's consistency loss (Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781)."""

from __future__ import annotations

import torch
import torch.nn.functional as F

MIN_PROBABILITY = 1e-7  # as in the authors' code


def js_consistency(
    logits_clean: torch.Tensor, logits_a: torch.Tensor, logits_b: torch.Tensor
) -> torch.Tensor:
    """Return the Jensen-Shannon divergence of three predictions in nats, mean over the batch.

    With M the mean of the three, (KL(clean || M) + KL(a || M) + KL(b || M)) / 3: 0 if they agree,
    at most ln 3. The paper adds it, times 12, to the clean images' cross-entropy.

    Args:
        logits_clean: (N, C) of the original images.
        logits_a: (N, C) of a variant of the same images.
        logits_b: (N, C) of another variant.

    Returns:
        a scalar, with gradients to all three.
    """
    logs = [F.log_softmax(x.float(), dim=1) for x in (logits_clean, logits_a, logits_b)]
    middle = torch.stack([log.exp() for log in logs]).mean(0).clamp(MIN_PROBABILITY, 1).log()
    return torch.stack([(log.exp() * (log - middle)).sum(1).mean() for log in logs]).mean()
