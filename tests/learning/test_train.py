"""Training learns, is reproducible, resumes exactly after a kill, and stops when it diverges."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from trainings import CLASSES, SETTINGS, changed, digest, disc_data, discs, run

from bccurate.errors import DivergedError, InputError, UsageError
from bccurate.learning import train as module
from bccurate.learning.batches import split_batches
from bccurate.learning.checkpoint import load_model
from bccurate.learning.optimiser import make_optimiser
from bccurate.learning.predict import predict
from bccurate.learning.registry import ModelSpec, find_model
from bccurate.learning.settings import TrainingData, TrainingOutput, TrainSettings
from bccurate.learning.train import train


def test_custom_cnn_learns_two_colours(tmp_path: Path) -> None:
    """The saved model predicts the validation images, and the folder holds nothing else."""
    data = disc_data(64, 64, n_val=24)
    settings = TrainSettings(epochs=4, batch_size=16, image_size=64, device="cpu")
    result = train(find_model("custom_cnn"), data, settings, TrainingOutput(tmp_path / "run"))
    trained = load_model(result.weights)
    assert (predict(trained, data.val_images).argmax(1) == data.val_targets).mean() > 0.9
    assert [row["epoch"] for row in result.history] == [1, 2, 3, 4]
    best = max(row["val_macro_f1"] for row in result.history)
    assert result.history[result.best_epoch - 1]["val_macro_f1"] == best
    assert result.images_per_second > 0 and result.device == "cpu"
    assert result.precision.split()[0] in ("float32", "bfloat16")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("augment", ["dihedral", "randaugment"])
def test_the_same_seed_gives_the_same_weights(
    tiny: ModelSpec, tmp_path: Path, augment: str
) -> None:
    """Bit for bit; another seed gives others, and torch's global generator is left unchanged."""
    state = torch.get_rng_state()
    first, second = (run(tiny, tmp_path / name, augment=augment) for name in "ab")
    assert digest(first.weights) == digest(second.weights)
    other = run(tiny, tmp_path / "c", augment=augment, seed=1)
    assert digest(other.weights) != digest(first.weights)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("done", [0, 1, 3])
def test_a_resumed_training_equals_an_uninterrupted_one(
    tiny: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """Interrupted in the epoch after ``done``: the same weights, bit for bit."""
    whole = run(tiny, tmp_path / "whole")
    original = module.train_epoch

    def interrupted(context, precision, state, epoch):
        row = original(context, precision, state, epoch)
        if epoch == done + 1:
            raise KeyboardInterrupt
        return row

    monkeypatch.setattr(module, "train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tiny, tmp_path / "cut")
    monkeypatch.setattr(module, "train_epoch", original)
    cut = run(tiny, tmp_path / "cut", resume=True)
    assert digest(cut.weights) == digest(whole.weights)
    assert cut.best_epoch == whole.best_epoch and len(cut.history) == 4


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_a_killed_training_resumes_exactly(tiny: ModelSpec, tmp_path: Path, kills: int) -> None:
    """SIGKILL at random moments, resumed each time: the weights of an uninterrupted training."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "import trainings; from bccurate.learning.registry import find_model;"
        "import torch, timm.utils; torch.set_num_threads(1); print('ready', flush=True);"
        "trainings.run(find_model('tiny'), Path(sys.argv[2]), resume=True, n=160, epochs=12,"
        " ema=0.9)"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the child: equal bits need an equal number of threads
    run(tiny, tmp_path / "whole", n=160, epochs=12, ema=0.9)
    torch.set_num_threads(threads)
    rng = random.Random(7)
    killed = 0
    for _ in range(kills):
        child = subprocess.Popen([*command, str(tmp_path / "cut")], stdout=subprocess.PIPE)
        assert child.stdout is not None and child.stdout.readline()
        time.sleep(rng.uniform(0.0, 1.2 / kills))
        child.send_signal(signal.SIGKILL)
        killed += child.wait() == -signal.SIGKILL
        child.stdout.close()
    subprocess.run([*command, str(tmp_path / "cut")], check=True, stdout=subprocess.DEVNULL)
    assert killed >= kills * 3 / 4  # the others ended before the signal
    names = [tmp_path / name / "model.safetensors" for name in ("whole", "cut")]
    assert digest(names[0]) == digest(names[1])


def test_a_checkpoint_of_another_training_is_refused(
    tiny: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names what differs, settings or images; a damaged checkpoint is an error too."""
    monkeypatch.setattr(module, "_finish", lambda *_: None)  # keeps the checkpoint
    run(tiny, tmp_path / "a")
    with pytest.raises(UsageError, match="other lr"):
        run(tiny, tmp_path / "a", resume=True, lr=1e-4)
    with pytest.raises(UsageError, match="other images"):
        run(tiny, tmp_path / "a", resume=True, n=40)
    (tmp_path / "a" / "checkpoint.safetensors").write_bytes(b"junk")
    with pytest.raises(InputError, match="checkpoint"):
        run(tiny, tmp_path / "a", resume=True)


def test_divergence_stops_before_the_update(tiny: ModelSpec, tmp_path: Path) -> None:
    """At an absurd learning rate the error names files, and the checkpoint is finite."""
    arrays, names = discs(16, 16), [f"/cells/{i}.png" for i in range(16)]
    data = TrainingData(*arrays, *arrays, CLASSES, names)
    with pytest.raises(DivergedError, match=r"/cells/\d+\.png.* and 8 more") as error:
        train(tiny, data, changed(lr=1e30, batch_size=16), TrainingOutput(tmp_path / "a"))
    assert error.value.exit_code == 6
    kept = load_file(tmp_path / "a" / "checkpoint.safetensors")
    assert all(tensor.isfinite().all() for tensor in kept.values())


def test_a_last_batch_of_one_image_joins_the_one_before(tiny: ModelSpec, tmp_path: Path) -> None:
    """17 images in batches of 8 are 8 and 9; two images are enough to train."""
    batches = split_batches(torch.arange(17), 8)
    assert [len(batch) for batch in batches] == [8, 9]
    assert torch.cat(batches).tolist() == list(range(17))
    assert [len(batch) for batch in split_batches(torch.arange(18), 8)] == [8, 8, 2]
    assert run(tiny, tmp_path / "a", n=17).history[-1]["train_loss"] > 0
    assert run(tiny, tmp_path / "b", n=2, epochs=1).best_epoch == 1


def test_without_validation_images_the_last_epoch_is_kept(tiny: ModelSpec, tmp_path: Path) -> None:
    """And the history has no validation metrics."""
    none = np.zeros((0, 16, 16, 3), np.uint8), np.zeros(0, np.int64)
    data = TrainingData(*discs(20, 16), *none, CLASSES)
    result = train(tiny, data, SETTINGS, TrainingOutput(tmp_path))
    assert result.best_epoch == SETTINGS.epochs
    assert "val_loss" not in result.history[0]


def test_weight_decay_applies_to_the_dense_weights_alone() -> None:
    """Of the parts that the network's ``weight_decay`` names, not to biases."""
    model = find_model("custom_cnn").build(2)
    decay, plain = sorted(
        make_optimiser(model, 1e-3).param_groups, key=lambda group: -group["weight_decay"]
    )
    dense = {p for n, p in model.named_parameters() if n.startswith("dense.") and p.ndim == 2}
    assert set(decay["params"]) == dense and len(dense) == 5
    assert decay["weight_decay"] == 1e-4 and plain["weight_decay"] == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"epochs": 0}, UsageError),
        ({"lr": float("nan")}, UsageError),
        ({"augment": "mixup"}, UsageError),
        ({"device": "abacus"}, UsageError),
        ({"image_size": 32}, InputError),
        ({"n": 1}, InputError),
    ],
)
def test_an_invalid_setting_is_refused_before_anything_is_written(
    tiny: ModelSpec, tmp_path: Path, changes: dict, error: type
) -> None:
    """With the error of its kind."""
    with pytest.raises(error):
        run(tiny, tmp_path / "a", **changes)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"val_targets": np.zeros(3, int)}, "12 images and 3 targets"),
        ({"targets": np.full(41, 2)}, "not an index into the 2 classes"),
        ({"images": np.zeros((41, 16, 16, 3))}, "not uint8"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tiny, tmp_path, change, message) -> None:
    """The error says which shape or type was expected."""
    data = TrainingData(**{**disc_data().__dict__, **change})
    with pytest.raises(InputError, match=message):
        train(tiny, data, SETTINGS, TrainingOutput(tmp_path / "a"))


@pytest.mark.parametrize(
    ("name", "size", "hint"), [("custom_cnn", 16, 96), ("inception_v3", 48, 128)]
)
def test_images_too_small_for_a_network_are_refused(tmp_path, name, size, hint) -> None:
    """Before the first update, with a size that works."""
    settings = changed(epochs=1, image_size=size)
    with pytest.raises(UsageError, match=f"{name} does not take images of {size} x {size}") as e:
        train(find_model(name), disc_data(4, size, 4), settings, TrainingOutput(tmp_path))
    assert e.value.hint == f"--image-size {hint}"
