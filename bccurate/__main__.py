"""``python -m bccurate``."""

from bccurate.cli import main

main()
