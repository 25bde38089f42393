"""``python -m tests.bench.recipes``: the effect of each part of a recipe on unseen images.

Trains one network from scratch for each row, on the same duplicate-safe split, for the same number
of epochs, with the same seed, and evaluates it on the test cells and on their corruptions. Rows
that are in docs/robustness-experiments.json are not trained again. Writes one table per budget to
docs/robustness-experiments.md. Not part of ``make bench``, since it takes hours.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import conftest

from bccurate.files import atomic_write
from tests.bench.cells import folder_of_images
from tests.bench.page import machine

PAGE = conftest.ROOT / "docs" / "robustness-experiments.md"
FIGURES = PAGE.with_suffix(".json")
KEPT = conftest.ROOT / "build" / "recipes"
SEVERITIES = (1, 3, 5)
TEST_OF_A_CLASS = 40  # test cells, each with 81 corrupted copies
ROWS: dict[str, dict[str, Any]] = {
    "no augmentation": {"augment": "none"},
    "dihedral": {"augment": "dihedral"},
    "randaugment": {"augment": "randaugment"},
    "augmix": {"augment": "augmix"},
    "augmix, consistency 12": {"augment": "augmix", "consistency": 12.0},
    "smear": {"augment": "smear"},
    "smear, label smoothing 0.1": {"augment": "smear", "label_smoothing": 0.1},
    "smear, cutmix": {"augment": "smear", "mix": "cutmix"},
    "smear, consistency 12": {"augment": "smear", "consistency": 12.0},
    "smear, ema 0.999": {"augment": "smear", "ema": 0.999},
    "smear, ema 0.999, ramp 0.6": {"augment": "smear", "ema": 0.999, "ramp": 0.6},
    "smear, ema 0.999, ramp 0.6, standardised": {
        "augment": "smear",
        "ema": 0.999,
        "ramp": 0.6,
        "standardise": True,
    },
    "paper": {"augment": "paper"},
    "paper, 3 repeats": {"augment": "paper", "repeats": 3},
    "--recipe paper": {"recipe": "paper"},
    "--recipe robust": {"recipe": "robust"},
}


def main() -> None:
    """Train the missing rows, then write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.recipes", description=__doc__)
    parser.add_argument("--data", type=Path, default=conftest.REAL_DATA)
    parser.add_argument("--model", default="custom_cnn")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--every", type=int, default=3, help="take every n-th image")
    parser.add_argument("--seed", type=int, default=51)
    parser.add_argument("--only", action="append", choices=ROWS)
    given = parser.parse_args()
    parts = _parts(folder_of_images(given.data), given.size, given.every)
    budget = _budget(parts, given)
    for name in given.only or ROWS:
        if any(row["budget"] == budget and row["training"] == name for row in _rows()):
            continue
        row = {"budget": budget, "training": name, "machine": machine()}
        row |= _measure(name, parts, given)
        with atomic_write(FIGURES, "w") as file:  # each row takes hours
            file.write(json.dumps([*_rows(), row], indent=1) + "\n")
        print(name, row["clean"], row["corrupted"], flush=True)
    PAGE.write_text(_page(), encoding="utf-8")


def _rows() -> list[dict[str, Any]]:
    return json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else []


def _key(given: argparse.Namespace) -> str:
    return f"{given.model}-{given.size}-{given.epochs}-{given.every}-{given.seed}"


def _parts(images: Path, size: int, every: int) -> dict[str, Any]:
    """Return pixels and targets of a duplicate-safe split of every n-th image."""
    import bccurate
    from bccurate.hub.open import load_fiftyone
    from bccurate.learning.data import load_pixels
    from bccurate.workflows.training_data import classes_of, training_samples, validation_samples

    fiftyone = load_fiftyone()
    name = f"recipes-{every}"
    folder = KEPT / f"every-{every}"
    for number, path in enumerate(sorted(p for p in images.rglob("*") if p.is_file())):
        link = folder / path.parent.name / path.name
        if number % every == 0 and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.resolve())
    bccurate.import_(folder, name)
    bccurate.dedupe(name)
    bccurate.outliers(name)
    bccurate.split(name)
    hub = fiftyone.load_dataset(name)
    training, validation = training_samples(hub, ()), validation_samples(hub)
    classes = classes_of(training, name)
    test = hub.load_saved_view("clean").match_tags("test").sort_by("filepath")
    rows = list(zip(*test.values(["filepath", "ground_truth.label"]), strict=True))
    few = [row for label in classes for row in [r for r in rows if r[1] == label][:TEST_OF_A_CLASS]]
    paths, labels = [path for path, _ in few], [label for _, label in few]
    return {
        "classes": classes,
        "train": (load_pixels(training.paths, size), training.targets(classes)),
        "val": (load_pixels(validation.paths, size), validation.targets(classes)),
        "test": (load_pixels(paths, size), np.array([classes.index(label) for label in labels])),
    }


def _settings(name: str, given: argparse.Namespace) -> Any:
    from bccurate.learning.recipes import with_recipe
    from bccurate.workflows.training_run import make_settings

    changes = dict(ROWS[name])
    chosen = {"epochs": given.epochs, "image_size": given.size, "seed": given.seed}
    return make_settings(with_recipe(changes.pop("recipe", None), chosen | changes))


def _weights(name: str, parts: dict[str, Any], given: argparse.Namespace) -> Path:
    """Return the weights of a row; train them if they are missing."""
    from bccurate.learning.registry import find_model
    from bccurate.learning.settings import TrainingData, TrainingOutput
    from bccurate.learning.train import MODEL, train

    folder = KEPT / f"{_key(given)}-{name.replace(' ', '_')}"
    if not (folder / MODEL).exists():
        print(f"training: {name}", flush=True)
        data = TrainingData(*parts["train"], *parts["val"], parts["classes"])
        output = TrainingOutput(folder, resume=None)
        train(find_model(given.model), data, _settings(name, given), output)
    return folder / MODEL


def _measure(name: str, parts: dict[str, Any], given: argparse.Namespace) -> dict[str, Any]:
    from bccurate.evaluation.calibration import ece, fit_temperature
    from bccurate.evaluation.robustness import robustness
    from bccurate.learning.checkpoint import load_model
    from bccurate.learning.predict import predict

    trained = load_model(_weights(name, parts, given))
    images, targets = parts["test"]
    logits = predict(trained, images)
    temperature = fit_temperature(predict(trained, parts["val"][0]), parts["val"][1])
    found = robustness(lambda pixels: predict(trained, pixels), images, targets, SEVERITIES)
    return {
        "settings": asdict(_settings(name, given)),
        "clean": found["accuracy"],
        "corrupted": found["corrupted_accuracy"],
        "families": {name: row["accuracy"] for name, row in found["families"].items()},
        "combined": found["combined"]["accuracy"],
        "ece": ece(logits, targets),
        "ece_scaled": ece(logits, targets, temperature),
    }


def _budget(parts: dict[str, Any], given: argparse.Namespace) -> dict[str, Any]:
    """Return what all rows of a table have in common."""
    counts = {part: len(parts[part][1]) for part in ("train", "val", "test")}
    chosen = ("model", "size", "epochs", "every", "seed")
    return {name: getattr(given, name) for name in chosen} | counts


def _page() -> str:
    def place(row: dict[str, Any]) -> tuple[Any, ...]:
        return row["budget"]["train"], str(row["budget"]), list(ROWS).index(row["training"])

    rows = sorted(_rows(), key=place)
    tables = [_table(list(group)) for _, group in groupby(rows, key=lambda row: row["budget"])]
    return (
        "# Effect of each part of a recipe\n\n"
        "One network from scratch, on a duplicate-safe split. Accuracy on the original test cells, "
        "under the whole corruption suite (severities 1, 3 and 5), under three of its corruptions "
        "at once, and per family. Calibration on the original test cells, before and after "
        "temperature scaling on the validation cells.\n\n" + "\n".join(tables)
    )


def _table(rows: list[dict[str, Any]]) -> str:
    b = rows[0]["budget"]
    families = list(rows[0]["families"])
    columns = {"clean": "clean", "corrupted": "corrupted", "combined": "three at once",
               "ece": "ECE", "ece_scaled": "ECE scaled"}  # fmt: skip
    keys = [key for key in columns if key in rows[0]]
    head = ["training", *(columns[key] for key in keys), *families]
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for row in rows:
        figures = [*(row[key] for key in keys), *(row["families"][family] for family in families)]
        lines.append(f"| {row['training']} | {' | '.join(f'{value:.3f}' for value in figures)} |")
    return (
        f"## {b['epochs']} epochs of {b['train']:,} cells\n\n"
        f"`{b['model']}` at {b['size']} pixels, seed {b['seed']}; {b['train']:,} train, "
        f"{b['val']:,} val, {b['test']:,} test.\n\n"
        f"`python -m tests.bench.recipes --model {b['model']} --size {b['size']} --epochs "
        f"{b['epochs']} --every {b['every']} --seed {b['seed']}`\n\n"
        f"{'; '.join(dict.fromkeys(row['machine'] for row in rows))}\n\n" + "\n".join(lines) + "\n"
    )


if __name__ == "__main__":
    main()
