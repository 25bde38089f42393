"""The layout of DESIGN.md: floors, packages, one importer of fiftyone, short files, no cycle."""

from __future__ import annotations

import ast
import configparser
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "errors": 0, "records": 0, "files": 0, "archives": 0, "progress": 0, "settings": 0,
    "network": 0, "native": 0,
    "images": 1, "duplicates": 1, "curation": 1, "rendering": 1, "augmentation": 1,
    "learning": 2, "explanation": 2, "evaluation": 2,
    "hub": 3, "app": 4, "reporting": 4, "workflows": 5, "commands": 6, "cli": 7,
}  # fmt: skip
# These must not import each other, whatever their floors.
SEPARATE = {("hub", "learning"), ("learning", "hub"), ("reporting", "hub"), ("app", "learning")}
SOURCES = sorted(
    path for folder in ("bccurate", "plugins", "zoo") for path in (ROOT / folder).rglob("*.py")
)
FILES = SOURCES + [
    path
    for pattern in ("bccurate/**/*.[ch]", "tests/**/*.py", "tests/**/*.[ch]")
    for path in sorted(ROOT.glob(pattern))
]


def _room(path: Path) -> str:
    return path.relative_to(ROOT / "bccurate").parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", [p for p in SOURCES if "bccurate" in p.relative_to(ROOT).parts[0]],
                         ids=lambda p: str(p.relative_to(ROOT)))  # fmt: skip
def test_imports_point_downward(path):
    """A module imports from its own room and from lower floors only."""
    room = _room(path)
    if room not in FLOORS:
        return  # __init__ and __main__
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] != "bccurate" or len(parts) < 2 or parts[1] not in FLOORS:
            continue
        other = parts[1]
        assert other == room or FLOORS[other] < FLOORS[room] or _may_share_a_floor(room, other), (
            path,
            name,
        )
        assert (room, other) not in SEPARATE, (path, name)


def _may_share_a_floor(room: str, other: str) -> bool:
    """On floors 0 and 2 rooms may import each other; on floor 1 those listed before them."""
    rooms = list(FLOORS)
    same_floor = FLOORS[room] == FLOORS[other]
    return same_floor and (FLOORS[room] in (0, 2) or rooms.index(other) < rooms.index(room))


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_imports_form_no_cycle():
    """Neither at module level nor inside functions."""
    files = {_module(path): path for path in (ROOT / "bccurate").rglob("*.py")}
    waiting = {name: _imports(path) & files.keys() - {name} for name, path in files.items()}
    while free := [name for name, needs in waiting.items() if not needs]:
        for name in free:
            del waiting[name]
        waiting = {name: needs - set(free) for name, needs in waiting.items()}
    assert not waiting, f"these files are in a cycle or import one: {sorted(waiting)}"


def test_commands_holds_one_file_per_command():
    """The modules of ``commands/`` are the commands of the command line."""
    from bccurate.cli.group import COMMANDS

    modules = {p.stem for p in (ROOT / "bccurate" / "commands").glob("*.py")} - {"__init__"}
    assert modules == {name.replace("-", "_").replace("import", "import_") for name in COMMANDS}


def test_every_room_has_a_floor():
    """Each folder and module of the package is in ``FLOORS``."""
    rooms = {p.stem for p in (ROOT / "bccurate").iterdir() if not p.name.startswith("_")}
    assert rooms == set(FLOORS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_hub_and_plugins_import_fiftyone(path):
    """No other file imports it, not even for the type checker."""
    relative = path.relative_to(ROOT).as_posix()
    if relative.startswith(("bccurate/hub/", "plugins/")):
        return
    assert not any(name.split(".")[0] == "fiftyone" for name in _imports(path)), relative


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_has_more_than_300_lines(path):
    """Of package, plugins, zoo and tests, Python and C."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def _setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_setup_cfg_lists_every_package():
    """The packages in setup.cfg are those on disk; editable installs do not find them otherwise."""
    listed = set(_setup()["options"]["packages"].split())
    ours = {
        ".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "bccurate").rglob("__init__.py")
    }
    plugins = {f"bccurate.app.{p.parent.name}" for p in (ROOT / "plugins").glob("*/__init__.py")}
    assert listed == ours | plugins | {"bccurate.zoo"}


def test_plugins_is_not_a_package():
    """With plugins/__init__.py FiftyOne would not find its own operators."""
    assert not (ROOT / "plugins" / "__init__.py").exists()


def test_every_public_function_loads():
    """Each name in ``__all__`` is a function with a docstring."""
    package = importlib.import_module("bccurate")
    for name in package.__all__:
        function = getattr(package, name)
        assert callable(function) and function.__doc__, name


def test_importing_a_subpackage_hides_no_function():
    """No subpackage has the name of a public function."""
    package = importlib.import_module("bccurate")
    for room in FLOORS:
        importlib.import_module(f"bccurate.{room}")
    assert all(callable(getattr(package, name)) for name in package.__all__)
