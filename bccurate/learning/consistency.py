"""AugMix's consistency loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def js_consistency(clean: torch.Tensor, one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """Jensen-Shannon divergence of three views' predictions, the mean over the batch.

    In nats, 0 to log 3, of logits (N, C) each (Hendrycks et al. 2020, section 3).
    """
    logs = torch.stack([view.log_softmax(1) for view in (clean, one, two)])
    mixture = logs.exp().mean(0).clamp(1e-7, 1).log()
    return F.kl_div(mixture.expand_as(logs), logs, reduction="sum", log_target=True) / (
        3 * len(clean)
    )
