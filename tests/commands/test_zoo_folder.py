"""A third-party model from a folder, through every command that builds it."""

from __future__ import annotations

from tiny_zoo import zoo  # noqa: F401

import bccurate


def test_every_command_takes_a_model_of_a_zoo_folder(cli, name, rendered, zoo):  # noqa: F811
    """Trained, predicted, measured, ranked and explained with ``--zoo``; unknown without it."""
    bccurate.import_(rendered, name)
    bccurate.split(name, val=0.2, test=0.2)
    options = ("tiny", "-d", name, "--zoo", zoo)
    record = cli("train", *options, "--epochs", 1, "--batch-size", 64, "--json").json
    assert record["model"] == "tiny" and record["settings"]["image_size"] == 32
    for command in ("predict", "evaluate", "mistakes", "explain"):
        assert cli(command, *options, "--json").code == 0, command
    assert not cli("train", *options, "--epochs", 1, "--batch-size", 64, "--json").json["changed"]
    outcome = cli("evaluate", "tiny", "-d", name)
    assert outcome.code == 2 and "There is no model 'tiny'" in outcome.err
