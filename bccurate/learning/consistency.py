"""AugMix's consistency loss (Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781)."""

from __future__ import annotations

import torch
import torch.nn.functional as F

LEAST = 1e-7  # a probability, as in the paper's own code


def js_consistency(
    logits_clean: torch.Tensor, logits_a: torch.Tensor, logits_b: torch.Tensor
) -> torch.Tensor:
    """Jensen-Shannon divergence of three predictions, natural logarithm, mean over the batch.

    With M the mean of the three, (KL(clean || M) + KL(a || M) + KL(b || M)) / 3: 0 where they
    agree, at most ln 3. The paper adds 12 times it to the clean images' cross entropy.

    Args:
        logits_clean: (N, C) of the images as they are.
        logits_a: (N, C) of the same images under one draw of AugMix.
        logits_b: (N, C) under another.

    Returns:
        a scalar, with gradients to all three.
    """
    logs = [F.log_softmax(x.float(), dim=1) for x in (logits_clean, logits_a, logits_b)]
    middle = torch.stack([log.exp() for log in logs]).mean(0).clamp(LEAST, 1).log()
    return torch.stack([(log.exp() * (log - middle)).sum(1).mean() for log in logs]).mean()
