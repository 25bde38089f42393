"""Find or download ImageNet weights, and check them.

Searched are ``$BCCURATE_HOME/weights``, the caches of the Hugging Face hub and of torch, then the
network; without one an error follows within a second. Files are checked against the sha256 of the
manifest and, in the hub's cache, against the sha256 that is the blob's name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch

from bccurate.archives import unpacked_size
from bccurate.errors import InputError, UsageError
from bccurate.files import disk_errors, home, sha256_of_file
from bccurate.learning.registry import ModelSpec
from bccurate.learning.safetensors_io import write_tensors
from bccurate.network import answers
from bccurate.progress import say

HUB_FILE = "model.safetensors"
SAFETENSORS = ".safetensors"
MAX_EXPANSION = 4  # bytes of tensors per byte of file: 2 with tied weights, far more in a bomb


def imagenet_file(spec: ModelSpec) -> Path:
    """Return the local file of the spec's ImageNet weights; download it if necessary.

    Raises:
        UsageError: the model has none.
        InputError: the file is not on this machine and cannot be downloaded, or its sha256 is not
            that of the manifest.
    """
    if not spec.weights:
        raise UsageError(f"{spec.name} has no ImageNet weights", "--weights none")
    path = cached_weights(spec) or _download(spec)
    digest = spec.sha256 or _blob_digest(path)
    if digest and not sha256_of_file(path).startswith(digest):
        raise InputError(
            f"{path} does not have the sha256 {digest} that the manifest of {spec.name} names",
            f"rm {path}  (or use it unchecked: --weights {path})",
        )
    return path


def cached_weights(spec: ModelSpec) -> Path | None:
    """Return the ImageNet weights of a spec if they are on this machine, else None."""
    if not spec.weights:
        return None
    manual = _manual_path(spec)
    if manual.is_file():
        return manual
    if _is_url(spec.weights):
        cached: Any = str(Path(torch.hub.get_dir()) / "checkpoints" / manual.name)
    else:
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(spec.weights, HUB_FILE)
    return Path(cached) if isinstance(cached, str) and Path(cached).is_file() else None


def as_safetensors(path: Path) -> Path:
    """Return ``path``, or a torch checkpoint (.pth, .pt, .bin) converted to safetensors.

    The checkpoint is unpickled with ``weights_only``, so that its code is not run. The converted
    file is kept in ``$BCCURATE_HOME/weights/converted``.

    Raises:
        InputError: the file is missing, damaged, or contains anything but tensors.
        NoSpaceError: the disk is full.
    """
    if path.suffix == SAFETENSORS:
        return path
    if not path.is_file():
        raise InputError(f"There is no weights file {path}", f"ls -l {path.parent}")
    digest = sha256_of_file(path)
    converted = home() / "weights" / "converted" / f"{digest[:16]}{SAFETENSORS}"
    if not converted.is_file():
        header = {"kind": "converted", "file": path.name, "sha256": digest}
        write_tensors(converted, _unpickle(path), header)
    return converted


def _unpickle(path: Path) -> dict[str, torch.Tensor]:
    try:
        if unpacked_size(path) > MAX_EXPANSION * path.stat().st_size:
            raise ValueError("it expands to far more than its size")
        from timm.models import load_state_dict  # slow to import

        found = load_state_dict(str(path), weights_only=True)
    except Exception as error:  # errors of a broken pickle share no base class
        reason = str(error).split("\n", 1)[0][:200] or type(error).__name__
        raise InputError(
            f"{path} contains something other than weights: {reason}",
            "convert it with safetensors.torch.save_file on a machine you trust it on",
        ) from error
    tensors = {str(k): v for k, v in found.items() if isinstance(v, torch.Tensor)}
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    if not tensors or size > MAX_EXPANSION * path.stat().st_size:
        raise InputError(
            f"{path} is not a weights file: it holds {len(tensors)} tensors of {size:,} bytes"
        )
    return tensors


def _is_url(weights: str) -> bool:
    return weights.startswith("https://")


def _blob_digest(path: Path) -> str | None:
    name = path.resolve().name
    return name if re.fullmatch("[0-9a-f]{64}", name) else None


def _manual_path(spec: ModelSpec) -> Path:
    """Return the path that error messages name for a file downloaded by hand."""
    assert spec.weights is not None
    name = Path(urlsplit(spec.weights).path).name
    return home() / "weights" / (name if _is_url(spec.weights) else name + SAFETENSORS)


def _download(spec: ModelSpec) -> Path:
    from huggingface_hub import constants, hf_hub_download

    assert spec.weights is not None
    manual = _manual_path(spec)
    direct = _is_url(spec.weights)
    url = spec.weights if direct else f"{constants.ENDPOINT}/{spec.weights}/resolve/main/{HUB_FILE}"
    if constants.HF_HUB_OFFLINE or not answers(url):
        raise InputError(
            f"The ImageNet weights of {spec.name} ({manual.name}) are not on this machine, "
            f"and {urlsplit(url).netloc} does not offer them",
            f"download {url} to {manual}, or train with --weights none",
        )
    say(f"downloading {url}")
    try:
        if not direct:
            return Path(hf_hub_download(spec.weights, HUB_FILE))
        with disk_errors(manual):
            manual.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(manual), spec.sha256, progress=False)
        return manual
    except Exception as error:  # the hub's errors share no base class
        raise InputError(
            f"Downloading {url} failed: {error}", f"put the file at {manual}"
        ) from error
