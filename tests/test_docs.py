"""The docs say what the code does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import bccurate
from bccurate.cli.group import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_command_page_is_clicks_own():
    """docs/commands.md is what `make docs` writes now."""
    page = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))["page"]()
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == page, "run make docs"


def test_readme_names_every_command():
    """Each command stands in the README's table."""
    table = README.split("## Commands")[1].split("## Install")[0]
    named = set(re.findall(r"`([a-z-]+)`", table))
    assert set(COMMANDS) <= named


def test_readme_console_lines_parse(monkeypatch):
    """Every `bccurate` line of the README is a command with options that exist."""
    import click

    from bccurate.cli.group import cli

    lines = re.findall(r"^\$ bccurate ([^#\n]+)", README, flags=re.M)
    assert len(lines) >= 10
    for line in lines:
        name, *arguments = line.split()
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        command.make_context(name, arguments)  # parses; runs nothing


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


def test_makefile_has_the_two_commands():
    """`make demo` and `make test` are what the README promises and CI calls."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:", makefile, flags=re.M) and re.search(r"^test:", makefile, flags=re.M)
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_changelog_names_this_version():
    """The version has its section."""
    assert f"## {bccurate.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
