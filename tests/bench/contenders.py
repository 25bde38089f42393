"""``python contenders.py NAME FOLDER WORKERS``: one contender, one run, one line of JSON.

Runs under the interpreter that has the library, ours or a peer's, and needs nothing else. A
contender gets a folder of images and a number of workers, imports, and returns the work: a call
that returns how many files, groups or pairs it found. Each is called as its own documentation calls
it for the job.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

Work = Callable[[], int]
THRESHOLD = 4  # differing bits of 64, wherever a peer has a threshold


def _paths(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.iterdir())


# ---- files to groups ----


def groups_imagehash(folder: Path, workers: int) -> Work:
    """Hash in a process pool and compare all pairs in numpy: ten lines with imagehash."""
    import multiprocessing

    import imagehash  # noqa: F401  the forked workers have it then
    import numpy as np

    def work() -> int:
        with multiprocessing.Pool(workers) as pool:
            hashes = np.array(pool.map(_phash, _paths(folder), chunksize=64), dtype=np.uint64)
        near = 0
        for i in range(len(hashes) - 1):
            near += int((np.bitwise_count(hashes[i + 1 :] ^ hashes[i]) <= THRESHOLD).sum())
        return near

    return work


def _phash(path: str) -> int:
    import imagehash
    from PIL import Image

    return int(str(imagehash.phash(Image.open(path))), 16)


def groups_imgdd(folder: Path, workers: int, algorithm: str = "dhash") -> Work:
    """Find equal hashes; it has no threshold. Its default is dhash."""
    os.environ["RAYON_NUM_THREADS"] = str(workers)
    import imgdd

    return lambda: len(imgdd.dupes(path=str(folder), algo=algorithm))


def groups_imgdd_phash(folder: Path, workers: int) -> Work:
    return groups_imgdd(folder, workers, "phash")


def groups_imagededup(folder: Path, workers: int) -> Work:
    from imagededup.methods import PHash

    def work() -> int:
        method = PHash(verbose=False)
        hashes = method.encode_images(image_dir=str(folder), num_enc_workers=workers)
        found = method.find_duplicates(
            encoding_map=hashes, max_distance_threshold=THRESHOLD, num_dist_workers=workers
        )
        return sum(map(bool, found.values()))

    return work


def groups_perception(folder: Path, workers: int) -> Work:
    from perception import hashers, tools

    def work() -> int:
        hasher = hashers.PHash()
        rows = hasher.compute_parallel(_paths(folder), max_workers=workers)
        # It asks for less than the threshold, a share of the 64 bits.
        hashes = [(row["filepath"], row["hash"]) for row in rows]
        limit = (THRESHOLD + 0.5) / 64
        return len(tools.deduplicate_hashes(hashes, threshold=limit, hasher=hasher))

    return work


def groups_cleanvision(folder: Path, workers: int) -> Work:
    """Find equal files and equal hashes."""
    from cleanvision import Imagelab

    def work() -> int:
        lab = Imagelab(data_path=str(folder), verbose=False)
        kinds = ("exact_duplicates", "near_duplicates")
        lab.find_issues({kind: {} for kind in kinds}, n_jobs=workers, verbose=False)
        return sum(lab.info[kind]["num_sets"] for kind in kinds)

    return work


def groups_fastdup(folder: Path, workers: int) -> Work:
    """Group at its default similarity of 0.96; telemetry is off."""
    os.environ["SENTRY_OPT_OUT"] = "1"
    import fastdup

    def work() -> int:
        with tempfile.TemporaryDirectory() as scratch:
            job = fastdup.create(work_dir=scratch, input_dir=str(folder))
            job.run(num_threads=workers)
            return len(job.connected_components_grouped())

    return work


# ---- probabilities to wrong labels ----


def labels_cleanlab(folder: Path, _workers: int) -> Work:
    """Score each label by every method, as it is and adjusted where the method allows it."""
    import numpy as np
    from cleanlab.rank import get_label_quality_scores

    said = np.load(folder / "said.npz")
    adjustable = ("self_confidence", "normalized_margin")

    def work() -> int:
        scores = {}
        for method in (*adjustable, "confidence_weighted_entropy"):
            for adjust in (False, True)[: 1 + (method in adjustable)]:
                scores[method + ", adjusted" * adjust] = get_label_quality_scores(
                    said["labels"], said["p"], method=method, adjust_pred_probs=adjust
                )
        np.savez(folder / "quality.npz", **scores)
        return len(said["labels"])

    return work


def main() -> None:
    name, folder, workers = sys.argv[1:]
    print("\n" + json.dumps({"found": globals()[name](Path(folder), int(workers))()}))


if __name__ == "__main__":
    main()
