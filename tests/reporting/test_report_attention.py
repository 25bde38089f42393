"""The report's table of attention on the cell."""

from __future__ import annotations

import pytest

from bccurate.reporting.attention import attention


def row(split: str | None, label: str | None, energy: float = 0.8) -> dict:
    found = {"n": 4, "attention": energy, "lift": 2.0, "pointing_game": 0.5}
    return {"split": split, "label": label, **found}


ROWS = [row(None, None), row(None, "ig"), row("test", None), row("test", "a"), row("test", "b")]


def test_a_row_a_class_of_the_split_and_all_of_it_last():
    """The split that the section shows; all samples where that one was not explained."""
    found = attention({"attention": ROWS}, "test")
    assert [r["label"] for r in found["rows"]] == ["a", "b"]
    assert found["total"]["split"] == found["split"] == "test"
    assert attention({"attention": ROWS}, "val")["split"] is None


@pytest.mark.parametrize(("energy", "low"), [(0.8, False), (0.4, True)])
def test_it_says_where_the_model_looks_elsewhere(energy, low):
    """Under half of the energy on the cells."""
    assert attention({"attention": [row("test", None, energy)]}, "test")["low"] is low


@pytest.mark.parametrize("explain", [None, {}, {"attention": None}, {"attention": []}])
def test_nothing_measured_is_no_table(explain):
    """Old records, and those without masks, give None."""
    assert attention(explain, "test") is None
