"""A model card as Markdown: what a model is, how it was made and how far to trust it.

The sections are those of Mitchell et al. 2019, "Model cards for model reporting". Every text that
is not ours is escaped, so that a label or a name can neither mark up nor break the page.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bccurate.reporting.report_data import Json
from bccurate.reporting.text import decimal, visible

SPLITS = ("train", "val", "test")
# All that begins a span, an autolink, a table cell or HTML, wherever it stands in a line.
_MARKS = re.compile(r"([\\`*_\[\]<>|#~&!$@]|:(?=//)|(?<=www)\.)", re.IGNORECASE)


@dataclass(frozen=True)
class CardData:
    """What a card tells. None, or empty, where it is not known; the card then says so.

    Attributes:
        dataset, model: names.
        spec: its row of the zoo: package, licence, paper, weights, parameters.
        weights: name, sha256 of the file of weights.
        options: what the training was started with, by the names of ``bccurate.train``.
        command: the command line that repeats it.
        trained: when the training ended, and on what ``device``.
        versions: package to version at the training.
        seen: distinct pictures that it was trained on.
        best_epoch, epochs: the one that was kept, and how many there were.
        metrics: split to metrics (``evaluation.metrics.summarise``).
        temperature: fitted on val.
        split, dedupe: their records.
        leaks: split to how many of its clean samples have a copy in another split.
        warnings: of the evaluation.
    """

    dataset: str
    model: str
    spec: Json = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    options: Json = field(default_factory=dict)
    command: str | None = None
    trained: str | None = None
    device: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    seen: int | None = None
    best_epoch: int | None = None
    epochs: int | None = None
    metrics: dict[str, Json] = field(default_factory=dict)
    temperature: float | None = None
    split: Json | None = None
    dedupe: Json | None = None
    leaks: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def render_card(data: CardData) -> str:
    """The card as Markdown (CommonMark with tables); write it as UTF-8."""
    splits = [split for split in SPLITS if split in data.metrics]
    names = dict.fromkeys(label for split in splits for label in data.metrics[split]["per_class"])
    return _template().render(
        card=data,
        splits=splits,
        classes=list(names),
        telling=splits[-1] if splits else None,
        caveats=caveats(data),
    )


def caveats(data: CardData) -> list[str]:
    """What stands between the figures and what to expect, a sentence each."""
    found = [_duplicates(data)]
    found += [
        f"{n} clean samples of {split} have a copy in another split: its figures flatter."
        for split, n in data.leaks.items()
        if n
    ]
    if "test" not in data.metrics:
        found.append("There is no test split: no figure here tells what to expect.")
    if "val" in data.metrics:
        found.append(
            "The epoch and the temperature were chosen on val, whose figures flatter therefore."
        )
    return found + [f"{warning}." for warning in data.warnings]


def _duplicates(data: CardData) -> str:
    if data.dedupe is None:
        return "Duplicates were not looked for: a copy may stand on both sides of a split."
    how = f"{data.dedupe.get('method')}, threshold {data.dedupe.get('threshold')}"
    safe = [split for split in data.metrics if not data.leaks.get(split)]
    if not safe:
        return f"No split is free of copies of another ({how})."
    return f"Duplicate-safe are {', '.join(safe)}: no copy that dedupe found ({how}) parts them."


def md(text: Any) -> Markup:
    """``text`` as Markdown that shows it and nothing else, on one line."""
    return Markup(_MARKS.sub(r"\\\1", visible(str(text))))


def command_line(command: str, options: Json, known: list[str]) -> str:
    """``command`` with a ``--name value`` for each of the options that are ``known`` names."""
    words = [command]
    for name, value in options.items():
        if name not in known or value is None or value is False:
            continue
        flag = "--" + {"views": "view", "bases": "base"}.get(name, name).replace("_", "-")
        for item in value if isinstance(value, list | tuple) else [value]:
            words += [flag] if item is True else [flag, shlex.quote(str(item))]
    return " ".join(words)


def _fenced(text: str) -> Markup:
    """A code block that no text can end: its fence is longer than any run of backticks within."""
    plain = visible(text)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", plain)), default=0))
    return Markup(f"{fence}console\n$ {plain}\n{fence}")


def _known(value: Any) -> Any:
    return "not known" if value is None or value == "" else value


def _share(value: Any) -> Markup:
    return Markup(decimal(value, 4))


def _between(interval: list[float] | None) -> Markup:
    return Markup(f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else "–")


@lru_cache(maxsize=1)
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        # Every value that is put out goes through here; Markup is what was made safe already.
        finalize=lambda value: value if isinstance(value, Markup) else md(value),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(share=_share, between=_between, fenced=_fenced, known=_known)
    return environment.get_template("model_card.md.j2")
