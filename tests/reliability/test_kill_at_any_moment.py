"""A command that is killed at any moment and run again ends as if it had not been killed."""

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
RANDOM_KILLS = 100  # of all six commands together


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
    """Delete the predictions that ``train`` has written."""
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


class Sequence:
    """The six commands in order, with the state before each and the digest of what it leaves."""

    def __init__(self, place: Place, cells: Path) -> None:
        self.place, self.cells = place, cells
        self.digests: dict[str, dict[str, str]] = {}
        self.writes: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        for name in COMMANDS:
            if name in BEFORE:
                self._must_succeed(place.run(BEFORE[name]))
            place.save(name)
            began = time.monotonic()
            self.writes[name] = self._must_succeed(self.run(name)).writes
            self.seconds[name] = time.monotonic() - began
            self.digests[name] = place.digest()

    def run(self, name: str, **kill: Any) -> Any:
        return self.place.run(lambda: COMMANDS[name](self.cells), **kill)

    @staticmethod
    def _must_succeed(ended: Any) -> Any:
        assert ended.code == 0, ended.output
        return ended

    def survives(self, name: str, **kill: Any) -> bool:
        """Kill the command, run it again, compare; return whether the kill came in time."""
        self.place.restore(name)
        killed = self.run(name, **kill)
        assert killed.code in (0, -9), killed.output
        self._must_succeed(self.run(name))
        found, wanted = self.place.digest(), self.digests[name]
        different = sorted(k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k))
        shown = [(key, found.get(key), wanted.get(key)) for key in different[:5]]
        assert not different, (name, kill, len(different), shown)
        return killed.code == -9


@pytest.fixture(scope="module")
def sequence(tmp_path_factory) -> Sequence:
    import torch  # noqa: F401  # before the forks

    from bccurate import sample
    from bccurate.hub.open import load_fiftyone

    load_fiftyone()

    place = Place(tmp_path_factory.mktemp("kills"), os.environ["FIFTYONE_DATABASE_URI"])
    cells = tmp_path_factory.mktemp("rendered") / "cells"
    sample(cells, n=64, seed=7)
    return Sequence(place, cells)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_killed_at_a_write_is_finished_by_running_it_again(
    sequence: Sequence, name: str
) -> None:
    """After SIGKILL at a write in the middle of a command nothing is missing or doubled."""
    assert sequence.survives(name, kill_at=sequence.writes[name] // 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_killed_at_every_write_is_finished_by_running_it_again(
    sequence: Sequence, name: str
) -> None:
    """SIGKILL at the n-th write, for every n."""
    killed = sum(sequence.survives(name, kill_at=at) for at in range(1, sequence.writes[name] + 1))
    assert killed >= sequence.writes[name] - 4  # what all datasets share is written only once
    print(f"{name}: killed at each of {killed} writes")


@pytest.mark.slow
def test_commands_killed_at_random_moments_are_finished_by_running_them_again(
    sequence: Sequence,
) -> None:
    """SIGKILL 100 times, at random moments of random commands."""
    rng, killed = random.Random(7), 0
    while killed < RANDOM_KILLS:
        name = rng.choice(list(COMMANDS))
        killed += sequence.survives(name, kill_after=rng.uniform(0.02, sequence.seconds[name]))
        print(f"{killed} kills at random moments, the last of {name}")
