"""``python contenders.py NAME FOLDER WORKERS``: one contender, one run, one line of JSON.

Runs under the interpreter that has the library, ours or a peer's, and needs nothing else. A
contender gets a folder of images and a number of workers, imports, warms up, and returns the work:
a call that is timed, and that tells how many files, groups or pairs it came to. Each is called as
its own documentation calls it for the job.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

Work = Callable[[], int]
THRESHOLD = 4  # differing bits of 64, wherever a peer has a threshold
WARM_UP = 8  # files


def _paths(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.iterdir())


def _each(folder: Path, call: Callable[[str], object]) -> Work:
    """Call it on every file, in this thread."""

    def work() -> int:
        for path in paths:
            call(path)
        return len(paths)

    paths = _paths(folder)
    for path in paths[:WARM_UP]:
        call(path)
    return work


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


# ---- file to hash ----


def hash_bccurate(folder: Path, threads: int) -> Work:
    from bccurate.images.hashing import hash_files

    paths = _paths(folder)
    hash_files(paths[:WARM_UP], threads=threads)
    return lambda: len(hash_files(paths, threads=threads))


def hash_imagehash(folder: Path, _workers: int) -> Work:
    import imagehash
    from PIL import Image

    return _each(folder, lambda path: imagehash.phash(Image.open(path)))


# ---- file to pixels, what a decoder alone takes ----


def decode_pillow(folder: Path, _workers: int) -> Work:
    from PIL import Image

    return _each(folder, lambda path: Image.open(path).load())


def decode_opencv(folder: Path, _workers: int) -> Work:
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    return _each(folder, lambda path: cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR))


def decode_torchvision(folder: Path, _workers: int) -> Work:
    import torch
    from torchvision.io import decode_image, read_file

    torch.set_num_threads(1)
    return _each(folder, lambda path: decode_image(read_file(path)))


def decode_simplejpeg(folder: Path, _workers: int) -> Work:
    from simplejpeg import decode_jpeg

    return _each(folder, lambda path: decode_jpeg(_bytes(path)))


def decode_imagecodecs(folder: Path, _workers: int) -> Work:
    """libspng and libjpeg-turbo."""
    from imagecodecs import jpeg8_decode, spng_decode

    decode = spng_decode if _paths(folder)[0].endswith(".png") else jpeg8_decode
    return _each(folder, lambda path: decode(_bytes(path)))


def decode_kornia(folder: Path, _workers: int) -> Work:
    """Rust's png crate and libjpeg-turbo."""
    from kornia_rs.io import read_image_jpegturbo, read_image_png_u8

    if _paths(folder)[0].endswith(".png"):
        return _each(folder, lambda path: read_image_png_u8(path, "rgb"))
    return _each(folder, lambda path: read_image_jpegturbo(path))


# ---- files to groups ----


def groups_bccurate(folder: Path, workers: int, rotations: bool = False) -> Work:
    from bccurate.duplicates.pipeline import duplicates_of_files

    def work() -> int:
        found = duplicates_of_files(_paths(folder), workers=workers, rotations=rotations)
        return len(found.found.groups)

    return work


def groups_bccurate_rotations(folder: Path, workers: int) -> Work:
    return groups_bccurate(folder, workers, rotations=True)


def groups_imagehash(folder: Path, workers: int) -> Work:
    """A process pool and numpy: what one writes with imagehash in ten lines."""
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
    """Equal hashes only; it has no threshold. Its default is dhash."""
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
    """Equal files and equal hashes only."""
    from cleanvision import Imagelab

    def work() -> int:
        lab = Imagelab(data_path=str(folder), verbose=False)
        kinds = ("exact_duplicates", "near_duplicates")
        lab.find_issues({kind: {} for kind in kinds}, n_jobs=workers, verbose=False)
        return sum(lab.info[kind]["num_sets"] for kind in kinds)

    return work


def groups_fastdup(folder: Path, workers: int) -> Work:
    """At its default similarity of 0.96 for a group; it sends nothing home."""
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
    """Quality of each label, by each of its scores, as it is and adjusted where that may be."""
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
    began = time.perf_counter()
    work = globals()[name](Path(folder), int(workers))
    ready = time.perf_counter()
    before = time.process_time()
    found = work()
    cpu, done = time.process_time() - before, time.perf_counter()
    times = {"seconds": done - ready, "cpu_seconds": cpu, "import_seconds": ready - began}
    print("\n" + json.dumps({**times, "found": found}))


if __name__ == "__main__":
    main()
