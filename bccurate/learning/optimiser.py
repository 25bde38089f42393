"""Adam, its learning rate, and the check that stands before every update."""

from __future__ import annotations

import math

import torch
from torch import nn

from bccurate.learning.settings import TrainSettings


def make_optimiser(model: nn.Module, lr: float) -> torch.optim.Adam:
    """Adam, fused; the L2 factors are those of the module's ``weight_decay`` attribute.

    As L2 in the loss (Adam's own coupled form), of the weights and not of biases.
    """
    factors: dict[str, float] = getattr(model, "weight_decay", None) or {}
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        decay = max((v for k, v in factors.items() if name.startswith(f"{k}.")), default=0.0)
        groups.setdefault(decay if parameter.ndim > 1 else 0.0, []).append(parameter)
    rows = [{"params": params, "weight_decay": decay} for decay, params in groups.items()]
    return torch.optim.Adam(rows, lr=lr, fused=True)


def set_rate(optimiser: torch.optim.Adam, settings: TrainSettings, epoch: int, done: float) -> None:
    """The learning rate when ``done`` (0 to 1) of the epoch ``epoch`` (from 1) lies behind.

    In each stage it falls to 0 along half a cosine (Loshchilov and Hutter 2017, no restarts).
    """
    start, first, epochs = settings.cosine_span(epoch)
    share = (epoch - first + done) / epochs
    for group in optimiser.param_groups:
        group["lr"] = start * 0.5 * (1 + math.cos(math.pi * share))


def update(optimiser: torch.optim.Adam, loss: torch.Tensor) -> torch.Tensor:
    """One update, unless ``loss`` or a gradient is not finite; bool scalar: whether it was not.

    Nothing is read back from the device: the fused update itself leaves the weights as they are.
    """
    parameters = (p for group in optimiser.param_groups for p in group["params"])
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    broken = ~torch.isfinite(loss.detach() + norm)
    optimiser.found_inf = broken.float()  # type: ignore[attr-defined]  # as torch's GradScaler does
    optimiser.step()
    return broken
