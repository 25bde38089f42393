"""Write and read the state of a training between two epochs, so that it resumes exactly."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bccurate.errors import InputError, UsageError
from bccurate.learning.ema import Average
from bccurate.learning.precision import Precision
from bccurate.learning.safetensors_io import read_tensors, write_tensors

KIND = "checkpoint"
FORMAT = 1
Tensors = dict[str, torch.Tensor]


@dataclass
class Progress:
    """The progress of a training.

    ``epoch`` epochs are done (0: only the precision is chosen); ``best`` are the weights of
    ``best_epoch``, None where the present ones are the best.
    """

    precision: Precision
    epoch: int = 0
    best_epoch: int = 0
    best: Tensors | None = None
    history: list[dict[str, Any]] = field(default_factory=list)


def save_progress(
    path: Path,
    model: nn.Module,
    optimiser: torch.optim.Adam,
    average: Average | None,
    progress: Progress,
    identity: dict[str, Any],
) -> None:
    """Write all that the next epoch depends on to ``path``, atomically.

    Raises:
        NoSpaceError: the disk is full; the checkpoint before is still there.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state[parameter].items():
            tensors[f"adam.{key}.{name}"] = value
    if average is not None:
        tensors |= {f"average.{k}": tensor for k, tensor in average.network.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in (progress.best or {}).items()}
    header = {
        "kind": KIND,
        "format": FORMAT,
        "identity": identity,
        "arithmetic": asdict(progress.precision),
        "epoch": progress.epoch,
        "best_epoch": progress.best_epoch,
        "history": progress.history,
    }
    write_tensors(path, tensors, header)


def load_checkpoint(path: Path, identity: dict[str, Any]) -> tuple[Tensors, Progress]:
    """Return the tensors and the progress of the checkpoint at ``path``.

    Raises:
        InputError: the file is broken or no checkpoint.
        UsageError: it is of other settings or other images; the message says which.
    """
    tensors, header = read_tensors(path)
    if header.get("kind") != KIND or header.get("format") != FORMAT:
        raise InputError(f"{path} is not a checkpoint of bccurate train", f"rm {path}")
    theirs = header["identity"]
    other = sorted(key for key in identity if theirs.get(key) != identity[key])
    if other:
        raise UsageError(
            f"{path} is of a training with other {', '.join(other)}", "leave out --resume"
        )
    progress = Progress(
        Precision(**header["arithmetic"]),
        header["epoch"],
        header["best_epoch"],
        _part(tensors, "best.") or None,
        header["history"],
    )
    return tensors, progress


def restore(
    model: nn.Module, optimiser: torch.optim.Adam, average: Average | None, tensors: Tensors
) -> None:
    """Restore weights, their average and the optimiser's state from ``load_checkpoint``."""
    model.load_state_dict(_part(tensors, "model."))
    if average is not None:
        average.network.load_state_dict(_part(tensors, "average."))
    for name, parameter in model.named_parameters():
        state = optimiser.state[parameter]
        for key in ("exp_avg", "exp_avg_sq"):
            if f"adam.{key}.{name}" in tensors:
                # The fused update walks memory in order: the state must lie as its weight does.
                state[key] = torch.empty_like(parameter, requires_grad=False)
                state[key].copy_(tensors[f"adam.{key}.{name}"])
        if f"adam.step.{name}" in tensors:
            state["step"] = tensors[f"adam.step.{name}"].to(parameter.device)


def fingerprint(*arrays: np.ndarray) -> str:
    """Return a short checksum of the arrays' bytes and shapes."""
    code = 0
    for array in arrays:
        code = zlib.crc32(repr(array.shape).encode(), code)
        code = zlib.crc32(np.ascontiguousarray(array).data, code) if array.size else code
    return f"{code:08x}"


def _part(tensors: Tensors, prefix: str) -> Tensors:
    """Return the tensors whose names start with ``prefix``, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
