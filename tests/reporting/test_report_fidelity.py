"""The report's tables and sheets of variants beside their sources."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bccurate.reporting.fidelity import fidelity, sheet_paths
from bccurate.reporting.page import render


def row(**more) -> dict:
    return {"n": 30, "rejected": 0.91, "accuracy_sources": 0.98, "accuracy": 0.37, **more}


def record(kind: str = "augmix", **more) -> dict:
    pictures = [
        {"label": label, "source": f"/s/{label}{i}.png", "variants": [f"/v/{label}{i}_a.png"]}
        for label in ("ig<b>", "platelet")
        for i in (0, 1)
    ]
    measured = {
        "of": "0", "noise": 0.2, "magnitude": 3.0, "model": "resnet50",
        "classes": {"ig<b>": row(), "platelet": row(accuracy=None)},
        "pictures": pictures, **more,
    }  # fmt: skip
    return {"command": "augment", "kind": kind, "written": 60, "already_there": 0, "view": kind,
            "fidelity": measured}  # fmt: skip


def test_a_shortened_sheet_keeps_every_class():
    """The first source of each class comes before the second of any."""
    (part,) = fidelity({"augment_augmix": record()}, most=2)
    assert [shown["source"] for shown in part["sheet"]] == ["/s/ig<b>0.png", "/s/platelet0.png"]
    assert part["more"] == 2


def test_all_images_of_the_sheets_are_fetched():
    """Sources and variants of both kinds."""
    paths = list(sheet_paths({"augment_randaugment": record("randaugment")}))
    assert len(paths) == 8 and set(paths) >= {"/s/platelet1.png", "/v/ig<b>0_a.png"}


@pytest.mark.parametrize("old", [{}, {"fidelity": None}])
def test_records_without_fidelity_have_no_section(old):
    """Those of older releases, and of a call that was killed."""
    older = {key: value for key, value in record().items() if key != "fidelity"} | old
    assert fidelity({"augment_augmix": older}, 9) == []


def test_a_record_of_0_1_0_is_shown(data):
    """Its rows have more figures, and some are told no longer."""
    older = {"intensity_mean": 2.5, "delta_e": 9.75, "destroyed": True, "suggestion": None}
    stored = record(classes={"platelet": row(**older)}, suggestion=None, mildest=None)
    page = render(replace(data, records=data.records | {"augment_augmix": stored}))
    assert "Fidelity of augmix" in page and "0.98 → 0.37" in page


def test_the_page_has_figures_images_and_a_sentence(data):
    """A dash for what was not measured; class names are escaped; the record stays as it is."""
    stored = record()
    page = render(replace(data, records=data.records | {"augment_augmix": stored}))
    assert "Fidelity of augmix" in page and "0.98 → 0.37" in page and "91\u00a0%" in page
    assert "ig&lt;b&gt;" in page and "ig<b>" not in page and "platelet1_a.png" in page
    assert "the outlier rule rejects 91%" in page
    assert stored == record()
