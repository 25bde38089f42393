"""bccurate: curated data, honest splits, and models that look at the cell.

Every command of the command line is a function here with the same name and the same options
(``import`` is ``import_``, a keyword in Python, ``export-onnx`` is ``export_onnx``; ``evaluate`` of
several models is ``compare``).
Importing this package loads neither torch nor fiftyone and sets no environment variable; a function
is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.2.0"

_COMMANDS = {
    "apply_review": "apply_review",
    "augment": "augment",
    "background": "background",
    "compare": "compare_models",
    "dedupe": "dedupe",
    "doctor": "doctor",
    "evaluate": "evaluate",
    "explain": "explain",
    "export": "export",
    "export_onnx": "export_onnx",
    "import_": "import_",
    "info": "info",
    "leaks": "leaks",
    "mistakes": "mistakes",
    "models": "models",
    "outliers": "outliers",
    "predict": "predict",
    "report": "report",
    "review": "review",
    "sample": "sample",
    "split": "split",
    "train": "train",
    "undo": "undo",
    "use": "use",
}

__all__ = sorted(_COMMANDS)


def __getattr__(name: str) -> Any:
    if name in _COMMANDS:
        folder = "workflows" if name == "compare" else "commands"
        return getattr(import_module(f"bccurate.{folder}.{_COMMANDS[name]}"), name)
    raise AttributeError(f"module 'bccurate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
