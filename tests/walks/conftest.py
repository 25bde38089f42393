"""Run pages of docs/ as a new user: an empty folder, a real shell, an empty database."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import ROOT, Block, in_empty_folder, in_shell, run_page


@pytest.fixture
def walk(tmp_path, monkeypatch) -> Callable[[str], str]:
    """Return a function that runs the blocks of a page of docs/ and returns the output."""
    work = in_empty_folder(tmp_path, monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FIFTYONE_DATABASE_NAME", f"walk-{os.getpid()}-{tmp_path.name}"[:60])
    assert not list(work.iterdir())

    def run_blocks(page: str) -> str:
        printed: list[str] = []

        def run(block: Block) -> str:
            commands = block.commands
            if block.language == "python":
                Path("block.py").write_text(commands, encoding="utf-8")
                commands = "python block.py"
            printed.append(in_shell(commands, f"{page}:{block.line}"))
            return printed[-1]

        run_page(ROOT / "docs" / page, run)
        return "".join(printed)

    return run_blocks
