"""File names and labels with markup, formulas or control characters are shown as plain text.

``tests/reporting/test_page.py`` tests how a page escapes each text; here the names come from files
and a table through the commands, and a browser opens the result.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from chromium import CHROMIUM, require_browser
from PIL import Image

from bccurate.hub.import_formats import discover

LABELS = [
    "<script>fetch('http://127.0.0.1:9/label')</script>",
    '"><img src=http://127.0.0.1:9/x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "\u202egpj.exe",
    "two\nlines\r\n\x1b[31mred",
    "{{ 7 * 7 }}{% raw %}",
]
NAMES = [
    "<svg onload=alert(1)>.png",
    "a'b\"c&amp;.png",
    "new\nline.png",
    "\u202egnp.png",
    "=1+1.png",
]
LIVE = {"script", "iframe", "object", "embed", "form", "link", "base"}


class Page(HTMLParser):
    """Collect what a browser would load or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.live: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in LIVE:
            self.live.append(tag)
        for name, value in attrs:
            address = name in ("src", "href", "srcset", "xlink:href", "action")
            inside = (value or "#").startswith(("#", "data:image/"))
            if name.startswith("on") or (address and not inside):
                self.live.append(f"{tag} {name}={value}")


@pytest.fixture
def hostile(cli, name: str, tmp_path: Path) -> tuple[str, list[Path]]:
    """A dataset of such names, and every page that can be made of it without a model."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "cells"
    rows = []
    for which, label in enumerate(LABELS):
        for number in range(6):
            file = folder / f"{which}-{number}-{NAMES[number % len(NAMES)]}"
            file.parent.mkdir(exist_ok=True)
            pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels if number else np.zeros_like(pixels) + 9).save(file)
            rows.append((str(file), label))
    with open(tmp_path / "cells.csv", "w", newline="") as table:
        csv.writer(table).writerows([("filepath", "label"), *rows])
    assert cli("import", tmp_path / "cells.csv", "--name", name).code == 0
    pages = [tmp_path / "report.html", tmp_path / "plot.html"]
    for command in (("dedupe",), ("outliers", "--plot", pages[1]), ("split",), ("leaks",),
                    ("report", "--out", pages[0])):  # fmt: skip
        outcome = cli(*command, "-d", name)
        assert outcome.code == 0, outcome
        assert "\x1b" not in outcome.out and "\u202e" not in outcome.out
    return name, pages


def test_a_page_shows_hostile_names_as_text(hostile, cli) -> None:
    """No tag, handler, address or direction mark of a name is active; templates are not run."""
    name, pages = hostile
    for page in pages:
        html = page.read_text(encoding="utf-8")
        assert Page(html).live == [], page
        assert "\u202e" not in html and "\x1b" not in html
        assert "&lt;script&gt;fetch" in html and "{{ 7 * 7 }}" in html
    shown = cli("info", "-d", name)
    assert "=cmd|" in shown.out and "\x1b" not in shown.out and "\u202e" not in shown.out


def test_no_cell_of_an_exported_table_is_a_formula(hostile, cli, tmp_path: Path) -> None:
    """No cell begins with = + - or @; importing the export gives the labels back."""
    out = tmp_path / "out"
    assert cli("export", out, "--format", "csv", "-d", hostile[0]).code == 0
    with open(out / "manifest.csv", encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert not [cell for row in rows for cell in row.values() if cell.startswith(tuple("=+-@\t\r"))]
    wanted = {label.replace("\r\n", "\n") for label in LABELS}  # as the import reads them
    assert {row["label"] for row in rows} == {label.replace("=cmd", "'=cmd") for label in wanted}
    assert {row.label for row in discover(out, "d").rows} == wanted


@pytest.fixture
def browser(tmp_path: Path) -> Iterator:
    """A page of a browser with scripts enabled; skipped where there is none."""
    require_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=CHROMIUM, headless=True, args=["--no-sandbox"]
        )
        yield context.pages[0]
        context.close()


@pytest.mark.browser
def test_a_browser_loads_and_runs_nothing_from_names(hostile, browser) -> None:
    """It loads the file itself and its ``data:`` images only; no dialog opens."""
    requests: list[str] = []
    dialogs: list[str] = []
    browser.on("request", lambda request: requests.append(request.url))
    browser.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for page in hostile[1]:
        browser.goto(page.as_uri(), wait_until="load")
        browser.wait_for_timeout(300)
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert {url for url in requests if url.startswith("file:")} == {p.as_uri() for p in hostile[1]}
    assert dialogs == []
