"""Read the fenced blocks of a page in docs/ and run them, in one Python or in a shell.

``bash``, ``console`` (lines after a ``$``) and ``python`` are run. A block below a line that ends
in a file's name, in backquotes and with a colon, is saved under that name. ``text`` below a block
is its expected output, where any number matches any other and ``...`` matches anything. A block
below a comment ``<!-- not run: WHY -->`` is not run.
"""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RUN = ("bash", "console", "python")
_FENCE = re.compile(r"```(\w*)$")
_FILE = re.compile(r"`([\w./-]+)`:$")
_NOT_RUN = re.compile(r"<!-- not run: (.+) -->$")
_SHELL = re.compile(r"[|;&<>$`*()\\]|^(for|if|cd|export) ")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: name of the page.
        line: number of the line that opens the block.
        language: the word after the fence.
        text: content.
        why: reason not to run it, or None.
        file: name to save it under instead of running it, or None.
    """

    page: str
    line: int
    language: str
    text: str
    why: str | None = None
    file: str | None = None

    @property
    def commands(self) -> str:
        """Return the text to run; of a console block the lines after ``$``."""
        if self.language != "console":
            return self.text
        return "".join(f"{row[2:]}\n" for row in self.text.splitlines() if row.startswith("$ "))


def blocks(page: Path) -> list[Block]:
    """Return all fenced blocks of a page, in order."""
    found: list[Block] = []
    above, start, language, rows = "", 0, "", list[str]()
    for number, row in enumerate(page.read_text("utf-8").splitlines(), 1):
        if start and row == "```":
            why, file = _NOT_RUN.match(above), _FILE.search(above)
            text = "".join(f"{row}\n" for row in rows)
            found.append(Block(page.name, start, language, text, why and why[1], file and file[1]))
            above, start, rows = "", 0, []
        elif start:
            rows.append(row)
        elif opened := _FENCE.match(row):
            start, language = number, opened[1]
        elif row.strip():
            above = row.strip()
    return found


def run_page(page: Path, run: Callable[[Block], str]) -> None:
    """Save and run the blocks of a page in the current folder; ``run`` returns the output."""
    printed = ""
    for block in blocks(page):
        if block.why:
            continue
        if block.file:
            Path(block.file).parent.mkdir(parents=True, exist_ok=True)
            Path(block.file).write_text(block.text, encoding="utf-8")
        elif block.language in RUN:
            printed = run(block)
        elif block.language == "text" and printed:
            check_printed(block, printed)


def check_printed(block: Block, printed: str) -> None:
    """Assert that every line of the block was printed, in that order."""
    rows = iter([_plain(row) for row in printed.splitlines()])
    for shown in block.text.splitlines():
        pattern = re.escape(_plain(shown)).replace(re.escape("..."), ".*")
        found = pattern in ("", ".*") or any(re.fullmatch(pattern, row) for row in rows)
        assert found, f"{block.page}:{block.line}: not printed: {shown}\n{printed}"


def _plain(row: str) -> str:
    """Return a printed line without its numbers and its spacing."""
    return " ".join(re.sub(r"\d+(,\d{3})*(\.\d+)?", "0", row).split())


def in_empty_folder(parent: Path, monkeypatch: Any) -> Path:
    """Change to a new empty folder with a home of its own; ``pip`` installs beside it, offline."""
    site, work = parent / "site", parent / "work"
    site.mkdir()
    work.mkdir()
    for name, value in {
        "BCCURATE_HOME": parent / "home",
        "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
        "PIP_TARGET": site,
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the negated option
        "PIP_NO_INDEX": "1",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(work)
    return work


class Reader:
    """Run blocks in this Python process: fast, for a test with a running database."""

    def __init__(self, cli: Callable[..., Any], capture: Any) -> None:
        self._cli, self._capture = cli, capture
        self._names: dict[str, Any] = {}

    def __call__(self, block: Block) -> str:
        where = f"{block.page}:{block.line}"
        if block.language == "python":
            return self._python(block)
        lines = [row for row in block.commands.splitlines() if row.strip()]
        if any(_SHELL.search(row.split("#")[0]) for row in lines):
            return in_shell(block.commands, where)
        return "".join(self._line(row, where) for row in lines)

    def _line(self, line: str, where: str) -> str:
        name, *words = shlex.split(line, comments=True) or [""]
        if name != "bccurate":
            return in_shell(line, where)
        outcome = self._cli(*words)
        assert outcome.code == 0, f"{where}: {line}\n{outcome.out}{outcome.err}"
        return outcome.out + outcome.err

    def _python(self, block: Block) -> str:
        """Run a block; the blocks of a page share their names, as in a notebook."""
        file = Path(f"block-{block.line}.py")
        file.write_text("\n" * block.line + block.text, encoding="utf-8")
        self._capture.readouterr()
        self._names |= runpy.run_path(str(file), init_globals=self._names)
        file.unlink()
        return "".join(self._capture.readouterr())


def in_shell(commands: str, where: str) -> str:
    """Run commands in a shell that stops at errors, and return the output."""
    # As functions, so that this Python's packages run, installed or not.
    tools = "".join(
        f'{name}() {{ {shlex.quote(sys.executable)} {words} "$@"; }}\n'
        for name, words in (("bccurate", "-m bccurate"), ("python", ""), ("pip", "-m pip"))
    )
    found = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tools + commands],
        capture_output=True,
        text=True,
        check=False,
    )
    printed = found.stdout + found.stderr
    assert found.returncode == 0, f"{where}: exit {found.returncode}\n{commands}\n{printed}"
    return printed
