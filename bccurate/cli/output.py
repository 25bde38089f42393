"""Print the record of a command."""

from __future__ import annotations

import json
from typing import IO, Any

import click

from bccurate.cli.global_options import coloured, given


def echo(record: Any, as_json: bool, file: IO[str] | None = None) -> None:
    """Print a record, by default on standard output: JSON for a program, text for a person.

    The JSON also holds the options in force, which ``--config`` takes.
    """
    from bccurate.reporting.text import visible  # a name may hold control characters

    if as_json:
        context = click.get_current_context(silent=True)
        data = record.to_json()
        options = given(context, record.dataset) if context else {}
        click.echo(json.dumps(data | {"options": options}, ensure_ascii=False), file=file)
    else:
        lines = visible(str(record), "\n").split("\n")
        click.echo("\n".join(map(_painted, lines)), file=file, color=coloured())


def _painted(line: str) -> str:
    """Colour warnings and missing parts where the terminal has colours."""
    if line.startswith("warning:"):
        return click.style(line, fg="yellow")
    return click.style(line, fg="red") if line.startswith("MISSING") else line
