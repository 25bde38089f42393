"""The built wheel holds every file and works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bccurate.files import sha256_of_file

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy so that the checkout stays clean."""
    return _build(tmp_path_factory.mktemp("wheel"))


def _build(folder: Path) -> Path:
    source = folder / "source"
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split("\n")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    done = subprocess.run(
        [*command, "-w", folder, source], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    return folder


def _python(site: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, cwd=site.parent,
        env={"PYTHONPATH": str(site), "PATH": "/usr/bin:/bin", "HOME": str(site.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_only_bccurate_is_installed_at_top_level(wheel):
    """The wheel holds the package and its metadata, and no top-level zoo, plugins or tests."""
    with zipfile.ZipFile(wheel) as packed:
        tops = {name.split("/")[0] for name in packed.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"bccurate"}


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    """Modules, manifest, templates and plugin descriptions."""
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    for folder, mounted in (("bccurate", "bccurate"), ("zoo", "bccurate/zoo"),
                            ("plugins", "bccurate/app")):  # fmt: skip
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder).as_posix()
            if path.suffix in (".py", ".json", ".j2", ".css", ".yml"):
                assert f"{mounted}/{inside}" in names, inside


def test_zoo_and_plugins_work_from_the_wheel(site):
    """Entry points are found in the wheel, and a zoo model is built."""
    out = _python(
        site,
        "import bccurate; print(bccurate.__file__)\n"
        "from bccurate.learning.registry import find_model, list_models\n"
        "print(sorted(m.name for m in list_models()))\n"
        "print(sum(p.numel() for p in find_model('custom_cnn').build(8).parameters()) > 0)\n"
        "from bccurate.app.link import installed\n"
        "print(sorted(installed()), {p.parent.name for p in installed().values()})\n",
    )
    lines = out.splitlines()
    assert lines[0].startswith(str(site))
    assert "'custom_cnn'" in lines[1] and "'resnet50'" in lines[1] and lines[2] == "True"
    for name in ("curate", "explain", "review", "train"):
        assert f"bccurate-{name}" in lines[3]
    assert "{'app'}" in lines[3]


@pytest.mark.slow
def test_two_builds_of_one_commit_are_identical(wheel, tmp_path):
    """In another folder, with the compiled kernels."""
    again = _build(tmp_path / "elsewhere")
    assert again.name == wheel.name
    assert sha256_of_file(again) == sha256_of_file(wheel)
