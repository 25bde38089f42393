"""Safetensors files with one JSON object in the header: the only format that we write or read.

What is promised about a file of a stranger: reading it runs no code, allocates no more than the
file holds, and ends in tensors or in an InputError.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from bccurate.errors import InputError
from bccurate.files import atomic_write

HEADER = "bccurate"


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> None:
    """Write ``tensors`` and ``header`` (what JSON takes) to ``path``, whole or not at all.

    Equal tensors and header give equal bytes.

    Raises:
        NoSpaceError: the disk is full.
        InputError: the folder cannot be written.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = save(plain, metadata={HEADER: json.dumps(header, sort_keys=True)})
    with atomic_write(path) as file:
        file.write(data)


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The tensors of a safetensors file, on the CPU, and its header ({} where it is not ours).

    Raises:
        InputError: the file is missing, broken, or not safetensors.
    """
    if not Path(path).is_file():
        raise InputError(f"There is no weights file {path}", f"ls -l {Path(path).parent}")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            # A clone, so that the file may be replaced while its tensors live on.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a sound safetensors file: {error}") from error
    if not isinstance(header, dict):
        raise InputError(f"{path}: the header is not an object")
    return tensors, header
