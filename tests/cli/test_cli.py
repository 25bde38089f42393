"""The command line: cheap help, one table of commands, documented exit codes."""

from __future__ import annotations

import dataclasses
import inspect
import json
import statistics
import subprocess
import sys
import time

import click
import pytest

import bccurate
from bccurate.cli.group import COMMANDS, cli
from bccurate.learning.settings import TrainSettings

NAMES = sorted(COMMANDS)
SHARED = ("as_json", "config", "quiet", "verbose")  # of the command line, not of the functions


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", NAMES)
def test_help_line_is_the_commands_own(name):
    """The lazy table repeats each command's first line of help."""
    assert _command(name).help.splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_an_example_and_json(name):
    """Help ends with an example, and every command has --json."""
    command = _command(name)
    assert command.epilog.startswith(f"Example: bccurate {name}")
    assert any("--json" in parameter.opts for parameter in command.params)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_a_python_function_with_the_same_options(name):
    """What the command line takes, the function of the same name takes too."""
    function = getattr(bccurate, "import_" if name == "import" else name.replace("-", "_"))
    takes = set(inspect.signature(function).parameters)
    if name == "train":  # its settings, by name
        takes |= {field.name for field in dataclasses.fields(TrainSettings)}
    renamed = {"kind": {"kind", "format"}, "no_browser": {"browser"}, "models": {"model"}}
    for parameter in _command(name).params:
        if parameter.name in (*SHARED, "help", "fail_on_found"):
            continue
        assert renamed.get(parameter.name, {parameter.name}) & takes, parameter.name


def test_choices_are_those_of_the_methods():
    """Literal choices of the options are the constants of the method modules."""
    from bccurate.augmentation.variants import AUGMENTATIONS, VARIANTS
    from bccurate.curation.cell_mask import METHODS as MASKS
    from bccurate.curation.outliers import STATISTICS
    from bccurate.duplicates.groups import KEEP
    from bccurate.hub.import_formats import FORMATS
    from bccurate.images.hashing import METHODS

    def choices(command: str, option: str) -> set[str]:
        found = next(p for p in _command(command).params if p.name == option)
        return set(found.type.choices)

    assert choices("dedupe", "method") == set(METHODS)
    assert choices("dedupe", "keep") == set(KEEP)
    assert choices("outliers", "statistic") == set(STATISTICS)
    assert choices("import", "kind") == set(FORMATS)
    assert choices("augment", "kind") == set(VARIANTS)
    assert choices("background", "method") == set(MASKS)
    assert choices("train", "augment") == set(AUGMENTATIONS)


@pytest.mark.parametrize("name", [None, *NAMES])
def test_help_loads_neither_torch_nor_fiftyone(name):
    """Help of every command comes without the heavy packages."""
    arguments = [name, "--help"] if name else ["--help"]
    code = (
        "import sys\n"
        f"sys.argv = ['bccurate', *{arguments!r}]\n"
        "from bccurate.cli import main\n"
        "try:\n    main()\nexcept SystemExit as e:\n    assert not e.code\n"
        "heavy = {'torch', 'fiftyone', 'numpy', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage: bccurate" in done.stdout


def test_help_costs_at_most_twice_importing_click():
    """Median of 9 interleaved runs of each; a ratio, so that a slow machine does not matter."""

    def seconds(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return time.perf_counter() - began

    base = "import click"
    ours = (
        "import sys; sys.argv = ['bccurate', 'train', '--help']\n"
        "from bccurate.cli import main; main()"
    )
    ratios = [seconds(ours) / seconds(base) for _ in range(9)]
    assert statistics.median(ratios) <= 2.0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["dedup"], 2, "Did you mean dedupe"),
        (["dedupe", "--threshold", "99"], 2, "0<=x<=14"),
        (["outliers", "--alpha", "-1", "-d", "x"], 2, "alpha must be above 0"),
        (["info"], 2, "bccurate use"),
        (["--version"], 0, bccurate.__version__),
    ],
)
def test_exit_codes_of_usage(cli, arguments, code, said, monkeypatch):
    """Usage errors exit 2 and say what to type instead."""
    monkeypatch.delenv("BCCURATE_DATASET", raising=False)
    monkeypatch.setenv("BCCURATE_HOME", "/nonexistent-home")
    outcome = cli(*arguments)
    assert outcome.code == code
    assert said in outcome.out + outcome.err


def test_no_database_is_exit_5_with_the_next_command():
    """Where nothing answers, the command says so and names doctor."""
    code = (
        "import os, sys\n"
        "os.environ['FIFTYONE_DATABASE_URI'] = "
        "'mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=500'\n"
        "sys.argv = ['bccurate', 'info', '-d', 'x', '--json']\n"
        "from bccurate.cli import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 5, done.stderr
    assert "bccurate doctor" in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_ctrl_c_exits_130_and_says_how_to_go_on(monkeypatch, cli):
    """An interrupt is no traceback."""
    import bccurate.commands.models as models

    def interrupted(zoo):
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "models", interrupted)
    outcome = cli("models")
    assert outcome.code == 130 and "same command again" in outcome.err


@pytest.mark.usefixtures("database")
def test_doctor_names_what_is_missing(cli):
    """Doctor checks five things and gives one line to type for each that is missing."""
    record = cli("doctor", "--json").json
    checks = {check["name"]: check for check in record["checks"]}
    assert set(checks) == {"database", "gpu", "weights", "plugins", "disk"}
    assert checks["database"]["ok"] and "MongoDB" in checks["database"]["detail"]
    assert not checks["weights"]["ok"] and "--weights imagenet" in checks["weights"]["fix"]
    assert all(check["fix"] is None for check in record["checks"] if check["ok"])


def test_models_lists_the_zoo(cli):
    """The zoo with sizes, licence and weights, as text and as JSON."""
    record = cli("models", "--json").json
    assert record["schema"] == 1 and record["command"] == "models"
    assert {"custom_cnn", "resnet50"} <= {row["name"] for row in record["models"]}
    assert "custom_cnn" in cli("models").out


def test_json_is_one_object(cli, tmp_path):
    """Standard output holds one JSON object with schema, command and dataset."""
    outcome = cli("sample", tmp_path / "s", "--n", 16, "--json")
    assert set(json.loads(outcome.out)) >= {"schema", "command", "dataset"}
