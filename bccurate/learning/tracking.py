"""Send the metrics of each epoch to TensorBoard or Weights & Biases.

TensorBoard is used if it is installed; Weights & Biases only on request, and offline if nobody is
logged in.
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
    """The interface of an experiment tracker."""

    def row(self, row: dict[str, Any]) -> None:
        """Log the history row of an epoch: ``epoch``, ``train_loss``, ``val_macro_f1``, ..."""

    def close(self) -> None:
        """Write what is still buffered."""


class _TensorBoard:
    """Log scalars ``loss/train``, ``loss/val`` and so on; repeated epochs replace the first."""

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
    """Log to a run of the project ``bccurate``, named after the model."""

    def __init__(self, folder: Path, settings: dict[str, Any], done: int) -> None:
        import wandb

        mode = os.environ.get("WANDB_MODE") or ("online" if wandb.api.api_key else "offline")
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "bccurate"), name=folder.name,
            dir=str(folder), config=settings, mode=mode,
        )  # fmt: skip

    def row(self, row: dict[str, Any]) -> None:
        metrics = {_tag(key): value for key, value in row.items() if key != "epoch"}
        self._run.log(metrics, step=int(row["epoch"]))

    def close(self) -> None:
        self._run.finish()


_KINDS: dict[str, Callable[[Path, dict[str, Any], int], Tracker]] = {
    "tensorboard": _TensorBoard,
    "wandb": _WandB,
}


def check_log(log: str) -> None:
    """Check that ``log`` is a known choice and its package is installed.

    Raises:
        UsageError: it is not.
    """
    TrainOptions(log=log).check()
    if log in _KINDS and find_spec(log) is None:
        raise UsageError(f"{log} is not installed.", f'pip install "bccurate[{log}]"')


@contextmanager
def tracked(log: str, folder: Path, settings: dict[str, Any], done: int) -> Iterator[list[Tracker]]:
    """Provide the trackers of a training and close them at its end, also after an error.

    Args:
        log: ``none``; ``tensorboard``; ``wandb``; ``auto``: TensorBoard if it is installed.
        folder: that of the model; TensorBoard's files go to its folder ``tensorboard``.
        settings: of the training.
        done: epochs already trained, if the training is resumed.
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
    """Return the tag of a metric, so that one chart has ``loss/train`` and ``loss/val``."""
    part, _, metric = key.partition("_")
    return f"{metric}/{part}" if part in ("train", "val") else f"speed/{key}"
