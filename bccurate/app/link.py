"""Links our App plugins into FiftyOne's plugin folder, and copies the door of our zoo.

FiftyOne knows no entry points, so installed plugins (group ``bccurate.app``) are linked by path.
"""

from __future__ import annotations

import os
import shutil
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from bccurate.files import atomic_write, disk_errors, temporary
from bccurate.hub.open import models_folder, plugins_folder
from bccurate.progress import say

GROUP = "bccurate.app"
ZOO = "bccurate.zoo"
ZOO_FOLDER = "bccurate-zoo"  # under its own name FiftyOne would overwrite our package
ZOO_FILES = ("__init__.py", "manifest.json")
REFUSE = "BCCURATE_LINK_PLUGINS"  # set to 0 to keep FiftyOne's folder as it is


def installed() -> dict[str, Path]:
    """Link name to folder of every installed App plugin; none of them is imported."""
    found = {}
    for entry in entry_points(group=GROUP):
        spec = find_spec(entry.value)
        if spec and spec.submodule_search_locations:
            folder = Path(next(iter(spec.submodule_search_locations)))
            if (folder / "fiftyone.yml").is_file():
                found[f"bccurate-{entry.name}"] = folder
    return found


def missing() -> list[str]:
    """Names of installed plugins that are not linked, or to another place."""
    folder = Path(plugins_folder())
    return [name for name, source in installed().items() if not _is_linked(folder / name, source)]


def link() -> list[str]:
    """Link what is not linked; does nothing where ``BCCURATE_LINK_PLUGINS=0``.

    Returns:
        the names that were linked now.
    """
    if os.environ.get(REFUSE) == "0":
        return []
    folder = Path(plugins_folder())
    sources = installed()
    names = missing()
    for name in names:
        _replace(folder / name, sources[name])
    if names:
        say(f"linked App plugins into {folder}: {', '.join(names)} (refuse with {REFUSE}=0)")
    return names


def unlink() -> list[str]:
    """Remove our links; returns their names."""
    folder = Path(plugins_folder())
    names = [name for name in installed() if (folder / name).is_symlink()]
    for name in names:
        (folder / name).unlink()
    return names


def share_zoo() -> bool:
    """Copy our zoo's manifest and ``__init__.py`` to where FiftyOne looks for zoo models.

    Not a link: FiftyOne lets models be downloaded into the folder, which would be our package.
    Does nothing where ``BCCURATE_LINK_PLUGINS=0``.

    Returns:
        whether anything was copied now.
    """
    spec = find_spec(ZOO)
    if os.environ.get(REFUSE) == "0" or not spec or not spec.submodule_search_locations:
        return False
    source = Path(next(iter(spec.submodule_search_locations)))
    place = Path(models_folder()) / ZOO_FOLDER
    new = {name: (source / name).read_bytes() for name in ZOO_FILES}
    changed = [name for name, data in new.items() if _content(place / name) != data]
    for name in changed:
        with atomic_write(place / name) as file:
            file.write(new[name])
    if changed:
        say(f"FiftyOne's zoo knows our models now, as bccurate/<model> (refuse with {REFUSE}=0)")
    return bool(changed)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _is_linked(place: Path, source: Path) -> bool:
    if place.is_symlink():
        return place.resolve() == source.resolve()
    copied = place / "fiftyone.yml"  # where links are not possible a copy stands, with its stamp
    return copied.is_file() and copied.read_bytes() == (source / "fiftyone.yml").read_bytes()


def _replace(place: Path, source: Path) -> None:
    """Put a link in place in one step, so that two processes may do it at once."""
    with disk_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        work = temporary(place)
        try:
            work.symlink_to(source, target_is_directory=True)
            os.replace(work, place)
        except (OSError, NotImplementedError):
            work.unlink(missing_ok=True)
            shutil.copytree(source, place, dirs_exist_ok=True)
