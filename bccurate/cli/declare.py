"""Make a click command from the dataclass of its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, TypeVar

import click

from bccurate.cli.global_options import SHARED, complete_datasets, complete_models
from bccurate.settings.option import Option, flag_of, options_of, types_of

F = TypeVar("F", bound=Callable[..., Any])
_COMPLETE = {"dataset": complete_datasets, "model": complete_models}


def declare(name: str, example: str, *settings: type) -> Callable[[F], click.Command]:
    """Make a function a command with the options of ``settings`` and the global options.

    Args:
        name: of the command.
        example: a command line, shown under the help.
        settings: classes of ``bccurate.settings``; the function gets each option by its field's
            name, and ``as_json``.
    """

    def wrap(function: F) -> click.Command:
        command = click.command(name, epilog=f"Example: {example}")(function)
        command.params = [*(p for one in settings for p in parameters(one)), *SHARED]
        return command

    return wrap


def parameters(settings: type) -> list[click.Parameter]:
    """Return the click parameters of a class of options, arguments first."""
    defaults = {f.name: f.default for f in fields(settings)}
    types = types_of(settings)
    found = [
        _parameter(name, about, types[name], defaults[name], getattr(settings, "deferred", False))
        for name, about in options_of(settings).items()
    ]
    return sorted(found, key=lambda param: not isinstance(param, click.Argument))


def _parameter(
    name: str, about: Option, kind: Any, default: Any, deferred: bool
) -> click.Parameter:
    completion: dict[str, Any] = (
        {"shell_complete": _COMPLETE[about.completes]} if about.completes else {}
    )
    if about.argument:
        return click.Argument(
            [name], type=_type(about, kind), required=about.required, metavar=about.metavar or None,
            **completion,
        )  # fmt: skip
    flag = about.flag or flag_of(name)
    text = _help(about, default, deferred)
    if kind is bool:
        return _boolean(name, flag, about, None if deferred else default, text)
    return click.Option(
        [*filter(None, [about.short]), flag, name],
        type=_type(about, kind),
        default=None if deferred or default is MISSING else _typed_default(about, default),
        multiple=about.multiple,
        metavar=about.metavar or None,
        help=text,
        **completion,
    )


def _boolean(name: str, flag: str, about: Option, default: Any, text: str) -> click.Option:
    if about.negative == f"--no-{flag.removeprefix('--')}" and default is True and not about.shows:
        names = [f"{flag}/{about.negative}", name]
        if name == "browser":  # serving alone is the exception, and has a flag of its own
            names = [about.negative, name]
            return click.Option(names, flag_value=False, default=True, help=text)
        return click.Option(names, default=default, help=text)
    if about.negative:
        return click.Option([f"{flag}/{about.negative}", name], default=default, help=text)
    return click.Option([flag, name], is_flag=True, default=default, help=text)


def _help(about: Option, default: Any, deferred: bool) -> str:
    """Return the help with the default in words or as a value."""
    shown = about.shows
    if not shown and default not in (None, (), False, MISSING) and not about.negative:
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
    if not shown and deferred and default in (0, 0.0) and not isinstance(default, bool):
        shown = str(default)
    return f"{about.help}  [default: {shown}]" if shown else about.help


def _typed_default(about: Option, default: Any) -> Any:
    if about.separated and default:
        return ",".join(map(str, default))
    return str(default) if about.choices and default is not None else default


def _type(about: Option, kind: Any) -> click.ParamType:
    if about.separated:
        return Separated(about)
    if about.choices:
        return Choice(about.choices)
    if about.path:
        return click.Path(file_okay=about.path != "folder", dir_okay=about.path != "file")
    low, high = about.minimum, about.maximum
    if kind is int and (low, high) != (None, None):
        return click.IntRange(
            None if low is None else int(low), None if high is None else int(high)
        )
    if kind is float and (low, high) != (None, None):
        return click.FloatRange(
            low, high, min_open=about.above_minimum, max_open=about.below_maximum
        )
    types: dict[Any, click.ParamType] = {int: click.INT, float: click.FLOAT}
    return types.get(kind, click.STRING)


class Choice(click.Choice):
    """A choice whose values keep the type that they have in the dataclass."""

    def __init__(self, values: tuple[Any, ...]) -> None:
        self._values = {str(value): value for value in values}
        super().__init__(list(self._values))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value of that name."""
        return self._values[super().convert(str(value), param, ctx)]


class Separated(click.ParamType):
    """A list in one word, such as ``1,3,5``."""

    name = "list"

    def __init__(self, about: Option) -> None:
        self._about = about

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """Return the items, in order; whole numbers within a range each once, sorted."""
        if isinstance(value, tuple):
            return value
        words = [word.strip() for word in str(value).split(",") if word.strip()]
        low, high = self._about.minimum, self._about.maximum
        if low is None or high is None:
            return tuple(words)
        known = {str(number): number for number in range(int(low), int(high) + 1)}
        if not words or not all(word in known for word in words):
            example = f"{low:g},{high:g}"
            self.fail(
                f"{value!r} is not a list of numbers from {low:g} to {high:g}, such as {example}",
                param,
                ctx,
            )
        return tuple(sorted({known[word] for word in words}))
