"""Every error that a command may end with.

    BccurateError                exit 1   an internal error
    ├── UsageError               exit 2   a wrong option, an unknown name
    ├── FindingsError            exit 3   something was found and --fail-on-found was given
    ├── InputError               exit 4   an input that cannot be read or is not valid
    │   └── UnreadableImage               one image; caught and recorded, it ends no command
    ├── HubError                 exit 5   the database or the App cannot be reached
    ├── DivergedError            exit 6   training left the finite numbers
    ├── NoSpaceError             exit 7   a disk is full
    └── InterruptedRun           exit 130 stopped by a person; can be resumed

A message says what is wrong and where; ``hint`` is the next command to type.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BccurateError(Exception):
    """Base of all errors of this package; ``str()`` gives message and hint."""

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  try: {self.hint}" if self.hint else self.message


class UsageError(BccurateError):
    """A wrong option or an unknown name."""

    exit_code = 2


class FindingsError(BccurateError):
    """Findings, where the caller asked that findings fail the command."""

    exit_code = 3


class InputError(BccurateError):
    """An input that cannot be read or is not valid."""

    exit_code = 4


class UnreadableImage(InputError):
    """One image that does not decode. ``message`` is the reason alone."""


class HubError(BccurateError):
    """The database or the App cannot be reached."""

    exit_code = 5


class DivergedError(BccurateError):
    """The loss or the weights are no longer finite."""

    exit_code = 6


class NoSpaceError(BccurateError):
    """A disk is full."""

    exit_code = 7


class InterruptedRun(BccurateError):
    """A person stopped the command; typing it again goes on."""

    exit_code = 130


def nearest(name: str, known: Iterable[str]) -> str:
    """``" Did you mean a, b?"`` for the known names closest to ``name``, else ``""``."""
    close = difflib.get_close_matches(name, list(known), n=3, cutoff=0.4)
    return f" Did you mean {', '.join(close)}?" if close else ""
