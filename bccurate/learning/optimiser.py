"""Set up Adam and its learning rate, and refuse updates that are not finite."""

from __future__ import annotations

import math

import torch
from torch import nn

from bccurate.learning.settings import TrainSettings


def make_optimiser(model: nn.Module, lr: float) -> torch.optim.Adam:
    """Return a fused Adam with the L2 factors of the network's ``weight_decay`` attribute.

    ``weight_decay`` maps submodule names to factors; it is L2 in the loss (Adam's coupled form),
    of weights and not of biases. See ``zoo.custom_cnn``.
    """
    factors: dict[str, float] = getattr(model, "weight_decay", None) or {}
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        decay = max((v for k, v in factors.items() if name.startswith(f"{k}.")), default=0.0)
        groups.setdefault(decay if parameter.ndim > 1 else 0.0, []).append(parameter)
    rows = [{"params": params, "weight_decay": decay} for decay, params in groups.items()]
    return torch.optim.Adam(rows, lr=lr, fused=True)


def set_learning_rate(
    optimiser: torch.optim.Adam, settings: TrainSettings, epoch: int, done: float
) -> None:
    """Set the learning rate for the point where ``done`` (0 to 1) of ``epoch`` (from 1) is over.

    In each stage it decays to 0 along half a cosine (Loshchilov and Hutter 2017, no restarts).
    """
    start, first, epochs = settings.cosine_span(epoch)
    share = (epoch - first + done) / epochs
    for group in optimiser.param_groups:
        group["lr"] = start * 0.5 * (1 + math.cos(math.pi * share))


def update(optimiser: torch.optim.Adam, loss: torch.Tensor) -> torch.Tensor:
    """Update the weights, unless ``loss`` or a gradient is not finite.

    Returns a bool scalar on the device, True if the update was refused. Nothing is read back from
    the device, which would make it wait: the fused kernel itself leaves the weights unchanged.
    """
    parameters = (p for group in optimiser.param_groups for p in group["params"])
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
    not_finite = ~torch.isfinite(loss.detach() + norm)
    optimiser.found_inf = not_finite.float()  # type: ignore[attr-defined]  # as GradScaler does
    optimiser.step()
    return not_finite
