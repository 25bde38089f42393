"""Charts and pictures: numbers land where they should."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from bccurate.reporting import charts
from bccurate.reporting.gallery import Caps
from bccurate.reporting.models import confusion
from bccurate.reporting.text import count_of, percent, pretty_record, visible
from bccurate.reporting.thumbnails import colour_map, overlay, thumbnail


def test_a_frame_maps_its_scale_onto_its_edges_and_holds_the_rest_inside() -> None:
    """The ends of a scale are the ends of the plot; what lies beyond is drawn on the edge."""
    frame = charts.Frame(100, 60, (0, 10), (0, 1), left=20, right=10, top=5, bottom=15)
    assert (frame.px(0), frame.px(10), frame.px(99)) == (20, 90, 90)
    assert (frame.py(0), frame.py(1), frame.py(-5)) == (45, 5, 45)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 255), (0.2, 0.9), (3, 3), (1, 15)])
def test_ticks_are_round_few_and_inside(low: float, high: float) -> None:
    """At most seven ticks, all within the scale."""
    found = charts.ticks(low, high)
    assert len(found) <= 7
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)


def test_bars_have_the_width_of_their_recall() -> None:
    """Half the recall is half the bar."""
    drawn = charts.recall_bars({"a": {"recall": 1.0}, "b": {"recall": 0.5}}, "x")
    wide, half = (float(w) for w in re.findall(r'width="([\d.]+)" height="\d+" class="bar"', drawn))
    assert half == pytest.approx(wide / 2, abs=0.1)


def test_history_draws_what_is_finite_and_nothing_where_nothing_fits() -> None:
    """A NaN epoch is passed over; no column of that kind gives an empty chart."""
    rows = [
        {"epoch": 1, "loss": 2.0},
        {"epoch": 2, "loss": float("nan")},
        {"epoch": 3, "loss": 1.0},
    ]
    assert charts.history(rows, "loss", "x").count('class="line line-0"') == 1
    assert charts.history(rows, "f1", "x") == ""
    assert charts.history([], "loss", "x") == ""


def test_reliability_skips_empty_bins() -> None:
    """A bin without images has no dot; a second curve has small dots and its own name."""
    bins = [
        {"n": 0, "confidence": 0.1, "accuracy": 0.0},
        {"n": 9, "confidence": 0.9, "accuracy": 0.8},
    ]
    drawn = charts.reliability([("before, ECE 10 %", bins), ("<after>", bins)], "x")
    assert drawn.count("<circle") == 1
    assert drawn.count('class="point point-2"') == 1
    assert "before, ECE 10 %" in drawn and "&lt;after&gt;" in drawn


def test_what_was_not_measured_is_a_dash_in_a_heat_map() -> None:
    """None is neither 0 nor a fault."""
    drawn = charts.heat_map({"ig": [None, 0.5]}, ["val", "test"], "x")
    assert re.findall(r'fill-opacity="([\d.]+)"', drawn) == ["0.000", "0.500"]
    assert re.findall(r'text-anchor="middle">([^<]+)<', drawn) == ["val", "test", "–", "50"]


def test_labels_in_charts_are_escaped() -> None:
    """SVG is built by ``Markup.format`` alone."""
    bad = "</svg><script>"
    assert "<script" not in charts.recall_bars({bad: {"recall": 1.0}}, bad)
    assert "<script" not in charts.history([{bad + "loss": 1.0}], "loss", bad)


def test_confusion_cells_hold_counts_and_shares_of_their_row() -> None:
    """3 of 4 is 0.75, and a class with no image has shares of 0."""
    rows = confusion(["a", "b"], [[3, 1], [0, 0]])
    assert rows is not None
    assert rows[0]["cells"] == [(3, 0.75, True), (1, 0.25, False)]
    assert rows[1]["cells"] == [(0, 0.0, False), (0, 0.0, True)]


def test_caps_shrink_together_and_keep_the_members_of_a_group() -> None:
    """A group is shown whole or not at all."""
    assert Caps().scaled(0.5) == Caps(6, 6, 12, 12, 12, 8, 1, 20, 4)
    assert Caps().scaled(0).groups == 0


def test_a_thumbnail_is_a_jpeg_that_keeps_the_aspect() -> None:
    """The longer side is ``size``; a smaller picture is not enlarged."""
    wide = np.zeros((50, 200, 3), np.uint8)
    assert Image.open(io.BytesIO(thumbnail(wide))).size == (96, 24)
    assert Image.open(io.BytesIO(thumbnail(wide[:, :40], 96))).size == (40, 50)


def test_an_overlay_changes_the_picture_where_the_heat_is() -> None:
    """No heat leaves the pixels, full heat gives the map's brightest colour, NaN is no heat."""
    grey = np.full((64, 64, 3), 128, np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[:, 3] = 1
    heat[0, 0] = np.nan
    drawn = np.asarray(Image.open(io.BytesIO(overlay(grey, heat, 64))), int)
    assert abs(drawn[:, :8] - 128).max() < 8
    assert abs(drawn[:, -4:] - [252, 255, 164]).max() < 24


def test_the_colour_map_grows_lighter_all_the_way() -> None:
    """Perceptually even: lightness rises with heat, by about the same step."""
    lightness = colour_map(np.linspace(0, 1, 50)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > 0).all()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain é 細胞 عربي", "plain é 細胞 عربي"),
        ("a\nb\tc\x00", r"a\nb\tc\x00"),
        ("\u202eexe", r"\u202eexe"),
        ("\udcff", r"\udcff"),
        ("\u2028", r"\u2028"),
    ],
)
def test_hidden_characters_become_visible_and_scripts_stay(raw: str, shown: str) -> None:
    """Letters of any script stay; controls and direction marks are written out."""
    assert visible(raw) == shown


def test_words_for_numbers() -> None:
    """One is singular, thousands are marked, and nothing is a dash."""
    assert count_of(1, "class", "classes") == "1 class"
    assert count_of(2000, "image") == "2,000 images"
    assert percent(0.9612) == "96.1\u00a0%"
    assert percent(None) == "–"


def test_a_record_is_cut_but_stays_json_to_the_eye() -> None:
    """Long lists end with how many more there are."""
    text = pretty_record({"groups": [{"n": i} for i in range(100)], "reason": "x" * 1000})
    assert '"… 88 more"' in text
    assert len(text) < 1500
