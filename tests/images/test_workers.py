"""Worker processes: every file is decoded outside the command, and none is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bccurate.images import worker_tasks
from bccurate.images.image_stats import ImageStats, Unreadable
from bccurate.images.workers import hash_many, read_many, read_pixels


def _pixels(seed: int = 0, size: tuple[int, ...] = (40, 50, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)


@pytest.fixture
def no_decoder_here(monkeypatch) -> None:
    """Make every decoder of this process fail."""

    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("an image file was decoded in the command's own process")

    for name in ("decode_rgb", "decode", "read_bytes"):
        monkeypatch.setattr(f"bccurate.images.decode.{name}", refuse)
    for name in ("decode", "read_bytes", "measure_file"):
        monkeypatch.setattr(worker_tasks, name, refuse)


@pytest.mark.parametrize("n", [1, 3, 130])
def test_no_file_is_decoded_in_the_process_of_the_command(tmp_path, no_decoder_here, n) -> None:
    """One file, a few or many: measured, hashed and read as pixels in worker processes."""
    paths = [str(tmp_path / f"{k}.png") for k in range(n)]
    for k, path in enumerate(paths):
        Image.fromarray(_pixels(k, (16, 16, 3))).save(path)
    assert all(isinstance(one, ImageStats) for one in read_many(paths))
    assert len(list(hash_many(paths, "whash"))) == n
    for k, found in enumerate(read_pixels(paths)):
        assert np.array_equal(found, _pixels(k, (16, 16, 3)))


def test_pixels_are_resized_as_pillow_does_and_broken_files_are_named(tmp_path: Path) -> None:
    """Antialiased bicubic to the square; an unreadable file keeps its place."""
    Image.fromarray(_pixels()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no")
    paths = [str(tmp_path / name) for name in ("a.png", "b.png", "gone.png", "a.png")]
    one, two, three, four = read_pixels(paths, size=20)
    expected = Image.fromarray(_pixels()).resize((20, 20), Image.Resampling.BICUBIC)
    assert np.array_equal(one, expected) and np.array_equal(four, expected)
    assert two == Unreadable(paths[1], "not an image (text)")
    assert isinstance(three, Unreadable) and "No such file" in three.reason


def test_a_file_that_kills_its_worker_is_named_and_no_other_is_lost(tmp_path, monkeypatch) -> None:
    """The request is repeated file by file; the others keep their results."""
    monkeypatch.setenv("BCCURATE_TEST_CRASH", "crash.png")
    (tmp_path / "sitecustomize.py").write_text(
        textwrap.dedent(
            """
            import os
            real = os.open
            def guarded(path, *args, **options):
                if str(path).endswith(os.environ.get("BCCURATE_TEST_CRASH", "?")):
                    os.kill(os.getpid(), 9)
                return real(path, *args, **options)
            os.open = guarded
            """
        )
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    names = [f"{k}.png" for k in range(70)] + ["crash.png"] + [f"z{k}.png" for k in range(9)]
    for name in names:
        Image.fromarray(_pixels(1, (16, 16, 3))).save(tmp_path / name)
    found = list(read_many([str(tmp_path / name) for name in names], workers=2))
    bad = [one for one in found if isinstance(one, Unreadable)]
    assert bad == [Unreadable(str(tmp_path / "crash.png"), "crashes the decoder")]
    assert len(found) == 80


def test_results_keep_the_order_of_the_paths_with_any_number_of_workers(tmp_path: Path) -> None:
    """300 good and 5 bad files: the same 305 results from 1 and 2 workers, none lost."""
    paths = []
    for number in range(300):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(_pixels(number, (16, 16, 3))).save(paths[-1])
        if number % 60 == 7:
            paths.append(str(tmp_path / f"none{number}.png"))
    one = list(read_many(paths, workers=1))
    two = list(read_many(paths, workers=2))
    assert one == two
    assert [stats.filepath for stats in two] == paths
    assert sum(isinstance(stats, ImageStats) for stats in two) == 300
    assert list(read_many([])) == []


def test_closing_the_generator_stops_the_workers(tmp_path: Path) -> None:
    """Leaving the generator does not wait for the files not yet asked for."""
    Image.fromarray(_pixels()).save(tmp_path / "a.png")
    stream = read_many([str(tmp_path / "a.png")] * 2000, workers=2)
    assert isinstance(next(stream), ImageStats)
    stream.close()  # type: ignore[attr-defined]


def test_a_script_without_a_main_guard_reads_every_image(tmp_path: Path) -> None:
    """Workers start as fresh interpreters, not by running the script again."""
    Image.fromarray(_pixels()).save(tmp_path / "a.png")
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            from bccurate.images.image_stats import ImageStats
            from bccurate.images.workers import read_many
            found = list(read_many([{str(tmp_path / "a.png")!r}] * 200, workers=2))
            print(sum(isinstance(stats, ImageStats) for stats in found))
            """
        )
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "200"), done.stderr[-2000:]


def test_a_killed_worker_is_started_again_and_loses_no_image(tmp_path: Path) -> None:
    """Workers killed with -9 in the middle are started again; every image is reported once."""
    Image.fromarray(_pixels()).save(tmp_path / "a.png")
    stream = read_many([str(tmp_path / "a.png")] * 1000, workers=2)
    found = [next(stream)]
    subprocess.run(["pkill", "-9", "-P", str(os.getpid()), "-f", "bccurate_worker"])
    found += stream
    assert len(found) == 1000 and all(isinstance(stats, ImageStats) for stats in found)


def test_a_random_py_in_the_current_folder_is_not_imported(tmp_path: Path) -> None:
    """A random.py where the command is typed is not run."""
    Image.fromarray(_pixels()).save(tmp_path / "a.png")
    (tmp_path / "random.py").write_text("open('was-run', 'w'); raise SystemExit(3)")
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if p]\n"
        "from bccurate.images.workers import read_many\n"
        "print(sum(hasattr(f, 'phash') for f in read_many(['a.png'] * 200, workers=2)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.returncode, done.stdout.strip()) == (0, "200"), done.stderr[-2000:]
    assert not (tmp_path / "was-run").exists()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an alarm")
def test_an_interrupted_read_leaves_no_answer_for_the_next_one(tmp_path: Path) -> None:
    """Ctrl-C in a notebook, then another image: its own pixels come back, not the first one's."""
    slow, other = str(tmp_path / "slow.png"), str(tmp_path / "other.png")
    Image.fromarray(_pixels(0, (3000, 3000, 3))).save(slow, compress_level=1)
    Image.fromarray(_pixels(1)).save(other)
    list(read_many([other]))  # the worker has started
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            list(read_many([slow]))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    (found,) = read_many([other])
    assert isinstance(found, ImageStats) and (found.width, found.height) == (50, 40)
