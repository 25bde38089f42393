"""Select by name where a search for duplicates runs: on this machine or on a Ray cluster."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from bccurate.duplicates.engine import LOCAL, Engine
from bccurate.errors import UsageError

ENGINES = ("local", "ray")


def connected(name: str, address: str = "auto") -> AbstractContextManager[Engine]:
    """Return the engine of that name, for a ``with`` block.

    Args:
        name: one of ``ENGINES``.
        address: of the Ray cluster, see ``ray_engine.connected``.

    Raises:
        UsageError: an unknown name; with ``ray`` what ``ray_engine.connected`` raises.
    """
    if name not in ENGINES:
        raise UsageError(f"Unknown engine {name!r}; known: {', '.join(ENGINES)}")
    if name == "local":
        return nullcontext(LOCAL)
    from bccurate.duplicates import ray_engine  # only here: most machines have no Ray

    return ray_engine.connected(address)
