"""Samples exported as folders and imported again: nothing is lost, changed or overwritten."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from exported_rows import PLAIN, content_of, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from bccurate.errors import InputError, UsageError
from bccurate.files import sha256_of_file
from bccurate.hub.folder_export import folder_names, write_folder
from bccurate.hub.import_formats import SPLIT_NAMES, discover
from bccurate.settings.vocabulary import FOLDER_FORMATS

# All that a label or a tag of a database may hold; no surrogates, no NUL.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
LABELS = st.sampled_from(
    ["a", "A", "train", "images", "..", " a", "a/b", "ig,ly", "ß", "manifest", "=1", "'=1", "'a"]
)
NAMES = st.sampled_from(["1.png", "1.PNG", "sub/1.png", "sub/manifest.csv", "no suffix", ".h.png"])


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path_factory.mktemp("home")))


EXPORTED = st.lists(
    st.tuples(
        NAMES,
        st.none() | LABELS | TEXT,
        st.sampled_from([None, "train", "val", "test"]),
        st.lists(TEXT, max_size=2, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("kind", FOLDER_FORMATS)
@pytest.mark.parametrize("n", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_importing_an_exported_folder_gives_the_same_samples(tmp_path_factory, kind, n) -> None:
    """Bytes, labels of any letters, splits and tags, whatever the files are called."""

    @settings(max_examples=n, deadline=None)
    @given(rows=EXPORTED)
    def check(rows: list) -> None:
        folder = tmp_path_factory.mktemp("x")
        wanted = rows_of(folder / "in", *rows)
        out = folder / "out"
        assert write_folder(wanted, out, kind).written == len(rows)
        listing = discover(out, "d")
        assert (listing.format, listing.conflicts, listing.unreadable) == ("csv", [], [])
        assert content_of(listing.rows) == content_of(wanted)
        assert all(row.sha256 == sha256_of_file(Path(row.filepath)) for row in listing.rows)
        assert write_folder(wanted, out, kind).changed is False
        shutil.rmtree(folder)

    check()


@pytest.mark.parametrize("kind", ["imagefolder", "coco"])
def test_an_export_without_its_manifest_is_read_by_its_format(tmp_path: Path, kind: str) -> None:
    """Folders are classes and splits, COCO's categories are labels: other programs read it too."""
    wanted = rows_of(tmp_path / "in", *PLAIN)
    write_folder(wanted, tmp_path / "out", kind)
    (tmp_path / "out" / "manifest.csv").unlink()
    listing = discover(tmp_path / "out", "d")
    assert listing.format == kind
    bare = wanted if kind == "coco" else [replace(row, tags=()) for row in wanted]
    assert content_of(listing.rows) == content_of(bare)


@pytest.mark.parametrize(
    "line",
    ["1.png,a", "1.png,a,dev,[],", "1.png,a,,{},", "1.png,a,,[1],", "1.png,a,,[],xyz", '1.png,"a'],
)
def test_a_wrong_line_of_a_manifest_is_named(tmp_path: Path, line: str) -> None:
    """Too few columns, an unknown split, tags and checksums that are none."""
    (tmp_path / "manifest.csv").write_text(f"filepath,label,split,tags,sha256\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        discover(tmp_path, "d")


def test_an_export_overwrites_nothing(tmp_path: Path) -> None:
    """A folder of something else is refused and stays; so is an export whose file was changed."""
    wanted = rows_of(tmp_path / "in", *PLAIN)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="something else"):
        write_folder(wanted, out, "csv")
    assert [p.name for p in out.iterdir()] == ["mine.txt"]
    (out / "mine.txt").unlink()
    assert write_folder(wanted, out, "csv").changed  # empty now
    victim = out / "images" / "1.png"
    victim.write_bytes(victim.read_bytes() + b"x")
    with pytest.raises(UsageError, match="something else"):
        write_folder(wanted, out, "csv")


def test_an_export_that_fails_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    """A disk that is full half-way: no folder, no temporary one beside it, and exit code 7."""
    import errno

    from bccurate.errors import NoSpaceError
    from bccurate.hub import folder_export as exports

    calls = []

    def full(*_):
        calls.append(1)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return "0" * 64

    monkeypatch.setattr(exports, "_copy", full)
    with pytest.raises(NoSpaceError):
        write_folder(rows_of(tmp_path / "in", *PLAIN), tmp_path / "out", "csv")
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_missing_and_changed_files_are_named(tmp_path: Path) -> None:
    """The others go out; a checksum that is not the dataset's is named."""
    rows = rows_of(tmp_path / "in", *PLAIN)
    Path(rows[0].filepath).unlink()
    rows[1] = replace(rows[1], sha256="0" * 64)
    outcome = write_folder(rows, tmp_path / "out", "csv")
    assert outcome.written == 4 and outcome.skipped[0]["filepath"] == rows[0].filepath
    assert outcome.altered == [rows[1].filepath]


def test_labels_keep_their_names_as_folders_where_they_can() -> None:
    """Only what would be read as another label, or as no folder at all, gets a name of its own."""
    names = folder_names(["basophil", "immature granulocytes (ig)", "train", "..", "A", "a", "a/b"])
    assert [label for label, name in names.items() if label == name] == [
        "basophil", "immature granulocytes (ig)", "A"
    ]  # fmt: skip
    assert len({name.casefold() for name in names.values()}) == 7
    assert all("/" not in name and name.lower() not in SPLIT_NAMES for name in names.values())


def test_importing_a_hugging_face_export_gives_the_same_samples(tmp_path: Path) -> None:
    """Bytes, labels, splits and tags; equal files stay two samples; again it changes nothing."""
    datasets = pytest.importorskip("datasets")
    from bccurate.hub.huggingface import write_saved

    wanted = rows_of(tmp_path / "in", *PLAIN, ("6.png", None, None, ("y",)))
    Path(wanted[1].filepath).write_bytes(Path(wanted[0].filepath).read_bytes())
    out = tmp_path / "out"
    assert write_saved(wanted, out).changed and not write_saved(wanted, out).changed
    read = datasets.load_from_disk(str(out))
    assert read["train"].features["label"].names == ["a", "b"]
    assert read["train"][0]["image"].size == (8, 8)
    listing = discover(out, "d")
    assert (listing.format, content_of(listing.rows)) == ("huggingface", content_of(wanted))
    with pytest.raises(UsageError, match="something else"):
        write_saved(wanted[1:], out)
