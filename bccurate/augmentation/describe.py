"""Describe operations as text, for the field ``augmentation`` of a sample."""

from __future__ import annotations

from collections.abc import Iterable

WITHOUT_VALUE = ("identity", "autocontrast", "equalize")


def describe_operation(name: str, value: float, signed: bool) -> str:
    """Return a text such as ``"rotate -9"``, ``"posterize 4"`` or ``"equalize"``.

    ``value`` is the argument of the operation: degrees, pixels, slopes, bits or grey levels; of
    brightness, saturation, contrast and sharpness the factor minus 1.
    """
    if name in WITHOUT_VALUE:
        return name
    return f"{name} {value:+.3g}" if signed else f"{name} {value:.4g}"


def describe_sequence(operations: Iterable[str]) -> str:
    """Join texts in the order of application: ``"equalize > rotate -9"``."""
    return " > ".join(operations)
