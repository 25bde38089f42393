"""Options of ``train``: what is trained on what, and the settings of the training itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bccurate.errors import UsageError
from bccurate.settings import shared
from bccurate.settings.option import Options, option
from bccurate.settings.vocabulary import AUGMENTATIONS, BALANCES, LOGS, MIXES, PRECISIONS, RECIPES

COMPILE_FROM = 100_000  # images in all epochs: below, compiling takes longer than it saves
FINE_TUNING = 0.1  # of the learning rate, once the head is trained: 1e-3 becomes 1e-4


@dataclass(frozen=True)
class TrainOptions(Options):
    """Options of ``train`` that are no settings of the training itself."""

    model: str = shared.model()
    dataset: str | None = shared.dataset()
    views: tuple[str, ...] = option(
        (),
        help="Train on these saved views (their train samples).",
        metavar="NAME",
        multiple=True,
        flag="--view",
        shows="clean",
    )
    resume: bool | None = option(
        help="Require the last checkpoint, or start again.",
        negative="--restart",
        shows="continue from a checkpoint of the same settings and images",
    )
    zoo: str | None = shared.zoo()
    bases: tuple[str, ...] = option(
        (),
        help="Of the stacker: the models that it combines.",
        metavar="A,B,C",
        separated=True,
        flag="--base",
        shows="the three best on val",
    )
    folds: int = option(5, help="Of the stacker.", minimum=2)
    recipe: str | None = option(
        help="Settings that belong together; options given beside it take precedence. robust: for "
        "images of other laboratories.",
        choices=RECIPES,
    )
    log: str = option(
        "auto",
        help="Where the curves go; auto is TensorBoard where it is installed.",
        choices=LOGS,
    )


@dataclass(frozen=True)
class TrainSettings(Options):
    """Settings of a training. On the command line each is unset unless given: a recipe fills it.

    Attributes:
        epochs: passes over the training images.
        batch_size: images per update.
        lr: Adam's initial learning rate; it decays to 0 along half a cosine.
        image_size: side of the input in pixels; 0 for a model that reads predictions.
        augment: one of ``vocabulary.AUGMENTATIONS``.
        ramp: share of the training over which augmentation is introduced: the share of augmented
            images grows evenly from 0 to 1 (curriculum learning, Bengio et al. 2009); 0 augments
            all images from the start.
        repeats: variants of each image in a batch (batch augmentation, Hoffer et al. 2020): an
            epoch costs that many times more.
        redraw: draw an image's variants again in each epoch; else they are the same in all, like
            variants saved as files.
        standardise: normalise each channel of an image by its own mean and deviation, in training
            and prediction: removes even changes of light, exposure and white balance.
        weights: ``none``, ``imagenet`` or the path of a file of weights.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ...
        seed: of all random draws.
        precision: ``auto`` (measured), ``float32`` or ``bfloat16``.
        head_epochs: how many of the epochs first train the head alone at ``lr``; the rest train
            everything, from a tenth of ``lr``. 0 for one stage.
        balance: ``none``; ``weights``: weight the loss so that all classes count alike;
            ``sampling``: draw every class equally often.
        label_smoothing: share of the target that is spread over all classes (Szegedy et al. 2016,
            section 7).
        mix: ``none``, ``mixup`` (Zhang et al. 2018) or ``cutmix`` (Yun et al. 2019).
        ema: decay of the moving average of the weights that is validated and kept (Polyak and
            Juditsky 1992); 0 for none.
        consistency: weight of AugMix's Jensen-Shannon loss over three views (Hendrycks et al.
            2020, whose weight is 12); 0 for none.
        patience: epochs without a better one (by validation macro F1, then loss) before training
            stops; 0 for never.
        compile: build the network with ``torch.compile``: a minute or more first, then faster
            updates on a GPU; no gain measured on a CPU. None: on a GPU, for a training of at least
            100,000 images in all.
    """

    deferred: ClassVar[bool] = True  # the command line passes on only what was given

    epochs: int = option(
        20,
        help="Passes over the training images.",
        minimum=1,
        maximum=10_000,
        shows="20; 60 for the stacker",
    )
    batch_size: int = option(32, help="Images per update.", minimum=2, maximum=65_536)
    lr: float = option(1e-3, help="Adam's learning rate.", minimum=0, above_minimum=True)
    image_size: int = option(
        96, help="Side of the input in pixels.", minimum=0, maximum=1024, shows="the model's own"
    )
    augment: str = option(
        "dihedral",
        help="Augmentation of each batch; dihedral: rotations by 90 degrees and flips.",
        choices=AUGMENTATIONS,
    )
    ramp: float = option(
        0.0,
        help="Introduce augmentation over this share of the training.",
        minimum=0,
        maximum=1,
    )
    repeats: int = option(1, help="Variants of each image in a batch.", minimum=1, maximum=64)
    redraw: bool = option(
        True,
        help="Draw an image's variants again in each epoch, or once.",
        negative="--no-redraw",
        shows="in each epoch",
    )
    standardise: bool = option(
        False,
        help="Normalise each image by its own mean and deviation, or by those of the model.",
        negative="--no-standardise",
        shows="those of the model",
    )
    weights: str = option("none", help="imagenet, none or a FILE.")
    device: str = shared.device()
    seed: int = shared.seed()
    precision: str = option("auto", help="auto measures which is faster.", choices=PRECISIONS)
    head_epochs: int = option(
        0, help="First train the head alone, then all from a tenth of the learning rate.", minimum=0
    )
    balance: str = option(
        "none", help="Let classes count alike, in the loss or in the sampling.", choices=BALANCES
    )
    label_smoothing: float = option(
        0.0, help="Share of the target spread over all classes.", minimum=0, maximum=1,
        below_maximum=True,
    )  # fmt: skip
    mix: str = option("none", help="Mix pairs of images.", choices=MIXES)
    ema: float = option(
        0.0,
        help="Decay of a moving average of the weights, such as 0.999; 0 for none.",
        minimum=0,
        maximum=1,
        below_maximum=True,
    )
    consistency: float = option(
        0.0, help="Weight of AugMix's Jensen-Shannon loss; the paper's is 12.", minimum=0
    )
    patience: int = option(
        0,
        help="Stop after that many epochs without a better validation macro F1; 0 for never.",
        minimum=0,
    )
    compile: bool | None = option(
        help="Use torch.compile, which pays on a GPU.", negative="--no-compile", shows="automatic"
    )

    def check(self) -> None:
        """Check each setting, and those that exclude each other.

        Raises:
            UsageError: a setting is out of its range.
        """
        super().check()
        if self.consistency and self.augment == "none":
            raise UsageError("--consistency compares variants: it needs an --augment")
        if self.consistency and self.repeats > 1:
            raise UsageError("--consistency has two variants of each image: leave out --repeats")
        if self.head_epochs >= self.epochs:
            raise UsageError(
                f"{self.head_epochs} epochs for the head leave none of {self.epochs} for the rest"
            )

    def compiles(self, on_gpu: bool, images: int) -> bool:
        """Return whether to compile a training on that many images."""
        if self.compile is not None:
            return self.compile
        return on_gpu and images * self.epochs >= COMPILE_FROM

    def augmented_share(self, epoch: int, done: float) -> float:
        """Return the share of images to augment, 0 to 1.

        Args:
            epoch: from 1.
            done: share of the epoch that is done, 0 to 1.
        """
        return min(1.0, (epoch - 1 + done) / (self.ramp * self.epochs)) if self.ramp else 1.0

    def cosine_span(self, epoch: int) -> tuple[float, int, int]:
        """Return the initial learning rate of the stage of ``epoch`` (from 1), its first epoch and
        its number of epochs."""
        if epoch <= self.head_epochs:
            return self.lr, 1, self.head_epochs
        lr = self.lr * FINE_TUNING if self.head_epochs else self.lr
        return lr, self.head_epochs + 1, self.epochs - self.head_epochs
