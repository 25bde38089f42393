"""Train one network in several processes: ``torchrun -m bccurate train ...``.

torchrun and DistributedDataParallel are part of torch, and the losses equal those of one process.
Lightning Fabric wraps the same in another package, and Accelerate splits batches differently.
Every process holds all samples and takes its own rows of every batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")
# Other processes wait while rank 0 writes to the database.
TIMEOUT = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """The number of processes that train together, and the rank of this one; rank 0 writes."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and the database, and prints messages."""
        return self.rank == 0

    def share(self, rows: torch.Tensor) -> torch.Tensor:
        """Return this process's part of a batch's rows."""
        return rows[self.rank :: self.size]

    def same(self, value: T) -> T:
        """Return rank 0's ``value`` in every process."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """Return the sum of ``values`` over all processes; sums in place."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return ``model`` with rank 0's weights and gradients averaged over all processes.

        Call it again after freezing or unfreezing parameters.
        """
        return DistributedDataParallel(model) if self.size > 1 else model

    def align(self, model: nn.Module) -> None:
        """Copy rank 0's weights and running statistics to every process's ``model``."""
        for tensor in model.state_dict().values() if self.size > 1 else ():
            dist.broadcast(tensor, src=0)


def launched() -> bool:
    """Return whether torchrun or a similar launcher started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Connect to the other processes; a world of one if torchrun did not start this process."""
    if not launched():
        yield World()
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
