"""Save and restore the state of a training between two epochs, so that ``--resume`` is exact."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bccurate.errors import InputError, UsageError
from bccurate.learning.ema import WeightAverage
from bccurate.learning.precision import Precision
from bccurate.learning.safetensors_io import read_tensors, write_tensors

KIND = "checkpoint"
FORMAT = 1
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class TrainingState:
    """What each update changes: the network, its optimiser and the average of its weights."""

    model: nn.Module
    optimiser: torch.optim.Adam
    average: WeightAverage | None = None

    @property
    def evaluated(self) -> nn.Module:
        """The network whose weights are validated and kept: the average if there is one."""
        return self.average.model if self.average is not None else self.model


@dataclass
class Progress:
    """The finished part of a training.

    Attributes:
        precision: what it computes in, chosen once.
        epoch: number of finished epochs; 0 if only ``precision`` was chosen.
        best_epoch: the best of them so far.
        best: weights of ``best_epoch``; None if they are the present ones.
        history: one row per epoch, see ``TrainResult``.
    """

    precision: Precision
    epoch: int = 0
    best_epoch: int = 0
    best: Tensors | None = None
    history: list[dict[str, Any]] = field(default_factory=list)


def save_checkpoint(
    path: Path, state: TrainingState, progress: Progress, identity: dict[str, Any]
) -> None:
    """Write all that the next epoch depends on to ``path``, atomically.

    ``identity`` is what must be equal for a training to be resumed, see ``load_checkpoint``.

    Raises:
        NoSpaceError: the disk is full; the previous checkpoint is kept.
    """
    tensors = {f"model.{name}": tensor for name, tensor in state.model.state_dict().items()}
    for name, parameter in state.model.named_parameters():
        for key, value in state.optimiser.state[parameter].items():
            tensors[f"adam.{key}.{name}"] = value
    if state.average is not None:
        averaged = state.average.model.state_dict()
        tensors |= {f"average.{name}": tensor for name, tensor in averaged.items()}
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
    """Read the tensors and the progress of the checkpoint at ``path``.

    Raises:
        InputError: the file is damaged or not a checkpoint.
        UsageError: its settings or images are not those of ``identity``; the message names them.
    """
    tensors, header = read_tensors(path)
    if header.get("kind") != KIND or header.get("format") != FORMAT:
        raise InputError(f"{path} is not a checkpoint of bccurate train", f"rm {path}")
    saved = header["identity"]
    different = sorted(key for key in identity if saved.get(key) != identity[key])
    if different:
        raise UsageError(
            f"{path} is of a training with other {', '.join(different)}", "leave out --resume"
        )
    progress = Progress(
        Precision(**header["arithmetic"]),
        header["epoch"],
        header["best_epoch"],
        _with_prefix(tensors, "best.") or None,
        header["history"],
    )
    return tensors, progress


def restore(state: TrainingState, tensors: Tensors) -> None:
    """Load the weights, their average and the optimiser's moments from a checkpoint's tensors."""
    state.model.load_state_dict(_with_prefix(tensors, "model."))
    if state.average is not None:
        state.average.model.load_state_dict(_with_prefix(tensors, "average."))
    for name, parameter in state.model.named_parameters():
        moments = state.optimiser.state[parameter]
        for key in ("exp_avg", "exp_avg_sq"):
            if f"adam.{key}.{name}" in tensors:
                # The fused update needs the memory layout of the weight.
                moments[key] = torch.empty_like(parameter, requires_grad=False)
                moments[key].copy_(tensors[f"adam.{key}.{name}"])
        if f"adam.step.{name}" in tensors:
            moments["step"] = tensors[f"adam.step.{name}"].to(parameter.device)


def fingerprint(*arrays: np.ndarray) -> str:
    """Return the CRC-32 of the arrays' bytes and shapes, as 8 hexadecimal digits."""
    code = 0
    for array in arrays:
        code = zlib.crc32(repr(array.shape).encode(), code)
        code = zlib.crc32(np.ascontiguousarray(array).data, code) if array.size else code
    return f"{code:08x}"


def _with_prefix(tensors: Tensors, prefix: str) -> Tensors:
    """Return the tensors whose names start with ``prefix``, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
