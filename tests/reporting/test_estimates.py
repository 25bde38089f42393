"""The sections on corrupted images: the numbers, the pictures, and what to believe."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from plausible import corrupted, member, share

from bccurate.evaluation.corruptions.suite import FAMILIES, SUITE
from bccurate.reporting import charts
from bccurate.reporting.gallery import Caps
from bccurate.reporting.page import MOST_BYTES, render
from bccurate.reporting.report_data import ReportData
from bccurate.reporting.robustness import estimates, robustness, which_to_believe
from bccurate.reporting.summary import best_model, number_to_believe


def _section(html: str, name: str) -> str:
    return html.split(f'<section id="{name}">')[1].split("</section>")[0]


def _believe(data: ReportData) -> str:
    return " ".join(which_to_believe(data, best_model(data))).replace("\u00a0", " ")


def test_a_heat_map_says_its_numbers_and_shades_them() -> None:
    """A cell of 0.25 says 25 and is a quarter dark."""
    drawn = charts.heat_map({"blur": [1.0, 0.25]}, ["1", "5"], "x")
    assert re.findall(r'fill-opacity="([\d.]+)"', drawn) == ["1.000", "0.250"]
    assert re.findall(r'text-anchor="middle">(\d+)<', drawn) == ["1", "5", "100", "25"]


def test_the_page_has_a_map_a_model_and_a_cell_under_each_corruption(data: ReportData) -> None:
    """Seven families, 27 corruptions, three pictures each, and still under 5 MB."""
    html = render(data)
    section = _section(html, "robustness")
    assert section.count('class="chart"') == 2 * len(data.models)
    assert section.count("<img") == 3 * len(SUITE)
    assert all(family in section for family in FAMILIES)
    assert all(name.replace("_", " ") in section for name in SUITE)
    assert len(html.encode()) < MOST_BYTES


def test_a_page_without_room_drops_the_tail_of_the_sheet(data: ReportData) -> None:
    """At a tenth of the pictures four corruptions are shown and the others counted."""
    section = robustness(data, Caps().scaled(0.1))
    assert section is not None
    assert (len(section["sheet"]), section["more"]) == (4, 23)


def test_the_estimates_stand_side_by_side(data: ReportData) -> None:
    """Validation with duplicates kept apart, clean test and corrupted test; no random split."""
    model = data.models[-1]
    row = next(row for row in estimates(data) if row["name"] == model.name)
    random, safe, test, worst = row["cells"]
    assert model.evaluate is not None
    metrics, figures = model.evaluate["metrics"], corrupted(0.93)
    assert random is None
    assert safe["accuracy"] == metrics["val"]["accuracy"]
    assert test["accuracy"] == metrics["test"]["accuracy"]
    assert worst == {
        "accuracy": figures["corrupted_accuracy"],
        "interval": figures["corrupted_interval"],
        "n": 1794,
    }


@pytest.mark.parametrize("known", ["no dedupe", "leaks"])
def test_a_split_that_parts_duplicates_is_called_so(data: ReportData, known: str) -> None:
    """The validation figure moves to the other column and is not to be believed."""
    records = {name: row for name, row in data.records.items() if name != "dedupe"}
    pair = [member("/a/1.png", "train", "ig"), member("/a/2.png", "val", "ig")]
    crossing = {"field": "patient", "group": "7", "splits": ["train", "val"], "members": pair}
    spoiled = replace(data, records=records)
    if known == "leaks":
        spoiled = replace(data, leaks=[crossing, {**crossing, "group": "8"}])  # of the same two
    random, safe, *_ = estimates(spoiled)[0]["cells"]
    assert random is not None and safe is None
    assert "Do not believe the random-split validation" in _believe(spoiled)
    assert ("2 samples" if known == "leaks" else "never looked for") in _believe(spoiled)


def test_a_leaking_split_gives_both_validation_figures(data: ReportData) -> None:
    """All of val as a random split, those without a copy elsewhere as a safe one; the words too."""
    both = {"all": share(0.95, 400), "safe": share(0.9, 300)}
    spoiled = replace(data, models=[replace(m, validation=both) for m in data.models])
    random, safe, *_ = estimates(spoiled)[0]["cells"]
    assert (random["accuracy"], safe["accuracy"], safe["n"]) == (0.95, 0.9, 300)
    assert "validation says 90.0 % in place of 95.0 %" in _believe(spoiled)


def test_the_words_name_the_sober_number_first(data: ReportData) -> None:
    """Clean test for the same laboratory, corrupted for others, the weakest family, the gap."""
    figures = corrupted(0.93)
    words = _believe(data)
    assert f"{100 * figures['corrupted_accuracy']:.1f} % (corrupted test)" in words.split(".  ")[0]
    assert "weakest under digital" in words
    assert "Where three corruptions come at once it names" in words
    assert f"gap of {100 * figures['gap']:.0f} points" in words
    assert "On corrupted copies" in " ".join(number_to_believe(data))


def test_without_corruptions_the_page_names_the_command(data: ReportData) -> None:
    """No map, no pictures: what to type."""
    bare = replace(data, models=[replace(m, corruptions=None) for m in data.models], corruptions=[])
    html = render(bare)
    assert "--corruptions" in _section(html, "robustness") and "<svg" not in _section(
        html, "robustness"
    )
    assert "Nothing is known yet of images from elsewhere" in _section(html, "estimate")
    assert estimates(bare)[0]["cells"][3] is None
