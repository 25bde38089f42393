"""``bccurate import``."""

from typing import Any

from bccurate.cli.declare import declare
from bccurate.cli.output import echo
from bccurate.settings.data import ImportOptions


@declare("import", "bccurate import cells.tar --name cells", ImportOptions)
def command(as_json: bool, **options: Any) -> None:
    """Import a folder, csv, npz, tar or zip as a dataset; only what is new.

    In a folder tree, a file's folder is its label. A csv has columns filepath and label. An npz
    holds images and labels, as MedMNIST's do. COCO and what Hugging Face's save_to_disk wrote are
    known by their files, and an export by its manifest. Files that do not decode are tagged
    `unreadable`. PATH bloodmnist is fetched, or taken from where its message says to put it.
    """
    from bccurate import import_

    echo(import_(**options), as_json)
