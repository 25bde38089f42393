"""Long steps tell a listener how far they are; without one and a terminal they are silent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bccurate import progress


def test_a_listener_hears_the_share_that_is_done(monkeypatch) -> None:
    """The label, and what is done before each item; items pass unchanged."""
    monkeypatch.setattr(progress, "TELL_EVERY", 0)
    heard: list[tuple[str, float]] = []
    with progress.listened(lambda *told: heard.append(told)):
        assert list(progress.track("abcd", 4, "reading")) == list("abcd")
    assert heard == [("reading", 0.0), ("reading", 0.25), ("reading", 0.5), ("reading", 0.75)]
    list(progress.track("abcd", 4, "reading"))
    assert len(heard) == 4, "the listener has gone"


def test_parts_are_shares_of_the_whole(monkeypatch) -> None:
    """The second of four epochs begins at a quarter."""
    monkeypatch.setattr(progress, "TELL_EVERY", 0)
    heard: list[float] = []
    with progress.listened(lambda _label, share: heard.append(share)):
        list(progress.track(range(2), 2, "epoch", part=(1, 4)))
    assert heard == [0.25, 0.375]


def test_a_listener_is_not_told_every_item() -> None:
    """Ten thousand quick items are told once or twice: who listens may write to a database."""
    heard: list[float] = []
    with progress.listened(lambda _label, share: heard.append(share)):
        list(progress.track(range(10_000), 10_000, "reading"))
    assert 1 <= len(heard) <= 2


def test_listeners_of_two_threads_hear_their_own(monkeypatch) -> None:
    """Two operators that run at once in the App's server do not mix."""
    monkeypatch.setattr(progress, "TELL_EVERY", 0)

    def run(name: str) -> list[str]:
        heard: list[str] = []
        with progress.listened(lambda label, _share: heard.append(label)):
            list(progress.track(range(50), 50, name))
        return heard

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, ["a", "b"])) == [["a"] * 50, ["b"] * 50]


def test_without_a_terminal_nothing_is_printed(capfd) -> None:
    """Neither with a listener nor without."""
    list(progress.track(range(3), 3, "reading"))
    with progress.listened(lambda *_: None):
        list(progress.track(range(3), 3, "reading"))
    assert capfd.readouterr() == ("", "")
