"""Files to groups without a dataset: what ``dedupe`` finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from bccurate.curation.pipeline import duplicates_of_files


def test_planted_pairs_are_found_and_bad_files_named(rendered: Path, truth) -> None:
    """Rendered cells with 160 files: every planted pair, nothing else, in any order of paths."""
    planted = {
        frozenset(pair)
        for kind in ("exact_pairs", "near_pairs", "label_conflicts")
        for pair in truth[kind]
    }
    files = sorted(map(str, rendered.glob("images/*/*")))
    one, two = (duplicates_of_files(paths, workers=1) for paths in (files, files[::-1]))
    names = [str(Path(path).relative_to(rendered)) for path in one.paths]
    assert {frozenset(names[i] for i in group.members) for group in one.found.groups} == planted
    bad = {str(Path(row.filepath).relative_to(rendered)) for row in one.unreadable}
    assert bad == set(truth["unreadable"])
    assert one == two


@pytest.mark.parametrize("method", ["phash", "dhash"])
def test_every_method_names_its_pairs(rendered: Path, method: str) -> None:
    """Each pair within the threshold says so; no file at all is no group."""
    files = sorted(map(str, rendered.glob("images/*/*")))[:60]
    found = duplicates_of_files(files, method=method, threshold=2, workers=1).found
    for link in (link for group in found.groups for link in group.links):
        near = "equal pixels" if link.why == "equal pixels" else f"hash {link.distance} bit"
        assert link.why.startswith(near if link.distance <= 2 else "looks alike in small")
    assert duplicates_of_files([]).found.groups == []
