"""Options and output that commands share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import IO, Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

dataset_option = click.option(
    "-d", "--dataset", metavar="NAME", help="Dataset; else the one that `bccurate use` chose."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output."
)
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
    """A command with ``--json`` and an example under its help."""

    def wrap(function: F) -> click.Command:
        return click.command(name, epilog=f"Example: {example}")(json_option(function))

    return wrap


def echo(record: Any, as_json: bool, file: IO[str] | None = None) -> None:
    """Print a record: JSON for a program, text for a person; on standard output by default."""
    from bccurate.reporting.text import visible  # a name may hold what a terminal would obey

    text = json.dumps(record.to_json(), ensure_ascii=False) if as_json else str(record)
    click.echo(text if as_json else visible(text, "\n"), file=file)
