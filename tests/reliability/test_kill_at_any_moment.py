"""kill -9 at any moment, then the same command again: as if nothing had happened."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.faults import Place

NAME = "cells"
MODEL = "custom_cnn"
RANDOM_KILLS = 100  # in all, of six commands


def _import(cells: Path) -> None:
    import bccurate

    bccurate.import_(cells, NAME)


def _dedupe(_cells: Path) -> None:
    import bccurate

    bccurate.dedupe(NAME)


def _augment(_cells: Path) -> None:
    import bccurate

    bccurate.augment("randaugment", NAME, noise=0.05)


def _train(_cells: Path) -> None:
    import bccurate

    bccurate.train(MODEL, NAME, epochs=2, image_size=64, device="cpu", precision="float32")


def _predict(_cells: Path) -> None:
    import bccurate

    bccurate.predict(MODEL, NAME, device="cpu")


def _explain(_cells: Path) -> None:
    import bccurate

    bccurate.explain(MODEL, NAME, device="cpu")


def _forget_predictions() -> None:
    """As if the weights had come from elsewhere: ``train`` itself has predicted already."""
    import fiftyone as fo

    dataset = fo.load_dataset(NAME)
    dataset.delete_run(f"predict_{MODEL}")
    dataset.delete_sample_field(MODEL)


def _split() -> None:
    import bccurate

    bccurate.split(NAME)


COMMANDS: dict[str, Callable[[Path], None]] = {
    "import": _import, "dedupe": _dedupe, "augment": _augment,
    "train": _train, "predict": _predict, "explain": _explain,
}  # fmt: skip
BEFORE: dict[str, Callable[[], Any]] = {"augment": _split, "predict": _forget_predictions}


class Story:
    """The six commands, one after another: the state before each, and what it leaves."""

    def __init__(self, place: Place, cells: Path) -> None:
        self.place, self.cells = place, cells
        self.digests: dict[str, dict[str, str]] = {}
        self.writes: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        for name in COMMANDS:
            if name in BEFORE:
                self._must_end(place.run(BEFORE[name]))
            place.keep(name)
            began = time.monotonic()
            self.writes[name] = self._must_end(self.run(name)).writes
            self.seconds[name] = time.monotonic() - began
            self.digests[name] = place.digest()

    def run(self, name: str, **kill: Any) -> Any:
        return self.place.run(lambda: COMMANDS[name](self.cells), **kill)

    @staticmethod
    def _must_end(ended: Any) -> Any:
        assert ended.code == 0, ended.said
        return ended

    def survives(self, name: str, **kill: Any) -> bool:
        """Kill the command, type it again, compare; tells whether the kill came in time."""
        self.place.go_back(name)
        killed = self.run(name, **kill)
        assert killed.code in (0, -9), killed.said
        self._must_end(self.run(name))
        found, wanted = self.place.digest(), self.digests[name]
        other = sorted(k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k))
        told = [(key, found.get(key), wanted.get(key)) for key in other[:5]]
        assert not other, (name, kill, len(other), told)
        return killed.code == -9


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
    import torch  # noqa: F401  # before the forks

    from bccurate import sample
    from bccurate.hub.open import load_fiftyone

    load_fiftyone()

    place = Place(tmp_path_factory.mktemp("kills"), os.environ["FIFTYONE_DATABASE_URI"])
    cells = tmp_path_factory.mktemp("rendered") / "cells"
    sample(cells, n=64, seed=7)
    return Story(place, cells)


@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_a_write(story: Story, name: str) -> None:
    """kill -9 at a write in the middle of a command: typed again, all is there, and once."""
    assert story.survives(name, kill_at=story.writes[name] // 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_every_write(story: Story, name: str) -> None:
    """The n-th write kills the command, for every n."""
    killed = sum(story.survives(name, kill_at=at) for at in range(1, story.writes[name] + 1))
    assert killed >= story.writes[name] - 4  # what is shared by all datasets is written once
    print(f"{name}: killed at each of {killed} writes")


@pytest.mark.slow
def test_killed_at_random_moments(story: Story) -> None:
    """100 kills in all, at moments that nobody chose."""
    rng, killed = random.Random(7), 0
    while killed < RANDOM_KILLS:
        name = rng.choice(list(COMMANDS))
        killed += story.survives(name, kill_after=rng.uniform(0.02, story.seconds[name]))
        print(f"{killed} kills at random moments, the last of {name}")
