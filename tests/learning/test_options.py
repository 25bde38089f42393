"""Each training option does what its paper says, and resuming stays exact with all of them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from trainings import CLASSES, changed, digest, discs, run

from bccurate.errors import UsageError
from bccurate.learning import train as module
from bccurate.learning.batches import TrainingContext
from bccurate.learning.checkpoint import load_model
from bccurate.learning.ema import WeightAverage
from bccurate.learning.fine_tuning import set_stage
from bccurate.learning.loss import Objective
from bccurate.learning.optimiser import make_optimiser, set_learning_rate, update
from bccurate.learning.precision import Precision
from bccurate.learning.predict import predict
from bccurate.learning.registry import ModelSpec
from bccurate.learning.settings import TrainingData, TrainSettings

EVERYTHING = {
    "head_epochs": 1,
    "balance": "sampling",
    "label_smoothing": 0.1,
    "mix": "cutmix",
    "ema": 0.9,
    "augment": "dihedral",
}
OPTIONS = [
    {"balance": "weights"},
    {"mix": "mixup", "label_smoothing": 0.1},
    {"consistency": 12.0, "augment": "augmix"},
    EVERYTHING,
]


def context(spec: ModelSpec, targets: list[int], **changes: object) -> TrainingContext:
    """Return a training on grey images with these targets."""
    images = np.full((len(targets), 16, 16, 3), 128, dtype=np.uint8)
    data = TrainingData(images, np.array(targets), *discs(2, 16), CLASSES)
    return TrainingContext(spec, changed(**changes), torch.device("cpu"), data)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "+".join(o))
def test_resume_is_exact_with_every_option(tiny, tmp_path, monkeypatch, options) -> None:
    """Interrupted in the third epoch: the weights of an uninterrupted training, bit for bit."""
    whole = run(tiny, tmp_path / "whole", **options)
    original = module.train_epoch

    def interrupted(context, precision, state, epoch):
        row = original(context, precision, state, epoch)
        if epoch == 3:
            raise KeyboardInterrupt
        return row

    monkeypatch.setattr(module, "train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tiny, tmp_path / "cut", **options)
    monkeypatch.setattr(module, "train_epoch", original)
    cut = run(tiny, tmp_path / "cut", resume=True, **options)
    assert digest(cut.weights) == digest(whole.weights)
    assert all(math.isfinite(row["train_loss"]) for row in whole.history)


def test_class_weights_are_inverse_to_class_sizes(tiny) -> None:
    """Three of one class and one of the other: 4 / (2 * 3) and 4 / (2 * 1)."""
    weights = context(tiny, [0, 0, 0, 1]).class_weights()
    assert weights.tolist() == pytest.approx([2 / 3, 2.0])


def test_class_weights_and_label_smoothing_scale_the_loss(tiny) -> None:
    """Equal logits cost log 2 whatever the smoothing, times the weight of the class."""
    training = context(tiny, [0, 0, 0, 1], balance="weights", label_smoothing=0.2, augment="none")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16 * 16, 2))
    torch.nn.init.zeros_(model[1].weight)
    torch.nn.init.zeros_(model[1].bias)
    batch = Objective(training, Precision()).losses(model, torch.arange(4), torch.arange(4))
    # torch weights the smoothed part by the mean of both classes' weights.
    smooth = 0.2 * (2 / 3 + 2) / 2
    expected = [math.log(2) * (0.8 * w + smooth) for w in (2 / 3, 2 / 3, 2 / 3, 2)]
    assert batch.losses.tolist() == pytest.approx(expected, rel=1e-5)


def test_balanced_sampling_draws_classes_equally_often(tiny) -> None:
    """A class with 1 in 20 images gets half of the draws; without it each image is drawn once."""
    training = context(tiny, [1] * 50 + [0] * 950, balance="sampling")
    drawn = training.targets[training.order(torch.Generator().manual_seed(1))].float().mean()
    assert 0.45 < drawn < 0.55  # 1,000 draws: 3 standard deviations are 0.047
    plain = context(tiny, [1] * 50 + [0] * 950).order(torch.Generator().manual_seed(1))
    assert sorted(plain.tolist()) == list(range(1000))


def test_the_moving_average_warms_up() -> None:
    """Weights 0, then 1 and 1: with decays 1/10 and 2/11 the averages are 9/10 and 108/110."""
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    average = WeightAverage(model, decay=0.999)
    torch.nn.init.ones_(model.weight)
    average.update(model, 1)
    assert average.model.weight.item() == pytest.approx(0.9)
    average.update(model, 2)
    assert average.model.weight.item() == pytest.approx(1 - 0.1 * 2 / 11)
    average.update(model, 10**6)
    assert average.model.weight.item() == pytest.approx(1 - 0.1 * 2 / 11 * 0.999)


def test_a_frozen_backbone_does_not_change(tiny) -> None:
    """Neither weights nor running statistics; in the second stage all of them change."""
    model = tiny.build(2)
    optimiser = make_optimiser(model, 1e-2)

    def step(head_only: bool) -> set[str]:
        before = {k: v.clone() for k, v in model.state_dict().items()}
        set_stage(model, head_only)
        loss = model(torch.randn(8, 3, 16, 16)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        update(optimiser, loss)
        return {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}

    assert step(head_only=True) == {"head.weight", "head.bias"}
    assert step(head_only=False) == set(model.state_dict())


def test_the_learning_rate_follows_a_cosine_in_each_stage() -> None:
    """From lr for the head, from a tenth of it for the whole network; each ends at 0."""
    settings = TrainSettings(epochs=6, head_epochs=2, lr=1e-3)
    optimiser = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])

    def rate(epoch: int, done: float) -> float:
        set_learning_rate(optimiser, settings, epoch, done)
        return optimiser.param_groups[0]["lr"]

    assert rate(1, 0) == pytest.approx(1e-3) and rate(2, 0) == pytest.approx(5e-4)
    assert rate(2, 1) == pytest.approx(0, abs=1e-12)
    assert rate(3, 0) == pytest.approx(1e-4) and rate(5, 0) == pytest.approx(5e-5)


def test_an_update_that_is_not_finite_is_refused() -> None:
    """Neither weights nor moments change by a NaN; the next update is as if it had not been."""
    ends = []
    for nan_first in (False, True):
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 2)
        optimiser = make_optimiser(model, 1e-2)
        for factor in [float("nan")] * nan_first + [1.0, 2.0]:
            loss = model(torch.ones(3, 4)).square().sum() * factor
            optimiser.zero_grad()
            loss.backward()
            assert bool(update(optimiser, loss)) == math.isnan(factor)
        ends.append(model.weight.detach().clone())
    assert torch.equal(*ends)


def test_a_standardised_model_ignores_a_change_of_light(tiny, tmp_path) -> None:
    """At half the light it predicts the same, also after loading; another model does not."""
    images = 2 * torch.randint(0, 128, (6, 16, 16, 3), dtype=torch.uint8).numpy()
    for standardise in (True, False):
        weights = run(tiny, tmp_path / str(standardise), standardise=standardise).weights
        trained = load_model(weights)
        same = np.allclose(predict(trained, images), predict(trained, images // 2), atol=1e-4)
        assert same == trained.spec.standardise == standardise


def test_patience_stops_training_early(tiny, tmp_path) -> None:
    """With patience 2 it ends two epochs after the best one, and keeps that one."""
    whole = run(tiny, tmp_path / "a", epochs=30, lr=0.3)
    early = run(tiny, tmp_path / "b", epochs=30, lr=0.3, patience=2)
    best = max(early.history, key=lambda row: (row["val_macro_f1"], -row["val_loss"]))
    assert len(early.history) < 30 == len(whole.history)
    assert early.best_epoch == len(early.history) - 2 == best["epoch"]


def test_compiled_training_has_the_same_losses(tiny, tmp_path) -> None:
    """torch.compile: to 1e-4; the smaller last batch runs uncompiled."""
    file = Path(tiny.package) / "tiny.py"
    file.write_text(file.read_text().replace("Dropout(0.25)", "Dropout(0)"))  # draws differ
    plain = run(tiny, tmp_path / "a", epochs=2)
    built = run(tiny, tmp_path / "b", epochs=2, compile=True)
    assert built.precision.endswith("compiled")
    losses = [[row["train_loss"] for row in r.history] for r in (plain, built)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"head_epochs": 4}, "leave none of 4"),
        ({"ema": 1.0}, "--ema"),
        ({"label_smoothing": -0.1}, "--label-smoothing"),
        ({"balance": "gold"}, "--balance"),
        ({"consistency": 1.0, "augment": "none"}, "--consistency"),
    ],
)
def test_a_setting_out_of_range_is_named(tiny, tmp_path, changes, message) -> None:
    """By its option, before anything is written."""
    with pytest.raises(UsageError, match=message):
        run(tiny, tmp_path / "a", **changes)
    assert not (tmp_path / "a").exists()


def test_head_epochs_need_a_head(tiny, tmp_path) -> None:
    """The error names the layer that is missing."""
    file = Path(tiny.package) / "tiny.py"
    file.write_text(file.read_text().replace("head=", "last="))
    with pytest.raises(UsageError, match="no layer named head"):
        run(tiny, tmp_path / "a", head_epochs=1)
