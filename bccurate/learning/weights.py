"""Pretrained weights: found or fetched within a second or refused, and never loaded in part."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bccurate.errors import InputError, UsageError
from bccurate.files import home, sha256_of_file
from bccurate.learning.tensorfile import read_tensors
from bccurate.learning.zoo import ModelSpec

MIN_SHARE = 0.9
NETWORK_SECONDS = 0.9
HUB_FILE = "model.safetensors"


def load_pretrained(model: nn.Module, spec: ModelSpec, weights: str) -> None:
    """Load all but the head of ``model``, in place.

    ``weights`` is ``imagenet`` (the source that the manifest names) or the path of a
    .safetensors file. The head stays random: its classes are other classes.

    Raises:
        UsageError: the model has no ImageNet weights.
        InputError: the file is missing, broken, or fits less than 90 % of the tensors; or it is
            not on this machine and the network does not answer.
    """
    path = _imagenet_file(spec) if weights == "imagenet" else Path(weights).expanduser()
    if path.suffix in (".pth", ".pt", ".bin", ".ckpt"):
        raise InputError(
            f"{path} is a pickle, which can run code when it is read",
            "convert it with safetensors.torch.save_file on a machine you trust it on",
        )
    tensors, _ = read_tensors(path)
    load_backbone(model, tensors, str(path))


def load_backbone(model: nn.Module, tensors: dict[str, torch.Tensor], source: str) -> None:
    """Copy the tensors of one name and shape into ``model``, all but the head.

    timm loads a file of another key layout without a word and leaves every weight random; so at
    least 90 % of the non-head tensors must match.

    Raises:
        InputError: fewer match; nothing was loaded.
    """
    heads = tuple(f"{name}." for name in head_names(model))
    wanted = {
        name: tensor.shape
        for name, tensor in model.state_dict().items()
        if not name.startswith(heads) and not name.endswith("num_batches_tracked")
    }
    matching = {
        name: tensors[name]
        for name, shape in wanted.items()
        if name in tensors and tensors[name].shape == shape
    }
    if len(matching) < MIN_SHARE * len(wanted):
        raise InputError(
            f"{source} fits {len(matching)} of {len(wanted)} tensors of the network: "
            "it is of another model or another key layout"
        )
    model.load_state_dict(matching, strict=False)


def head_names(model: nn.Module) -> list[str]:
    """The dotted names of the classifier: as timm says, else ``head`` as in our own modules."""
    config = getattr(model, "pretrained_cfg", None) or {}
    names = config.get("classifier") or "head"
    return [names] if isinstance(names, str) else list(names)


def _imagenet_file(spec: ModelSpec) -> Path:
    """The local file of the spec's weights: brought by hand, cached, or fetched now."""
    if not spec.weights:
        raise UsageError(f"{spec.name} has no ImageNet weights", "--weights none")
    repo = spec.weights
    path = _cached(repo) or _fetch(repo, spec)
    if spec.sha256 and sha256_of_file(path) != spec.sha256:
        raise InputError(f"{path} is not the file that the manifest names (sha256)", f"rm {path}")
    return path


def cached_weights(spec: ModelSpec) -> Path | None:
    """The ImageNet weights of a spec where they are on this machine already, else None."""
    return _cached(spec.weights) if spec.weights else None


def _by_hand(repo: str) -> Path:
    return home() / "weights" / f"{repo.rpartition('/')[2]}.safetensors"


def _cached(repo: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    if _by_hand(repo).is_file():
        return _by_hand(repo)
    cached = try_to_load_from_cache(repo, HUB_FILE)
    return Path(cached) if isinstance(cached, str) else None


def _fetch(repo: str, spec: ModelSpec) -> Path:
    from huggingface_hub import constants, hf_hub_download

    url = f"{constants.ENDPOINT}/{repo}/resolve/main/{HUB_FILE}"
    if constants.HF_HUB_OFFLINE or not _answers(url):
        raise InputError(
            f"The ImageNet weights of {spec.name} ({repo}) are not on this machine, "
            f"and {constants.ENDPOINT} does not offer them",
            f"bring {url} and put it at {_by_hand(repo)}, or train with --weights none",
        )
    try:
        return Path(hf_hub_download(repo, HUB_FILE))
    except Exception as error:  # the hub's own errors share no base class
        raise InputError(
            f"Fetching {url} failed: {error}", f"put the file at {_by_hand(repo)}"
        ) from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The first answer will do: following the hub to its storage would take the second up."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _answers(address: str) -> bool:
    """Whether ``address`` is offered, within a second; proxies of the environment are used.

    The hub's own client retries for most of a minute where there is no network. In a thread,
    because looking up a host name takes no time limit.
    """
    answered = threading.Event()

    def ask() -> None:
        request = urllib.request.Request(address, method="HEAD")
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            opener.open(request, timeout=NETWORK_SECONDS).close()
            answered.set()
        except urllib.error.HTTPError as error:
            if error.code < 400:  # a redirect to where the file lies
                answered.set()
        except (OSError, ValueError):
            pass

    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(NETWORK_SECONDS)
