"""The report's table of attention on the cell."""

from __future__ import annotations

import pytest

from bccurate.reporting.attention import attention


def row(split: str | None, label: str | None, energy: float = 0.8) -> dict:
    found = {"n": 4, "attention": energy, "lift": 2.0, "pointing_game": 0.5}
    return {"split": split, "label": label, **found}


ROWS = [row(None, None), row(None, "ig"), row("test", None), row("test", "a"), row("test", "b")]


def test_a_row_a_class_with_a_cell_a_split():
    """Splits in their order; what a split lacks is None; samples without a split stand alone."""
    found = attention({"attention": [*ROWS, row("train", None), row("train", "a", 0.3)]})
    assert found["splits"] == ["train", "test"]
    assert [(label, [r and r["attention"] for r in cells]) for label, cells in found["rows"]] == [
        ("a", [0.3, 0.8]), ("b", [None, 0.8])
    ]  # fmt: skip
    assert [r["split"] for r in found["totals"]] == ["train", "test"]
    alone = attention({"attention": ROWS[:2]})
    assert alone["splits"] == ["all"] and [label for label, _ in alone["rows"]] == ["ig"]


@pytest.mark.parametrize(("energy", "low"), [(0.8, False), (0.4, True)])
def test_it_says_where_the_model_looks_elsewhere(energy, low):
    """Under half of the energy on the cells of the split that tells most."""
    rows = [row("train", None, 0.8), row("test", None, energy)]
    assert attention({"attention": rows})["low"] is low


@pytest.mark.parametrize("explain", [None, {}, {"attention": None}, {"attention": []}])
def test_nothing_measured_is_no_table(explain):
    """Old records, and those without masks, give None."""
    assert attention(explain) is None
