"""Average precision of ``mistakes`` on wrong labels planted among the cells, 5 % of the clean ones.

The whole job, twice: import, dedupe, plant, split, train ``custom_cnn`` at 64 pixels, and
``mistakes --folds 3``. ``any class``: the wrong label is any of the others, all alike;
``look-alike``: the class that is taken for the right one most. The other rankings read the very
probabilities that ours reads, out of fold; FiftyOne's is its Brain's own, cleanlab is its best of
five scores, two of them adjusted by class. Wrong labels that were there before count against all.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.bench.measure import Row, Score, Skipped
from tests.bench.peers import Contender, PeerFails
from tests.bench.peers import run as run_peer

TITLE = "Wrong labels planted among the cells"
SHARE, FOLDS, MODEL = 0.05, 3, "custom_cnn"
SETTINGS = {"epochs": 6, "image_size": 64, "batch_size": 64, "device": "cpu"}
LOOK_ALIKE = {"basophil": "neutrophil", "eosinophil": "neutrophil", "erythroblast": "lymphocyte",
              "ig": "neutrophil", "lymphocyte": "erythroblast", "monocyte": "ig",
              "neutrophil": "ig", "platelet": "erythroblast"}  # fmt: skip
KINDS = ("any class", "look-alike")
DATASET = "bench-mistakes"


class Said(NamedTuple):
    """Of N samples: probabilities (N, C), given labels (N,), which are planted, our scores."""

    probabilities: np.ndarray
    targets: np.ndarray
    planted: np.ndarray
    scores: np.ndarray


def run(images: Path, seed: int = 2026) -> list[Row]:
    """A row a ranking, for each kind of wrong label."""
    import fiftyone as fo

    import bccurate

    rows: list[Row] = []
    for kind in KINDS:
        if fo.dataset_exists(DATASET):
            fo.delete_dataset(DATASET)
        bccurate.import_(images, DATASET)
        bccurate.dedupe(DATASET)
        planted = _plant(fo.load_dataset(DATASET), kind, np.random.default_rng(seed))
        bccurate.split(DATASET, val=0.1, test=0)
        bccurate.train(MODEL, DATASET, resume=False, **SETTINGS)
        rows += _rows(kind, fo.load_dataset(DATASET), planted)
    return rows


def _plant(dataset: Any, kind: str, rng: np.random.Generator) -> set[str]:
    """Give 5 % of the clean samples a wrong label; their ids."""
    from bccurate.hub.views import clean

    view = clean(dataset)
    ids, labels = view.values(["id", "ground_truth.label"])
    classes = sorted(set(labels))
    chosen = rng.choice(len(ids), round(SHARE * len(ids)), replace=False)
    wrong = {}
    for i in chosen.tolist():
        others = [label for label in classes if label != labels[i]]
        wrong[ids[i]] = LOOK_ALIKE[labels[i]] if kind == KINDS[1] else str(rng.choice(others))
    dataset.set_values("ground_truth.label", wrong, key_field="id")
    return set(wrong)


def _rows(kind: str, dataset: Any, planted: set[str]) -> list[Row]:
    import bccurate
    from bccurate.curation.label_errors import METHODS

    own = bccurate.mistakes(MODEL, DATASET)
    before = _average_precision(_said(dataset, MODEL, planted))
    record = bccurate.mistakes(MODEL, DATASET, folds=FOLDS)
    assert own.folds is None and record.folds == FOLDS
    said = _said(dataset, f"out_of_fold_{MODEL}", planted)
    ours = _average_precision(said)
    right = (said.probabilities.argmax(1) == said.targets)[~said.planted].mean()
    note = f"{len(planted)} planted; the models agree with {right:.3f} of the other labels"
    n = len(said.targets)
    rows: list[Row] = [Score(f"{kind}: mistakes --folds {FOLDS} (ours)", ours, n, ">= 0.8", note)]
    for name, method in METHODS.items():
        if name != record.method:
            rows.append(_other(f"{kind}: ours, --method {name}", said, method, n))
    rows.append(Score(f"{kind}: the model's own predictions, no folds", before, n))
    for name, score in (("FiftyOne Brain", _fiftyone), ("cleanlab", _cleanlab)):
        what = f"{kind}: ours less {name}"
        try:
            theirs, told = score(dataset, said)
        except PeerFails as reason:
            rows.append(Skipped(what, str(reason), ">= 0"))
        else:
            difference = round(ours, 4) - round(theirs, 4)
            rows.append(Score(what, difference, n, ">= 0", f"{theirs:.4f} {told}"))
    return rows


def _other(what: str, said: Said, method: Any, n: int) -> Score:
    scores = method(said.probabilities, said.targets)
    return Score(what, _average_precision(said._replace(scores=scores)), n)


def _average_precision(said: Said) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(said.planted, said.scores))


def _said(dataset: Any, field: str, planted: set[str]) -> Said:
    from bccurate.hub.predictions import read_predictions
    from bccurate.hub.views import clean
    from bccurate.learning.predict import softmax

    view = clean(dataset)
    found = read_predictions(view, field)
    classes = sorted(set(found.labels))
    scores = dict(zip(*view.values(["id", "mistakenness"]), strict=True))
    return Said(
        softmax(found.logits).astype(float),
        np.array([classes.index(label) for label in found.labels]),
        np.array([sample in planted for sample in found.ids]),
        np.array([scores[sample] for sample in found.ids]),
    )


def _fiftyone(dataset: Any, said: Said) -> tuple[float, str]:
    """Its Brain reads label and logits of the fields and writes one of its own."""
    import fiftyone.brain as fob

    from bccurate.hub.views import clean

    view = clean(dataset).exists(f"out_of_fold_{MODEL}")
    fob.compute_mistakenness(
        view, f"out_of_fold_{MODEL}", label_field="ground_truth",
        mistakenness_field="brain_mistakenness", use_logits=True, progress=False,
    )  # fmt: skip
    scores = np.array(view.values("brain_mistakenness"))
    return _average_precision(said._replace(scores=scores)), "compute_mistakenness, use_logits"


def _cleanlab(_dataset: Any, said: Said) -> tuple[float, str]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.savez(folder / "said.npz", p=said.probabilities, labels=said.targets)
        run_peer(Contender("labels_cleanlab", "cleanlab"), folder)
        quality = np.load(folder / "quality.npz")
        found = {
            name: _average_precision(said._replace(scores=-quality[name])) for name in quality.files
        }
    best = max(found, key=lambda name: found[name])
    default = found["self_confidence"]
    return found[best], f"{best}; its default self_confidence {default:.4f}"
