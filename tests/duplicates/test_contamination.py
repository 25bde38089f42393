"""Groups that do not belong in the data, by hand."""

from __future__ import annotations

from bccurate.duplicates.contamination import judge, label_counts
from bccurate.duplicates.groups import Group


def _judged(labels: list[str | None], images: str) -> dict[str, tuple[bool, bool]]:
    """Return (conflict, contamination) of each image that occurs twice or more."""
    members: dict[str, list[int]] = {}
    for index, image in enumerate(images):
        members.setdefault(image, []).append(index)
    repeated = {image: own for image, own in members.items() if len(own) > 1}
    groups = [Group(tuple(own), "exact", 1.0, ()) for own in repeated.values()]
    found = judge(groups, labels, list(images))
    return {
        image: (one.conflict, one.contamination) for image, one in zip(repeated, found, strict=True)
    }


def test_two_labels_are_a_conflict_and_three_are_contamination() -> None:
    """x under two labels, y under three; a sample without a label is none."""
    labels = ["a", "b", None, "a", "b", "c"]
    assert _judged(labels, "xxxyyy") == {"x": (True, False), "y": (True, True)}


def test_ten_copies_among_single_images_are_contamination_and_nine_are_not() -> None:
    """The median of the class is one copy."""
    singles = "abcdefghijkl"
    assert _judged(["m"] * 22, "x" * 10 + singles) == {"x": (False, True)}
    assert _judged(["m"] * 21, "x" * 9 + singles) == {"x": (False, False)}


def test_an_oversampled_class_is_no_contamination() -> None:
    """Every image 20 times is the class median; 200 times one of them is too often."""
    images = "".join(image * 20 for image in "abcdef")
    assert not any(bad for _, bad in _judged(["m"] * 120, images).values())
    found = _judged(["m"] * 320, images + "x" * 200)
    assert [image for image, (_, bad) in found.items() if bad] == ["x"]


def test_the_median_is_that_of_the_class() -> None:
    """10 copies in a class of single images, beside an oversampled class."""
    labels = ["m"] * 60 + ["n"] * 16
    images = "".join(image * 20 for image in "abc") + "x" * 10 + "opqrst"
    assert [p for p, (_, bad) in _judged(labels, images).items() if bad] == ["x"]


def test_labels_are_counted_most_frequent_first() -> None:
    """Ties by name; samples without a label are no conflict."""
    assert list(label_counts(["b", "a", None, "c", "c"]).items()) == [("c", 2), ("a", 1), ("b", 1)]
    assert label_counts([None, None]) == {}
