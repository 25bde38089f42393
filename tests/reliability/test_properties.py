"""For any input, groups equal those of brute force, in any order, with any workers and hash seed.

tests/curation/test_splits.py checks on 1,000 random datasets that groups never cross splits.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bccurate.duplicates.components import connected
from bccurate.duplicates.engine import LOCAL
from bccurate.duplicates.groups import ImageColumns, SearchOptions, find_groups
from bccurate.duplicates.hamming import near_pairs
from bccurate.duplicates.pair_search import aligned_similarity
from bccurate.images.workers import read_batches
from bccurate.settings.curation import DedupeOptions
from bccurate.workflows.duplicate_files import dedupe_files

ROOT = Path(__file__).resolve().parents[2]
CONFIRMED = 0.98
THRESHOLD = 4

examples = pytest.mark.parametrize("n", [50, pytest.param(1000, marks=pytest.mark.slow)])


def check_examples(n: int, *strategies: st.SearchStrategy) -> Callable[[Callable[..., None]], None]:
    """Return a function that runs a check on n random examples."""
    return lambda check: settings(max_examples=n, deadline=None)(given(*strategies)(check))()


def _image(kind: int, shift: int, light: int, noise: int) -> np.ndarray:
    """Draw one of six scenes, shifted by pixels, brighter by levels, with a little noise."""
    y, x = np.mgrid[:32, :32] + shift
    waves = np.random.default_rng(kind).uniform(0.3, 1.3, 6)
    wave = sum(np.sin(x / (2 + 3 * a) + 7 * b) * np.cos(y / (2 + 3 * b) - 5 * a)
               for a, b in waves.reshape(3, 2))  # fmt: skip
    grain = np.random.default_rng(noise).normal(0, 1, (32, 32)) * (noise > 0)
    return np.uint8(np.clip(120 + 30 * wave + light + grain, 0, 255))


images = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 1), st.sampled_from([0, 6]), st.integers(0, 2)),
    min_size=1, max_size=9,
)  # fmt: skip


def _found(rows: list[tuple], order: list[int] | None = None):
    order = list(range(len(rows))) if order is None else order
    thumbs = np.stack([_image(*rows[i]) for i in order])
    columns = ImageColumns(
        [str(rows[i]) for i in order],
        np.array([hash_of(rows[i]) for i in order], dtype=np.uint64),
        thumbs.reshape(len(order), -1).std(axis=1),
        thumbs,
    )
    options = SearchOptions(THRESHOLD, rotations=False)
    return find_groups(columns, options, lambda index: (rows[order[index]], order[index]))


def hash_of(row: tuple) -> int:
    """Return a hash that is equal for all images of a scene and far apart for two scenes."""
    return (0x0123_4567_89AB_CDEF * (row[0] + 1)) % 2**64


def _components(n: int, pairs: set[tuple[int, int]]) -> set[frozenset[int]]:
    """Return the connected components, by flood fill."""
    left, found = set(range(n)), set()
    while left:
        seen, todo = set(), [left.pop()]
        while todo:
            one = todo.pop()
            seen.add(one)
            todo += [other for other in left if {(one, other), (other, one)} & pairs]
            left -= set(todo)
        found.add(frozenset(seen))
    return found


@examples
def test_linked_images_equal_those_of_brute_force(n: int) -> None:
    """Images are linked by equal pixels, or by a correlation of 0.98 after alignment."""
    check_examples(n, images)(_check_linked)


def _check_linked(rows: list[tuple]) -> None:
    n = len(rows)
    thumbs = np.stack([_image(*row) for row in rows])
    i, j = np.triu_indices(n, 1)
    alike = np.round(aligned_similarity(thumbs, i, j), 4) if n > 1 else np.zeros(0)
    pairs = {
        (a, b)
        for a, b, similarity in zip(i.tolist(), j.tolist(), alike, strict=True)
        if rows[a] == rows[b] or similarity >= CONFIRMED
    }
    linked = connected(n, *_found(rows).joined)
    named: dict[int, set[int]] = {}
    for index, name in enumerate(linked):
        named.setdefault(name, set()).add(index)
    assert set(map(frozenset, named.values())) == _components(n, pairs)


@examples
def test_groups_do_not_depend_on_the_order_of_files(n: int) -> None:
    """Groups, kinds and keepers are the same in any order."""
    check_examples(n, images, st.randoms(use_true_random=False))(_check_order)


def _check_order(rows: list[tuple], rng: random.Random) -> None:
    order = list(range(len(rows)))
    rng.shuffle(order)

    def summary(found, names):
        return sorted(
            (names[g.members[0]], sorted(names[i] for i in g.members), g.kind) for g in found.groups
        )

    assert summary(_found(rows, order), order) == summary(_found(rows), list(range(len(rows))))


@examples
def test_near_pairs_equal_those_of_brute_force(n: int) -> None:
    """Each pair of hashes within the threshold is found once."""
    hashes = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 40), max_size=40)
    check_examples(n, hashes, st.integers(0, 14))(_check_pairs)


def _check_pairs(hashes: list[int], threshold: int) -> None:
    i, j, _ = near_pairs(np.array(hashes, dtype=np.uint64), threshold)
    expected = {
        (a, b)
        for a in range(len(hashes))
        for b in range(a + 1, len(hashes))
        if (hashes[a] ^ hashes[b]).bit_count() <= threshold
    }
    assert set(zip(i.tolist(), j.tolist(), strict=True)) == expected and len(i) == len(expected)


@pytest.fixture(scope="module")
def files(rendered: Path) -> list[str]:
    return [str(path) for path in sorted((rendered / "images").rglob("*.png"))]


def _groups(files: list[str], folder: Path, workers: int) -> list[list[str]]:
    table = folder / "files.csv"
    table.write_text("\n".join(["filepath", *files]))
    engine = replace(LOCAL, read=lambda paths, method: read_batches(paths, method, workers))
    record, _ = dedupe_files(DedupeOptions(path=str(table)), engine)
    return [group["members"] for group in record.groups]


def test_groups_do_not_depend_on_workers_or_order(files: list[str], tmp_path: Path) -> None:
    """One worker, two, three, in three orders: the same groups, members and keepers."""
    expected = _groups(files, tmp_path, 1)
    assert expected
    for workers in (1, 2, 3):
        mixed = random.Random(workers).sample(files, len(files))
        assert _groups(mixed, tmp_path, workers) == expected


PROGRAM = """
import json, sys
import bccurate
from bccurate.hub.open import load_fiftyone
folder, name = sys.argv[1:]
bccurate.import_(folder, name)
groups = bccurate.dedupe(name).groups
outliers = bccurate.outliers(name).outliers
split = bccurate.split(name, folds=3).to_json()
fo = load_fiftyone()
dataset = fo.load_dataset(name)
rows = sorted(zip(*dataset.values(["filepath", "tags", "fold"])))
fo.delete_dataset(name)
rows = [[path, sorted(tags), fold] for path, tags, fold in rows]
print(json.dumps([groups, outliers, split["counts"], rows]).replace(name, "NAME"))
"""


def test_commands_do_not_depend_on_the_hash_seed(rendered: Path, tmp_path: Path) -> None:
    """Import, dedupe, outliers and split write the same bytes under two hash seeds."""
    outputs = []
    for seed in ("0", "4242"):
        env = os.environ | {"PYTHONHASHSEED": seed, "BCCURATE_HOME": str(tmp_path / seed)}
        command = [sys.executable, "-c", PROGRAM, str(rendered), f"seed{seed}"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        outputs.append(json.loads(done.stdout.splitlines()[-1]))
        shutil.rmtree(tmp_path / seed)
    assert outputs[0] == outputs[1]
