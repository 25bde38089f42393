"""Options and output that commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, Any, TypeVar

import click

from bccurate.cli.global_options import SHARED, coloured, complete_datasets, complete_models, given

F = TypeVar("F", bound=Callable[..., Any])

dataset_option = click.option(
    "-d",
    "--dataset",
    metavar="NAME",
    shell_complete=complete_datasets,
    help="Dataset; else the one that `bccurate use` chose.",
)
model_argument = click.argument("model", shell_complete=complete_models)
view_option = click.option("--view", metavar="NAME", help="A saved view instead of all samples.")
batch_size_option = click.option(
    "--batch-size", type=click.IntRange(1, 65536), default=128, show_default=True
)
device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:N."
)

zoo_option = click.option(
    "--zoo",
    metavar="FOLDER",
    help="A folder with a manifest.json, beside the installed zoos; default $BCCURATE_ZOO.",
)


def declare(name: str, example: str) -> Callable[[F], click.Command]:
    """A command with an example under its help, ``--json`` and the global options."""

    def wrap(function: F) -> click.Command:
        command = click.command(name, epilog=f"Example: {example}")(function)
        command.params.extend(SHARED)  # after those of the command itself
        return command

    return wrap


def echo(record: Any, as_json: bool, file: IO[str] | None = None) -> None:
    """Print a record: JSON for a program, text for a person; on standard output by default.

    The JSON has the options in force too: ``--config`` takes them.
    """
    from bccurate.reporting.text import visible  # a name may hold what a terminal would obey

    if as_json:
        context = click.get_current_context(silent=True)
        data = record.to_json()
        options = given(context, record.dataset) if context else {}
        click.echo(json.dumps(data | {"options": options}, ensure_ascii=False), file=file)
    else:
        lines = visible(str(record), "\n").split("\n")
        click.echo("\n".join(map(_painted, lines)), file=file, color=coloured())


def _painted(line: str) -> str:
    """What a person should not miss, in colour where the terminal has any."""
    if line.startswith("warning:"):
        return click.style(line, fg="yellow")
    return click.style(line, fg="red") if line.startswith("MISSING") else line
