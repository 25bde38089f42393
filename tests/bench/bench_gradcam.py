"""Time of Grad-CAM maps of one batch on a CPU, against a forward pass and pytorch-grad-cam.

Layers and sizes are those of the zoo. A plain forward pass is the model in eval mode under
``no_grad`` in torch's default memory layout; another row has the layout that bccurate uses
(channels last). pytorch-grad-cam is called as in its documentation, on the whole batch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.cells import files_of
from tests.bench.measure import Row, Skipped, interleaved, versus
from tests.bench.peers import PeerFails, site_packages

TITLE = "Grad-CAM"
GOALS = {"custom_cnn": 1.15, "resnet50": 1.15, "inception_v3": 1.25, "efficientnet_b0": 1.15,
         "nasnet_mobile": 1.15}  # fmt: skip
BATCH, ROUNDS, CLASSES = 64, 7, 8
Pass = Callable[[], Any]


def run(images: Path) -> list[Row]:
    """Return three ratios per network."""
    paths = [str(path) for path in files_of(images)]
    chosen = [paths[i * len(paths) // BATCH] for i in range(BATCH)]
    return [row for name, goal in GOALS.items() for row in _rows(name, goal, chosen)]


def _rows(name: str, goal: float, paths: list[str]) -> list[Row]:
    import torch

    from bccurate.explanation.gradcam import gradcam
    from bccurate.learning.data import load_pixels, to_inputs
    from bccurate.learning.registry import find_model

    torch.manual_seed(0)
    spec = find_model(name)
    model = spec.build(CLASSES).eval()
    batch = to_inputs(load_pixels(paths, spec.input_size), spec).contiguous()
    targets = torch.arange(len(batch)) % CLASSES
    channels_last = batch.contiguous(memory_format=torch.channels_last)

    def ours() -> np.ndarray:
        return gradcam(model, spec.gradcam_layer, batch, targets, BATCH).maps

    contenders: dict[str, Pass] = {
        "forward": lambda: _forward(model, batch),
        "channels_last": lambda: _forward(model, channels_last),
        "ours": ours,
    }
    against = f"{name}: pytorch-grad-cam / ours"
    try:
        contenders["peer"] = _peer(model, model.get_submodule(spec.gradcam_layer), batch, targets)
    except PeerFails as reason:
        last: Row = Skipped(against, str(reason), ">= 2.5")
        seconds = _measured(contenders)
    else:
        seconds = _measured(contenders)
        last = versus(against, seconds["peer"], seconds["ours"], ">= 2.5")
    took = f"{1e3 * min(seconds['ours']) / BATCH:.2f} ms per map, {spec.input_size} px"
    return [
        versus(f"{name}: ours / plain forward pass", seconds["ours"], seconds["forward"],
               f"<= {goal}", took),
        versus(f"{name}: ours / forward pass in channels last", seconds["ours"],
               seconds["channels_last"]),
        last,
    ]  # fmt: skip


def _measured(contenders: dict[str, Pass]) -> dict[str, list[float]]:
    interleaved(contenders, 1)  # loads what is needed on first use
    return interleaved(contenders, ROUNDS)


def _forward(model: Any, batch: Any) -> Any:
    import torch

    with torch.no_grad():
        return model(batch)


def _peer(model: Any, layer: Any, batch: Any, targets: Any) -> Pass:
    """Return a function that computes the maps of pytorch-grad-cam in this process.

    Raises:
        PeerFails: it is not installed or cannot be imported.
    """
    import copy

    folder = site_packages("grad-cam")
    if str(folder) not in sys.path:
        sys.path.append(str(folder))  # at the end: other packages keep their version
    try:
        from pytorch_grad_cam import GradCAM
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    except ImportError as error:
        raise PeerFails(f"does not import: {error}") from error
    names = {module: name for name, module in model.named_modules()}
    own = copy.deepcopy(model)  # it leaves a gradient on every parameter
    explainer = GradCAM(model=own, target_layers=[own.get_submodule(names[layer])])
    wanted = [ClassifierOutputTarget(int(target)) for target in targets]
    return lambda: explainer(input_tensor=batch, targets=wanted)
