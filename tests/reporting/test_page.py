"""The report page: self-contained, small, and harmless whatever a file is called."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from plausible import HOSTILE, plausible

from bccurate.reporting import page as page_module
from bccurate.reporting.page import MOST_BYTES, render
from bccurate.reporting.report_data import ModelPart, ReportData
from bccurate.reporting.thumbnails import thumbnail

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Reader(HTMLParser):
    """Collects tags and attributes and checks that every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html(data: ReportData) -> str:
    return render(data)


def test_the_page_fetches_nothing_and_runs_nothing(html: str) -> None:
    """Addresses are ``data:`` or ``#``, and there is no script, frame, form or handler."""
    for tag, attributes in Reader(html).tags:
        assert tag not in {"script", "iframe", "object", "embed", "form", "link", "base"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "srcset", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/jpeg;base64,"))
    assert "http://" not in html
    assert "https://" not in html
    assert not re.search(r"url\(|@import", html)


def test_the_security_policy_forbids_what_the_page_does_not_use(html: str) -> None:
    """A browser refuses scripts and requests even where an escape were missing."""
    policy = next(a for tag, a in Reader(html).tags if a.get("http-equiv"))["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")


def test_the_page_is_well_formed_and_every_link_has_its_target(html: str) -> None:
    """All tags are closed in order, and the navigation leads somewhere."""
    reader = Reader(html)
    assert reader.open == []
    ids = [a["id"] for _, a in reader.tags if a.get("id")]
    assert len(ids) == len(set(ids))
    links = {(a["href"] or "")[1:] for tag, a in reader.tags if tag == "a"}
    assert (
        {"classes", "duplicates", "outliers", "split", "leaks", "models", "runs"}
        <= links
        <= set(ids)
    )


def test_hostile_names_are_shown_and_never_obeyed() -> None:
    """A label that is markup, quotes, a newline, a direction override and a broken byte."""
    html = render(plausible(label=HOSTILE, leaky=True))
    html.encode("utf-8")  # a lone surrogate would fail here
    reader = Reader(html)
    assert reader.open == []
    assert "<script" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;" in html
    assert r"\n\u202egpj.exe\udcff" in html
    plain = Reader(render(plausible(leaky=True)))
    assert [tag for tag, _ in reader.tags] == [tag for tag, _ in plain.tags]


def test_hostile_model_names_and_settings_are_escaped(data: ReportData) -> None:
    """Names of models and every text of a record go through the same door."""
    part = replace(data.models[0], name=HOSTILE)
    assert "<script" not in render(replace(data, models=[part], dataset=HOSTILE, created=HOSTILE))


def test_a_report_of_nothing_names_the_commands_that_make_it() -> None:
    """Without a record every section says what to type."""
    html = render(ReportData("my cells", "today", models=[ModelPart("resnet50")]))
    for command in (
        "info",
        "dedupe",
        "outliers",
        "split",
        "train",
        "evaluate",
        "mistakes",
        "explain",
    ):
        assert f"bccurate {command}" in html
    assert "-d &#39;my cells&#39;" in html
    assert Reader(html).open == []


@pytest.mark.parametrize("gone", ["import", "info", "dedupe", "outliers", "split"])
def test_each_record_may_be_missing(data: ReportData, gone: str) -> None:
    """One command that has not run leaves the other sections as they are."""
    records = {name: record for name, record in data.records.items() if name != gone}
    html = render(replace(data, records=records))
    assert Reader(html).open == []
    assert "Table 2" in html


@pytest.mark.parametrize("gone", ["train", "evaluate", "mistakes", "explain"])
def test_each_record_of_a_model_may_be_missing(data: ReportData, gone: str) -> None:
    """A model that was only trained, or only evaluated, has its page part."""
    models = [replace(model, **{gone: None}) for model in data.models]
    assert Reader(render(replace(data, models=models))).open == []


def test_the_summary_says_what_was_found_and_which_number_to_believe(html: str) -> None:
    """The first paragraph holds the counts and the test accuracy of the best model on val."""
    top = html[html.index('id="summary"') : html.index('id="classes"')]
    assert "11,959 images of 8 classes" in top
    assert "2 groups carry more than one label" in top
    assert "The number to believe: resnet50" in top


def test_table_1_counts_each_class_once_and_hides_empty_columns(html: str) -> None:
    """The record's own total row is no ninth class; a column of zeros is left out."""
    table = html[html.index('id="classes"') : html.index("Sizes in pixels")]
    assert table.count('<th scope="row"') == 9
    assert table.count("11,959") == 1
    assert "unreadable" not in table


def test_galleries_are_capped_and_say_what_is_left_out(html: str) -> None:
    """Twelve groups of at most six members, and the rest as a number."""
    assert html.count('<article class="group') == 12
    assert "… and 3 more groups." in html
    assert "+ 52" in html
    assert max(part.count('<div class="tile">') for part in html.split("<article")[1:-1]) <= 6


def test_a_page_with_too_many_pictures_drops_tails_and_says_so() -> None:
    """Large thumbnails never push the page over 5 MB."""
    data = plausible(models=3)
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    large = thumbnail(noise, 300)
    html = render(replace(data, thumbnails=dict.fromkeys(data.thumbnails, large)))
    assert len(html.encode()) <= MOST_BYTES
    assert "tails of the galleries were left out" in html


def test_no_picture_at_all_is_the_last_resort(
    data: ReportData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where not one picture fits the page still holds tables and charts."""
    monkeypatch.setattr(page_module, "MOST_BYTES", 1)
    html = render(data)
    assert "<img" not in html
    assert "Table 2" in html


def test_long_records_are_cut(data: ReportData) -> None:
    """A hundred thousand outliers make a chart and a short record, not a huge page."""
    record = {**data.records["outliers"]}
    record["outliers"] = [
        {"filepath": f"/x/{i}.jpg", "label": "ig", "score": 0.5} for i in range(100_000)
    ]
    points = {"ig": [(float(i % 251), float(i % 97), False) for i in range(100_000)]}
    records = {**data.records, "outliers": record}
    html = render(replace(data, records=records, intensities=points, thumbnails={}))
    assert len(html) < 2_000_000
    assert "99,988 more" in html


def test_hundreds_of_classes_make_no_matrix_of_hundreds_squared(data: ReportData) -> None:
    """Past 48 classes the matrix is left out, and the page says where to find it."""
    names = [f"class {i}" for i in range(600)]
    scores = {"n": 600, "accuracy": 0.5, "macro_f1": 0.5, "confusion": [[1] * 600] * 600}
    model = ModelPart("resnet50", evaluate={"classes": names, "metrics": {"test": scores}})
    points = {name: [(100.0, 20.0, True)] for name in names}
    html = render(replace(data, models=[model], intensities=points))
    assert "600 classes are too many" in html
    assert "552 classes were left out" in html
    assert len(html) < 1_500_000


def test_table_2_has_calibration_and_mcnemar_of_the_figures_shown(data: ReportData) -> None:
    """ECE before and after; p where the comparison is of these very figures, else none."""
    models = [
        replace(m, evaluate={**m.evaluate, "metrics": {
            split: row | {"ece_calibrated": 0.0123} for split, row in m.evaluate["metrics"].items()
        }}) for m in data.models
    ]  # fmt: skip
    row = {"model": "custom_cnn", "against": "resnet50", "split": "test", "n": 9}
    record = {
        "models": {m.name: {"metrics": m.evaluate["metrics"]} for m in models},
        "mcnemar": [row | {"only_model": 1, "only_against": 5, "p_value": 0.21875}],
    }
    html = render(replace(data, models=models, records={**data.records, "evaluate": record}))
    table = html[html.index("Table 2") : html.index("</table>", html.index("Table 2"))]
    assert table.count("→ 1.2") == 6 and "McNemar p" in table and "0.2188" in table
    assert "do not tell it from custom_cnn (McNemar, p &gt; 0.05)" in html
    record["models"]["resnet50"] = {"metrics": {}}
    stale = render(replace(data, models=models, records={**data.records, "evaluate": record}))
    assert "McNemar p" not in stale and "do not tell it from" not in stale
