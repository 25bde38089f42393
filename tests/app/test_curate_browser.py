"""Curation in the App, from the form of ``dedupe`` to decisions in the database."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from browser import ARTEFACTS, open_dataset, open_operator, page, until

import bccurate

pytestmark = pytest.mark.browser
__all__ = ["page"]  # a fixture

PICTURES = "img[src^='data:image/jpeg']"


@pytest.fixture
def opened(rendered, name, start_app) -> Iterator[SimpleNamespace]:
    """The App on rendered cells that were imported and no more."""
    import fiftyone as fo

    bccurate.import_(rendered, name)
    with start_app(name) as app:
        app.dataset = fo.load_dataset(name)
        yield app


def test_duplicates_are_found_looked_at_and_decided_on(page, opened) -> None:
    """The form runs dedupe; the panel shows each group; Keep and Drop are tags in the database."""
    dataset = opened.dataset
    open_dataset(page, opened, dataset.name)
    _run_dedupe(page)
    dataset.reload()
    assert dataset.has_run("dedupe") and len(dataset.exists("duplicate_group")) > 0

    page.locator("[data-cy='new-panel-btn']").first.click()
    page.get_by_text("Duplicates", exact=True).first.click()
    page.get_by_text("Group 1 of").wait_for()
    n = len(dataset.match({"duplicate_group": 1}))
    until(lambda: page.locator(PICTURES).count() == n, "the group is not side by side")
    page.screenshot(path=ARTEFACTS / "curate-group.png")

    page.get_by_role("button", name="Keep", exact=True).first.click()
    until(lambda: _tags(dataset).get("keep") == 1, "nothing is tagged keep")
    page.get_by_role("button", name="Drop", exact=True).last.click()
    until(lambda: _tags(dataset).get("drop") == 1, "nothing is tagged drop")
    dataset.reload()  # who decided and when are fields that the App has made
    kept, dropped = (dataset.match_tags(tag).first() for tag in ("keep", "drop"))
    assert kept.duplicate_of is None and dropped.duplicate_of == kept.id
    page.screenshot(path=ARTEFACTS / "curate-decided.png")

    page.get_by_role("button", name="Next").click()
    page.get_by_text("Group 2 of").wait_for()
    page.get_by_role("button", name="Keep first, drop the rest").click()
    page.get_by_text("Group 3 of").wait_for()
    second = dataset.match({"duplicate_group": 2})
    assert len(second.match_tags("keep")) == 1
    assert len(second.match_tags("drop")) == len(second) - 1
    _look_at_conflicts(page)
    assert len(dataset) == len(dataset.match_tags("drop", bool=False)) + _tags(dataset)["drop"]


def _run_dedupe(page) -> None:
    """Run the operator from its form, and see the outcome."""
    open_operator(page, "bccurate: find duplicates")
    page.get_by_text("Differing bits of 64 up to which hashes").wait_for()
    page.screenshot(path=ARTEFACTS / "curate-form.png")
    page.get_by_role("button", name="Execute").click()
    page.get_by_text("duplicate groups in").wait_for()
    page.screenshot(path=ARTEFACTS / "curate-outcome.png")
    page.get_by_role("button", name="Close", exact=True).last.click()


def _look_at_conflicts(page) -> None:
    """Choose the groups with labels in conflict; the label that is at odds is marked."""
    page.get_by_text("all groups (").first.click()
    page.get_by_role("option").filter(has_text="labels in conflict").click()
    page.get_by_text("Labels in conflict:").wait_for()
    assert page.get_by_text("⚠").count() >= 1
    page.screenshot(path=ARTEFACTS / "curate-conflict.png")


def _tags(dataset) -> dict[str, int]:
    return dataset.count_sample_tags()
