"""The plot of outliers: every outlier is there, numbered as its picture, and nothing is obeyed."""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from plausible import HOSTILE, plausible

from bccurate.reporting import intensity
from bccurate.reporting.page import render_outliers

BOUNDS = {"mean": {"low": 90, "high": 110}, "std": {"low": 10, "high": 30}}
SCALES = ((0.0, 255.0), (0.0, 100.0))


def _row(mean: float, std: float, label: str = "ig") -> dict:
    return {"filepath": f"/a/{label}/x.png", "label": label, "score": 0.9, "mean": mean, "std": std}


def _drawn(panel: str, kind: str) -> int:
    path = re.search(rf'd="([^"]*)" class="{kind}"', panel)
    return path.group(1).count("M") if path else 0


def test_dots_outliers_and_the_box_of_the_bounds() -> None:
    """Two dots within, one outlier without and one dashed box; what has no number is left out."""
    points = [(100.0, 20.0, False), (105.0, 22.0, False), (20.0, 90.0, True)]
    points.append((float("nan"), 1.0, False))  # an image that could not be measured
    panel = intensity.panel("ig", points, BOUNDS, *SCALES)
    assert (_drawn(panel, "dot"), _drawn(panel, "dot-out")) == (2, 1)
    assert panel.count('class="bounds"') == 1
    assert 'aria-label="ig: 3 images, 1 outlier"' in panel


def test_many_dots_are_thinned_and_outliers_never() -> None:
    """Of 5,000 inliers and 900 outliers, 400 and all are drawn."""
    inliers = [(i % 250 + 1.0, i // 250 * 4.0, False) for i in range(5000)]
    outliers = [(i % 250 + 1.0, i // 250 * 20.0 + 1, True) for i in range(900)]
    frame = intensity.Frame(intensity.PLOT, intensity.HEIGHT, *SCALES)
    places = {(round(frame.px(m)), round(frame.py(s))) for m, s, _ in outliers}
    panel = intensity.panel("ig", inliers + outliers, None, *SCALES)
    assert 350 < _drawn(panel, "dot") <= intensity.MOST_DOTS
    assert _drawn(panel, "dot-out") == len(places)


def test_the_number_beside_a_picture_stands_at_its_dot() -> None:
    """Each of the worst has its number twice: ten units from its dot, and at its picture."""
    rows = [_row(20, 90), _row(230, 5), _row(100, 50)]
    worst = [(row, "data:image/jpeg;base64,AA==") for row in rows]
    panel = intensity.panel("ig", [(r["mean"], r["std"], True) for r in rows], None, *SCALES, worst)
    marks = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="mark"[^>]*>(\d)<', panel)
    frame = intensity.Frame(intensity.PLOT, intensity.HEIGHT, *SCALES)
    for number, row in enumerate(rows, 1):
        mine = [(float(x), float(y)) for x, y, n in marks if n == str(number)]
        assert len(mine) == 2
        at_dot, at_picture = mine
        dot = frame.px(row["mean"]), frame.py(row["std"]) + 4  # a baseline, not a middle
        assert abs(math.dist(at_dot, dot) - 10) < 0.2 and at_picture[0] > intensity.PLOT
    assert panel.count("<image ") == 3


def test_numbers_cover_neither_each_other_nor_a_dot() -> None:
    """Three outliers at one place among others: each number has a place of its own."""
    points = [(50.0, 50.0, True)] * 3 + [(60.0, 50.0, True), (50.0, 58.0, True)]
    panel = intensity.panel("ig", points, None, *SCALES, [(_row(50, 50), None)] * 3)
    frame = intensity.Frame(intensity.PLOT, intensity.HEIGHT, *SCALES)
    marks = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="mark" text-anchor="middle"', panel)
    places = [(float(x), float(y) - 4) for x, y in marks]
    dots = {(frame.px(m), frame.py(s)) for m, s, _ in points}
    assert len(places) == 3
    for place, other in itertools.combinations([*places, *dots], 2):
        if not {place, other} <= dots:
            assert abs(place[0] - other[0]) >= 8 or abs(place[1] - other[1]) >= 9
    assert "<image" not in panel


def test_rows_of_an_older_release_have_pictures_without_numbers() -> None:
    """A record without mean and std still gives a panel."""
    worst = [({"filepath": "/x.png", "label": "ig", "score": 0.9}, None)]
    assert intensity.panel("ig", [], None, *SCALES, worst).count('class="mark"') == 1


def test_worst_by_class_takes_the_first_of_each() -> None:
    """Rows come worst first and stay in that order."""
    rows = [_row(i, 0, "ab"[i % 2]) for i in range(9)]
    found = intensity.worst_by_class(rows)
    assert {k: [r["mean"] for r in v] for k, v in found.items()} == {"a": [0, 2, 4], "b": [1, 3, 5]}


@pytest.mark.parametrize("label", [None, HOSTILE])
def test_the_svg_alone_is_well_formed_and_needs_nothing(label: str | None) -> None:
    """An XML parser reads it; a panel a class, pictures within, no script, no address."""
    data = plausible(label=label)
    root = ElementTree.fromstring(render_outliers(data, "svg").encode("utf-8"))
    names = [element.tag.rsplit("}")[-1] for element in root.iter()]
    assert names.count("svg") == 1 + 2 * 8 and "script" not in names
    links = [element.get("href") for element in root.iter() if element.get("href")]
    assert len(links) == 24 and all(link.startswith("data:image/jpeg") for link in links)


@pytest.mark.parametrize("label", [None, HOSTILE])
def test_the_page_alone_is_self_contained(label: str | None) -> None:
    """The same panels under the report's content security policy."""
    page = render_outliers(plausible(label=label), "html")
    assert page.lstrip().startswith("<!doctype html>") and "default-src 'none'" in page
    assert (
        "<script" not in page
        and page.count("<image ") == 24
        and "http" not in page.replace("http-equiv", "")
    )


def test_a_dataset_without_points_has_an_empty_plot() -> None:
    """No class, no panel, no fault."""
    data = replace(plausible(), intensities={})
    assert ElementTree.fromstring(render_outliers(data, "svg")).get("viewBox")
