"""Declare the options of a command as fields of a dataclass, and check their values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, get_type_hints

from bccurate.errors import UsageError, nearest

MISSING = object()  # the default of a required option


@dataclass(frozen=True)
class Option:
    """What is known of an option beside its name, type and default.

    Attributes:
        help: a sentence for the command line and the App's forms.
        choices: the values allowed, where they are few.
        minimum, maximum: the range of a number, inclusive but for ``below_maximum``.
        above_minimum, below_maximum: exclude the bound itself.
        metavar: what the help shows as the value.
        argument: positional on the command line.
        required: of an argument, whether it must be given.
        multiple: may be given more than once.
        separated: a list in one value, separated by commas.
        path: ``"file"``, ``"folder"`` or ``"any"`` where the value is a path, else ``""``.
        completes: ``"dataset"`` or ``"model"`` where the shell completes such names, else ``""``.
        negative: the name of the flag that says no, such as ``--no-browser``.
        flag: the command line's name where it is another than the field's.
        short: one letter.
        shows: the default in words, where it is no value.
        cli_only: of the command line alone: the Python function has no such argument.
    """

    help: str = ""
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above_minimum: bool = False
    below_maximum: bool = False
    metavar: str = ""
    argument: bool = False
    required: bool = True
    multiple: bool = False
    separated: bool = False
    path: str = ""
    completes: str = ""
    negative: str = ""
    flag: str = ""
    short: str = ""
    shows: str = ""
    cli_only: bool = False


def option(default: Any = None, **about: Any) -> Any:
    """Return a dataclass field with this default, described by the attributes of ``Option``."""
    return field(default=default, metadata={"option": Option(**about)})


class Options:
    """Base of the dataclasses that hold the options of one command."""

    def check(self) -> None:
        """Check every value against its choices and range.

        Raises:
            UsageError: with the option as the command line names it, and what is allowed.
        """
        for name, about in options_of(type(self)).items():
            value = getattr(self, name)
            if value is not None and value != () and not isinstance(value, bool):
                _check(about.flag or flag_of(name), about, value)


def options_of(settings: type) -> dict[str, Option]:
    """Return the options of a settings class by the names of its fields, in their order."""
    return {f.name: f.metadata["option"] for f in fields(settings) if "option" in f.metadata}


def types_of(settings: type) -> dict[str, Any]:
    """Return the types of a settings class' fields; of ``int | None`` it is ``int``."""
    hints = get_type_hints(settings)
    return {name: _plain(hints[name]) for name in options_of(settings)}


def flag_of(name: str) -> str:
    """Return the command line's name of an option: ``image_size`` is ``--image-size``."""
    return "--" + name.rstrip("_").replace("_", "-")


def _plain(hint: Any) -> Any:
    inner = [part for part in getattr(hint, "__args__", ()) if part is not type(None)]
    is_optional = type(None) in getattr(hint, "__args__", ())
    return inner[0] if is_optional and inner else hint


def _check(flag: str, about: Option, value: Any) -> None:
    if about.choices and value not in about.choices:
        known = [str(choice) for choice in about.choices]
        raise UsageError(
            f"{flag} cannot be {value!r}.{nearest(str(value), known)}", f"one of {', '.join(known)}"
        )
    if about.minimum is None and about.maximum is None:
        return
    for number in value if isinstance(value, tuple | list) else (value,):
        low, high = about.minimum, about.maximum
        too_low = low is not None and (number < low or (about.above_minimum and number == low))
        too_high = high is not None and (number > high or (about.below_maximum and number == high))
        if too_low or too_high or not math.isfinite(number):
            raise UsageError(f"{flag} is {_range(about)}, not {number}")


def _range(about: Option) -> str:
    low, high = about.minimum, about.maximum
    if high is None:
        return f"{'above' if about.above_minimum else 'at least'} {low:g}"
    if low is None:
        return f"{'below' if about.below_maximum else 'at most'} {high:g}"
    lower = f"above {low:g}" if about.above_minimum else f"{low:g}"
    return f"{lower} to {'below ' if about.below_maximum else ''}{high:g}"
