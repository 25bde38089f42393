"""A short run of ``make fuzz``, which takes ten minutes."""

from __future__ import annotations

import random
import time

import pytest

from tests.security.fuzz.__main__ import LONGEST_SECONDS
from tests.security.fuzz.mutate import mutate
from tests.security.fuzz.targets import TARGETS, attempt, seeds

INPUTS = 60


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_is_small_and_ends_in_a_value_or_in_an_error_of_the_project(
    tmp_path, target
) -> None:
    """The corpus keeps every input that once failed."""
    for number, file in enumerate(seeds(target)):
        assert file.stat().st_size < 20_000
        attempt(target, file.read_bytes(), tmp_path / str(number))


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_input_ends_in_a_value_or_in_an_error_of_the_project(tmp_path, target: str) -> None:
    """Sixty inputs a target, the same in every run; none crashes and none takes 5 s."""
    rng = random.Random(7)
    corpus = [file.read_bytes() for file in seeds(target)]
    for number in range(INPUTS):
        data = mutate(rng.choice(corpus), corpus, rng)
        began = time.process_time()
        attempt(target, data, tmp_path / str(number))
        assert time.process_time() - began < LONGEST_SECONDS
