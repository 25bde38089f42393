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
from bccurate.errors import UsageError
from bccurate.settings.curation import (
    BackgroundOptions,
    DedupeOptions,
    LeaksOptions,
    OutliersOptions,
    SplitOptions,
)
from bccurate.settings.data import (
    AugmentOptions,
    DatasetOptions,
    ExportOptions,
    ImportOptions,
    NoOptions,
    ReportOptions,
    ReviewOptions,
    SampleOptions,
    UndoOptions,
    UseOptions,
    ZooOptions,
)
from bccurate.settings.models import (
    EvaluateOptions,
    ExplainOptions,
    ExportOnnxOptions,
    MistakesOptions,
    PredictOptions,
)
from bccurate.settings.option import options_of
from bccurate.settings.training import TrainOptions, TrainSettings

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
    renamed = {"models": {"model"}}
    for parameter in _command(name).params:
        if parameter.name in (*SHARED, "help", "fail_on_found"):
            continue
        assert renamed.get(parameter.name, {parameter.name}) & takes, parameter.name


SETTINGS = {
    "apply-review": DatasetOptions, "augment": AugmentOptions, "background": BackgroundOptions,
    "dedupe": DedupeOptions, "doctor": NoOptions, "evaluate": EvaluateOptions,
    "explain": ExplainOptions, "export": ExportOptions, "export-onnx": ExportOnnxOptions,
    "import": ImportOptions, "info": DatasetOptions, "leaks": LeaksOptions,
    "mistakes": MistakesOptions, "models": ZooOptions, "outliers": OutliersOptions,
    "predict": PredictOptions, "report": ReportOptions, "review": ReviewOptions,
    "sample": SampleOptions, "split": SplitOptions, "train": TrainOptions, "undo": UndoOptions,
    "use": UseOptions,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_command_line_and_python_have_the_options_of_the_settings(name):
    """Names and defaults of the command line and of the function are those of the dataclass."""
    settings = SETTINGS[name]
    defaults = {f.name: f.default for f in dataclasses.fields(settings)}
    options = options_of(settings)
    parameters = {p.name.replace("models", "model") for p in _command(name).params}
    extra = {f.name for f in dataclasses.fields(TrainSettings)} if name == "train" else set()
    assert parameters - set(SHARED) - {"help"} == set(options) | extra
    function = getattr(bccurate, "import_" if name == "import" else name.replace("-", "_"))
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in options and parameter.default is not inspect.Parameter.empty:
            assert parameter.default == defaults[parameter.name], parameter.name


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_help(name):
    """On the command line and in the App's forms, which show the same sentence."""
    settings = [SETTINGS[name], TrainSettings] if name == "train" else [SETTINGS[name]]
    for one in settings:
        assert all(about.help.endswith(".") for about in options_of(one).values()), one


def test_the_vocabulary_names_what_the_methods_have():
    """Each name that can be typed has a method behind it, and each method a name."""
    from bccurate.augmentation import variants
    from bccurate.curation import cell_mask, label_errors
    from bccurate.hub import downloads
    from bccurate.learning import recipes
    from bccurate.settings import vocabulary

    assert set(vocabulary.AUGMENTATIONS) == set(variants.AUGMENTATIONS)
    assert set(vocabulary.VARIANTS) == set(variants.VARIANTS)
    assert set(vocabulary.MASKS) == set(cell_mask.METHODS)
    assert tuple(label_errors.METHODS) == vocabulary.MISTAKE_METHODS
    assert set(vocabulary.BLOODMNIST_SIZES) == set(downloads.SIZES)
    assert set(vocabulary.RECIPES) == set(recipes.RECIPES)


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("dedupe", {"threshold": 15}, "--threshold is 0 to 14, not 15"),
        ("dedupe", {"method": "phsh"}, "--method cannot be 'phsh'"),
        ("outliers", {"alpha": 0.0}, "--alpha is above 0 to 1e+06, not 0"),
        ("split", {"val": float("nan")}, "--val is 0 to 0.99, not nan"),
        ("mistakes", {"model": "x", "folds": 1}, "--folds is at least 2, not 1"),
    ],
)
def test_python_checks_the_options_as_the_command_line_does(command, options, said):
    """The Python API names the option and what is allowed."""
    with pytest.raises(UsageError) as caught:
        getattr(bccurate, command)(dataset="none", **options)
    assert said in caught.value.message


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
        (["outliers", "--alpha", "-1", "-d", "x"], 2, "is not in the range 0<x<=1000000"),
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
