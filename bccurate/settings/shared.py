"""Options that several commands have."""

from __future__ import annotations

from typing import Any

from bccurate.settings.option import option


def dataset() -> Any:
    """Return the option that names the dataset."""
    return option(
        help="Dataset name; default the one that `bccurate use` chose.",
        metavar="NAME",
        short="-d",
        completes="dataset",
    )


def view() -> Any:
    """Return the option that restricts a command to a saved view."""
    return option(help="Use a saved view instead of all samples.", metavar="NAME")


def model() -> Any:
    """Return the argument that names a model."""
    return option(
        help="A model from `bccurate models`, or timm:NAME.", argument=True, completes="model"
    )


def zoo() -> Any:
    """Return the option that adds a folder of models."""
    return option(
        help="A folder with a manifest.json, in addition to the installed zoos.",
        metavar="FOLDER",
        path="any",
        shows="$BCCURATE_ZOO",
    )


def device() -> Any:
    """Return the option that chooses the processor."""
    return option("auto", help="auto, cpu, cuda or cuda:N.")


def batch_size(default: int = 128) -> Any:
    """Return the option for the number of images per forward pass."""
    return option(default, help="Images per forward pass.", minimum=1, maximum=65_536)


def seed() -> Any:
    """Return the option for the seed of all random draws."""
    return option(51, help="Seed of all random draws.", minimum=0)
