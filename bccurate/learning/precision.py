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

MARGIN = 1.15  # a faster way must win by this much, so that noise does not choose
STEPS = 2  # timed steps a way, after one that warms up; the fastest counts
MAX_PROBE_BATCH = 16


@dataclass(frozen=True)
class Precision:
    """``precision`` is float32 or bfloat16 (by autocast); the weights stay float32.

    ``compiled``: the network is built by ``torch.compile``, on a GPU as CUDA graphs, which take
    the launches of hundreds of small kernels away.
    """

    precision: str = "float32"
    channels_last: bool = False
    compiled: bool = False

    def __str__(self) -> str:
        extras = (" channels_last" * self.channels_last, " compiled" * self.compiled)
        return self.precision + "".join(extras)

    def prepare(self, model: nn.Module, device: torch.device) -> nn.Module:
        """``model`` on ``device`` in this memory format, compiled at its first call if at all."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        model = model.to(device).to(memory_format=layout)
        if self.compiled:
            mode = "reduce-overhead" if device.type == "cuda" else None
            model.compile(dynamic=False, mode=mode)
        return model

    def inputs(self, batch: torch.Tensor) -> torch.Tensor:
        """``batch`` in this memory format where it is one of images, (N, 3, H, W)."""
        wanted = self.channels_last and batch.ndim == 4
        return batch.contiguous(
            memory_format=torch.channels_last if wanted else torch.contiguous_format
        )

    def stance(self, compiled: bool) -> AbstractContextManager[None]:
        """Where ``compiled`` is False the network runs as it was written.

        For batches of another shape: each would be compiled anew.
        """
        if self.compiled and not compiled:
            return torch.compiler.set_stance("force_eager")
        return nullcontext()

    def autocast(self, device: torch.device) -> torch.autocast:
        """The context in which the forward pass runs."""
        enabled = self.precision == "bfloat16"
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)


# Plain contiguous float32 is not among them: channels_last won for each of the networks measured.
CPU_WAYS = (Precision("float32", True), Precision("bfloat16", True))


def pick_device(name: str) -> torch.device:
    """The torch device of that name; ``auto`` is the GPU where there is one.

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
    """How to train ``model`` on batches of ``shape``; only images, (N, 3, H, W), have a choice.

    ``precision`` is ``auto``, or ``float32`` or ``bfloat16`` where a person has chosen.

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
    best, best_seconds = CPU_WAYS[0], float("inf")
    for way in CPU_WAYS:
        seconds = _seconds_a_step(model, way, shape)
        if seconds * MARGIN < best_seconds:
            best, best_seconds = way, seconds
    return best


def _seconds_a_step(model: nn.Module, way: Precision, shape: tuple[int, ...]) -> float:
    """The fastest of a few training steps, without the optimiser, which is the same in all."""
    device = torch.device("cpu")
    model = way.prepare(copy.deepcopy(model), device).train()
    images = way.inputs(torch.zeros(shape))
    targets = torch.zeros(shape[0], dtype=torch.int64)
    times = []
    for _ in range(STEPS + 1):
        start = time.perf_counter()
        with way.autocast(device):
            logits = model(images)
        F.cross_entropy(logits.float(), targets).backward()
        times.append(time.perf_counter() - start)
    return min(times[1:])
