"""A third-party zoo is installed as a wheel, and its models are listed and built."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROW = {
    "name": "smear_net",
    "module": "networks.smear",
    "input_size": 48,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "gradcam_layer": "conv",
    "parameters": 4121,
    "weights": None,
    "licence": "MIT",
    "paper": "https://example.org/smear",
}
FILES = {
    "setup.cfg": """
        [metadata]
        name = hematology-nets
        version = 1.2
        [options]
        packages =
            hematology
            hematology.models
            hematology.models.networks
        [options.package_data]
        hematology.models = manifest.json
        [options.entry_points]
        bccurate.zoo =
            hematology = hematology.models
    """,
    "pyproject.toml": """
        [build-system]
        requires = ["setuptools>=77"]
        build-backend = "setuptools.build_meta"
    """,
    "hematology/__init__.py": "",
    "hematology/models/__init__.py": "",
    "hematology/models/networks/__init__.py": "",
    "hematology/models/networks/smear.py": """
        from collections import OrderedDict
        from torch import nn


        def build(num_classes):
            return nn.Sequential(OrderedDict(
                conv=nn.Conv2d(3, 4, 3, stride=2, padding=1), relu=nn.ReLU(),
                pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), head=nn.Linear(4, num_classes)))
    """,
}


def _run(*command: object) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def _install(folder: Path, site: Path, row: dict, files: dict[str, str]) -> None:
    """Write the project, build its wheel with pip, and install it into ``site``."""
    manifest = {"name": "hematology-zoo", "models": [{"base_name": "x", "bccurate": row}]}
    files = {**files, "hematology/models/manifest.json": json.dumps(manifest)}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))
    pip = (sys.executable, "-m", "pip", "-q", "--disable-pip-version-check")
    _run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder / "dist", folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    _run(*pip, "install", "--no-index", "--no-deps", "--upgrade", "--target", site, wheel)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site folder with the wheel of ``hematology-nets`` installed into it."""
    folder = tmp_path_factory.mktemp("third_party")
    _install(folder / "project", folder / "site", ROW, FILES)
    return folder / "site"


def _python(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", ""), os.getcwd()])
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_an_installed_package_is_listed(site: Path) -> None:
    """By ``bccurate models``, with its package, in text and JSON."""
    done = _python(site, "-m", "bccurate", "models", "--json")
    rows = {row["name"]: row for row in json.loads(done.stdout)["models"]}
    row = rows["smear_net"]
    assert {"resnet50", "stacker"} <= set(rows)
    assert (row["package"], row["parameters"], row["input_size"]) == ("hematology.models", 4121, 48)
    assert (row["weights"], row["licence"]) == (None, "MIT")
    assert "hematology.models" in _python(site, "-m", "bccurate", "models").stdout


def test_its_model_is_built_saved_and_loaded(site: Path, tmp_path: Path) -> None:
    """From a module in a subpackage, by name."""
    code = f"""
        from pathlib import Path
        import torch
        from bccurate.learning.checkpoint import TrainedModel, load_model, save_model
        from bccurate.learning.registry import find_model
        spec, path = find_model("smear_net"), Path({str(tmp_path)!r}) / "m.safetensors"
        model = spec.build(3)
        assert type(model).__module__.startswith("torch") and model.head.out_features == 3
        save_model(path, TrainedModel(model, spec, ["a", "b", "c"], 48, "run"))
        trained = load_model(path)
        print(trained.spec.package, tuple(trained.model(torch.zeros(2, 3, 48, 48)).shape))
    """
    done = _python(site, "-c", dedent(code))
    assert done.stdout.strip() == "hematology.models (2, 3)", done.stderr[-2000:]


def test_a_name_in_two_packages_is_refused(site: Path, tmp_path: Path) -> None:
    """With exit code 2; the error names both packages."""
    other = tmp_path / "site"
    manifest = other / "hematology" / "models" / "manifest.json"
    subprocess.run(["cp", "-r", site, other], check=True)
    manifest.write_text(manifest.read_text().replace("smear_net", "resnet50"))
    done = _python(other, "-m", "bccurate", "models")
    assert done.returncode == 2
    assert "bccurate.zoo" in done.stderr and "hematology.models" in done.stderr


def test_a_folder_is_given_by_option(tmp_path: Path, cli) -> None:
    """``--zoo FOLDER`` adds its models to the list; one without a manifest is an error."""
    manifest = {"name": "mine", "models": [{"base_name": "x", "bccurate": ROW}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    rows = cli("models", "--zoo", tmp_path, "--json").json["models"]
    assert rows[-1]["name"] == "smear_net" and rows[-1]["package"] == str(tmp_path)
    outcome = cli("models", "--zoo", tmp_path / "none")
    assert outcome.code == 2 and "has no manifest.json" in outcome.err
