"""Make the inputs of an App form from the dataclass of a command's options."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from bccurate.hub.open import load_fiftyone
from bccurate.settings.option import Option, options_of, types_of


def put_options(
    inputs: Any, settings: type, names: Iterable[str], choices: dict[str, Iterable[str]]
) -> None:
    """Put an input on a form for each of ``names``: type, range, choices, default and help.

    Args:
        inputs: FiftyOne's ``types.Object``.
        settings: a class of ``bccurate.settings``.
        names: fields of it.
        choices: values to choose from, beside those of the settings, by name of the field; a
            tuple only suggests values.
    """
    defaults = {f.name: f.default for f in fields(settings)}
    about, types = options_of(settings), types_of(settings)
    deferred = getattr(settings, "deferred", False)
    for name in names:
        default = None if deferred or defaults[name] == () else defaults[name]
        _put(inputs, name, about[name], types[name], default, choices.get(name))


def _put(
    inputs: Any, name: str, about: Option, kind: Any, default: Any, offered: Iterable[str] | None
) -> None:
    types = load_fiftyone().operators.types
    shown = f" Default: {about.shows}." if about.shows else ""
    words: dict[str, Any] = {"label": label_of(name), "description": about.help + shown}
    if about.multiple:
        several = _choices(types.DropdownView(multiple=True), offered or ())
        inputs.list(name, types.String(), view=several, **words)
    elif isinstance(offered, tuple):
        view = _choices(types.AutocompleteView(), offered)
        inputs.str(name, required=about.argument, default=offered[0], view=view, **words)
    elif offered is not None and (about.argument or default is not None):
        values = list(offered)
        first = default or (values[0] if values else None)
        view = types.DropdownView()
        inputs.enum(name, values, required=about.argument, default=first, view=view, **words)
    elif offered is not None:
        inputs.str(name, view=_choices(types.DropdownView(), offered), **words)
    elif about.choices and default is not None:
        view = types.RadioGroup()
        inputs.enum(name, list(about.choices), default=default, view=view, **words)
    elif about.choices:
        inputs.str(name, view=_choices(types.DropdownView(), map(str, about.choices)), **words)
    elif kind is bool:
        inputs.bool(name, default=default, **words)
    elif kind in (int, float):
        put = inputs.int if kind is int else inputs.float
        put(name, default=default, min=about.minimum, max=about.maximum, **words)
    else:
        inputs.str(name, default=default, **words)


def label_of(name: str) -> str:
    """Return the label of an option: ``image_size`` is ``Image size``."""
    return name.replace("_", " ").capitalize()


def _choices(view: Any, names: Iterable[str]) -> Any:
    for name in names:
        view.add_choice(name, label=name)
    return view
