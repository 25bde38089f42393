"""All models come from one registry, invalid manifests are refused, and listing loads no torch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bccurate.errors import InputError, UsageError
from bccurate.learning.registry import find_model, list_models

ROW = {
    "name": "mine",
    "module": "mine",
    "input_size": 32,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.5, 0.5, 0.5],
    "gradcam_layer": "0",
    "weights": None,
    "licence": "MIT",
    "paper": "none",
}


def make_zoo(folder: Path, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    models = {"name": "their-zoo", "models": [{"base_name": "x", "bccurate": {**ROW, **changes}}]}
    (folder / "manifest.json").write_text(json.dumps(models))
    (folder / "mine.py").write_text(
        "from torch import nn\n\n\ndef build(n):\n    return nn.Linear(2, n)\n"
    )
    return folder


def test_built_in_models_come_from_the_entry_point() -> None:
    """They are listed in the order of the manifest."""
    built_in = [spec for spec in list_models() if spec.package == "bccurate.zoo"]
    assert [spec.name for spec in built_in] == [
        "custom_cnn",
        "resnet50",
        "inception_v3",
        "efficientnet_b0",
        "nasnet_mobile",
        "stacker",
    ]


def test_listing_loads_no_torch() -> None:
    """So that ``bccurate models`` is fast."""
    code = (
        "import sys; from bccurate.learning.registry import list_models; list_models();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_folder_is_a_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given as an argument or by BCCURATE_ZOO."""
    zoo = make_zoo(tmp_path / "zoo")
    spec = find_model("mine", zoo)
    assert spec.package == str(zoo) and spec.build(7).out_features == 7
    monkeypatch.setenv("BCCURATE_ZOO", str(zoo))
    assert find_model("mine") == spec


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    """The error names both zoos."""
    zoo = make_zoo(tmp_path / "zoo", name="resnet50")
    with pytest.raises(UsageError, match=r"bccurate\.zoo") as error:
        list_models(zoo)
    assert str(zoo) in error.value.message


@pytest.mark.parametrize("module", ["../evil", "/tmp/evil", "os/path", "..evil", "", ".mine"])
def test_a_module_outside_its_zoo_is_refused(tmp_path: Path, module: str) -> None:
    """When the manifest is read."""
    with pytest.raises(InputError, match="outside its zoo"):
        list_models(make_zoo(tmp_path / "zoo", module=module))


def test_a_symbolic_link_out_of_the_zoo_is_refused(tmp_path: Path) -> None:
    """Its code is not run."""
    zoo = make_zoo(tmp_path / "zoo")
    (tmp_path / "other.py").write_text("raise SystemExit('ran')\n")
    (zoo / "mine.py").unlink()
    (zoo / "mine.py").symlink_to(tmp_path / "other.py")
    with pytest.raises(InputError, match="outside its zoo"):
        find_model("mine", zoo).build(2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_size": 0}, "input_size 0 of mine"),
        ({"sha256": "sha1:abc"}, "sha256"),
        ({"inputs": "sounds"}, "neither images nor predictions"),
        ({"mean": [0.5]}, "not valid"),
    ],
)
def test_an_invalid_field_is_refused(tmp_path: Path, changes: dict[str, object], message: str):
    """When the manifest is read."""
    with pytest.raises(InputError, match=message):
        list_models(make_zoo(tmp_path / "zoo", **changes))


def test_a_model_of_predictions_needs_no_image_size(tmp_path: Path) -> None:
    """Nor mean and std."""
    zoo = make_zoo(tmp_path / "zoo", inputs="predictions", input_size=None, mean=None, std=None)
    spec = find_model("mine", zoo)
    assert (spec.input_size, spec.gradcam_layer, spec.parameters) == (0, "", None)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"models": [{"bccurate": {}}]}', '{"models": [1]}']
)
def test_an_invalid_manifest_is_named(tmp_path: Path, text: str) -> None:
    """In an InputError."""
    zoo = make_zoo(tmp_path / "zoo")
    (zoo / "manifest.json").write_text(text)
    with pytest.raises(InputError, match=r"manifest\.json"):
        list_models(zoo)


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    """The error suggests similar names and the command that lists all."""
    with pytest.raises(UsageError, match="resnet50") as error:
        find_model("resnet5")
    assert error.value.hint == "bccurate models"
    with pytest.raises(UsageError, match="timm:resnet18"):
        find_model("timm:resnet1888")
    with pytest.raises(UsageError, match=r"has no manifest\.json"):
        list_models(tmp_path / "nowhere")


def test_any_timm_model_is_found() -> None:
    """With timm's preprocessing and a Grad-CAM layer of 6x6 at 96 px."""
    spec = find_model("timm:resnet18")
    assert (spec.input_size, spec.gradcam_layer) == (96, "layer3")
    assert spec.weights == "timm/resnet18.a1_in1k"
    assert spec.build(5).fc.out_features == 5
    assert find_model("timm:vit_tiny_patch16_224").input_size == 224
