"""A moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """The exponential moving average of weights and running statistics.

    After update number t (from 1) the average is d * average + (1 - d) * weights with d the least
    of ``decay`` and t / (9 + t), so that a short training is not held back by its random start
    (the warm-up of TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, number: int) -> None:
        """Take the weights of ``model`` in, after its update ``number`` (from 1)."""
        mine, theirs = (list(m.state_dict().values()) for m in (self.model, model))
        floats = [k for k, tensor in enumerate(mine) if tensor.is_floating_point()]
        weight = 1 - min(self.decay, number / (9 + number))
        torch._foreach_lerp_([mine[k] for k in floats], [theirs[k] for k in floats], weight)
        for k in set(range(len(mine))) - set(floats):
            mine[k].copy_(theirs[k])
