"""Floor 6: the command line. A command is declarations and one call; see ``cli.group``."""

from bccurate.cli.group import main

__all__ = ["main"]
