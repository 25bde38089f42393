"""A made-up but plausible ReportData, for the tests and for a person to look at."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bccurate import records
from bccurate.evaluation.corruptions.suite import KNOWN, SUITE, corrupt
from bccurate.evaluation.robustness import CLEAN, kinds_of, summarise_hits
from bccurate.rendering.cells import CLASSES, render_cell
from bccurate.reporting.report_data import CorruptionRow, ModelPart, ReportData, SheetRow
from bccurate.reporting.thumbnails import heat_picture, overlay, thumbnail

COUNTS = (852, 2181, 1085, 2026, 849, 993, 2330, 1643)
HOSTILE = "<script>alert('x')</script>\"'&\n\u202egpj.exe\udcff"


def plausible(
    seed: int = 0, label: str | None = None, models: int = 2, leaky: bool = False
) -> ReportData:
    """Records, models and thumbnails of eight classes; ``label`` takes the place of the first.

    ``leaky`` has groups that cross splits and trainings without background, too.
    """
    rng = np.random.default_rng(seed)
    classes = [label or CLASSES[0], *CLASSES[1:]]
    images = {
        f"/data/pbc96/{name}/cell_{i:03d}.jpg": render_cell(CLASSES[c], rng)[0]
        for c, name in enumerate(classes)
        for i in range(4)
    }
    paths = list(images)
    names = ("custom_cnn", "resnet50", "efficientnet_b0")[:models]
    return ReportData(
        dataset=label or "pbc96",
        created="23 November 2026, 21:20",
        records=_records(classes, paths, rng),
        models=[
            _model(name, 0.9 + 0.03 * i, classes, images, rng, leaky)
            for i, name in enumerate(names)
        ],
        intensities={c: _intensities(i, rng) for i, c in enumerate(classes)},
        thumbnails={path: thumbnail(image) for path, image in images.items()},
        corruptions=_corrupted(images[paths[0]]),
        leaks=_leaks(paths, classes) if leaky else [],
        removed=[(label, paths[4 * i], paths[4 * i + 1]) for i, label in enumerate(classes)],
    )


def _leaks(paths: list[str], classes: list[str]) -> list[dict[str, Any]]:
    """Two duplicate groups in train and val, and eight pictures of a patient, one of test."""
    pairs = [
        {
            "field": "duplicate_group",
            "group": i,
            "splits": ["train", "val"],
            "members": [
                member(paths[4 * i + k], split, classes[i])
                for k, split in enumerate(("train", "val"))
            ],
        }
        for i in (0, 1)
    ]
    splits = ["train"] * 7 + ["test"]
    members = [member(paths[8 + k], split, classes[2 + k // 4]) for k, split in enumerate(splits)]
    own = {"field": "patient", "group": classes[0], "splits": ["test", "train"], "members": members}
    return [*pairs, own]


def member(path: str, split: str, label: str) -> dict[str, str]:
    """One sample of a group that crosses splits."""
    return {"filepath": path, "split": split, "label": label}


def _intensities(which: int, rng: np.random.Generator) -> list[tuple[float, float, bool]]:
    centre, spread = 170 + 7 * which, 62 - 4 * which
    means, stds = rng.normal(centre, 6, COUNTS[which]), rng.normal(spread, 4, COUNTS[which])
    return [
        (float(m), float(s), bool(abs(m - centre) > 18 or abs(s - spread) > 12))
        for m, s in zip(means, stds, strict=True)
    ] + [(25.0, 8.0, True)]


def _bounds(centre: float, spread: float) -> dict[str, float]:
    low, high = centre - 3 * spread, centre + 3 * spread
    return {"centre": centre, "spread": spread, "low": low, "high": high}


def _records(classes: list[str], paths: list[str], rng: np.random.Generator) -> dict[str, Any]:
    counts = dict(zip(classes, COUNTS, strict=True))
    groups: list[dict[str, Any]] = [
        {
            "kind": "exact" if i % 3 else "near",
            "members": [paths[i], paths[i + 5], *(f"/gone/{k}.jpg" for k in range(i * 4))],
            "keep": paths[i + 5],
            "labels": {classes[0]: 1, classes[1]: 1} if i < 2 else {classes[i % 8]: 2},
            "conflict": i < 2,
            "contamination": i == 4,
            "similarity": 1.0,
            "pairs": [
                {
                    "members": [paths[i + 5], paths[i]],
                    "distance": 0,
                    "similarity": 1.0,
                    "turn": "as it is",
                    "why": "equal pixels"
                    if i % 3
                    else "hash 0 bits apart, correlation 1.000 aligned",
                }
            ],
        }
        for i in range(15)
    ]
    found = [
        {"filepath": path, "label": classes[i % 8], "score": 0.99 - i / 60, "outlier": True,
         "equation": "mean", "mean": 25.0 + i, "std": 8.0 + i, "low": 152.0, "high": 188.0}
        for i, path in enumerate(paths[:28])
    ]  # fmt: skip
    bounds = {
        label: {
            "n": n,
            "outliers": 9,
            "alpha": 3.0,
            "mean": _bounds(170 + 7 * i, 6),
            "std": _bounds(62 - 4 * i, 4),
        }
        for i, (label, n) in enumerate(counts.items())
    }
    shares = {"train": 0.7, "val": 0.15, "test": 0.15}
    split = {s: {c: round(n * share) for c, n in counts.items()} for s, share in shares.items()}
    name, total = "pbc96", sum(COUNTS)
    made: dict[str, records.Record] = {
        "import": records.ImportRecord(
            name, "/data/pbc96.tar", "imagefolder", total, 0, total, counts,
            [{"filepath": f"/data/{classes[0]}/broken.jpg", "reason": "truncated after 812 bytes"}],
            [], [],
        ),
        "info": records.InfoRecord(
            name, total,
            [{"label": c, "n": n, "duplicate": n // 90, "outlier": 9, "unreadable": 0}
             for c, n in [*counts.items(), ("total", total)]],
            {"96x96": total}, ["duplicates", "clean"], [],
        ),
        "dedupe": records.DedupeRecord(
            name, "phash", 4, "sharpest", groups, [],
            {"groups": 15, "samples": total, "exact": 10, "near": 5, "duplicates": 143,
             "conflicts": 2, "contaminated": 1, "leaks": 0},
        ),
        "outliers": records.OutliersRecord(name, 3.0, "mean-std", found, bounds),
        "split": records.SplitRecord(name, {"val": 0.15, "test": 0.15}, 51, split, 15),
        "augment_augmix": records.AugmentRecord(name, "augmix", 8371, 0, "/data/aug", "augmix"),
    }  # fmt: skip
    return {key: record.to_json() for key, record in made.items()}


def metrics(accuracy: float, classes: list[str], scale: float, rng: np.random.Generator) -> dict:
    """Metrics of a classifier that is right with probability ``accuracy``."""
    counts = [max(1, round(n * scale)) for n in COUNTS]
    confusion = np.zeros((8, 8), int)
    for i, n in enumerate(counts):
        wrong = rng.dirichlet(np.ones(7) * 0.3) * (1 - accuracy) * rng.uniform(0.4, 1.6)
        confusion[i] = rng.multinomial(n, np.insert(wrong, i, 1 - wrong.sum()))
    n, right = int(confusion.sum()), float(np.trace(confusion) / confusion.sum())
    per_class = {}
    for i, label in enumerate(classes):
        recall = confusion[i, i] / counts[i]
        half = 1.96 * math.sqrt(recall * (1 - recall) / counts[i]) + 0.005
        per_class[label] = {
            "n": counts[i],
            "precision": float(recall), "recall": float(recall), "f1": float(recall),
            "recall_interval": [max(0.0, recall - half), min(1.0, recall + half)],
        }  # fmt: skip
    bins = [
        {"low": b / 10, "high": (b + 1) / 10, "n": int(4 ** (b / 2.2)) if b > 1 else 0,
         "confidence": b / 10 + 0.06, "accuracy": max(0.0, b / 10 - 0.06 + 0.012 * b)}
        for b in range(10)
    ]  # fmt: skip
    return {
        "n": n, "accuracy": right, "accuracy_interval": [right - 0.009, right + 0.008],
        "macro_f1": right - 0.006, "ece": 0.031, "per_class": per_class,
        "confusion": confusion.tolist(), "reliability": bins, "ece_calibrated": 0.012,
        "reliability_calibrated": [b | {"accuracy": b["confidence"] - 0.012} for b in bins],
    }  # fmt: skip


def corrupted(accuracy: float) -> dict[str, Any]:
    """Figures of a model that loses a tenth a severity, a family a little more than the last."""
    kinds = [kind for kind in kinds_of() if kind != CLEAN]
    order = {name: i for i, name in enumerate(KNOWN)}
    hits = {
        (name, s): round(1794 * (accuracy - 0.1 * s - 0.005 * order[name])) for name, s in kinds
    }
    return summarise_hits({CLEAN: round(1794 * accuracy), **hits}, 1794)


def _corrupted(image: np.ndarray) -> list[CorruptionRow]:
    return [
        CorruptionRow(
            name, kind.family, [thumbnail(corrupt(name, image[None], s)[0], 64) for s in (1, 3, 5)]
        )
        for name, kind in SUITE.items()
    ]


def _model(
    name: str,
    accuracy: float,
    classes: list[str],
    images: dict[str, np.ndarray],
    rng: np.random.Generator,
    leaky: bool,
) -> ModelPart:
    parts = (("train", 0.995, 0.7), ("val", accuracy + 0.01, 0.15), ("test", accuracy, 0.15))
    scores = {part: metrics(value, classes, scale, rng) for part, value, scale in parts}
    history = [
        {"epoch": e, "train_loss": 1.9 * math.exp(-e / 4) + 0.03,
         "val_loss": 1.8 * math.exp(-e / 4) + 0.22,
         "val_macro_f1": accuracy - 0.6 * math.exp(-e / 3)}
        for e in range(1, 16)
    ]  # fmt: skip
    wrong = [
        {"filepath": path, "label": classes[i % 8], "prediction": classes[(i + 3) % 8],
         "confidence": 0.99 - i / 50, "mistakenness": 0.97 - i / 40, "split": "test"}
        for i, path in enumerate(list(images)[:26])
    ]  # fmt: skip
    y, x = np.mgrid[-1:1:96j, -1:1:96j]
    sheet = []
    for i, (path, image) in enumerate(list(images.items())[::2]):
        heat = np.exp(-((x - rng.normal(0, 0.2)) ** 2 + (y - rng.normal(0, 0.2)) ** 2) / 0.15)
        label = classes[i // 2]
        guess = label if i % 5 else classes[(i // 2 + 1) % 8]
        sheet.append(
            SheetRow(
                path,
                label,
                guess,
                0.9,
                thumbnail(image),
                heat_picture(image, heat),
                overlay(image, heat),
            )
        )
    train = records.TrainRecord(
        "pbc96", name, {"lr": 1e-3, "views": ["train", "background_removed"]}, "cpu",
        "/w.safetensors", 12, history, 812.0, scores, held_out="a",
        earlier=[plain_training(0.8)] if leaky else [],
    )  # fmt: skip
    return ModelPart(
        name,
        train.to_json(),
        records.EvaluateRecord("pbc96", name, classes, scores).to_json(),
        records.MistakesRecord("pbc96", name, "m", "v", 11959, wrong).to_json(),
        records.ExplainRecord(
            "pbc96",
            name,
            "predicted",
            "gradcam_" + name,
            "features.9",
            [6, 6],
            11959,
            _attention(classes),
        ).to_json(),
        sheet,
        records.CorruptionsRecord(
            "pbc96", name, {"split": "test", "limit": None, **corrupted(accuracy)}
        ).to_json(),
        {"all": share(0.95, 400), "safe": share(0.9, 300)} if leaky else None,
    )


def share(accuracy: float, n: int) -> dict[str, Any]:
    """An accuracy with a made-up interval of four points."""
    return {"accuracy": accuracy, "interval": [accuracy - 0.02, accuracy + 0.02], "n": n}


def plain_training(accuracy: float, held_out: str = "a", **settings: Any) -> dict[str, Any]:
    """An earlier training on the pictures as they are."""
    figures = {"n": 1794, "accuracy": accuracy, "macro_f1": accuracy - 0.01,
               "accuracy_interval": [accuracy - 0.02, accuracy + 0.02]}  # fmt: skip
    return {"views": [], "settings": {"lr": 1e-3, **settings}, "held_out": held_out,
            "metrics": {"val": figures, "test": figures}}  # fmt: skip


def _attention(classes: list[str]) -> list[dict[str, Any]]:
    return [
        {"split": split, "label": label, "n": 90, "attention": 0.4 + i / 20, "lift": 1.5,
         "pointing_game": 0.6}
        for split in (None, "train", "val", "test")
        for i, label in enumerate([None, *classes])
    ]  # fmt: skip
