"""What the page shows of pictures: how many, under which name, and as which address."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass

from bccurate.reporting import intensity
from bccurate.reporting.report_data import ReportData
from bccurate.reporting.text import short_path

SPLITS = ("train", "val", "test")
MOST_CLASSES = 48  # beyond it a matrix, whose size goes with the square, is not readable


@dataclass(frozen=True)
class Caps:
    """How many pictures each gallery may show."""

    groups: int = 12
    members: int = 6
    outliers: int = 24
    mistakes: int = 24
    sheet: int = 24
    variants: int = 16  # sources, each with its variants
    beside: int = intensity.WORST  # the plot of a class
    corruptions: int = 40
    removed: int = 8  # pictures beside themselves without background

    def scaled(self, share: float) -> Caps:
        """Caps for a page that may hold only ``share`` in [0, 1] of the pictures."""
        return Caps(
            math.floor(self.groups * share),
            self.members,
            *(
                math.floor(most * share)
                for most in (
                    self.outliers,
                    self.mistakes,
                    self.sheet,
                    self.variants,
                    self.beside,
                    self.corruptions,
                    self.removed,
                )
            ),
        )


@dataclass(frozen=True)
class Picture:
    """A thumbnail with its name; ``uri`` is None where there is no picture to show."""

    path: str
    uri: str | None
    kept: bool = False

    @property
    def name(self) -> str:
        """The last folder and the file's name."""
        return short_path(self.path)


def data_uri(jpeg: bytes | None) -> str | None:
    """JPEG bytes as a ``data:`` address, which needs no network."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}" if jpeg else None


def picture(data: ReportData, path: str, kept: bool = False) -> Picture:
    """The thumbnail of ``path``, where there is one."""
    return Picture(path, uri_of(data, path), kept)


def uri_of(data: ReportData, path: str) -> str | None:
    """The thumbnail of ``path`` as an address."""
    return data_uri(data.thumbnails.get(path))
