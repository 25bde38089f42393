"""The model card: every section, nothing of a stranger's obeyed, no figure that is not known."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from plausible import HOSTILE, metrics

from bccurate.rendering.cells import CLASSES
from bccurate.reporting.model_card import CardData, caveats, command_line, md, render_card

EVIL = HOSTILE + "\n# head | [a](http://x.y) ![i](u) `c` _e_ **b** www.evil.com <b> &amp; ~~s~~"


def card(label: str = CLASSES[0], **changes: object) -> CardData:
    """A card of eight classes with three splits."""
    classes, rng = [label, *CLASSES[1:]], np.random.default_rng(0)
    scores = {
        s: metrics(0.9, classes, 0.2, rng) | {"ece_calibrated": 0.012} for s in ("val", "test")
    }
    data = CardData("cells", "custom_cnn", metrics=scores, temperature=1.5)
    return replace(data, **changes)


def test_the_sections_are_those_of_the_paper() -> None:
    """Mitchell et al. 2019, in order, with a row a class and a column a split."""
    text = render_card(card())
    heads = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert heads == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation and training data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip
    assert "| class | val | test |\n| --- | ---: | ---: |\n| basophil | 170 | 170 |" in text
    assert "fitted on val alone: 1.5000" in text
    assert re.search(r"\| test \| 2392 \| 0\.\d{4} \| .* \| 0\.0310 \| 0\.0120 \|", text)


def test_every_table_has_as_many_cells_in_each_row() -> None:
    """A label with pipes and a newline makes no further cell and no further row."""
    for text in (render_card(card()), render_card(card(EVIL, dataset=EVIL, model=EVIL))):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        cells = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
        assert cells == [4] * 11 + [8] * 4 + [8] * 10, rows


def test_hostile_text_is_shown_and_never_obeyed() -> None:
    """No HTML, link, picture, heading, code or emphasis of a stranger's; nothing hidden."""
    text = render_card(
        card(EVIL, dataset=EVIL, model=EVIL, warnings=[EVIL], versions={EVIL: EVIL},
             spec={"paper": EVIL}, command=f"bccurate train '{EVIL}' ```")
    )  # fmt: skip
    outside = re.sub(r"^````console\n.*?\n````$", "", text, flags=re.S | re.M)
    assert "console" not in outside and "\u202e" not in text and text.encode()
    plain = re.sub(r"\\.", "", outside.replace("`bccurate evaluate`", ""))
    own = plain.replace("# Model card", "").replace("## ", "")
    own = "\n".join(line.strip("|") for line in own.splitlines() if not line.startswith("| ---"))
    assert not re.search(r"[<>`*_\[\]~&!#]|://|www\.", own.replace("|", ""))


@pytest.mark.parametrize("text", ["basophil", "resnet50", "0.96", "neutrophil (band)", "a-b"])
def test_plain_text_stays_as_it_is(text: str) -> None:
    """No backslash where none is needed."""
    assert md(text) == text


def test_what_is_not_known_is_said() -> None:
    """A card of nothing but names renders, and invents no figure."""
    text = render_card(CardData("cells", "m"))
    assert text.count("not known") >= 8 and "has not been measured" in text
    assert "Duplicates were not looked for" in text and "no test split" in text


def test_caveats_say_which_splits_are_free_of_copies() -> None:
    """By the leaks that are tagged."""
    record = {"method": "phash", "threshold": 4}
    lines = caveats(card(dedupe=record, leaks={"val": 3, "test": 0}))
    assert lines[0].startswith("Duplicate-safe are test:")
    assert lines[1] == "3 clean samples of val have a copy in another split: its figures flatter."
    assert caveats(card(dedupe=record, leaks={"val": 1, "test": 1}))[0].startswith("No split")


def test_the_command_line_holds_what_can_be_typed() -> None:
    """Quoted for a shell; what is not an option, not set or off is left out."""
    options = {
        "epochs": 3,
        "views": ["clean", "my view"],
        "data": "0f",
        "resume": None,
        "ema": True,
    }
    line = command_line("bccurate train m", options, ["epochs", "views", "x", "ema"])
    assert line == "bccurate train m --epochs 3 --view clean --view 'my view' --ema"
