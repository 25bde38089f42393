"""Fine-tune in two stages: the head alone on frozen features, then the whole network."""

from __future__ import annotations

from torch import nn

from bccurate.errors import UsageError
from bccurate.learning.pretrained import head_names


def check_head(model: nn.Module, name: str) -> None:
    """Check that the network has a head that can be trained alone.

    Raises:
        UsageError: it has none.
    """
    if not any(_inside(parameter, head_names(model)) for parameter, _ in model.named_parameters()):
        raise UsageError(
            f"{name} has no layer named {' or '.join(head_names(model))} to train alone",
            "leave out --head-epochs",
        )


def set_stage(model: nn.Module, head_only: bool) -> None:
    """Put ``model``, or only its head, in training mode.

    The frozen rest is in eval mode, so that it keeps the running statistics of its pretraining.
    """
    heads = head_names(model)
    model.train()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not head_only or _inside(name, heads))
    for name, module in model.named_modules():
        if head_only and name and not _inside(name, heads) and not _holds(name, heads):
            module.training = False


def _inside(name: str, heads: list[str]) -> bool:
    return any(name == head or name.startswith(f"{head}.") for head in heads)


def _holds(name: str, heads: list[str]) -> bool:
    return any(head.startswith(f"{name}.") for head in heads)
