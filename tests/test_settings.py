"""The dataset in use comes from the option, the environment, or the last ``bccurate use``."""

from __future__ import annotations

import pytest

from bccurate.errors import UsageError
from bccurate.settings.in_use import dataset_in_use, use_dataset


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCURATE_HOME", str(tmp_path))
    monkeypatch.delenv("BCCURATE_DATASET", raising=False)
    return tmp_path


def test_the_option_takes_precedence_over_the_environment_over_the_choice(monkeypatch) -> None:
    """``-d``, then ``$BCCURATE_DATASET``, then ``bccurate use``; an error without any."""
    with pytest.raises(UsageError, match="No dataset is named") as raised:
        dataset_in_use()
    assert raised.value.hint.endswith("bccurate use NAME")
    assert use_dataset("chosen")
    assert dataset_in_use() == "chosen"
    monkeypatch.setenv("BCCURATE_DATASET", "environment")
    assert dataset_in_use() == "environment"
    assert dataset_in_use("given") == "given"


def test_choosing_the_same_dataset_again_changes_nothing() -> None:
    """Any text is accepted as a name."""
    assert use_dataset('a "b" ü 日本')
    assert not use_dataset('a "b" ü 日本')
    assert dataset_in_use() == 'a "b" ü 日本'
    assert use_dataset("b")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"3", b'{"dataset": 3}', b'{"x": 1}', b"\xff\xfe"]
)
def test_a_broken_settings_file_counts_as_none_and_is_replaced(home, content) -> None:
    """No command fails because of what the file holds."""
    (home / "config.json").write_bytes(content)
    with pytest.raises(UsageError):
        dataset_in_use()
    assert use_dataset("cells")
    assert dataset_in_use() == "cells"
