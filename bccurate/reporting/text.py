"""Escape untrusted text, and format numbers."""

from __future__ import annotations

import json
import unicodedata
from pathlib import PurePath
from typing import Any

# Controls, format characters (direction marks, zero widths), surrogates, line and paragraph ends.
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
MOST_ITEMS = 12
MOST_CHARACTERS = 400


def visible(text: str, keep: str = "") -> str:
    r"""``text`` with every control, direction mark and lone surrogate written as ``\\x..``.

    A right-to-left override in a file name would otherwise show ``gpj.exe`` as ``exe.jpg``, and
    a lone surrogate, which is what an undecodable byte of a path becomes, cannot be written.
    """
    return "".join(
        character
        if character in keep or unicodedata.category(character) not in HIDDEN
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def short_path(path: str) -> str:
    """The last folder and the name: enough to find a file, and it fits under a thumbnail."""
    return "/".join(PurePath(path).parts[-2:])


def clip(text: str, most: int) -> str:
    """``text``, ended by an ellipsis where it is longer than ``most`` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def decimal(value: Any, digits: int = 1) -> str:
    """``value`` with ``digits`` after the point; an en dash for what is no number.

    Records of older releases may lack a key: the template then gets Jinja's Undefined here.
    """
    return f"{value:,.{digits}f}" if isinstance(value, int | float) else "–"


def percent(share: Any, digits: int = 1) -> str:
    """A share of [0, 1] as ``"96.1 %"`` on one line; an en dash for what is no number."""
    return f"{decimal(100 * share, digits)}\u00a0%" if isinstance(share, int | float) else "–"


def number(value: Any) -> str:
    """A number with thousands marked, four digits after the point for a fraction."""
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def count_of(n: int, one: str, many: str | None = None) -> str:
    """``"1 image"``, ``"2,000 images"``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def more_of(n: int, one: str) -> str:
    """``"1 more image"``, ``"2,000 more images"``."""
    return count_of(n, f"more {one}")


def pretty_record(record: dict[str, Any]) -> str:
    """A record as indented JSON; long lists and texts are cut and say so."""
    return visible(json.dumps(_shortened(record), indent=2, ensure_ascii=False, default=str), "\n")


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        short = {clip(str(key), 80): _shortened(item) for key, item in items[: MOST_ITEMS * 4]}
        if len(items) > MOST_ITEMS * 4:
            short["…"] = f"{len(items) - MOST_ITEMS * 4:,} more"
        return short
    if isinstance(value, list | tuple):
        kept = [_shortened(item) for item in value[:MOST_ITEMS]]
        return kept + ([f"… {len(value) - MOST_ITEMS:,} more"] if len(value) > MOST_ITEMS else [])
    return clip(value, MOST_CHARACTERS) if isinstance(value, str) else value
