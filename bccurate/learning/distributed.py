"""Several processes that train one network: ``torchrun -m bccurate train ...``.

torchrun and DistributedDataParallel come with torch, and their losses are those of one process;
Lightning Fabric is the same below one more package, and Accelerate shards batches in another way.
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
# The others wait while rank 0 writes to the database.
PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """How many processes train together, and which of them this one is; rank 0 writes."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and the database, and talks."""
        return self.rank == 0

    def share(self, rows: torch.Tensor) -> torch.Tensor:
        """This process's part of a batch's rows."""
        return rows[self.rank :: self.size]

    def same(self, value: T) -> T:
        """Rank 0's ``value``, in every process."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of ``values`` over all processes."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def wrap(self, model: nn.Module) -> nn.Module:
        """``model`` with rank 0's weights, whose gradients will be the mean over all processes.

        To be called anew when parameters were frozen or freed.
        """
        return DistributedDataParallel(model) if self.size > 1 else model

    def align(self, model: nn.Module) -> None:
        """Rank 0's weights and running statistics into every process's ``model``."""
        for tensor in model.state_dict().values() if self.size > 1 else ():
            dist.broadcast(tensor, src=0)


def launched() -> bool:
    """Whether torchrun, or a launcher like it, started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Meet the other processes; the world of one where torchrun did not start this one."""
    if not launched():
        yield World()
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=PATIENCE)
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
