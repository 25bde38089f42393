"""Version, citation, supported Pythons and the lock file agree."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

import bccurate

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "docs" / "requirements.lock"
OLDEST = (3, 10)


def test_package_citation_and_changelog_have_one_version() -> None:
    """It has the form MAJOR.MINOR.PATCH."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", bccurate.__version__)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == bccurate.__version__
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert newest and newest.group(1) == bccurate.__version__


def test_the_citation_has_the_required_keys() -> None:
    """Those of CFF 1.2.0, and the licence by its SPDX name."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["license"] == "Apache-2.0"
    assert citation["title"] and citation["message"]
    assert all({"name", "family-names"} & set(author) for author in citation["authors"])


@pytest.mark.parametrize("folder", ["bccurate", "zoo", "plugins"])
def test_every_file_parses_with_the_oldest_supported_python(folder: str) -> None:
    """setup.cfg promises Python 3.10."""
    assert "python_requires = >=3.10" in (ROOT / "setup.cfg").read_text(encoding="utf-8")
    for path in (ROOT / folder).rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=OLDEST)


def test_the_lock_file_pins_every_requirement_by_hash() -> None:
    """Each entry is a release with its SHA-256 sums; each requirement of setup.cfg is listed; no
    index is named."""
    text = LOCK.read_text(encoding="utf-8")
    assert "://" not in text and "--index-url" not in text and "--find-links" not in text
    entries = [e for e in re.split(r"\n(?=\S)", text) if not e.startswith("#")]
    assert all(re.match(r"[a-z0-9-]+==\d\S* .*\\\n +--hash=sha256:", e) for e in entries)
    setup = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    wanted = setup.split("install_requires =")[1].split("[options.extras_require]")[0]
    names = {name.lower() for name in re.findall(r"^    ([A-Za-z0-9_-]+)", wanted, re.M)}
    assert len(names) > 10 and names <= {entry.split("==")[0] for entry in entries}
