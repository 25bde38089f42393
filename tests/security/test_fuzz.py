"""A short turn of what ``make fuzz`` does for ten minutes."""

from __future__ import annotations

import random
import time

import pytest

from tests.security.fuzz.__main__ import LONGEST_SECONDS
from tests.security.fuzz.mutate import mutate
from tests.security.fuzz.targets import TARGETS, attempt, seeds

TURNS = 60


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_is_small_and_ends_in_a_value_or_in_an_error_of_ours(tmp_path, target) -> None:
    """What once broke something stays here."""
    for number, file in enumerate(seeds(target)):
        assert file.stat().st_size < 20_000
        attempt(target, file.read_bytes(), tmp_path / str(number))


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_input_ends_in_a_value_or_in_an_error_of_ours(tmp_path, target: str) -> None:
    """Sixty of each, always the same ones; none crashes and none takes 5 s."""
    rng = random.Random(7)
    corpus = [file.read_bytes() for file in seeds(target)]
    for number in range(TURNS):
        data = mutate(rng.choice(corpus), corpus, rng)
        began = time.process_time()
        attempt(target, data, tmp_path / str(number))
        assert time.process_time() - began < LONGEST_SECONDS
