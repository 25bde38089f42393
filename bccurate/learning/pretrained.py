"""Load pretrained weights into a network, all but the head."""

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
    """Load pretrained weights into ``model`` in place; the head keeps its random weights.

    Args:
        model: built from ``spec``.
        spec: names the source of the ImageNet weights.
        weights: ``imagenet``, or the path of a .safetensors file or of a torch checkpoint, whose
            code is not run.

    Raises:
        UsageError: the model has no ImageNet weights.
        InputError: the file is missing, damaged, or fits less than 90 % of the tensors; or it is
            not on this machine and cannot be downloaded.
    """
    path = imagenet_file(spec) if weights == "imagenet" else Path(weights).expanduser()
    tensors, _ = read_tensors(as_safetensors(path))
    load_backbone(model, tensors, str(path))


def load_backbone(model: nn.Module, tensors: dict[str, torch.Tensor], source: str) -> None:
    """Copy tensors with matching name and shape into ``model``, all but the head.

    timm silently ignores a file with other tensor names and leaves every weight random; here at
    least 90 % of the tensors outside the head must match.

    Raises:
        InputError: fewer match; ``model`` is unchanged. ``source`` is named in the message.
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
            "it is of another model or names its tensors differently"
        )
    model.load_state_dict(matching, strict=False)


def head_names(model: nn.Module) -> list[str]:
    """Return the dotted names of the classifier, by timm's ``pretrained_cfg``, else ``head``."""
    config = getattr(model, "pretrained_cfg", None) or {}
    names = config.get("classifier") or "head"
    return [names] if isinstance(names, str) else list(names)
