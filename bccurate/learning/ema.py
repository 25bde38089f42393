"""The exponential moving average of a network's weights and running statistics."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel


class Average(AveragedModel):
    """torch's ``AveragedModel`` with a warm-up.

    After update number t (from 1) the average is d * average + (1 - d) * weights with d the smaller
    of ``decay`` and t / (9 + t), so that a short training does not keep its random initial weights
    (the warm-up of TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, use_buffers=True)
        self.requires_grad_(False)
        self.multi_avg_fn = self._blend  # type: ignore[assignment]
        self._decay, self._weight = decay, 0.0

    @property
    def network(self) -> nn.Module:
        """The network with the averaged weights."""
        return cast(nn.Module, self.module)

    def update(self, model: nn.Module, number: int) -> None:
        """Add the weights of ``model`` after its update ``number`` (from 1)."""
        self._weight = 1 - min(self._decay, number / (9 + number))
        self.n_averaged.fill_(number)  # from 0 torch would copy the weights
        self.update_parameters(model)

    def _blend(self, mine: list[torch.Tensor], theirs: list[torch.Tensor], _n: object) -> None:
        if mine[0].is_floating_point():
            torch._foreach_lerp_(mine, theirs, self._weight)
        else:
            torch._foreach_copy_(mine, theirs)
