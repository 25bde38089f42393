"""No call in package, plugins or zoo executes code from untrusted data."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path for folder in ("bccurate", "plugins", "zoo") for path in (ROOT / folder).rglob("*.py")
)
# Modules whose readers execute code that is in the data.
MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "pty.spawn",
    "subprocess.getoutput", "subprocess.getstatusoutput", "torch.hub.load", "torch.jit.load",
    "yaml.load", "yaml.unsafe_load", "yaml.full_load", "shutil.unpack_archive",
    "pandas.read_pickle",
}  # fmt: skip
METHODS = ("extractall", "read_pickle")
# Calls that are safe only with this value of an argument.
ONLY_WITH = {
    "torch.load": ("weights_only", True),
    "timm.models.load_state_dict": ("weights_only", True),
}
NEVER_WITH = {"shell": False, "allow_pickle": False, "trust_remote_code": False}


def _names(tree: ast.AST) -> dict[str, str]:
    """Return the full name of each imported name."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def _is(keywords: dict[str | None, ast.expr], name: str, value: bool) -> bool:
    given = keywords.get(name)
    return isinstance(given, ast.Constant) and given.value is value


def _forbidden(source: str) -> Iterator[str]:
    """Yield the forbidden imports and calls of a module."""
    tree = ast.parse(source)
    names = _names(tree)
    for node in ast.walk(tree):
        yield from (m for m in _imported(node) if m.split(".")[0] in MODULES)
        if not isinstance(node, ast.Call):
            continue
        first, _, rest = ast.unparse(node.func).partition(".")
        name = names.get(first, first) + (f".{rest}" if rest else "")
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if name in CALLS or name.rpartition(".")[2] in METHODS:
            yield name
        for call, (argument, value) in ONLY_WITH.items():
            if name == call and not _is(keywords, argument, value):
                yield f"{name} without {argument}={value}"
        for argument, value in NEVER_WITH.items():
            if argument in keywords and not _is(keywords, argument, value):
                yield f"{name} with {argument}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_call_executes_untrusted_code(path: Path) -> None:
    """In every module of package, plugins and zoo."""
    assert list(_forbidden(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import cloudpickle as c", "import joblib",
        "eval('1')", "exec('1')", "__import__('os')", "compile('1', '', 'eval')",
        "import os; os.system('x')", "from os import system as s; s('x')",
        "import os as o; o.popen('x')", "import subprocess as sp; sp.run('x', shell=True)",
        "import subprocess; subprocess.run('x', shell=flag)", "import torch; torch.load('x')",
        "from torch import load; load('x')", "import torch; torch.load('x', weights_only=False)",
        "from timm.models import load_state_dict; load_state_dict('x')",
        "import yaml; yaml.load('x', Loader=yaml.Loader)", "import yaml as y; y.unsafe_load('x')",
        "tar.extractall('x')", "open_it().extractall()",
        "import shutil; shutil.unpack_archive('x')",
        "import numpy as np; np.load('x', allow_pickle=True)",
        "import torch; torch.hub.load('x', 'y')",
    ],
)  # fmt: skip
def test_the_check_finds_forbidden_calls(source: str) -> None:
    """Under any name by which they are imported."""
    assert list(_forbidden(source))


@pytest.mark.parametrize(
    "source",
    [
        "import torch; torch.load('x', weights_only=True)", "model.eval()", "re.compile('x')",
        "import re; re.compile('x')", "import subprocess; subprocess.run(['x'], shell=False)",
        "model.load_state_dict(tensors)", "import yaml; yaml.safe_load('x')",
        "import numpy as np; np.load('x', allow_pickle=False)",
    ],
)  # fmt: skip
def test_the_check_accepts_safe_calls(source: str) -> None:
    """Calls of the same name that execute nothing."""
    assert list(_forbidden(source)) == []
