"""Each operation agrees with torchvision's tensor kernel as docs/augmentation.md states."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from bccurate.augmentation import colour, geometry

DOCS = Path(__file__).resolve().parents[2] / "docs" / "augmentation.md"
N = 24


def _images() -> torch.Tensor:
    """Return noise, smooth images of few values, and a uniform one."""
    rng = np.random.default_rng(5)
    noise = torch.from_numpy(rng.integers(0, 256, (N - 8, 3, 96, 96), dtype=np.uint8))
    ramp = torch.linspace(30, 200, 96)
    smooth = (ramp[:, None] * 0.5 + ramp * 0.4).expand(7, 3, 96, 96) + torch.arange(7)[
        :, None, None, None
    ]
    return torch.cat([noise, smooth.to(torch.uint8), noise[:1] * 0 + 90])


IMAGES = _images()


def _spread(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, N)


def _slope(value: float) -> float:
    return math.degrees(math.atan(value))


def _affine(mode: str, shear: tuple[int, int] = (0, 0), shift: tuple[int, int] = (0, 0)):
    def call(image: torch.Tensor, value: float) -> torch.Tensor:
        return tv.affine(
            image,
            angle=0.0,
            translate=[int(value) * part for part in shift],
            scale=1.0,
            shear=[_slope(value) * part for part in shear],
            interpolation=InterpolationMode(mode),
            center=[0, 0] if any(shear) else None,
        )

    return call


def _warps(mode: str) -> dict[str, tuple]:
    both = _spread(-0.3, 0.3)
    return {
        f"rotate, {mode}": (
            lambda x, v: geometry.rotate(x, v, mode), _spread(-170, 175),
            lambda i, v: tv.rotate(i, v, interpolation=InterpolationMode(mode)),
        ),
        f"shear_x, {mode}": (
            lambda x, v: geometry.shear_x(x, v, mode), both, _affine(mode, shear=(1, 0))
        ),
        f"shear_y, {mode}": (
            lambda x, v: geometry.shear_y(x, v, mode), both, _affine(mode, shear=(0, 1))
        ),
        f"translate_x, {mode}": (
            geometry.translate_x, _spread(-99, 99), _affine(mode, shift=(1, 0))
        ),
        f"translate_y, {mode}": (
            geometry.translate_y, _spread(-50, 50), _affine(mode, shift=(0, 1))
        ),
    }  # fmt: skip


CASES: dict[str, tuple[Callable, np.ndarray, Callable]] = {
    **_warps("nearest"),
    **_warps("bilinear"),
    "brightness": (colour.brightness, _spread(0.1, 1.9), tv.adjust_brightness),
    "contrast": (colour.contrast, _spread(0.1, 1.9), tv.adjust_contrast),
    "saturation": (colour.saturation, _spread(0.1, 1.9), tv.adjust_saturation),
    "sharpness": (colour.sharpness, _spread(0.1, 1.9), tv.adjust_sharpness),
    "posterize": (
        colour.posterize, np.arange(N) % 9 * 1.0, lambda i, v: tv.posterize(i, int(v))
    ),
    "solarize": (colour.solarize, np.append(_spread(0, 255)[1:], 178.5), tv.solarize),
    "autocontrast": (colour.autocontrast, np.zeros(N), lambda i, v: tv.autocontrast(i)),
    "equalize": (colour.equalize, np.zeros(N), lambda i, v: tv.equalize(i)),
    "invert": (colour.invert, np.zeros(N), lambda i, v: tv.invert(i)),
}  # fmt: skip


def _stated() -> dict[str, int]:
    rows = re.findall(r"^\| `([\w, ]+)` \| (\d+) \|", DOCS.read_text(encoding="utf-8"), flags=re.M)
    return {name: int(value) for name, value in rows}


def test_the_page_lists_each_operation() -> None:
    """In the table of docs/augmentation.md, and no other."""
    assert set(_stated()) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_operations_agree_with_torchvision(name: str) -> None:
    """The largest difference in grey levels is at most that of the page; most pixels agree."""
    ours, values, theirs = CASES[name]
    expected = torch.stack([theirs(i, float(v)) for i, v in zip(IMAGES, values, strict=True)])
    difference = (ours(IMAGES, values).int() - expected.int()).abs()
    assert difference.max() <= _stated()[name]
    assert (difference > 0).float().mean() < 2e-3
