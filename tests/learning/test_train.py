"""Training: it learns, it repeats itself, it goes on after a kill, and it stops in time."""

import hashlib
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

from bccurate.errors import DivergedError, InputError, UsageError
from bccurate.learning import session as module
from bccurate.learning.checkpoint import load_model
from bccurate.learning.job import batches
from bccurate.learning.optimiser import make_optimiser
from bccurate.learning.predict import predict
from bccurate.learning.registry import ModelSpec, find_model
from bccurate.learning.settings import TrainingData, TrainingOutput, TrainSettings
from bccurate.learning.train import train

CLASSES = ["red", "blue"]
SETTINGS = TrainSettings(
    epochs=4, batch_size=8, lr=3e-3, image_size=16, device="cpu", precision="float32"
)


def cells(n: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise with a disc that is red or blue."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, n)
    images = rng.integers(100, 200, (n, size, size, 3))
    y, x = np.mgrid[:size, :size] / size - 0.5
    for image, target in zip(images, targets, strict=True):
        image[np.hypot(x, y) < rng.uniform(0.2, 0.35), 2 * target] -= 80
    return images.astype(np.uint8), targets


def run(spec: ModelSpec, folder: Path, resume: bool = False, n: int = 41, **changes: object):
    settings = TrainSettings(**{**SETTINGS.__dict__, **changes})
    data = TrainingData(*cells(n, 16), *cells(12, 16, seed=1), CLASSES)
    return train(spec, data, settings, TrainingOutput(folder, resume))


def digest(path: Path) -> str:
    tensors = sorted(load_file(path).items())
    return hashlib.sha256(b"".join(t.numpy().tobytes() for _, t in tensors)).hexdigest()


def test_custom_cnn_learns(tmp_path: Path) -> None:
    """Two colours are told apart in seconds, and the saved model predicts what was validated."""
    images, targets = cells(64, 64)
    val_images, val_targets = cells(24, 64, seed=1)
    settings = TrainSettings(epochs=4, batch_size=16, image_size=64, device="cpu")
    data = TrainingData(images, targets, val_images, val_targets, CLASSES)
    result = train(find_model("custom_cnn"), data, settings, TrainingOutput(tmp_path / "run"))
    trained = load_model(result.weights)
    accuracy = (predict(trained, val_images).argmax(1) == val_targets).mean()
    assert accuracy > 0.9
    assert [row["epoch"] for row in result.history] == [1, 2, 3, 4]
    best = max(row["val_macro_f1"] for row in result.history)
    assert result.history[result.best_epoch - 1]["val_macro_f1"] == best
    assert result.images_per_second > 0 and result.device == "cpu"
    assert result.precision.split()[0] in ("float32", "bfloat16")
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("augment", ["dihedral", "randaugment"])
def test_same_seed_same_weights(tiny: ModelSpec, tmp_path: Path, augment: str) -> None:
    """Two trainings of one seed end in the same bits, another seed in others; the global
    generator stays where it was."""
    state = torch.get_rng_state()
    one, two = (run(tiny, tmp_path / name, augment=augment) for name in "ab")
    assert digest(one.weights) == digest(two.weights)
    assert digest(run(tiny, tmp_path / "c", augment=augment, seed=1).weights) != digest(one.weights)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("done", [0, 1, 3])
def test_resume_after_some_epochs(
    tiny: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """Stopped in the epoch after ``done`` and resumed: the weights of an uninterrupted run."""
    whole = run(tiny, tmp_path / "whole")
    original = module.train_epoch

    def interrupted(job, precision, model, optimiser, epoch, average):
        if epoch == done + 1:
            original(job, precision, model, optimiser, epoch, average)  # the lost work
            raise KeyboardInterrupt
        return original(job, precision, model, optimiser, epoch, average)

    monkeypatch.setattr(module, "train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tiny, tmp_path / "cut")
    monkeypatch.setattr(module, "train_epoch", original)
    cut = run(tiny, tmp_path / "cut", resume=True)
    assert digest(cut.weights) == digest(whole.weights)
    assert cut.best_epoch == whole.best_epoch and len(cut.history) == 4


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_kill_and_resume(tiny: ModelSpec, tmp_path: Path, kills: int) -> None:
    """SIGKILL at random moments, resumed each time: the weights of an uninterrupted run."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path;"
        "import test_train as t; from bccurate.learning.registry import find_model;"
        "import torch; torch.set_num_threads(1); print('ready', flush=True);"
        "t.run(find_model('tiny'), Path(sys.argv[2]), resume=True, n=160, epochs=12, ema=0.9)"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in the child: bits are promised for one number of threads
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
    assert killed >= kills * 3 / 4  # the others had ended before
    names = [tmp_path / name / "model.safetensors" for name in ("whole", "cut")]
    assert digest(names[0]) == digest(names[1])


def test_resume_of_another_training_is_refused(
    tiny: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other settings or other images than the checkpoint's are named."""
    monkeypatch.setattr("bccurate.learning.train._finish", lambda *_: None)  # leaves the checkpoint
    run(tiny, tmp_path / "a")
    with pytest.raises(UsageError, match="other lr"):
        run(tiny, tmp_path / "a", resume=True, lr=1e-4)
    with pytest.raises(UsageError, match="other images"):
        run(tiny, tmp_path / "a", resume=True, n=40)
    (tmp_path / "a" / "checkpoint.safetensors").write_bytes(b"junk")
    with pytest.raises(InputError, match="checkpoint"):
        run(tiny, tmp_path / "a", resume=True)


def test_divergence_stops_before_the_update(tiny: ModelSpec, tmp_path: Path) -> None:
    """A learning rate out of this world: DivergedError names files, the checkpoint is finite."""
    images, targets = cells(16, 16)
    names = [f"/cells/{i}.png" for i in range(16)]
    settings = TrainSettings(**{**SETTINGS.__dict__, "lr": 1e30, "batch_size": 16})
    with pytest.raises(DivergedError, match=r"/cells/\d+\.png.* and 8 more") as error:
        data = TrainingData(images, targets, images, targets, CLASSES, names)
        train(tiny, data, settings, TrainingOutput(tmp_path / "a"))
    assert error.value.exit_code == 6
    kept = load_file(tmp_path / "a" / "checkpoint.safetensors")
    assert all(tensor.isfinite().all() for tensor in kept.values())


def test_last_batch_of_one_is_folded_in(tiny: ModelSpec, tmp_path: Path) -> None:
    """17 images in batches of 8 are 8 and 9; every image is seen once; two images will do."""
    pieces = batches(torch.arange(17), 8)
    assert [len(piece) for piece in pieces] == [8, 9]
    assert torch.cat(pieces).tolist() == list(range(17))
    assert [len(piece) for piece in batches(torch.arange(18), 8)] == [8, 8, 2]
    assert run(tiny, tmp_path / "a", n=17).history[-1]["train_loss"] > 0
    assert run(tiny, tmp_path / "b", n=2, epochs=1).best_epoch == 1


def test_without_validation_the_last_epoch_is_kept(tiny: ModelSpec, tmp_path: Path) -> None:
    """No validation images: no validation figures, and the last epoch's weights."""
    none = np.zeros((0, 16, 16, 3), np.uint8), np.zeros(0, np.int64)
    data = TrainingData(*cells(20, 16), *none, CLASSES)
    result = train(tiny, data, SETTINGS, TrainingOutput(tmp_path))
    assert result.best_epoch == SETTINGS.epochs
    assert "val_loss" not in result.history[0]


def test_l2_is_on_the_dense_weights_alone() -> None:
    """The optimiser decays what the module's weight_decay names, biases and the rest not."""
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
def test_bad_settings(tiny: ModelSpec, tmp_path: Path, changes: dict, error: type) -> None:
    """Each wrong setting is refused before anything is written."""
    with pytest.raises(error):
        run(tiny, tmp_path / "a", **changes)
    assert not (tmp_path / "a").exists()


def test_a_size_that_the_model_cannot_take(tmp_path: Path) -> None:
    """Six pools leave nothing of 16 px: the error offers another --image-size."""
    with pytest.raises(UsageError, match="16 x 16"):
        run(find_model("custom_cnn"), tmp_path / "a")


def test_images_too_small_for_a_network(tmp_path: Path) -> None:
    """Told before the first step, with the size to choose instead."""
    images, targets = cells(4, 48)
    settings = TrainSettings(epochs=1, image_size=48, device="cpu", precision="float32")
    with pytest.raises(UsageError, match="inception_v3 does not take images of 48 x 48") as error:
        data = TrainingData(images, targets, images, targets, CLASSES)
        train(find_model("inception_v3"), data, settings, TrainingOutput(tmp_path))
    assert error.value.hint == "--image-size 128"
