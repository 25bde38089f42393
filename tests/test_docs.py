"""README, docs, Makefile and changelog agree with the code."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import bccurate
from bccurate.cli.group import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_command_page_is_up_to_date():
    """docs/commands.md equals what `make docs` writes."""
    page = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))["page"]()
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == page, "run make docs"


def test_readme_names_every_command():
    """Each command is in the table of the README."""
    table = README.split("## Commands")[1].split("## Install")[0]
    named = set(re.findall(r"`([a-z-]+)`", table))
    assert set(COMMANDS) <= named


def test_readme_console_lines_parse(monkeypatch):
    """Every `bccurate` line of the README is a command with existing options."""
    import click

    from bccurate.cli.group import cli

    lines = re.findall(r"^\$ bccurate ([^#\n]+)", README, flags=re.M)
    assert len(lines) >= 10
    for line in lines:
        name, *arguments = line.split()
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        command.make_context(name, arguments)  # parses, does not run


def test_readme_python_example_runs(rendered, tmp_path, monkeypatch, capsys):
    """The README's Python example runs as written, beside a folder named cells."""
    import fiftyone as fo

    code = re.search(r"```python\n(.*?)```", README, flags=re.S).group(1)
    (tmp_path / "cells").symlink_to(rendered)
    (tmp_path / "example.py").write_text(code.replace("epochs=8", "epochs=1"))
    monkeypatch.chdir(tmp_path)
    try:
        runpy.run_path("example.py")
    finally:
        if fo.dataset_exists("cells"):
            fo.delete_dataset("cells")
    printed = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"0\.\d+ \[0\.\d+, [01]\.\d+\]", printed[-1]), printed[-1]


def test_linked_pages_exist():
    """Every page that the README and the docs link to exists."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\((?!https?:)([^)#]+\.md)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).is_file(), f"{page.name}: {target}"


def test_pictures_are_small():
    """A figure of the docs has at most 200 KB."""
    pictures = [p for p in (ROOT / "docs" / "pictures").iterdir() if p.is_file()]
    assert pictures and all(p.stat().st_size <= 200_000 for p in pictures)


def test_makefile_has_the_commands_of_the_readme():
    """`make demo`, `make test` and `make test-fast` exist; CI calls `make test`."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test", "test-fast"):
        assert f"`make {target}" in README or f"$ make {target}" in README
        assert re.search(rf"^{target}:", makefile, flags=re.M), target
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_changelog_has_a_section_for_this_version():
    """CHANGELOG.md has a section for the version of the package."""
    assert f"## {bccurate.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
