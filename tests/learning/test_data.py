"""Files become pixels, pixels network inputs, and logits probabilities."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bccurate.errors import UnreadableImage, UsageError
from bccurate.learning import data
from bccurate.learning.checkpoint import TrainedModel
from bccurate.learning.data import load_pixels, to_inputs
from bccurate.learning.precision import Precision, choose_precision, pick_device
from bccurate.learning.predict import predict, softmax
from bccurate.learning.registry import find_model

RNG = np.random.default_rng(0)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = []
    for i in range(5):
        paths.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(RNG.integers(0, 256, (20 + i, 24, 3), dtype=np.uint8)).save(paths[-1])
    return paths


def test_pixels_are_those_of_pillow(files: list[str]) -> None:
    """Order kept, RGB, resized as Pillow's bicubic does; one worker gives the same as four."""
    pixels = load_pixels(files, 16, workers=4)
    assert pixels.shape == (5, 16, 16, 3) and pixels.dtype == np.uint8
    for path, row in zip(files, pixels, strict=True):
        assert (
            np.asarray(Image.open(path).resize((16, 16), Image.Resampling.BICUBIC)) == row
        ).all()
    assert (load_pixels(files, 16, workers=1) == pixels).all()
    assert load_pixels([], 16).shape == (0, 16, 16, 3)


def test_pixels_larger_than_memory_are_mapped_from_a_file(files, tmp_path, monkeypatch) -> None:
    """The same pixels, from an unnamed file that is gone afterwards."""
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path / "home"))
    plain = load_pixels(files, 16)
    monkeypatch.setattr(data, "MEMORY_SHARE", 0)
    mapped = load_pixels(files, 16)
    assert isinstance(mapped, np.memmap) and not isinstance(plain, np.memmap)
    assert (mapped == plain).all() and not list((tmp_path / "home" / "tmp").iterdir())


def test_an_unreadable_file_is_named(files: list[str]) -> None:
    """In the error."""
    Path(files[3]).write_bytes(b"not an image")
    with pytest.raises(UnreadableImage, match=r"3\.png"):
        load_pixels(files, 16)


def test_inputs_are_normalised() -> None:
    """Pixel 255 in red becomes (1 - mean) / std of the red channel."""
    spec = find_model("resnet50")
    inputs = to_inputs(np.full((1, 4, 4, 3), 255, dtype=np.uint8), spec)
    assert inputs.shape == (1, 3, 4, 4)
    assert inputs[0, 0, 0, 0].item() == pytest.approx((1 - 0.485) / 0.229, rel=1e-5)


def test_inputs_are_standardised_image_by_image() -> None:
    """10, 30, 30, 50 has the mean 30 and the deviation sqrt(200); a uniform channel gives 0, and
    an even change of light (times 1.5, plus 20) has no effect."""
    spec = replace(find_model("resnet50"), standardise=True)
    image = np.full((2, 2, 3), 7, dtype=np.uint8)
    image[..., 1] = [[10, 30], [30, 50]]
    inputs = to_inputs(np.stack([image, np.uint8(image * 1.5 + 20)]), spec)
    root = 2**0.5
    expected = torch.tensor([[[0, 0], [0, 0]], [[-root, 0], [0, root]], [[0, 0], [0, 0]]])
    torch.testing.assert_close(inputs, torch.stack([expected, expected]))


def test_predictions_are_the_same_in_any_batch_size() -> None:
    """Logits float32 (N, C), equal to a plain forward pass; no images give no rows."""
    spec = find_model("custom_cnn")
    model = spec.build(3).eval()
    trained = TrainedModel(model, spec, ["a", "b", "c"], 64, "")
    images = RNG.integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    with torch.no_grad():
        expected = model(to_inputs(images, spec)).numpy()
    for size in (1, 2, 128):
        np.testing.assert_allclose(predict(trained, images, size, "cpu"), expected, atol=1e-4)
    assert predict(trained, images[:0]).shape == (0, 3)


def test_softmax_is_stable() -> None:
    """Logits of 1,000 do not overflow; float32 in and out; no rows give no rows."""
    out = softmax(np.array([[1000.0, 0.0], [0.0, np.log(3.0)]], dtype=np.float32))
    np.testing.assert_allclose(out, [[1, 0], [0.25, 0.75]], atol=1e-6)
    assert out.dtype == np.float32
    assert softmax(np.zeros((0, 3), dtype=np.float32)).shape == (0, 3)


def test_auto_finds_a_device_and_a_precision() -> None:
    """An unknown device or precision is a usage error."""
    assert pick_device("auto").type in ("cpu", "cuda")
    for name in ("gpu", "cuda:99"):
        with pytest.raises(UsageError, match=name):
            pick_device(name)
    cpu, model = torch.device("cpu"), find_model("custom_cnn").build(2)
    assert choose_precision(model, cpu, (4, 3, 64, 64), "float32") == Precision("float32", True)
    assert choose_precision(model, cpu, (4, 3, 64, 64), "auto").precision in ("float32", "bfloat16")
    with pytest.raises(UsageError, match="float8"):
        choose_precision(model, cpu, (4, 3, 64, 64), "float8")
