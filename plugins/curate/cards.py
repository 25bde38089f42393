"""A duplicate group laid out: what it is, and a card a member with its picture and buttons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fiftyone.operators import types

from bccurate.app.operations import plain
from bccurate.hub.review_tags import DROP, KEEP
from bccurate.hub.views import SPLITS
from bccurate.reporting.gallery import data_uri
from bccurate.workflows.thumbnails import thumbnails

from .groups import Group, Member

SHOWN = 12  # members side by side, at most; one picture may be there hundreds of times
SIDE = 150  # pixels of a picture
NAME = 24  # characters of a file's name


def put_group(panel: types.Object, group: Group, of: int, tag: Callable[[Any], None]) -> None:
    """Put a group, one ``of`` so many, on a panel; ``tag`` is called with ``id`` and ``tag``."""
    n = len(group.members)
    more = f", the first {SHOWN} here" if n > SHOWN else ""
    panel.md(f"**Group {group.number:,} of {of:,}**: {n:,} pictures{more}", name="title")
    if group.conflict:
        labels = ", ".join(f"{label} {n:,}" for label, n in group.labels.most_common())
        warning = types.AlertView(severity="warning", label=f"Labels in conflict: {labels}")
        panel.view("conflict", warning)
    shown = group.members[:SHOWN]
    pictures = thumbnails([member.filepath for member in shown], SIDE)
    cards = panel.grid("members", orientation="2d", gap=2)
    for place, member in enumerate(shown):
        # A name of its own in each group: the App keeps what it was told under the old one.
        card = cards.v_stack(f"member_{group.number}_{place}", gap=0, componentsProps=_card(member))
        _put_picture(card, member, pictures.get(member.filepath))
        card.md(_caption(member, group), name="caption")
        _put_buttons(card, member, tag)


def _card(member: Member) -> dict[str, Any]:
    colour = {KEEP: "success.main", DROP: "error.main"}.get(member.decision or "", "divider")
    look = {"border": "2px solid", "borderColor": colour, "borderRadius": 1, "p": 1}
    look |= {"boxSizing": "border-box", "width": SIDE + 20}
    return {"item": {"sx": {"width": "auto"}}, "container": {"sx": look}}


def _put_picture(card: types.Object, member: Member, jpeg: bytes | None) -> None:
    if jpeg is None:
        card.md("*The file is gone.*", name="picture")
        return
    card.str(
        "picture",
        default=data_uri(jpeg),
        view=types.ImageView(width=f"{SIDE}px", alt=f"{member.label}"),
    )


def _caption(member: Member, group: Group) -> str:
    """Label, whether it is at odds with the kept sample's, split, decision and file name."""
    name = Path(member.filepath).name
    name = name if len(name) <= NAME else f"…{name[-NAME + 1 :]}"
    odd = group.conflict and member.label != group.members[0].label
    label = plain(member.label or "no label")
    notes = ["kept by dedupe"] if member.kept else []
    notes += [tag for tag in SPLITS if tag in member.tags]
    notes += [plain(member.decision)] if member.decision else []
    return f"{'⚠ ' if odd else ''}**{label}**  \n{plain(name)}  \n{' · '.join(notes) or '–'}"


def _put_buttons(card: types.Object, member: Member, tag: Callable[[Any], None]) -> None:
    buttons = card.h_stack("buttons", gap=1)
    for name, label in ((KEEP, "Keep"), (DROP, "Drop")):
        buttons.btn(
            name,
            label=label,
            on_click=tag,
            params={"id": member.id, "tag": name},
            variant="contained" if member.decision == name else "outlined",
        )
