"""Leaks, training without background, Figure 2, what to do next, and the table of contents."""

from __future__ import annotations

from dataclasses import replace

import pytest
from plausible import HOSTILE, member, plain_training, plausible

from bccurate.reporting.background import background
from bccurate.reporting.gallery import Caps
from bccurate.reporting.models import figure_2
from bccurate.reporting.next_steps import steps
from bccurate.reporting.page import render
from bccurate.reporting.report_data import ModelPart, ReportData, SheetRow
from bccurate.reporting.sections import leaks, shown_leaks


def _section(html: str, name: str) -> str:
    return html.split(f'<section id="{name}">')[1].split("</section>")[0]


def _commands(data: ReportData) -> list[str]:
    return [step.command for step in steps(data)]


def test_leaks_with_test_come_first_and_show_every_split() -> None:
    """Of 99 of train and one of test, two pictures are one of each."""
    many = [member(f"/a/{i}.png", "train", "ig") for i in range(99)]
    wide = {"splits": ["test", "train"], "members": [*many, member("/a/t.png", "test", "ig")]}
    near = {"splits": ["train", "val"], "members": many[:1] + [member("/v.png", "val", "ig")] * 200}
    (group, shown), _ = shown_leaks([near, wide], 12, 2)
    assert group is wide
    assert [row["filepath"] for row in shown] == ["/a/0.png", "/a/t.png"]


def test_the_page_counts_leaks_and_says_what_to_type() -> None:
    """Three groups, twelve images, one group with test; the patient's name beside them."""
    section = _section(render(plausible(leaky=True)), "leaks")
    assert "3 groups with 12 images, 1 of them with test" in section
    assert section.count("<article") == 3 and "+ 2" in section
    assert "bccurate split --redo -d pbc96" in section and "patient basophil" in section


@pytest.mark.parametrize(
    ("known", "said"), [([], "None: no copy"), (None, "bccurate split -d pbc96")]
)
def test_no_leak_and_no_split_are_told_apart(data: ReportData, known: list | None, said: str):
    """Nothing crosses, or there is nothing yet to cross."""
    assert said in _section(render(replace(data, leaks=known)), "leaks")
    assert (leaks(replace(data, leaks=known), Caps()) is None) == (known is None)


def _trained(test: float, half: float, earlier: list[dict], **settings: float) -> ReportData:
    figures = {"n": 100, "accuracy": test, "macro_f1": test,
               "accuracy_interval": [test - half, test + half]}  # fmt: skip
    views = ["train", "background_removed"]
    train = {"settings": {"lr": 1e-3, "views": views, **settings}, "held_out": "a",
             "metrics": {"val": figures, "test": figures}, "earlier": earlier}  # fmt: skip
    return ReportData("d", "now", models=[ModelPart("m", train=train)])


@pytest.mark.parametrize(
    ("test", "half", "said"),
    [
        (0.82, 0.05, "do not tell the two apart"),
        (0.95, 0.02, "the background misled it"),
        (0.60, 0.02, "leaned on the background"),
    ],
)
def test_with_and_without_background_stand_side_by_side(test: float, half: float, said: str):
    """0.80 as they are, interval 0.78 to 0.82, against both: words by whether intervals meet."""
    found = background(_trained(test, half, [plain_training(0.80)]))
    assert found is not None
    assert [(row["kind"], row["splits"][1]["accuracy"]) for row in found["rows"]] == [
        ("as they are", 0.80), ("both", test)
    ]  # fmt: skip
    (sentence,) = found["said"]
    assert said in sentence and "Beware" not in sentence


@pytest.mark.parametrize("earlier", [[], [plain_training(0.8, held_out="other")]])
def test_only_trainings_measured_on_the_same_images_are_compared(earlier: list[dict]) -> None:
    """One training alone, or one of another split, is no comparison."""
    assert background(_trained(0.9, 0.02, earlier)) is None


def test_other_settings_that_differed_are_named() -> None:
    """A comparison that changes two things says so."""
    found = background(_trained(0.9, 0.02, [plain_training(0.8)], epochs=9))
    assert found is not None and "Beware: epochs differed, too." in found["said"][0]


def test_figure_2_has_a_row_a_class_hit_first() -> None:
    """Image, map, overlay; the mistake after the hit whatever order they come in."""
    cells = [("b", "b"), ("a", "b"), ("a", "a")]
    rows = [SheetRow("/x", label, guess, 0.9, b"i", b"m", b"o") for label, guess in cells]
    found = figure_2(rows)
    assert [(row["label"], [tile["right"] for tile in row["tiles"]]) for row in found] == [
        ("a", [True, False]), ("b", [True])
    ]  # fmt: skip
    ends = [uri.rsplit(",")[1] for uri in found[0]["tiles"][0]["pictures"]]
    assert ends == ["aQ==", "bQ==", "bw=="]  # i, m, o in base 64


def test_the_first_steps_of_a_new_dataset_are_those_of_the_images() -> None:
    """Copies before outliers before the split before a model; the name is quoted."""
    assert _commands(ReportData("my cells", "now")) == [
        "bccurate dedupe -d 'my cells'", "bccurate outliers -d 'my cells'",
        "bccurate split -d 'my cells'", "bccurate train custom_cnn -d 'my cells'",
    ]  # fmt: skip


def test_the_steps_follow_what_was_found() -> None:
    """Conflicts, leaks, outliers, a large gap, mistakes: each has its command, in that order."""
    assert _commands(plausible(leaky=True)) == [
        "bccurate review --view duplicates -d pbc96",
        "bccurate split --redo -d pbc96",
        "bccurate review --view outliers -d pbc96",
        "bccurate train resnet50 --recipe robust -d pbc96",
        "bccurate review --view v -d pbc96",
    ]


def test_a_model_that_looks_beside_the_cell_is_trained_without_background(data: ReportData):
    """Less than half on the cells, and trained on the pictures as they are."""
    model = data.models[1]
    train = {**model.train, "settings": {"views": []}}
    row = {"split": None, "label": None, "n": 9, "lift": 1.0, "pointing_game": 0.1}
    explain = {**model.explain, "attention": [row | {"attention": 0.2}]}
    found = _commands(replace(data, models=[replace(model, train=train, explain=explain)]))
    assert found[-1] == "bccurate train resnet50 --view train --view background_removed -d pbc96"


def test_a_hostile_name_cannot_leave_its_place_in_a_command() -> None:
    """The command that a reader copies is one word where the name is, and shown unbroken."""
    html = render(ReportData("a; rm -rf ~\n<b>", "now"))
    assert "bccurate dedupe -d &#39;a; rm -rf ~\\n&lt;b&gt;&#39;" in html and "<b>\n" not in html
    assert "=cmd" in render(plausible(label="=cmd|' /C calc'!A0", leaky=True))
    assert "<script" not in render(plausible(label=HOSTILE, leaky=True))


def test_the_contents_say_what_was_found_and_what_was_not_run(data: ReportData) -> None:
    """A row a section and model, in the order of the page."""
    listed = render(data).split('id="contents"')[1].split("</nav>")[0]
    assert listed.count("<li>") == 12 and "15 groups, 2 conflicts" in listed
    assert listed.count("not run yet") == 0
    empty = render(ReportData("d", "now")).split('id="contents"')[1].split("</nav>")[0]
    assert empty.count("not run yet") == 9
