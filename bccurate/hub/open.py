"""Opens the database: the one place where fiftyone is imported and configured.

FiftyOne logs to standard output and draws its own bars; both are turned off here so that
``--json`` stays one object. Its usage tracking is off in our processes.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from bccurate.errors import BccurateError, HubError, NoSpaceError, UsageError, nearest
from bccurate.hub.write import journaled
from bccurate.hub.write_lock import write_lock

if TYPE_CHECKING:
    import fiftyone as fo

DATABASE_FIX = "bccurate doctor"
PATIENCE = 15  # seconds until a database that does not answer is given up; the driver has 30
OUT_OF_DISK_SPACE = 14031  # of MongoDB
LITTLE = 64 << 20  # bytes: MongoDB ends itself rather than write its journal in part
_QUIET = {
    "FIFTYONE_LOGGING_DESTINATION": "stderr",
    "FIFTYONE_SHOW_PROGRESS_BARS": "false",
    "FIFTYONE_DO_NOT_TRACK": "1",
    # The bundled MongoDB 6.0 is the oldest that FiftyOne supports and it says so at each start.
    "FIFTYONE_DATABASE_VALIDATION": "false",
}


def load_fiftyone() -> ModuleType:
    """The fiftyone module, configured. Takes 2 to 4 seconds the first time.

    Raises:
        HubError: the database cannot be started or reached.
    """
    from pymongo import common

    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    common.SERVER_SELECTION_TIMEOUT = PATIENCE  # read when fiftyone connects
    with database_errors(), _garbage_kept():
        import fiftyone

        _start_database_lightly()
        return fiftyone


@contextmanager
def _garbage_kept() -> Iterator[None]:
    """No garbage collection: while much is imported there is little to find, and it looks often."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _start_database_lightly() -> None:
    """Spare the process that keeps FiftyOne's own MongoDB the import of all of FiftyOne."""
    from fiftyone.core.service import DatabaseService

    path = [str(Path(__file__).with_name("service_stub")), os.environ.get("PYTHONPATH")]
    DatabaseService.env = {"PYTHONPATH": os.pathsep.join(filter(None, path))}


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


# By name: importing their modules would start the very service that may be missing.
_CONNECTION_ERRORS = {
    "ConnectionError",
    "FiftyOneConfigError",
    "ServiceExecutableNotFound",
    "ServiceListenTimeout",
}


def _hang_up() -> None:
    """Drop the lost connection: FiftyOne would ask through it again, and wait, as Python ends."""
    database = sys.modules.get("fiftyone.core.odm.database")
    if database is None or database._client is None:
        return
    from mongoengine import connection

    for client in (database._client, *connection._connections.values()):
        client._topology.pop_all_sessions()  # each would wait for an answer that these may end
    database._disconnect()


def _lost(error: Exception) -> BccurateError:
    """What ended the connection: a full disk of FiftyOne's own database, or who knows."""
    folder = _database_folder()
    if folder and os.path.isdir(folder) and shutil.disk_usage(folder).free < LITTLE:
        return _full(f"under {folder}")
    return HubError(f"The database does not answer: {_first_line(error)}", DATABASE_FIX)


def _full(where: str) -> NoSpaceError:
    return NoSpaceError(
        f"No space left for the database: {where}", "free some space, then run this again"
    )


def _database_folder() -> str | None:
    """Where FiftyOne's own MongoDB keeps its files, None where another one is in use."""
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
    """The names of all datasets."""
    with database_errors():
        return list(load_fiftyone().list_datasets())


@contextmanager
def opened(name: str, create: bool = False, write: bool = False) -> Iterator[fo.Dataset]:
    """Open a dataset by name; inside, database errors become ``HubError``.

    Args:
        name: of the dataset.
        create: make a persistent one where there is none; then it is for writing, too.
        write: wait until no other command writes to it, and at the end until the disk holds what
            was written.

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
    """Take over what other processes have written to the dataset since it was loaded here."""
    dataset._doc.reload()  # runs, views and settings
    stored = {field.name for field in dataset._doc.sample_fields if field.name[0] != "_"}
    if stored != set(dataset.get_field_schema()):
        dataset.reload()  # not always: samples of views that someone holds lose touch with it


def _make_durable(dataset: Any) -> None:
    """Wait until the journal on the disk has all that was written before."""
    # No sample has that id: nothing is changed, only waited for.
    journaled(dataset._sample_collection).update_one({"_id": None}, {"$unset": {"none": ""}})


def _require_images(dataset: fo.Dataset) -> None:
    if dataset.media_type not in (None, "image"):
        raise UsageError(
            f"Dataset {dataset.name!r} holds media of the kind {dataset.media_type}; bccurate "
            "reads images.",
            "make an image dataset of it: dataset.select_group_slices or dataset.to_frames",
        )


def _create(fiftyone: ModuleType, name: str) -> fo.Dataset:
    try:
        return fiftyone.Dataset(name, persistent=True)
    except ValueError as error:  # no Latin letter or digit in it, or one that reads the same
        raise UsageError(
            f"{name!r} cannot name a dataset: {_first_line(error)}", "fiftyone datasets list"
        ) from error


def repair_counts(dataset: Any) -> bool:
    """Mend the estimated count that MongoDB keeps wrong after an unclean stop.

    Returns:
        whether it had to be mended.
    """
    collection = dataset._sample_collection
    if collection.estimated_document_count() == collection.count_documents({}):
        return False
    collection.database.command("validate", collection.name)
    return True


def plugins_folder() -> str:
    """Where FiftyOne looks for App plugins."""
    return str(load_fiftyone().config.plugins_dir)


def models_folder() -> str:
    """Where FiftyOne looks for zoo model sources."""
    return str(load_fiftyone().config.model_zoo_dir)


def database_version() -> str:
    """The version of the MongoDB server that answers."""
    load_fiftyone()
    from fiftyone.core.odm import get_db_client

    with database_errors():
        return str(get_db_client().server_info()["version"])
