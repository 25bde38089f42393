"""The panel of duplicates: what it reads, where it stands, what its buttons write."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

import bccurate


@pytest.fixture
def groups(name: str, tmp_path):
    """Three groups of one picture each: two alike labels, two labels, and three copies."""
    import fiftyone as fo
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    for picture, labels in enumerate(("aa", "ab", "bbb")):
        pixels = random.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        for copy, label in enumerate(labels):
            (tmp_path / label).mkdir(exist_ok=True)
            Image.fromarray(pixels).resize((64, 64)).save(tmp_path / label / f"{picture}{copy}.png")
    bccurate.import_(tmp_path, name=name)
    bccurate.dedupe(name)
    return fo.load_dataset(name)


@pytest.fixture
def press(linked, groups):
    """Call a method of the panel as a click does; gives what the panel then shows."""
    import fiftyone.operators as foo

    panel = foo.get_operator("@bccurate/curate/duplicates")
    state: dict = {}
    ctx = SimpleNamespace(dataset=groups, ops=_Ops(), panel=_State(state), user=None)

    def press(method: str, **params):
        ctx.params = params
        getattr(panel, method)(ctx)
        shown = panel.render(ctx).type.properties
        return shown, ctx

    return press


class _State:
    def __init__(self, state: dict) -> None:
        self.state = state

    def get_state(self, key: str):
        return self.state.get(key)

    def set_state(self, key, value=None) -> None:
        self.state.update(key if isinstance(key, dict) else {key: value})


class _Ops:
    def __init__(self) -> None:
        self.view = None

    def set_view(self, view) -> None:
        self.view = view


def _cards(shown) -> list[dict]:
    cards = shown["members"].type.properties.values()
    return [card.type.properties for card in cards]


def _captions(shown) -> list[str]:
    return [card["caption"].default for card in _cards(shown)]


def test_groups_come_one_by_one_the_largest_first(press) -> None:
    """Three copies, then the pairs; the ends are ends."""
    shown, _ = press("on_load")
    assert len(_cards(shown)) == 3 and "3 pictures" in shown["title"].default
    sizes = [len(_cards(press("step", by=1)[0])) for _ in range(3)]
    assert sizes == [2, 2, 2]
    shown, _ = press("step", by=-1)
    assert len(_cards(shown)) == 2
    assert shown["steps"].type.properties["next"].view.to_json()["disabled"] is False


def test_a_conflict_is_marked(press) -> None:
    """The group under two labels says so, and the member at odds with the kept one is marked."""
    press("on_load")
    shown, _ = press("choose", value="labels in conflict")
    assert shown["conflict"].view.label == "Labels in conflict: a 1, b 1"
    assert ["⚠" in caption for caption in _captions(shown)] == [False, True]
    assert "kept by dedupe" in _captions(shown)[0]


def test_keep_and_drop_are_tags_and_again_takes_them_back(press, groups) -> None:
    """One decision a sample, the last; who and when stand beside it; no sample goes."""
    shown, _ = press("on_load")
    n = len(groups)
    button = _cards(shown)[1]["buttons"].type.properties["drop"].view.to_json()
    press("tag", **button["params"])
    (sample,) = groups.match_tags("drop")
    assert sample.id == button["params"]["id"] and sample.decided_by and sample.decided_at
    press("tag", id=sample.id, tag="keep")
    assert groups.count_sample_tags().get("drop") is None
    assert groups.match_tags("keep").values("id") == [sample.id]
    shown, _ = press("tag", id=sample.id, tag="keep")
    assert "keep" not in groups.count_sample_tags() and len(groups) == n
    assert groups[sample.id].decided_by is None


def test_group_buttons_decide_and_go_on(press, groups) -> None:
    """Keep first drops the others, keep all none; the bar counts groups that are decided."""
    press("on_load")
    shown, _ = press("keep_first")
    tags = groups.count_sample_tags()
    assert (tags["keep"], tags["drop"]) == (1, 2)
    kept = groups.match_tags("keep").first()
    assert kept.duplicate_of is None and kept.duplicate_group == 1
    assert len(_cards(shown)) == 2 and "Group 2" in shown["title"].default
    assert shown["done"].default == pytest.approx(1 / 3)
    shown, _ = press("keep_all")
    assert groups.count_sample_tags()["keep"] == 3
    assert shown["done"].default == pytest.approx(2 / 3)


def test_what_is_decided_leaves_the_undecided(press) -> None:
    """The group that is shown stays while it is decided on, and is gone after the next step."""
    press("on_load")
    shown, _ = press("choose", value="not decided yet")
    first = [card["buttons"].type.properties["keep"].view.params["id"] for card in _cards(shown)]
    for sample in first:
        shown, _ = press("tag", id=sample, tag="keep")
    assert "Group 1" in shown["title"].default
    shown, _ = press("step", by=1)
    assert "Group 2" in shown["title"].default
    shown, _ = press("step", by=-1)
    assert "Group 2" in shown["title"].default
    press("keep_all")
    press("keep_all")
    shown, _ = press("choose", value="not decided yet")
    assert "members" not in shown and "not decided yet" in shown["nothing"].default


def test_show_opens_the_group_in_the_grid(press, groups) -> None:
    """The samples of the group, the kept one first."""
    press("on_load")
    _, ctx = press("show")
    assert len(ctx.ops.view) == 3 and ctx.ops.view.first().duplicate_of is None


def test_without_groups_the_panel_offers_dedupe(press, groups) -> None:
    """After undo there are none; the button opens the form."""
    bccurate.undo("dedupe", groups.name)
    groups.reload()
    shown, _ = press("on_load")
    assert set(shown) == {"nothing", "find"}


def test_hostile_labels_and_gone_files_are_shown_as_they_are(press, groups) -> None:
    """A label is text, not markdown; a file that has gone is said to be."""
    first = groups.match({"duplicate_group": 1})
    first.set_values("ground_truth.label", ["![x](http://e) <b>"] * len(first))
    Path(first.match_tags("duplicate").first().filepath).unlink()
    shown, _ = press("on_load")
    assert all(r"\!\[x\]\(http" in caption for caption in _captions(shown))
    pictures = [card["picture"].default for card in _cards(shown)]
    assert ["gone" in picture for picture in pictures] == [False, True, False]
