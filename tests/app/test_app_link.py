"""Linking puts our plugins where FiftyOne looks, and nothing else in or out."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bccurate.app import link as linking

OURS = {"bccurate-curate", "bccurate-explain", "bccurate-review", "bccurate-train"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """A plugin folder of this test's own."""
    monkeypatch.setattr(linking, "plugins_folder", lambda: str(tmp_path / "plugins"))
    return tmp_path / "plugins"


def test_installed_plugins_are_found_without_import() -> None:
    """Every plugin of the entry points has a folder with a fiftyone.yml."""
    assert set(linking.installed()) >= OURS


def test_link_is_idempotent(folder: Path) -> None:
    """The first call links all and says so; the second has nothing to do."""
    assert set(linking.link()) >= OURS
    assert linking.missing() == []
    before = {path.name: path.lstat().st_mtime_ns for path in folder.iterdir()}
    assert linking.link() == []
    assert {path.name: path.lstat().st_mtime_ns for path in folder.iterdir()} == before
    assert (folder / "bccurate-curate" / "fiftyone.yml").is_file()


def test_link_may_run_in_many_threads_at_once(folder: Path) -> None:
    """Links are put in place in one step: racing calls end with whole links and no rubbish."""
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda _: linking.link(), range(16)):
            pass
    assert linking.missing() == []
    assert {path.name for path in folder.iterdir()} == set(linking.installed())


def test_a_stale_link_is_replaced(folder: Path, tmp_path: Path) -> None:
    """A link to an older installation is pointed to this one."""
    folder.mkdir()
    (tmp_path / "old").mkdir()
    (folder / "bccurate-curate").symlink_to(tmp_path / "old")
    assert "bccurate-curate" in linking.missing()
    linking.link()
    assert (folder / "bccurate-curate").resolve() == linking.installed()["bccurate-curate"]
    assert (tmp_path / "old").is_dir()


def test_a_dangling_link_is_replaced(folder: Path, tmp_path: Path) -> None:
    """A link to an installation that is gone is pointed to this one."""
    folder.mkdir()
    (folder / "bccurate-train").symlink_to(tmp_path / "gone")
    linking.link()
    assert linking.missing() == []


def test_link_copies_where_links_are_not_possible(folder: Path, monkeypatch) -> None:
    """Without symbolic links the plugin is copied, and found again the next time."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert set(linking.link()) >= OURS
    assert (folder / "bccurate-review" / "mistakes.py").is_file()
    assert linking.link() == []


def test_link_is_refused_by_the_environment(folder: Path, monkeypatch) -> None:
    """BCCURATE_LINK_PLUGINS=0 leaves FiftyOne's folder as it is."""
    monkeypatch.setenv(linking.REFUSE, "0")
    assert linking.link() == []
    assert not folder.exists()


def test_unlink_removes_ours_only(folder: Path, tmp_path: Path) -> None:
    """Other people's plugins, folders and links, stay; so do the folders that we linked to."""
    (folder / "theirs").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (folder / "also-theirs").symlink_to(tmp_path / "elsewhere")
    linked = linking.link()
    assert set(linking.unlink()) == set(linked)
    assert sorted(os.listdir(folder)) == ["also-theirs", "theirs"]
    assert all(source.is_dir() for source in linking.installed().values())
    assert linking.unlink() == []


def test_fiftyone_keeps_all_of_its_own(linked: Path) -> None:
    """With ours linked FiftyOne lists its built-in operators and panels as without."""
    import fiftyone.operators as foo

    with_ours = _listed(foo, builtin=True)
    linking.unlink()
    try:
        assert with_ours == _listed(foo, builtin=True)
    finally:
        linking.link()
    assert len(with_ours) >= 61


def test_all_of_ours_are_registered(linked: Path) -> None:
    """What the plugins define is listed in their fiftyone.yml: FiftyOne passes over the rest."""
    import fiftyone.operators as foo

    assert _listed(foo, builtin=False) == {
        "@bccurate/curate/background",
        "@bccurate/curate/dedupe",
        "@bccurate/curate/duplicates",
        "@bccurate/curate/leaks",
        "@bccurate/curate/outliers",
        "@bccurate/curate/split",
        "@bccurate/explain/explain",
        "@bccurate/review/drop",
        "@bccurate/review/keep",
        "@bccurate/review/mistakes",
        "@bccurate/review/relabel",
        "@bccurate/train/evaluate",
        "@bccurate/train/predict",
        "@bccurate/train/train",
    }


def _listed(foo, builtin: bool) -> set[str]:
    return {operator.uri for operator in foo.list_operators(builtin=builtin)}
