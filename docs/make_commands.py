"""Write docs/commands.md from the help texts of click: ``python docs/make_commands.py``."""

from __future__ import annotations

from pathlib import Path

import click

from bccurate.cli.group import COMMANDS, cli

PAGE = Path(__file__).with_name("commands.md")


def page() -> str:
    """Return the page: the help of every command as click prints it at 100 columns."""
    parts = ["# Commands\n\nWritten by `make docs` from the program's own help; a test holds it.\n"]
    context = click.Context(
        cli, info_name="bccurate", terminal_width=100, help_option_names=["-h", "--help"]
    )
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        command._help_option = None  # click caches it, even of another context
        inner = click.Context(command, info_name=name, parent=context, terminal_width=100)
        parts.append(f"## {name}\n\n```text\n{command.get_help(inner)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
