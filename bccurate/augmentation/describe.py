"""Operations and their values as words, as the field ``augmentation`` holds them."""

from __future__ import annotations

from collections.abc import Iterable

WITHOUT_VALUE = ("identity", "autocontrast", "equalize")


def word(name: str, value: float, signed: bool) -> str:
    """``"rotate -9"``, ``"posterize 4"``, ``"equalize"``.

    Values are those that the operation is called with: degrees, pixels, slopes, bits, grey levels;
    of brightness, saturation, contrast and sharpness what is added to the factor 1.
    """
    if name in WITHOUT_VALUE:
        return name
    return f"{name} {value:+.3g}" if signed else f"{name} {value:.4g}"


def sequence(words: Iterable[str]) -> str:
    """Words in the order in which they are applied: ``"equalize > rotate -9"``."""
    return " > ".join(words)
