"""Distance to the k-th nearest neighbour within the class."""

from __future__ import annotations

import numpy as np
import pytest

from bccurate.curation.neighbours import neighbour_outliers


def _on_circle(degrees: list[float]) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _cloud(rng: np.random.Generator, n: int, axis: int, spread: float = 0.05) -> np.ndarray:
    points = rng.normal(0, spread, (n, 16))
    points[:, axis] += 1
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def _score(features, labels=None, reference=None, **options):
    n = len(features)
    return neighbour_outliers(
        features,
        labels or ["a"] * n,
        np.ones(n, dtype=bool) if reference is None else np.array(reference),
        **options,
    )


def test_by_hand_on_a_circle() -> None:
    """0, 1, 3, 7 and 90 degrees, second neighbour: 3, 2, 3, 6 and 87 degrees away.

    The median is 3 degrees; logarithms lie ln(3/2), 0, 0, ln 2 and ln 29 from it (chords here
    are angles but for the last), so that the MAD is ln(3/2).
    """
    scores, distances = _score(_on_circle([0, 1, 3, 7, 90]), k=2)
    chords = 2 * np.sin(np.radians([3, 2, 3, 6, 87]) / 2)
    assert distances == pytest.approx(chords, rel=1e-4)
    logs = np.log(chords / chords[0])
    z = np.maximum(logs, 0) / (1.4826 * -logs[1])
    assert scores == pytest.approx(z / (z + 3), abs=1e-3)
    assert (scores > 0.5).tolist() == [False] * 4 + [True]


def test_distances_are_those_of_a_plain_loop() -> None:
    """The tenth smallest of all distances to the others, computed in float64."""
    features = _cloud(np.random.default_rng(0), 60, 0)
    _, distances = _score(features)
    exact = np.linalg.norm(features[:, None].astype(float) - features[None], axis=2)
    assert distances == pytest.approx(np.sort(exact, axis=1)[:, 10], abs=1e-5)


def test_strangers_stand_out_of_their_class_and_near_pictures_never_do() -> None:
    """Five pictures of class b under label a are found, in spite of each other; k is above 5."""
    rng = np.random.default_rng(1)
    features = np.concatenate([_cloud(rng, 200, 0), _cloud(rng, 5, 3), _cloud(rng, 200, 3)])
    scores, _ = _score(features, ["a"] * 205 + ["b"] * 200)
    assert (scores[200:205] > 0.5).all()
    assert (np.delete(scores, range(200, 205)) > 0.5).sum() <= 4
    assert scores.min() == 0 and scores.max() < 1


def test_copies_out_of_the_reference_are_no_neighbourhood() -> None:
    """Twenty copies of a stranger hide it, unless the reference holds only one of them."""
    rng = np.random.default_rng(2)
    stranger = np.repeat(_cloud(rng, 1, 3), 20, axis=0)
    features = np.concatenate([_cloud(rng, 100, 0), stranger])
    assert not (_score(features)[0][100:] > 0.5).any()
    kept = [True] * 101 + [False] * 19
    assert (_score(features, reference=kept)[0][100:] > 0.5).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 12])
def test_small_and_equal_classes_have_no_outlier(n: int) -> None:
    """No division by nothing where all pictures are one, or where there are hardly any."""
    scores, _ = _score(np.repeat(_on_circle([30]), n, axis=0))
    assert scores.tolist() == [0] * n


def test_no_samples_at_all() -> None:
    """Nothing in, nothing out."""
    scores, distances = _score(np.empty((0, 0), np.float32))
    assert len(scores) == len(distances) == 0
