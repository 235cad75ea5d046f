"""The engines under contract. A new engine joins by one line in `ENGINES`."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.open import open_store
from lrs.store.port import Store
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod


class Engine(Protocol):
    """One empty place for data, which may be opened any number of times."""

    def open(self) -> Store:
        """Open the data (once more), as another process would; the caller closes the store."""

    def remove(self) -> None:
        """Throw the data away; every store was closed before."""


class Memory:
    """The engine in memory, which the others are compared with (`test_model`)."""

    def __init__(self, directory: Path) -> None:
        self._home = MemoryData()

    def open(self) -> Store:
        return MemoryStore(self._home)

    def remove(self) -> None:
        self._home = MemoryData()


class Sqlite:
    """The embedded engine on a file of its own; pytest removes the directory."""

    def __init__(self, directory: Path) -> None:
        self.address = f"sqlite:///{directory / 'contract.db'}"

    def open(self) -> Store:
        return open_store(self.address, STATEMENT_KEYS)

    def remove(self) -> None:
        """Nothing outlives the directory."""


class Mongo:
    """The replicated engine, on a database of its own of the replica set that all tests share."""

    def __init__(self, directory: Path) -> None:
        self._name = f"contract-{uuid.uuid4().hex}"
        self.address = mongod.shared().address(self._name)

    def open(self) -> Store:
        return open_store(self.address, STATEMENT_KEYS)

    def remove(self) -> None:
        with mongod.shared().client() as client:
            client.drop_database(self._name)


ENGINES: dict[str, Callable[[Path], Engine]] = {"memory": Memory, "sqlite": Sqlite, "mongo": Mongo}
