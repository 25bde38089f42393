"""Import and configure fiftyone, open datasets, and translate database errors.

This is the one place that imports fiftyone. What it changes beyond this package, all of it when the
hub is first opened and none of it when ``bccurate`` is imported:

- FiftyOne reads its settings from the environment while it is imported. ``fiftyone_environment``
  sets those of ``_SETTINGS`` that the user has not set, and takes them out again.
- MongoDB's driver gives up on a server that does not answer after ``PATIENCE`` seconds.
- The process that keeps FiftyOne's own MongoDB alive starts with ``hub/service_stub`` on its path.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bccurate.errors import BccurateError, HubError, NoSpaceError, UsageError, nearest
from bccurate.hub.service_stub import start_with_stub
from bccurate.hub.write import journaled
from bccurate.hub.write_lock import write_lock

if TYPE_CHECKING:
    import fiftyone as fo

DATABASE_FIX = "bccurate doctor"
PATIENCE = 15  # seconds to wait for a database that does not answer; the driver's default is 30
OUT_OF_DISK_SPACE = 14031  # MongoDB's error code
LITTLE_SPACE = 64 << 20  # bytes; MongoDB exits when it cannot write its journal in full
_SETTINGS = {
    # FiftyOne logs to standard output, where ``--json`` prints one object.
    "FIFTYONE_LOGGING_DESTINATION": "stderr",
    "FIFTYONE_SHOW_PROGRESS_BARS": "false",  # the commands have their own
    "FIFTYONE_DO_NOT_TRACK": "1",
    # The bundled MongoDB 6.0 is the oldest that FiftyOne supports and it says so at each start.
    "FIFTYONE_DATABASE_VALIDATION": "false",
}


def load_fiftyone() -> ModuleType:
    """Import fiftyone with our settings; takes 2 to 4 seconds the first time.

    Raises:
        HubError: the database cannot be started or reached.
    """
    from pymongo import common

    common.SERVER_SELECTION_TIMEOUT = PATIENCE  # read when fiftyone connects
    with database_errors(), fiftyone_environment():
        import fiftyone

        start_with_stub()
        return fiftyone


@contextmanager
def fiftyone_environment() -> Iterator[None]:
    """Set FiftyOne's settings in the environment, for it or a child process to read; undo it after.

    Variables that the user has set stay as they are.
    """
    ours = {name: value for name, value in _SETTINGS.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn the driver's and FiftyOne's connection errors into ``HubError``."""
    from pymongo.errors import ConnectionFailure, PyMongoError

    try:
        yield
    except ConnectionFailure as error:
        _hang_up()
        raise _lost(error) from error
    except PyMongoError as error:
        if getattr(error, "code", None) == OUT_OF_DISK_SPACE:
            raise _full(_first_line(error)) from error
        raise HubError(f"The database refused: {_first_line(error)}", DATABASE_FIX) from error
    except Exception as error:
        if type(error).__name__ in _CONNECTION_ERRORS:
            raise HubError(_explain(error), DATABASE_FIX) from error
        raise


# By name: importing their modules would start the service that may be missing.
_CONNECTION_ERRORS = {
    "ConnectionError",
    "FiftyOneConfigError",
    "ServiceExecutableNotFound",
    "ServiceListenTimeout",
}


def _hang_up() -> None:
    """Close the lost connection: FiftyOne would use it again, and wait, when Python exits."""
    database = sys.modules.get("fiftyone.core.odm.database")
    if database is None or database._client is None:
        return
    from mongoengine import connection

    for client in (database._client, *connection._connections.values()):
        client._topology.pop_all_sessions()  # ending them would wait for the server
    database._disconnect()


def _lost(error: Exception) -> BccurateError:
    """Return the error for a lost connection; ``NoSpaceError`` where MongoDB's disk is full."""
    folder = _database_folder()
    if folder and os.path.isdir(folder) and shutil.disk_usage(folder).free < LITTLE_SPACE:
        return _full(f"under {folder}")
    return HubError(f"The database does not answer: {_first_line(error)}", DATABASE_FIX)


def _full(where: str) -> NoSpaceError:
    return NoSpaceError(
        f"No space left for the database: {where}", "free some space, then run this again"
    )


def _database_folder() -> str | None:
    """Return the folder of FiftyOne's own MongoDB, or None where another one is in use."""
    fiftyone = sys.modules.get("fiftyone")
    config = getattr(fiftyone, "config", None)
    return None if config is None or config.database_uri else config.database_dir


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200]


def _explain(error: Exception) -> str:
    if type(error).__name__ == "ServiceListenTimeout":
        lock = Path(os.environ.get("FIFTYONE_DATABASE_DIR", "~/.fiftyone/var/lib/mongo"))
        lock = lock.expanduser() / "mongod.lock"
        pid = lock.read_text().strip() if lock.exists() else ""
        if pid:
            return f"MongoDB did not start; an older mongod (pid {pid}) may hold {lock.parent}"
    return f"MongoDB is not available: {_first_line(error)}"


def list_datasets() -> list[str]:
    """Return the names of all datasets."""
    with database_errors():
        return list(load_fiftyone().list_datasets())


@contextmanager
def opened(name: str, create: bool = False, write: bool = False) -> Iterator[fo.Dataset]:
    """Open a dataset by name; inside the block, database errors become ``HubError``.

    Args:
        name: name of the dataset.
        create: create a persistent dataset where there is none; implies ``write``.
        write: hold the dataset's write lock, and at the end wait until the disk holds what was
            written.

    Raises:
        UsageError: there is no such dataset; the message names the nearest.
        HubError: the database cannot be reached.
    """
    fiftyone = load_fiftyone()
    write = write or create
    with write_lock(name) if write else nullcontext(), database_errors():
        if fiftyone.dataset_exists(name):
            dataset = fiftyone.load_dataset(name)
            _catch_up(dataset)
            _require_images(dataset)
            repair_counts(dataset)
        elif create:
            dataset = _create(fiftyone, name)
        else:
            known = fiftyone.list_datasets()
            raise UsageError(
                f"There is no dataset {name!r}.{nearest(name, known)}",
                f"bccurate import FOLDER --name {name}",
            )
        yield dataset
        if write:
            _make_durable(dataset)


def _catch_up(dataset: fo.Dataset) -> None:
    """Reload what other processes have written to the dataset since it was loaded here."""
    dataset._doc.reload()  # runs, views and settings
    stored = {field.name for field in dataset._doc.sample_fields if field.name[0] != "_"}
    if stored != set(dataset.get_field_schema()):
        dataset.reload()  # only then: it detaches samples that the caller holds


def _make_durable(dataset: Any) -> None:
    """Wait until MongoDB's journal holds all writes so far."""
    # No sample has this id: the update changes nothing and waits for the journal.
    journaled(dataset._sample_collection).update_one({"_id": None}, {"$unset": {"none": ""}})


def _require_images(dataset: fo.Dataset) -> None:
    if dataset.media_type not in (None, "image"):
        raise UsageError(
            f"Dataset {dataset.name!r} has media type {dataset.media_type}; bccurate "
            "reads images only.",
            "make an image dataset of it: dataset.select_group_slices or dataset.to_frames",
        )


def _create(fiftyone: ModuleType, name: str) -> fo.Dataset:
    try:
        return fiftyone.Dataset(name, persistent=True)
    except ValueError as error:  # no Latin letter or digit in it, or the same slug as another
        raise UsageError(
            f"{name!r} cannot name a dataset: {_first_line(error)}", "fiftyone datasets list"
        ) from error


def repair_counts(dataset: Any) -> bool:
    """Correct the document count that MongoDB estimates wrongly after an unclean stop.

    Returns:
        whether it was wrong.
    """
    collection = dataset._sample_collection
    if collection.estimated_document_count() == collection.count_documents({}):
        return False
    collection.database.command("validate", collection.name)
    return True


def plugins_folder() -> str:
    """Return the folder where FiftyOne looks for App plugins."""
    return str(load_fiftyone().config.plugins_dir)


def models_folder() -> str:
    """Return the folder where FiftyOne looks for zoo model sources."""
    return str(load_fiftyone().config.model_zoo_dir)


def database_version() -> str:
    """Return the version of the MongoDB server."""
    load_fiftyone()
    from fiftyone.core.odm import get_db_client

    with database_errors():
        return str(get_db_client().server_info()["version"])
