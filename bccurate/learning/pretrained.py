"""Pretrained weights into a network: all but the head, and never in part."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from bccurate.errors import InputError
from bccurate.learning.imagenet_weights import as_safetensors, imagenet_file
from bccurate.learning.registry import ModelSpec
from bccurate.learning.safetensors_io import read_tensors

MIN_SHARE = 0.9


def load_pretrained(model: nn.Module, spec: ModelSpec, weights: str) -> None:
    """Load all but the head of ``model``, in place.

    ``weights`` is ``imagenet`` (the source that the manifest names) or the path of a file:
    .safetensors as it is, anything else as a checkpoint of torch, without running its code. The
    head stays random: its classes are other classes.

    Raises:
        UsageError: the model has no ImageNet weights.
        InputError: the file is missing, broken, or fits less than 90 % of the tensors; or it is
            not on this machine and the network does not answer.
    """
    path = imagenet_file(spec) if weights == "imagenet" else Path(weights).expanduser()
    tensors, _ = read_tensors(as_safetensors(path))
    load_backbone(model, tensors, str(path))


def load_backbone(model: nn.Module, tensors: dict[str, torch.Tensor], source: str) -> None:
    """Copy the tensors of one name and shape into ``model``, all but the head.

    timm loads a file of another key layout without a word and leaves every weight random; so at
    least 90 % of the non-head tensors must match.

    Raises:
        InputError: fewer match; nothing was loaded.
    """
    heads = tuple(f"{name}." for name in head_names(model))
    wanted = {
        name: tensor.shape
        for name, tensor in model.state_dict().items()
        if not name.startswith(heads) and not name.endswith("num_batches_tracked")
    }
    matching = {
        name: tensors[name]
        for name, shape in wanted.items()
        if name in tensors and tensors[name].shape == shape
    }
    if len(matching) < MIN_SHARE * len(wanted):
        raise InputError(
            f"{source} fits {len(matching)} of {len(wanted)} tensors of the network: "
            "it is of another model or another key layout"
        )
    model.load_state_dict(matching, strict=False)


def head_names(model: nn.Module) -> list[str]:
    """The dotted names of the classifier: as timm says it in ``pretrained_cfg``, else ``head``."""
    config = getattr(model, "pretrained_cfg", None) or {}
    names = config.get("classifier") or "head"
    return [names] if isinstance(names, str) else list(names)
