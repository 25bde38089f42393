"""Long steps report progress to a listener; without listener and terminal they print nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bccurate import progress


def test_a_listener_gets_the_share_that_is_done(monkeypatch) -> None:
    """It gets the label and the share before each item; items pass unchanged."""
    monkeypatch.setattr(progress, "TELL_EVERY", 0)
    reported: list[tuple[str, float]] = []
    with progress.listened(lambda *step: reported.append(step)):
        assert list(progress.track("abcd", 4, "reading")) == list("abcd")
    assert reported == [("reading", 0.0), ("reading", 0.25), ("reading", 0.5), ("reading", 0.75)]
    list(progress.track("abcd", 4, "reading"))
    assert len(reported) == 4, "the listener is removed"


def test_a_part_is_reported_as_a_share_of_the_whole(monkeypatch) -> None:
    """The second of four epochs begins at 0.25."""
    monkeypatch.setattr(progress, "TELL_EVERY", 0)
    reported: list[float] = []
    with progress.listened(lambda _label, share: reported.append(share)):
        list(progress.track(range(2), 2, "epoch", part=(1, 4)))
    assert reported == [0.25, 0.375]


def test_progress_of_quick_items_is_reported_rarely() -> None:
    """Once or twice for 10,000 quick items, because a listener may write to a database."""
    reported: list[float] = []
    with progress.listened(lambda _label, share: reported.append(share)):
        list(progress.track(range(10_000), 10_000, "reading"))
    assert 1 <= len(reported) <= 2


def test_listeners_of_two_threads_are_separate(monkeypatch) -> None:
    """As for two operators that run at once in the App's server."""
    monkeypatch.setattr(progress, "TELL_EVERY", 0)

    def run(name: str) -> list[str]:
        reported: list[str] = []
        with progress.listened(lambda label, _share: reported.append(label)):
            list(progress.track(range(50), 50, name))
        return reported

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, ["a", "b"])) == [["a"] * 50, ["b"] * 50]


def test_nothing_is_printed_without_a_terminal(capfd) -> None:
    """With a listener or without."""
    list(progress.track(range(3), 3, "reading"))
    with progress.listened(lambda *_: None):
        list(progress.track(range(3), 3, "reading"))
    assert capfd.readouterr() == ("", "")
