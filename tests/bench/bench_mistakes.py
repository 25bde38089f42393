"""Average precision of ``mistakes`` on wrong labels planted among the cells, 5 % of the clean ones.

All steps, twice: import, dedupe, plant, split, train ``custom_cnn`` at 64 pixels, and
``mistakes --folds 3``. ``any class``: the wrong label is any other class with equal probability;
``look-alike``: the class most often confused with the true one. The other rankings use the same
out-of-fold probabilities; FiftyOne's is that of its Brain, cleanlab's is the best of its five
scores, two of them adjusted by class. Wrong labels that the data already has count as false.
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


class Ranking(NamedTuple):
    """Probabilities (N, C), given labels, whether each is planted and scores, all (N,)."""

    probabilities: np.ndarray
    targets: np.ndarray
    planted: np.ndarray
    scores: np.ndarray


def run(images: Path, seed: int = 2026) -> list[Row]:
    """Return a row per ranking and kind of wrong label."""
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
    """Give 5 % of the clean samples a wrong label; return their ids."""
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
    before = _average_precision(_ranking(dataset, MODEL, planted))
    record = bccurate.mistakes(MODEL, DATASET, folds=FOLDS)
    assert own.folds is None and record.folds == FOLDS
    ranking = _ranking(dataset, f"out_of_fold_{MODEL}", planted)
    ours = _average_precision(ranking)
    agreement = (ranking.probabilities.argmax(1) == ranking.targets)[~ranking.planted].mean()
    note = f"{len(planted)} planted; the models agree with {agreement:.3f} of the other labels"
    n = len(ranking.targets)
    rows: list[Row] = [Score(f"{kind}: mistakes --folds {FOLDS} (ours)", ours, n, ">= 0.8", note)]
    for name, method in METHODS.items():
        if name != record.method:
            rows.append(_other(f"{kind}: ours, --method {name}", ranking, method, n))
    rows.append(Score(f"{kind}: the model's own predictions, no folds", before, n))
    for name, score in (("FiftyOne Brain", _fiftyone), ("cleanlab", _cleanlab)):
        what = f"{kind}: ours minus {name}"
        try:
            theirs, note = score(dataset, ranking)
        except PeerFails as reason:
            rows.append(Skipped(what, str(reason), ">= 0"))
        else:
            difference = round(ours, 4) - round(theirs, 4)
            rows.append(Score(what, difference, n, ">= 0", f"{theirs:.4f} {note}"))
    return rows


def _other(what: str, ranking: Ranking, method: Any, n: int) -> Score:
    scores = method(ranking.probabilities, ranking.targets)
    return Score(what, _average_precision(ranking._replace(scores=scores)), n)


def _average_precision(ranking: Ranking) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(ranking.planted, ranking.scores))


def _ranking(dataset: Any, field: str, planted: set[str]) -> Ranking:
    from bccurate.hub.predictions import read_predictions
    from bccurate.hub.views import clean
    from bccurate.learning.predict import softmax

    view = clean(dataset)
    found = read_predictions(view, field)
    classes = sorted(set(found.labels))
    scores = dict(zip(*view.values(["id", "mistakenness"]), strict=True))
    return Ranking(
        softmax(found.logits).astype(float),
        np.array([classes.index(label) for label in found.labels]),
        np.array([sample in planted for sample in found.ids]),
        np.array([scores[sample] for sample in found.ids]),
    )


def _fiftyone(dataset: Any, ranking: Ranking) -> tuple[float, str]:
    """Return the average precision of FiftyOne's Brain on the same labels and logits."""
    import fiftyone.brain as fob

    from bccurate.hub.views import clean

    view = clean(dataset).exists(f"out_of_fold_{MODEL}")
    fob.compute_mistakenness(
        view, f"out_of_fold_{MODEL}", label_field="ground_truth",
        mistakenness_field="brain_mistakenness", use_logits=True, progress=False,
    )  # fmt: skip
    scores = np.array(view.values("brain_mistakenness"))
    return _average_precision(ranking._replace(scores=scores)), "compute_mistakenness, use_logits"


def _cleanlab(_dataset: Any, ranking: Ranking) -> tuple[float, str]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.savez(folder / "ranking.npz", p=ranking.probabilities, labels=ranking.targets)
        run_peer(Contender("labels_cleanlab", "cleanlab"), folder)
        quality = np.load(folder / "quality.npz")
        found = {
            name: _average_precision(ranking._replace(scores=-quality[name]))
            for name in quality.files
        }
    best = max(found, key=lambda name: found[name])
    default = found["self_confidence"]
    return found[best], f"{best}; its default self_confidence {default:.4f}"
