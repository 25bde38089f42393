"""Time of a help page, against importing click alone; whole processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.bench.measure import Figure, figure, interleaved

TITLE = "Help pages"
ROUNDS = 15


def run(_images: Path) -> list[Figure]:
    """Return the ratios of ``bccurate X --help`` to ``python -c "import click"``."""

    def process(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    def help_of(*words: str) -> str:
        return (
            f"import sys; sys.argv = ['bccurate', *{list(words)!r}]\n"
            "from bccurate.cli import main; main()"
        )

    contenders = {
        "click": lambda: process("import click"),
        "group": lambda: process(help_of("--help")),
        "train": lambda: process(help_of("train", "--help")),
    }
    seconds = interleaved(contenders, ROUNDS)
    return [
        figure(
            f"bccurate {name}--help / python -c 'import click'",
            [a / b for a, b in zip(seconds[key], seconds["click"], strict=True)],
            "<= 2",
        )
        for key, name in (("group", ""), ("train", "train "))
    ]
