"""Options of every command: how much it says, and a file that its options are taken from."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click

from bccurate.errors import InputError, UsageError, nearest
from bccurate.progress import QUIET, TALK, VERBOSE, detail, say

OWN = ("as_json", "help")  # of one call, not of what is repeated


def _quiet(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        _talk(ctx, QUIET)


def _verbose(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        _talk(ctx, VERBOSE)
        began = time.perf_counter()
        ctx.call_on_close(lambda: detail(_spent(began)))


def _spent(began: float) -> str:
    seconds = f"took {time.perf_counter() - began:.1f} s"
    try:
        import resource
    except ImportError:  # not on Windows
        return seconds
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{seconds} and at most {kib / 1024:,.0f} MiB"


def _talk(ctx: click.Context, level: str) -> None:
    """Set the level for this command and the processes it starts, and no longer."""
    before = os.environ.get(TALK)
    os.environ[TALK] = level

    def restore() -> None:
        if before is None:
            os.environ.pop(TALK, None)
        else:
            os.environ[TALK] = before

    ctx.call_on_close(restore)


def _config(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.default_map = {**(ctx.default_map or {}), **_defaults(ctx.command, Path(value))}


SHARED = [
    click.Option(
        ["--json", "as_json"], is_flag=True, help="Print one JSON object on standard output."
    ),
    click.Option(
        ["--config"], type=click.Path(dir_okay=False), metavar="FILE", is_eager=True,
        expose_value=False, callback=_config,
        help="Take the options of an earlier run from its --json output; those on the command line "
        "take precedence.",
    ),
    click.Option(
        ["-q", "--quiet"], is_flag=True, is_eager=True, expose_value=False, callback=_quiet,
        help="Say nothing but the outcome.",
    ),
    click.Option(
        ["-v", "--verbose"], is_flag=True, is_eager=True, expose_value=False, callback=_verbose,
        help="Say when each step began, and what it took.",
    ),
]  # fmt: skip


def given(ctx: click.Context, dataset: str | None) -> dict[str, Any]:
    """The options in force by their long names, as ``--config`` takes them."""
    options = {
        _name(param): ctx.params[param.name]
        for param in ctx.command.params
        if param.name in ctx.params and param.name not in OWN
    }
    if "dataset" in options:
        options["dataset"] = dataset
    return {name: value for name, value in options.items() if value not in (None, (), [])}


def _name(param: click.Parameter) -> str:
    """As the command line calls it: ``format``, where the function's argument is ``kind``."""
    longest = max(param.opts, key=len)
    return longest.lstrip("-").replace("-", "_")


def _defaults(command: click.Command, file: Path) -> dict[str, Any]:
    """The options of ``file`` by the names that click has for them.

    A file is what ``--json`` printed, a row of ``runs`` in ``info --json``, or an object of
    options alone.
    """
    data = _read(file)
    told = data.get("command")
    if told not in (None, command.name):
        raise UsageError(
            f"{file} was written by `bccurate {told}`", f"bccurate {told} --config {file}"
        )
    options = data["options"] if isinstance(data.get("options"), dict) else data
    known = {name: p for p in command.params for name in (p.name or "", _name(p))}
    defaults = {}
    for name, value in options.items():
        if name in known and known[name].name not in OWN:
            if value is not None:
                defaults[known[name].name or ""] = _typed(known[name], value)
        elif name not in ("schema", "command"):
            say(f"{file}: {name} is no option of {command.name}.{nearest(name, known)}")
    return defaults


def _typed(param: click.Parameter, value: Any) -> Any:
    """A value of JSON as the command line would have given it."""
    if isinstance(value, list) and not (param.multiple or param.nargs == -1):
        return ",".join(map(str, value))
    return str(value) if isinstance(param.type, click.Choice) else value


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"Cannot read {file}: {error}", f"head -c 300 {file}") from error
    if not isinstance(data, dict):
        raise InputError(f"{file} holds no JSON object", f"head -c 300 {file}")
    return data


def coloured() -> bool | None:
    """False where the environment asks for no colour; None lets click look for a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def complete_models(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The zoo's names that begin so, for the shell."""
    from bccurate.learning.registry import list_models

    return [model.name for model in list_models() if model.name.startswith(incomplete)]


def complete_datasets(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The datasets that have been in use, for the shell; the database is not asked."""
    from bccurate.settings.in_use import datasets_used

    return [name for name in datasets_used() if name.startswith(incomplete)]
