"""Opens the engine that a store address names; the only place that knows both engines."""

from __future__ import annotations

from lrs.store.port import Store


def open_store(address: str) -> Store:
    """Open the store at `address`, bringing an older one up to date.

    `sqlite:////absolute/file.db` is the embedded engine; `mongodb://host/database` (or
    `mongodb+srv://`) the replicated one. ValueError when the address is neither.
    """
    if address.startswith("sqlite:///"):
        from lrs.store.sqlite.store import SqliteStore

        return SqliteStore(address.removeprefix("sqlite:///"))
    if address.startswith(("mongodb://", "mongodb+srv://")):
        from lrs.store.mongo.store import MongoStore

        return MongoStore(address)
    raise ValueError("the store address must begin with sqlite:/// or mongodb://")
