"""Read and write safetensors files with one JSON object in the header.

Reading an untrusted file runs no code, allocates no more than the file's size, and either returns
tensors or raises an InputError.
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
    """Write ``tensors`` and ``header`` (serialisable as JSON) to ``path``, atomically.

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
    """Return the tensors of a safetensors file, on the CPU, and its header.

    The header is empty if bccurate did not write the file.

    Raises:
        InputError: the file is missing, damaged, or not safetensors.
    """
    if not Path(path).is_file():
        raise InputError(f"There is no weights file {path}", f"ls -l {Path(path).parent}")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get(HEADER, "{}"))
            # Cloned, so that the file may be replaced while the tensors are in use.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a valid safetensors file: {error}") from error
    if not isinstance(header, dict):
        raise InputError(f"{path}: the header is not an object")
    return tensors, header
