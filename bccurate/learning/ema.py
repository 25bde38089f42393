"""Keep an exponential moving average of a network's weights."""

from __future__ import annotations

from torch import nn

WARMUP = 9  # decay t / (9 + t) at update t, as in TensorFlow's ExponentialMovingAverage


class WeightAverage:
    """The moving average of weights and running statistics, by timm's ``ModelEmaV3``.

    After update number t (from 1) the average is d * average + (1 - d) * weights with d the
    smaller of ``decay`` and t / (9 + t): without this warm-up the random initial weights would
    dominate a short training. Tensors that are not floating point are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        from timm.utils import ModelEmaV3  # seconds: only for a training that averages

        self._ema = ModelEmaV3(
            model,
            decay,
            update_after_step=-1,  # timm counts updates from 0 and skips the first
            use_warmup=True,
            warmup_gamma=WARMUP,
            warmup_power=1,
        ).requires_grad_(False)

    @property
    def model(self) -> nn.Module:
        """The network with the averaged weights."""
        return self._ema.module

    def update(self, model: nn.Module, number: int) -> None:
        """Add the weights of ``model`` after its update ``number`` (from 1) to the average."""
        self._ema.update(model, step=number)
