"""The samples that a person goes through: the mistakes of a model, or one cell of its confusion."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any


def confusion(dataset: Any, model: str) -> Counter[tuple[str, str]]:
    """How many labelled originals there are of each pair (label, prediction)."""
    from bccurate.hub.predictions import field_of
    from bccurate.hub.read import columns, label_path
    from bccurate.hub.views import originals

    field = field_of(model)
    view = originals(dataset).exists(label_path(dataset)).exists(field)
    return Counter(zip(*columns(view, label_path(dataset), f"{field}.label"), strict=True))


def queue_view(dataset: Any, model: str, cell: list[str] | None) -> Any:
    """All mistakes, or those labelled ``cell[0]`` and predicted ``cell[1]``, surest first."""
    from fiftyone import ViewField as F

    from bccurate.hub.predictions import field_of
    from bccurate.hub.read import label_field, label_path
    from bccurate.hub.views import mistakes, originals

    field = field_of(model)
    if cell is None:
        return mistakes(dataset, field, label_field(dataset))
    label, prediction = cell
    # Literals: a label may begin with a dollar, which is a field's name for the database.
    pair = (F(label_path(dataset)) == F.literal(label)) & (
        F(f"{field}.label") == F.literal(prediction)
    )
    return originals(dataset).exists(field).match(pair).sort_by(f"{field}.confidence", reverse=True)


@dataclass(frozen=True)
class Queue:
    """Sample ids in the order of the view, and each one's decision or None."""

    ids: list[str]
    decisions: list[str | None]

    @classmethod
    def of(cls, view: Any) -> Queue:
        """Read a view's ids and tags; nothing else is loaded."""
        from bccurate.hub.review_tags import is_decision

        ids, tags = view.values(["id", "tags"])
        return cls(ids, [next(filter(is_decision, own), None) for own in tags])

    @property
    def reviewed(self) -> int:
        """How many carry a decision."""
        return sum(decision is not None for decision in self.decisions)

    def place(self, sample: str | None) -> int:
        """Where a sample stands; 0 for one that does not."""
        return self.ids.index(sample) if sample in self.ids else 0

    @property
    def first(self) -> str | None:
        """Where to begin: the first without a decision, else the first; None where it is empty."""
        waiting = (i for i, said in zip(self.ids, self.decisions, strict=True) if said is None)
        return next(waiting, self.ids[0] if self.ids else None)

    def stepped(self, sample: str | None, by: int) -> str | None:
        """The sample ``by`` places on, at most the first or the last; None in an empty queue."""
        if not self.ids:
            return None
        return self.ids[min(max(self.place(sample) + by, 0), len(self.ids) - 1)]

    def undecided_after(self, sample: str | None) -> str | None:
        """The next sample without a decision, else the next one."""
        start = self.place(sample) + 1
        rest = zip(self.ids[start:], self.decisions[start:], strict=True)
        return next((i for i, said in rest if said is None), self.stepped(sample, 1))
