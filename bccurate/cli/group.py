"""The lazy group: ``--help`` imports click and nothing else; a command is loaded when it is run."""

from __future__ import annotations

import os
import shlex
import sys
from importlib import import_module

import click

from bccurate import __version__
from bccurate.cli.global_options import coloured
from bccurate.errors import BccurateError, nearest

# In the order of a day's work; a test holds the help lines to the commands' own.
COMMANDS = {
    "sample": "Render blood cells with planted duplicates, outliers and wrong labels.",
    "import": "Import a folder, csv, npz, tar or zip as a dataset; only what is new.",
    "use": "Choose the dataset that commands take where none is named.",
    "info": "Show the class table, the views and what was run.",
    "dedupe": "Tag exact and near duplicates; one of each group is kept.",
    "outliers": "Tag images whose intensity is far from their class.",
    "split": "Tag train, val and test; duplicates never cross splits.",
    "leaks": "Tag duplicates and groups that stand in more than one split.",
    "augment": "Write variants of the training images as new samples.",
    "background": "Write masks of the cells, and training pictures without background.",
    "train": "Train a zoo model, then predict on all samples.",
    "predict": "Write a trained model's predictions on all samples.",
    "evaluate": "Accuracy, macro F1, confusion and calibration per split.",
    "mistakes": "Rank wrong, confident-wrong and likely mislabelled samples.",
    "explain": "Write Grad-CAM heatmaps of what a model looks at.",
    "review": "Open the FiftyOne App on this machine.",
    "apply-review": "Read people's tags: relabel, keep or drop; nothing is deleted.",
    "report": "Write one HTML page of all that was found.",
    "export": "Write samples out with their labels, splits, tags and checksums.",
    "export-onnx": "Write a trained model as ONNX, checked against torch.",
    "undo": "Take back what a run wrote: fields, tags, views and files.",
    "models": "List the zoo.",
    "doctor": "Find what is missing and say how to mend it.",
}


# Idle threads of torch and numpy sleep instead of spinning: on a machine that does other work,
# spinning makes a batch take 4 to 27 times as long (measured). Read when they are first imported.
# OpenBLAS waits 2^4 ticks, its minimum; its default is 0.13 seconds.
THREADS_SLEEP = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_THREAD_TIMEOUT": "4"}


class LazyGroup(click.Group):
    """A group whose commands are modules of ``bccurate.cli`` with a ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of a day's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Load a command's module; None where there is no such command."""
        if name not in COMMANDS:
            return None
        module = "import_" if name == "import" else name.replace("-", "_")
        return import_module(f"bccurate.cli.{module}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest names for a mistyped one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"No such command {args[0]!r}.{nearest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Help lines from the table, so that no command is loaded for them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with: bccurate import FOLDER --name cells",
)
@click.version_option(__version__, prog_name="bccurate")
def cli() -> None:
    """Curated data, honest splits, and models that look at the cell."""


def main() -> None:
    """Run the command line; every error ends in its documented exit code."""
    for name, value in THREADS_SLEEP.items():
        os.environ.setdefault(name, value)
    try:
        code = cli.main(prog_name="bccurate", standalone_mode=False)
    except BccurateError as error:
        _fail(str(error), error.exit_code, error)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        again = shlex.join(["bccurate", *sys.argv[1:]])
        _fail(f"Stopped. Nothing is lost: type the same command again to go on.\n  {again}", 130)
    except BrokenPipeError:
        # The reader (head, less) has gone; point stdout at nothing so that exit stays silent.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        _fail(*_unforeseen(error), error)
    sys.exit(code if isinstance(code, int) else 0)


def _unforeseen(error: Exception) -> tuple[str, int]:
    """Return message and exit code of an unexpected error: of the machine, or internal."""
    from bccurate.files import fault_of_machine  # late: --help has no use for it

    if isinstance(error, OSError) and (known := fault_of_machine(error, error.filename)):
        return str(known), known.exit_code
    return (
        f"Internal error; please report it: {type(error).__name__}: {error}\n"
        "  try: BCCURATE_DEBUG=1 with the same command, and report what it prints",
        1,
    )


def _fail(message: str, code: int, error: BaseException | None = None) -> None:
    if error is not None and os.environ.get("BCCURATE_DEBUG") == "1":
        raise error
    head = "" if code == 130 else click.style("Error: ", fg="red", bold=True)
    click.echo(head + message, err=True, color=coloured())
    sys.exit(code)
