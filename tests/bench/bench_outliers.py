"""Recall of ``outliers`` on other images blended into cells, by their share of a class.

Each planted image is the mean of one cell of the class and one image of scikit-image; all differ,
so that ``dedupe`` does not find them. False alarms are original cells that are flagged.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.bench.measure import Share

TITLE = "Other images blended into cells"
IMAGES = ("astronaut", "chelsea", "coffee", "camera", "coins", "moon", "page", "text", "clock",
            "rocket", "brick", "grass", "gravel", "cat", "immunohistochemistry", "horse", "cell",
            "logo", "colorwheel")  # fmt: skip
CONTAMINATION = (0.02, 0.10, 0.20)
RULES: dict[str, dict] = {
    "mean-std (default)": {},
    "mean-std, false alarms 0": {"false_alarms": 0},
    "mean-std, iterated": {"iterate": True},
    "mean-std, iterated, false alarms 0": {"iterate": True, "false_alarms": 0},
    "median-mad": {"statistic": "median-mad"},
    "median-mad, false alarms 0": {"statistic": "median-mad", "false_alarms": 0},
}


def run(images: Path, seed: int = 2026) -> list[Share]:
    """Return recall and false alarms of each rule at each contamination, over all classes."""
    from bccurate.curation.outliers import intensity_outliers

    rng = np.random.default_rng(seed)
    folders = sorted(folder for folder in images.iterdir() if folder.is_dir())
    cells = {folder.name: sorted(p for p in folder.iterdir() if p.is_file()) for folder in folders}
    genuine = {
        label: np.array([_intensity(_open(p)) for p in paths]) for label, paths in cells.items()
    }
    planted = {label: _planted(paths, rng) for label, paths in cells.items()}
    shares = []
    for contamination in CONTAMINATION:
        values, labels, foreign = _mixed(genuine, planted, contamination)
        all_samples = np.ones(len(labels), dtype=bool)
        for rule, options in RULES.items():
            found = intensity_outliers(values[:, 0], values[:, 1], labels, all_samples, **options)
            hit = found.scores > 0.5
            what = f"{contamination:.0%} planted, {rule}"
            shares.append(Share(f"recall: {what}", int(hit[foreign].sum()), int(foreign.sum())))
            false = int(hit[~foreign].sum())
            shares.append(Share(f"false alarms: {what}", false, int((~foreign).sum())))
    return shares


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _intensity(image: Image.Image) -> tuple[float, float]:
    grey = np.asarray(image.convert("L"), dtype=float)
    return float(grey.mean()), float(grey.std())


def _planted(paths: list[Path], rng: np.random.Generator) -> np.ndarray:
    """Return intensities of as many planted images as the largest contamination needs."""
    import skimage.data

    drawn = [np.asarray(getattr(skimage.data, name)()) for name in IMAGES]
    others = [Image.fromarray(np.uint8(p * 255) if p.dtype == bool else p) for p in drawn]
    intensities = []
    for cell in rng.choice(len(paths), _count(len(paths), max(CONTAMINATION)), replace=False):
        image = _open(paths[cell])
        other = others[rng.integers(len(others))].convert("RGB").resize(image.size)
        intensities.append(_intensity(Image.blend(image, other, 0.5)))
    return np.array(intensities)


def _count(n: int, contamination: float) -> int:
    return round(n * contamination / (1 - contamination))


def _mixed(
    genuine: dict[str, np.ndarray], planted: dict[str, np.ndarray], contamination: float
) -> tuple[np.ndarray, list[str], np.ndarray]:
    values, labels, foreign = [], [], []
    for label, cells in genuine.items():
        n = _count(len(cells), contamination)
        values += [cells, planted[label][:n]]
        labels += [label] * (len(cells) + n)
        foreign += [False] * len(cells) + [True] * n
    return np.concatenate(values), labels, np.array(foreign)
