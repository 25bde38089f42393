"""Which groups belong in no data, by hand."""

from __future__ import annotations

from bccurate.duplicates.contamination import judge, label_counts
from bccurate.duplicates.groups import Group


def _judged(labels: list[str | None], pictures: str) -> dict[str, tuple[bool, bool]]:
    """Picture to (conflict, contamination), a group for each picture that is there twice."""
    members: dict[str, list[int]] = {}
    for index, picture in enumerate(pictures):
        members.setdefault(picture, []).append(index)
    repeated = {picture: own for picture, own in members.items() if len(own) > 1}
    groups = [Group(tuple(own), "exact", 1.0, ()) for own in repeated.values()]
    found = judge(groups, labels, list(pictures))
    return {
        picture: (one.conflict, one.contamination)
        for picture, one in zip(repeated, found, strict=True)
    }


def test_two_labels_are_a_conflict_and_three_are_contamination() -> None:
    """x under two labels, y under three; a sample without a label is none."""
    labels = ["a", "b", None, "a", "b", "c"]
    assert _judged(labels, "xxxyyy") == {"x": (True, False), "y": (True, True)}


def test_ten_copies_among_single_pictures_are_contamination_and_nine_are_not() -> None:
    """The median picture of the class is there once."""
    singles = "abcdefghijkl"
    assert _judged(["m"] * 22, "x" * 10 + singles) == {"x": (False, True)}
    assert _judged(["m"] * 21, "x" * 9 + singles) == {"x": (False, False)}


def test_an_oversampled_class_is_none() -> None:
    """Every picture 20 times is the habit of its class; 200 times one of them is not."""
    pictures = "".join(picture * 20 for picture in "abcdef")
    assert not any(bad for _, bad in _judged(["m"] * 120, pictures).values())
    found = _judged(["m"] * 320, pictures + "x" * 200)
    assert [picture for picture, (_, bad) in found.items() if bad] == ["x"]


def test_the_habit_is_that_of_the_label() -> None:
    """10 copies in a class of single pictures, beside an oversampled class."""
    labels = ["m"] * 60 + ["n"] * 16
    pictures = "".join(picture * 20 for picture in "abc") + "x" * 10 + "opqrst"
    assert [p for p, (_, bad) in _judged(labels, pictures).items() if bad] == ["x"]


def test_labels_are_counted_most_frequent_first() -> None:
    """Ties by name; samples without a label are no conflict."""
    assert list(label_counts(["b", "a", None, "c", "c"]).items()) == [("c", 2), ("a", 1), ("b", 1)]
    assert label_counts([None, None]) == {}
