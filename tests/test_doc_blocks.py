"""Run the blocks of the pages in an empty folder, and compare their output with the page."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from pages import ROOT, RUN, Block, Reader, blocks, check_printed, in_empty_folder, run_page

DOCS = ROOT / "docs"
HOWTO = sorted(path.stem for path in (DOCS / "howto").glob("*.md"))
# These continue with the dataset of the tutorial.
CARDS = ("zoo", "gradcam", "background", "attention", "splits", "robustness", "formats",
         "report")  # fmt: skip


@pytest.fixture
def reader(cli, capfd, tmp_path, monkeypatch) -> Iterator[Reader]:
    """Return a reader in an empty folder, with an empty home; delete its datasets at the end."""
    from bccurate.hub.open import load_fiftyone

    fo = load_fiftyone()
    before = set(fo.list_datasets())
    in_empty_folder(tmp_path, monkeypatch)
    yield Reader(cli, capfd)
    for name in set(fo.list_datasets()) - before:
        fo.delete_dataset(name)


@pytest.mark.parametrize("page", HOWTO)
def test_a_how_to_runs_as_written(page, reader):
    """A how-to page runs block by block from an empty folder."""
    run_page(DOCS / "howto" / f"{page}.md", reader)


def test_the_tutorial_and_the_cards_run_as_written(reader, rendered):
    """The tutorial runs on a small zip in place of the download; the cards continue from there."""
    shutil.make_archive("PBC_dataset_normal_DIB", "zip", rendered / "images")
    for page in ("tutorial", *CARDS):
        run_page(DOCS / f"{page}.md", reader)


def test_every_block_is_run_or_says_why_not():
    """Every block of code is run by a test or gives the reason why not."""
    run = {f"{page}.md" for page in ("tutorial", *CARDS)} | {f"{page}.md" for page in HOWTO}
    pages = [*DOCS.glob("*.md"), *DOCS.glob("howto/*.md")]
    untested = [
        f"{block.page}:{block.line}"
        for page in pages
        if page.name not in run
        for block in blocks(page)
        if block.language in RUN and not block.why
    ]
    assert not untested, "add the page to CARDS, or <!-- not run: WHY --> above the block"


def test_no_page_hides_code_from_the_tests():
    """Commands are in fenced blocks, not in indented ones, which no test runs."""
    found = [
        f"{page.name}: {row.strip()}"
        for page in DOCS.rglob("*.md")
        for row in page.read_text("utf-8").splitlines()
        if row.startswith("    bccurate ")
    ]
    assert not found


def test_output_on_a_page_is_compared_with_what_was_printed():
    """A line that was not printed, or in another order, fails; numbers may differ."""
    block = Block("page.md", 1, "text", "a: 12 images\n...\nlast 0.5\n")
    check_printed(block, "a:  7 images\nb\nlast 0.25\n")
    with pytest.raises(AssertionError, match="not printed: last"):
        check_printed(block, "last 0.25\na: 7 images\n")


def test_the_docs_build_without_a_warning(tmp_path):
    """``make docs``: every page is in the index, every link and docstring is valid."""
    if importlib.util.find_spec("sphinx") is None:
        missing = "sphinx is not installed (pip install bccurate[docs])"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "dummy"]
    built = subprocess.run(
        [*command, "-d", tmp_path / "trees", DOCS, tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-3000:]


def test_every_card_has_the_same_head():
    """The page of a method begins with command, definition, source and limits."""
    index = (DOCS / "index.md").read_text("utf-8").split(":caption: Methods")[1]
    patterns = index.split("```")[0].split(":glob:")[1].split()
    names = [page.stem for pattern in patterns for page in DOCS.glob(f"{pattern}.md")]
    assert len(names) >= 11
    for name in names:
        head = (DOCS / f"{name}.md").read_text("utf-8").split("| limits |")[0].splitlines()
        rows = [row.split("|")[1].strip() for row in head if row.startswith("| ")]
        assert rows == ["card", "---", "command", "definition", "source"], name
