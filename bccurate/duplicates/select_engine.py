"""Select by name where a search for duplicates runs: on this machine or on a Ray cluster."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from bccurate.duplicates.engine import LOCAL, Engine
from bccurate.settings.curation import DedupeOptions


def connected(name: str, address: str = "auto") -> AbstractContextManager[Engine]:
    """Return the engine of that name, for a ``with`` block.

    Args:
        name: one of ``vocabulary.ENGINES``.
        address: of the Ray cluster, see ``ray_engine.connected``.

    Raises:
        UsageError: an unknown name; with ``ray`` what ``ray_engine.connected`` raises.
    """
    DedupeOptions(engine=name).check()
    if name == "local":
        return nullcontext(LOCAL)
    from bccurate.duplicates import ray_engine  # only here: most machines have no Ray

    return ray_engine.connected(address)
