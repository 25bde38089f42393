"""On which device, in which precision and memory format a model computes.

On a CPU the best choice differs by model and by processor: convolutions in bfloat16 and
channels_last are 2 to 2.6 times faster than plain float32 on a processor with AVX-512 BF16,
depthwise ones are slower. So it is measured, on the model itself, in a few batches.
"""

from __future__ import annotations

import copy
import os
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from bccurate.errors import UsageError

MARGIN = 1.15  # how much faster another precision must be, so that noise does not choose
STEPS = 2  # timed steps a precision, after one that warms up; the fastest counts
MAX_PROBE_BATCH = 16


@dataclass(frozen=True)
class Precision:
    """How a network computes.

    Attributes:
        precision: float32 or bfloat16 (by autocast); the weights stay float32.
        channels_last: the memory format of images.
        compiled: by ``torch.compile``, on a GPU as CUDA graphs, which avoid launching hundreds of
            small kernels.
    """

    precision: str = "float32"
    channels_last: bool = False
    compiled: bool = False

    def __str__(self) -> str:
        extras = (" channels_last" * self.channels_last, " compiled" * self.compiled)
        return self.precision + "".join(extras)

    def prepare(self, model: nn.Module, device: torch.device) -> nn.Module:
        """Return ``model`` on ``device`` in this memory format; it compiles when first called."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        model = model.to(device).to(memory_format=layout)
        if self.compiled:
            mode = "reduce-overhead" if device.type == "cuda" else None
            model.compile(dynamic=False, mode=mode)
        return model

    def inputs(self, batch: torch.Tensor) -> torch.Tensor:
        """Return a batch of images (N, 3, H, W) in this memory format, any other contiguous."""
        wanted = self.channels_last and batch.ndim == 4
        return batch.contiguous(
            memory_format=torch.channels_last if wanted else torch.contiguous_format
        )

    def stance(self, compiled: bool) -> AbstractContextManager[None]:
        """Return a context in which the network runs eagerly where ``compiled`` is False.

        For batches of another shape, each of which would be compiled again.
        """
        if self.compiled and not compiled:
            return torch.compiler.set_stance("force_eager")
        return nullcontext()

    def autocast(self, device: torch.device) -> torch.autocast:
        """Return the context of the forward pass."""
        enabled = self.precision == "bfloat16"
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


# Not contiguous float32: channels_last was faster for each of the networks measured.
CPU_PRECISIONS = (Precision("float32", True), Precision("bfloat16", True))


def pick_device(name: str) -> torch.device:
    """Return the torch device of that name; ``auto`` is the GPU where there is one.

    Of several GPUs each process that torchrun starts takes its own.

    Raises:
        UsageError: no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(f"There is no device {name!r} here", "--device auto") from error
    return device


def choose(
    model: nn.Module, device: torch.device, shape: tuple[int, ...], precision: str
) -> Precision:
    """Return how to train ``model`` on batches of ``shape``; measured for images (N, 3, H, W).

    ``precision`` is ``auto``, ``float32`` or ``bfloat16``.

    Raises:
        UsageError: an unknown precision.
    """
    if precision in ("float32", "bfloat16"):
        return Precision(precision, channels_last=len(shape) == 4)
    if precision != "auto":
        raise UsageError(f"Unknown precision {precision!r}", "auto, float32 or bfloat16")
    if len(shape) != 4:
        return Precision()
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported()
        return Precision("bfloat16" if fast else "float32", channels_last=True)
    if device.type != "cpu":
        return Precision()
    return _probe(model, (min(shape[0], MAX_PROBE_BATCH), *shape[1:]))


def _probe(model: nn.Module, shape: tuple[int, ...]) -> Precision:
    best, best_seconds = CPU_PRECISIONS[0], float("inf")
    for precision in CPU_PRECISIONS:
        seconds = _seconds_a_step(model, precision, shape)
        if seconds * MARGIN < best_seconds:
            best, best_seconds = precision, seconds
    return best


def _seconds_a_step(model: nn.Module, precision: Precision, shape: tuple[int, ...]) -> float:
    """Return the fastest of a few training steps, without the optimiser, which never differs."""
    device = torch.device("cpu")
    model = precision.prepare(copy.deepcopy(model), device).train()
    images = precision.inputs(torch.zeros(shape))
    targets = torch.zeros(shape[0], dtype=torch.int64)
    times = []
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        with precision.autocast(device):
            logits = model(images)
        F.cross_entropy(logits.float(), targets).backward()
        times.append(time.perf_counter() - start)
    return min(times[1:])
