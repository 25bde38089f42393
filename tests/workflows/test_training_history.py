"""What a training keeps of the earlier ones of its model."""

from __future__ import annotations

import numpy as np

from bccurate.workflows.split_metrics import Part
from bccurate.workflows.training_history import MOST, earlier_trainings, held_out


def record(views: list[str], accuracy: float, earlier: list[dict] | None = None) -> dict:
    figures = {"n": 9, "accuracy": accuracy, "accuracy_interval": [0, 1], "macro_f1": 0.5}
    return {"settings": {"views": views, "lr": 0.1}, "held_out": "x", "earlier": earlier or [],
            "metrics": {"test": figures | {"confusion": [[9]]}}}  # fmt: skip


def test_the_last_training_on_each_other_set_of_views_stays():
    """Newest first, with its figures and without its tables; the same views are replaced."""
    first = earlier_trainings(record([], 0.7), ["b"])
    assert [(row["views"], row["settings"]) for row in first] == [([], {"lr": 0.1})]
    assert set(first[0]["metrics"]["test"]) == {"n", "accuracy", "accuracy_interval", "macro_f1"}
    second = earlier_trainings(record(["b"], 0.8, first), ["c"])
    assert [row["metrics"]["test"]["accuracy"] for row in second] == [0.8, 0.7]
    assert [row["views"] for row in earlier_trainings(record(["c"], 0.9, second), [])] == [
        ["c"], ["b"]
    ]  # fmt: skip


def test_the_same_training_again_changes_nothing():
    """What a second call would store is what the first has stored."""
    earlier = earlier_trainings(record([], 0.7), ["b"])
    assert earlier_trainings(record(["b"], 0.8, earlier), ["b"]) == earlier


def test_a_first_training_has_none_and_they_never_grow_without_end():
    """None stored is none; the oldest falls off."""
    assert earlier_trainings(None, []) == []
    rows: list[dict] = []
    for i in range(9):
        rows = earlier_trainings(record([str(i)], 0.5, rows), [str(i + 1)])
    assert [row["views"] for row in rows] == [[str(i)] for i in range(8, 8 - MOST, -1)]


def test_held_out_tells_of_val_and_test_alone():
    """Other training images leave it as it is; another sample or class of test does not."""
    logits = np.zeros((2, 2))

    def of(train: list[str], test: list[str], targets: list[int]) -> str:
        parts = {"train": Part(train, np.array([0, 1]), logits),
                 "test": Part(test, np.array(targets), logits)}  # fmt: skip
        return held_out(parts)

    assert of(["1", "2"], ["3", "4"], [0, 1]) == of(["8", "9"], ["4", "3"], [1, 0])
    assert len({of(["1", "2"], *rest) for rest in ((["3", "4"], [0, 1]), (["3", "4"], [1, 1]),
                                                    (["3", "5"], [0, 1]))}) == 3  # fmt: skip
