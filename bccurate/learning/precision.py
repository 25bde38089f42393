"""Choose device, precision and memory layout for a model.

On a CPU the best choice differs by model and by processor: convolutions in bfloat16 and
channels_last are 2 to 2.6 times faster than plain float32 on a processor with AVX-512 BF16,
depthwise convolutions are slower. So it is measured on the model itself, in a few batches.
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

MIN_SPEEDUP = 1.15  # another precision must be faster by this factor, so that noise decides nothing
STEPS = 2  # timed steps per candidate, after one to warm up; the fastest counts
MAX_PROBE_BATCH = 16


@dataclass(frozen=True)
class Precision:
    """Number format and memory layout of a model's computations.

    Attributes:
        precision: ``float32``, or ``bfloat16`` by autocast; the weights stay float32.
        channels_last: whether images lie in memory channel by channel within a pixel.
        compiled: whether the network is built by ``torch.compile``; on a GPU as CUDA graphs, which
            save the launches of hundreds of small kernels.
    """

    precision: str = "float32"
    channels_last: bool = False
    compiled: bool = False

    def __str__(self) -> str:
        extras = (" channels_last" * self.channels_last, " compiled" * self.compiled)
        return self.precision + "".join(extras)

    def prepare(self, model: nn.Module, device: torch.device) -> nn.Module:
        """Return ``model`` on ``device`` in this layout; if compiled, at its first call."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        model = model.to(device).to(memory_format=layout)
        if self.compiled:
            mode = "reduce-overhead" if device.type == "cuda" else None
            model.compile(dynamic=False, mode=mode)
        return model

    def inputs(self, batch: torch.Tensor) -> torch.Tensor:
        """Return ``batch`` in this layout; only images, (N, 3, H, W), have channels to move."""
        wanted = self.channels_last and batch.ndim == 4
        return batch.contiguous(
            memory_format=torch.channels_last if wanted else torch.contiguous_format
        )

    def stance(self, compiled: bool) -> AbstractContextManager[None]:
        """Return a context in which the network runs uncompiled if ``compiled`` is False.

        For batches of another shape, each of which would be compiled again.
        """
        if self.compiled and not compiled:
            return torch.compiler.set_stance("force_eager")
        return nullcontext()

    def autocast(self, device: torch.device) -> torch.autocast:
        """Return the context for the forward pass."""
        enabled = self.precision == "bfloat16"
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


# Plain contiguous float32 is not among them: channels_last was faster for each network measured.
CPU_CANDIDATES = (Precision("float32", True), Precision("bfloat16", True))


def pick_device(name: str) -> torch.device:
    """Return the torch device of that name; ``auto`` is the GPU if there is one, else the CPU.

    With several GPUs each process that torchrun starts takes its own.

    Raises:
        UsageError: this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(f"This machine has no device {name!r}", "--device auto") from error
    return device


def choose_precision(
    model: nn.Module, device: torch.device, shape: tuple[int, ...], precision: str
) -> Precision:
    """Return the precision to train ``model`` in on batches of ``shape``.

    Only for images, (N, 3, H, W), is there a choice.

    Args:
        model: the network; unchanged.
        device: where it is trained.
        shape: of a batch.
        precision: ``auto``, ``float32`` or ``bfloat16``.

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
    return _fastest(model, (min(shape[0], MAX_PROBE_BATCH), *shape[1:]))


def _fastest(model: nn.Module, shape: tuple[int, ...]) -> Precision:
    best, best_seconds = CPU_CANDIDATES[0], float("inf")
    for precision in CPU_CANDIDATES:
        seconds = _seconds_per_step(model, precision, shape)
        if seconds * MIN_SPEEDUP < best_seconds:
            best, best_seconds = precision, seconds
    return best


def _seconds_per_step(model: nn.Module, precision: Precision, shape: tuple[int, ...]) -> float:
    """Time a training step without the optimiser, which is the same for all candidates."""
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
