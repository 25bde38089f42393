"""How the command line behaves beside what it does: talk, colour, repeats, suggestions, shells."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bccurate.cli.global_options import given
from bccurate.cli.group import COMMANDS
from bccurate.cli.group import cli as group
from bccurate.progress import TALK


def _run(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    code = "from bccurate.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip


def test_a_run_is_repeated_from_its_own_json(cli, tmp_path: Path) -> None:
    """--config takes what --json printed: arguments, numbers and all; what is typed wins."""
    folder, config = tmp_path / "cells", tmp_path / "run.json"
    first = cli("sample", folder, "--n", 16, "--seed", 3, "--json")
    config.write_text(first.out)
    assert first.json["options"] == {"folder": str(folder), "n": 16, "seed": 3, "size": 96}
    again = cli("sample", "--config", config)
    assert again.code == 0 and "Already up to date" in again.out
    other = cli("sample", tmp_path / "other", "--config", config, "--size", 64, "--json").json
    assert other["options"] == {"folder": str(tmp_path / "other"), "n": 16, "seed": 3, "size": 64}


def test_the_row_of_a_run_in_info_is_a_config_too(cli, name, rendered, tmp_path) -> None:
    """Its options are those of the dataset's run record; what is no option is said."""
    cli("import", rendered, "--name", name)
    cli("dedupe", "-d", name, "--threshold", 6, "--keep", "largest")
    row = next(r for r in cli("info", "-d", name, "--json").json["runs"] if r["run"] == "dedupe")
    config = tmp_path / "dedupe.json"
    config.write_text(json.dumps({**row, "options": {**row["options"], "treshold": 1}}))
    again = cli("dedupe", "-d", name, "--config", config, "--json")
    assert (again.json["threshold"], again.json["keep"]) == (6, "largest")
    assert "treshold is no option of dedupe. Did you mean threshold" in again.err


def _word(param: click.Parameter) -> str:
    """A word that the option takes."""
    kind = param.type
    if isinstance(kind, click.Choice):
        return kind.choices[-1]
    if isinstance(kind, click.IntRange):
        return str(max(kind.min or 0, 3))
    return "0.5" if isinstance(kind, click.FloatRange) or kind is click.FLOAT else "1"


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_survives_the_way_through_json(command: str, tmp_path: Path) -> None:
    """For each command: the options in force, written as JSON and read again, are the same."""
    found = group.get_command(click.Context(group), command)
    typed = []
    for param in found.params:
        if isinstance(param, click.Argument):
            typed.append(_word(param))
        elif not param.is_flag and param.name != "config":
            typed += [param.opts[-1], _word(param)]
    context = found.make_context(command, typed)
    config = tmp_path / "run.json"
    config.write_text(json.dumps({"command": command, "options": given(context, "1")}))
    repeated = found.make_context(command, ["--config", str(config)])
    assert {k: v for k, v in repeated.params.items() if k != "dataset"} == {
        k: v for k, v in context.params.items() if k != "dataset"
    }


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ('{"command": "train", "options": {}}', 2, "bccurate train --config"),
        ("[1]", 4, "no JSON object"),
        ("{", 4, "Cannot read"),
        ('{"n": "many"}', 2, "many"),
    ],
)
def test_a_config_that_does_not_fit_is_told(cli, tmp_path, text, code, said) -> None:
    """Of another command, no object, no JSON, or a value that the option does not take."""
    (tmp_path / "run.json").write_text(text)
    outcome = cli("sample", tmp_path / "s", "--config", tmp_path / "run.json")
    assert outcome.code == code and said in outcome.err


def test_quiet_and_verbose(cli, name, rendered, tmp_path, monkeypatch) -> None:
    """-q leaves the outcome alone, -v tells time and memory; neither outlives its command."""
    monkeypatch.delenv(TALK, raising=False)
    (tmp_path / "run.json").write_text('{"unknown": 1}')
    config = ["--config", tmp_path / "run.json"]
    loud = cli("sample", tmp_path / "a", "--n", 16, *config)
    assert "unknown is no option" in loud.err
    quiet = cli("sample", tmp_path / "b", "--n", 16, "-q", *config)
    assert quiet.err == "" and "16 images" in quiet.out
    verbose = cli("sample", tmp_path / "c", "--n", 16, "--verbose", "--json")
    assert re.search(r"\[ *\d+\.\d s\] took \d+\.\d s and at most [\d,]+ MiB", verbose.err)
    assert verbose.json["n"] == 16
    assert TALK not in os.environ


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_is_for_terminals_and_no_color_ends_it(no_color: str, coloured: bool) -> None:
    """On a terminal an error is red, with NO_COLOR nothing is; through a pipe nothing ever is."""
    ours, theirs = pty.openpty()
    code = "import sys; sys.argv = ['bccurate', 'info']; from bccurate.cli import main; main()"
    environment = {**os.environ, "NO_COLOR": no_color, "BCCURATE_HOME": "/nonexistent"}
    subprocess.run([sys.executable, "-c", code], stderr=theirs, env=environment, check=False)
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert "No dataset is named" in said and ("\x1b[" in said) is coloured
    assert "\x1b[" not in _run("info", BCCURATE_HOME="/nonexistent").stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("bccurate ded", ["dedupe"]),
        ("bccurate dedupe --thr", ["--threshold"]),
        ("bccurate dedupe --keep s", ["sharpest"]),
        ("bccurate train custom", ["custom_cnn"]),
        ("bccurate info -d wbc", ["wbc-2", "wbc-1"]),
    ],
)
def test_the_shell_completes(words: str, expected: list[str], tmp_path: Path) -> None:
    """Commands, options, choices, models of the zoo, and datasets that were in use."""
    home = {"BCCURATE_HOME": str(tmp_path)}
    (tmp_path / "config.json").write_text('{"dataset": "wbc-2", "used": ["wbc-2", "x", "wbc-1"]}')
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = _run(_BCCURATE_COMPLETE="bash_complete", **asked, **home)
    assert [line.split(",")[1] for line in done.stdout.splitlines()] == expected, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_their_script(shell: str) -> None:
    """What the docs say to put into the shell's own file."""
    done = _run(_BCCURATE_COMPLETE=f"{shell}_source")
    if shell == "bash" and done.returncode:
        pytest.skip("click asks for bash 4.4 or newer")
    assert "_BCCURATE_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["trian"], "Did you mean train"),
        (["dedupe", "--treshold", "3"], "--threshold"),
        (["train", "resnet5", "-d", "x"], "resnet50"),
        (["info", "-d", "{name}x"], "Did you mean {name}"),
        (["undo", "imprt", "-d", "{name}"], "Did you mean import"),
        (["explain", "custom_cn", "-d", "{name}"], "custom_cnn"),
    ],
)
def test_what_is_mistyped_is_suggested(cli, name, rendered, arguments, said) -> None:
    """A command, an option, a model, a dataset, a run."""
    if any("{name}" in word for word in arguments):
        cli("import", rendered, "--name", name)
    outcome = cli(*[word.format(name=name) for word in arguments])
    assert outcome.code == 2 and said.format(name=name) in outcome.err


def test_ctrl_c_gives_the_line_to_type(monkeypatch, cli) -> None:
    """The very command, quoted for the shell."""
    import bccurate.commands.models as models

    def interrupted(zoo: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "models", interrupted)
    outcome = cli("models", "--zoo", "my zoo")
    assert outcome.code == 130 and "bccurate models --zoo 'my zoo'" in outcome.err


@pytest.mark.parametrize("width", [60, 200])
def test_help_keeps_to_the_terminal(width: int) -> None:
    """No line passes the terminal's width, nor 100 letters."""
    done = _run("train", "-h", COLUMNS=str(width))
    assert max(map(len, done.stdout.splitlines())) <= min(width, 100)
