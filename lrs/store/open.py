"""Opens the engine that a store address names; the only place that knows the engines."""

from __future__ import annotations

from typing import Final

from lrs.store.index_keys import IndexKeys
from lrs.store.port import Store

MEMORY: Final = "memory://"
"""The address of a new, empty store in this process, which nobody else can open and which ends with it."""


def open_store(address: str, index_keys: IndexKeys) -> Store:
    """Open the store at `address`, bringing an older one up to date.

    `sqlite:////absolute/file.db` is the embedded engine, `mongodb://host/database` (or `mongodb+srv://`) the
    replicated one, and `MEMORY` an empty one that is forgotten. `index_keys` are those under which its
    records were stored, or will be. ValueError when the address is none of these.
    """
    if address.startswith("sqlite:///"):
        from lrs.store.sqlite.store import SqliteStore

        return SqliteStore(address.removeprefix("sqlite:///"), index_keys)
    if address.startswith(("mongodb://", "mongodb+srv://")):
        from lrs.store.mongo.store import MongoStore

        return MongoStore(address, index_keys)
    if address == MEMORY:
        from lrs.store.memory import MemoryData, MemoryStore

        return MemoryStore(MemoryData())
    raise ValueError("the store address must begin with sqlite:/// or mongodb://, or be memory://")
