"""Names that the benchmarks call and that may not be there yet."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

try:
    from bccurate.curation.hashing import hash_files
except ImportError:

    def hash_files(
        paths: Sequence[str], method: str = "phash", threads: int = 1
    ) -> list[str | None]:
        """Hashes of files, None where unreadable."""
        cuts = [paths[i::threads] for i in range(threads)]
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(lambda cut: _hash(cut, method), cuts))
        return [parts[i % threads][i // threads] for i in range(len(paths))]

    def _hash(paths: Sequence[str], method: str) -> list[str | None]:
        from bccurate.curation.hashing import hash_pixels
        from bccurate.curation.reading import decode_rgb
        from bccurate.errors import UnreadableImage
        from bccurate.native import images

        bit = {
            "phash": images.PHASH,
            "dhash": images.DHASH,
            "ahash": images.AHASH,
            "whash": images.WHASH,
        }[method]
        found: list[str | None] = []
        for rows, _, _ in images.read_files(paths, bit):
            for row in rows:
                path = paths[len(found)]
                if row.status and row.known & bit:
                    found.append(f"{getattr(row, method):016x}")
                    continue
                try:
                    found.append(hash_pixels(decode_rgb(path), method))
                except UnreadableImage:
                    found.append(None)
        return found


try:
    from bccurate.curation.pipeline import duplicates_of_files
except ImportError:

    def duplicates_of_files(
        paths: Sequence[str], workers: int | None = None, rotations: bool = False
    ) -> Any:
        """Groups of duplicates among files."""
        import numpy as np

        from bccurate.curation.duplicates import find_groups
        from bccurate.curation.hashing import to_uint64
        from bccurate.curation.reading import ImageFacts
        from bccurate.curation.registration import from_text
        from bccurate.curation.workers import read_many

        facts = [f for f in read_many(paths, workers) if isinstance(f, ImageFacts)]
        return find_groups(
            [f.pixelhash for f in facts],
            to_uint64([f.phash for f in facts]),
            np.array([f.intensity_std for f in facts]),
            from_text([f.thumb for f in facts]),
            4,
            lambda index: (index,),
            turns=8 if rotations else 1,
        )
