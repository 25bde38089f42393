"""ImageNet weights as a file on this machine: found or fetched within a second, or refused.

They are looked for where a person was told to put them, then in the caches of the Hugging Face
hub and of torch, then on the network. A sha256 that the manifest names is held, and the hub's
cache is held to its own: a blob there carries its sha256 as its name.
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
MAX_GROWTH = 4  # bytes of tensors a byte of file: tied weights come twice, a bomb a million times


def imagenet_file(spec: ModelSpec) -> Path:
    """The local file of the spec's ImageNet weights, fetched where it is not here yet.

    Raises:
        UsageError: the model has none.
        InputError: the file is not here and the network does not offer it; or it is another file
            than the manifest names.
    """
    if not spec.weights:
        raise UsageError(f"{spec.name} has no ImageNet weights", "--weights none")
    path = cached_weights(spec) or _fetch(spec)
    digest = spec.sha256 or _blob_digest(path)
    if digest and not sha256_of_file(path).startswith(digest):
        raise InputError(
            f"{path} is not the file that the manifest of {spec.name} names (sha256 {digest})",
            f"rm {path}  (or take it as it is: --weights {path})",
        )
    return path


def cached_weights(spec: ModelSpec) -> Path | None:
    """The ImageNet weights of a spec where they are on this machine already, else None."""
    if not spec.weights:
        return None
    by_hand = _by_hand(spec)
    if by_hand.is_file():
        return by_hand
    if _is_address(spec.weights):
        cached: Any = str(Path(torch.hub.get_dir()) / "checkpoints" / by_hand.name)
    else:
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(spec.weights, HUB_FILE)
    return Path(cached) if isinstance(cached, str) and Path(cached).is_file() else None


def as_safetensors(path: Path) -> Path:
    """``path`` itself, or a checkpoint of torch (.pth, .pt, .bin) converted into our cache.

    The checkpoint is unpickled with ``weights_only``: what asks for more than tensors is refused.

    Raises:
        InputError: the file is missing, broken, or holds more or other things than tensors.
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
        if unpacked_size(path) > MAX_GROWTH * path.stat().st_size:
            raise ValueError("it unpacks to far more than it holds")
        from timm.models import load_state_dict  # seconds: not for what is refused

        found = load_state_dict(str(path), weights_only=True)
    except Exception as error:  # what a broken pickle raises shares no base class
        reason = str(error).split("\n", 1)[0][:200] or type(error).__name__
        raise InputError(
            f"{path} is not a file of weights alone: {reason}",
            "convert it with safetensors.torch.save_file on a machine you trust it on",
        ) from error
    tensors = {str(k): v for k, v in found.items() if isinstance(v, torch.Tensor)}
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    if not tensors or size > MAX_GROWTH * path.stat().st_size:
        raise InputError(f"{path} holds {len(tensors)} tensors of {size:,} bytes: no weights file")
    return tensors


def _is_address(weights: str) -> bool:
    return weights.startswith("https://")


def _blob_digest(path: Path) -> str | None:
    name = path.resolve().name
    return name if re.fullmatch("[0-9a-f]{64}", name) else None


def _by_hand(spec: ModelSpec) -> Path:
    """Where a person is told to put the file."""
    assert spec.weights is not None
    name = Path(urlsplit(spec.weights).path).name
    return home() / "weights" / (name if _is_address(spec.weights) else name + SAFETENSORS)


def _fetch(spec: ModelSpec) -> Path:
    from huggingface_hub import constants, hf_hub_download

    assert spec.weights is not None
    by_hand = _by_hand(spec)
    direct = _is_address(spec.weights)
    url = spec.weights if direct else f"{constants.ENDPOINT}/{spec.weights}/resolve/main/{HUB_FILE}"
    if constants.HF_HUB_OFFLINE or not answers(url):
        raise InputError(
            f"The ImageNet weights of {spec.name} ({by_hand.name}) are not on this machine, "
            f"and {urlsplit(url).netloc} does not offer them",
            f"bring {url} and put it at {by_hand}, or train with --weights none",
        )
    say(f"fetching {url}")
    try:
        if not direct:
            return Path(hf_hub_download(spec.weights, HUB_FILE))
        with disk_errors(by_hand):
            by_hand.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(by_hand), spec.sha256, progress=False)
        return by_hand
    except Exception as error:  # the hub's own errors share no base class
        raise InputError(f"Fetching {url} failed: {error}", f"put the file at {by_hand}") from error
