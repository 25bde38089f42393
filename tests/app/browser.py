"""A headless Chromium for the tests of the App, and what they all do in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from chromium import CHROMIUM, require_browser

ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NO_POPOVER = "localStorage.setItem('fiftyone-enterprise-tooltip-seen', 'true')"
TILE = "[data-cy='looker']"


@pytest.fixture
def page(tmp_path: Path) -> Iterator:
    """A page of a fresh browser; skipped where there is none, a failure under CI=true."""
    require_browser()
    from playwright.sync_api import sync_playwright

    ARTEFACTS.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=CHROMIUM,
            headless=True,
            args=ARGUMENTS,
            viewport={"width": 1440, "height": 900},
        )
        context.set_default_timeout(30_000)
        context.add_init_script(NO_POPOVER)
        yield context.pages[0]
        context.close()


def open_dataset(page, app: SimpleNamespace, dataset: str, view: str | None = None) -> None:
    page.goto(f"{app.url}/datasets/{dataset}" + (f"?view={view}" if view else ""))
    page.wait_for_selector(f"{TILE} canvas[canvas-loaded='true']")


def until(check: Callable[[], bool], what: str, seconds: float = 45) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def count(page) -> int:
    return int(page.locator("[data-cy='entry-counts']").inner_text().split()[0].replace(",", ""))


def open_operator(page, label: str) -> None:
    """Open an operator's form from the operator browser (the backquote key)."""
    page.keyboard.press("Backquote")
    page.get_by_placeholder("Search operations by name...").fill("bccurate")
    page.get_by_text(label).first.click()
