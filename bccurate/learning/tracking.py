"""A training's figures, epoch by epoch, for the programs that people watch them in.

A tracker takes ``row(row)`` an epoch and ``close()``. TensorBoard writes where it is installed;
Weights & Biases only where it was asked for, and offline where nobody is logged in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from bccurate.errors import UsageError
from bccurate.progress import say
from bccurate.settings.training import TrainOptions

FOLDER = "tensorboard"


class Tracker(Protocol):
    """What a program of curves has to offer."""

    def row(self, row: dict[str, Any]) -> None:
        """Take the figures of an epoch: ``epoch``, ``train_loss``, ``val_macro_f1``, ..."""

    def close(self) -> None:
        """Write what is left."""


class _TensorBoard:
    """Scalars ``loss/train``, ``loss/val`` and so on; those of an epoch done again count once."""

    def __init__(self, folder: Path, settings: dict[str, Any], done: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / FOLDER), purge_step=done + 1)
        self._writer.add_text("settings", "\n\n".join(f"{k}: {v}" for k, v in settings.items()))
        say(f"curves: tensorboard --logdir {folder / FOLDER}")

    def row(self, row: dict[str, Any]) -> None:
        for key, value in row.items():
            if key != "epoch":
                self._writer.add_scalar(_tag(key), value, int(row["epoch"]))
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class _WandB:
    """A run of the project ``bccurate``, named as the model."""

    def __init__(self, folder: Path, settings: dict[str, Any], done: int) -> None:
        import wandb

        mode = os.environ.get("WANDB_MODE") or ("online" if wandb.api.api_key else "offline")
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "bccurate"), name=folder.name,
            dir=str(folder), config=settings, mode=mode,
        )  # fmt: skip

    def row(self, row: dict[str, Any]) -> None:
        figures = {_tag(key): value for key, value in row.items() if key != "epoch"}
        self._run.log(figures, step=int(row["epoch"]))

    def close(self) -> None:
        self._run.finish()


_KINDS: dict[str, Callable[[Path, dict[str, Any], int], Tracker]] = {
    "tensorboard": _TensorBoard,
    "wandb": _WandB,
}


def check_log(log: str) -> None:
    """Raises UsageError where ``log`` is no choice, or its program is not installed."""
    TrainOptions(log=log).check()
    if log in _KINDS and find_spec(log) is None:
        raise UsageError(f"{log} is not installed.", f'pip install "bccurate[{log}]"')


@contextmanager
def tracked(log: str, folder: Path, settings: dict[str, Any], done: int) -> Iterator[list[Tracker]]:
    """The trackers of a training that has ``done`` epochs; closed whatever ends it.

    Args:
        log: ``none``; ``tensorboard``; ``wandb``; ``auto``: TensorBoard where it is installed.
        folder: the model's own; TensorBoard's files go to its folder ``tensorboard``.
        settings: of the training.
        done: epochs that were done before, of a training that is taken up.
    """
    if log == "auto":
        log = "tensorboard" if find_spec("tensorboard") else "none"
    trackers: list[Tracker] = [_KINDS[log](folder, settings, done)] if log in _KINDS else []
    try:
        yield trackers
    finally:
        for tracker in trackers:
            tracker.close()


def _tag(key: str) -> str:
    """``train_loss`` beside ``val_loss`` in one chart: ``loss/train``."""
    part, _, figure = key.partition("_")
    return f"{figure}/{part}" if part in ("train", "val") else f"speed/{key}"
