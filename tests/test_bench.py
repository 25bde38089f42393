"""Goals, sections and contenders of the benchmarks."""

from __future__ import annotations

from pathlib import Path

import pytest
from image_formats import write_images

from tests.bench import peers
from tests.bench.measure import Share, Skipped, met, versus
from tests.bench.page import merged, section


def test_a_goal_is_compared_with_its_sign() -> None:
    """At the limit itself, too."""
    assert [met(3, goal) for goal in (">= 3", "> 3", "<= 3", "< 3", "")] == [
        "yes", "no", "yes", "no", ""
    ]  # fmt: skip


def test_a_ratio_is_the_median_over_rounds() -> None:
    """Over the rounds that both ran; 4,999 of 5,000 is not rounded to all."""
    figure = versus("x", [2.0, 9.0, 4.0], [1.0, 1.0, 4.0], ">= 2")
    assert (figure.ratio, figure.low, figure.high, figure.rounds) == (2.0, 1.0, 9.0, 3)
    assert versus("x", [8.0], [2.0, 1.0]).ratio == 4
    assert Share("x", 4999, 5000, ">= 1").cells()[1:6] == ("0.999", "", "5,000", ">= 1", "no")


def test_one_section_is_replaced_and_the_others_stay() -> None:
    """In the given order; a section that no benchmark writes is removed."""
    old = merged("", {t: section(t, f"of {t}", []) for t in ("B", "A", "Gone")}, ["A", "B", "Gone"])
    row = Skipped("it", "no network")
    new = merged(old, {"B": section("B", "``new``", [row])}, ["A", "B", "C"])
    assert [line for line in new.splitlines() if line.startswith("#")] == [
        "# Benchmarks", "## A", "## B"
    ]  # fmt: skip
    assert "of A" in new and "of B" not in new and "`new`" in new and "no network" in new
    assert merged(new, {}, ["A", "B", "C"]) == new


def test_a_contender_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    """It reports seconds, peak memory and the number of groups."""
    image = write_images(tmp_path, 1)[0]
    (tmp_path / f"copy{image.suffix}").write_bytes(image.read_bytes())
    run = peers.run(peers.Contender("dedupe"), tmp_path, watch=True)
    assert run.found == 1
    assert run.seconds > 0
    assert run.peak_mib > 1


def test_a_peer_that_is_missing_or_fails_is_reported_and_skipped(
    tmp_path: Path, monkeypatch
) -> None:
    """The reason is one line; the others run."""
    monkeypatch.delenv("BCCURATE_PEERS", raising=False)
    monkeypatch.setattr(peers, "PEERS", tmp_path)
    (tmp_path / "none.log").write_text("trying\nERROR: no such | version\n\n")
    images = tmp_path / "images"
    images.mkdir()
    write_images(images, 3)
    (images / "text.png").write_text("text")
    good = peers.Contender("dedupe")
    bad = {"gone": peers.Contender("x", "none"), "raises": peers.Contender("groups_imagehash")}
    runs, failed = peers.contend({**bad, "good": good}, images, rounds=2)
    assert failed["gone"] == "not installed: ERROR: no such / version"
    assert failed["raises"].startswith("PIL.UnidentifiedImageError")
    assert [len(runs[name]) for name in runs] == [2]
    with pytest.raises(peers.PeerFails, match="run make bench"):
        peers.interpreter("other")
