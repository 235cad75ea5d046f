"""Collections, indexes and numbered migrations.

A migration is a function that may be interrupted at any point and run again, also by several
processes at once. It only adds: collections, indexes (which MongoDB builds while reads and writes go
on) or, for a change of stored data, a walk in small steps that records how far it came in the
document it is given. The program must work on data that a migration has not reached yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import ASCENDING, IndexModel, WriteConcern
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure

from lrs.store.mongo_codec import Raw
from lrs.store.port import TooNew

LOG = "log"
DOCS = "docs"
WRITERS = "writers"
META = "meta"
BLOBS = "blobs"
UPLOADS = "blobs.uploads"

LOG_INDEX = "k_s"
DOCS_INDEX = "x_o_n"
DOCS_EVERYWHERE_INDEX = "z"

DURABLE = WriteConcern("majority", j=True, wtimeout=6000)

INDEXES: dict[str, tuple[IndexModel, ...]] = {
    LOG: (IndexModel([("k", ASCENDING), ("s", ASCENDING)], name=LOG_INDEX),),
    DOCS: (
        IndexModel([("x", ASCENDING), ("o", ASCENDING), ("n", ASCENDING)], name=DOCS_INDEX),
        IndexModel([("z", ASCENDING)], name=DOCS_EVERYWHERE_INDEX),
    ),
    BLOBS + ".files": (IndexModel([("filename", ASCENDING), ("uploadDate", ASCENDING)]),),
    BLOBS + ".chunks": (IndexModel([("files_id", ASCENDING), ("n", ASCENDING)], unique=True),),
    UPLOADS: (),
    WRITERS: (),
    META: (),
}
"""Every collection with its indexes, beside the one on `_id`."""

COMPRESSED = {"wiredTiger": {"configString": "block_compressor=zstd"}}
NAMESPACE_EXISTS = 48


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step; `run` gets the database and a function that keeps its progress."""

    number: int
    title: str
    run: Callable[[Database[Raw], Progress], None]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an interrupted migration goes on."""

    database: Database[Raw]
    number: int

    def load(self) -> Any:
        """What `save` kept last, or None."""
        held = self.database[META].find_one({"_id": f"migration-{self.number}"})
        return held["at"] if held else None

    def save(self, at: Any) -> None:
        """Keep how far the walk has come."""
        self.database[META].update_one({"_id": f"migration-{self.number}"}, {"$set": {"at": at}}, upsert=True)

    def forget(self) -> None:
        """The migration is complete."""
        self.database[META].delete_one({"_id": f"migration-{self.number}"})


def _create(database: Database[Raw], _progress: Progress) -> None:
    """Make the collections and their indexes."""
    present = set(database.list_collection_names())
    for name, indexes in INDEXES.items():
        if name not in present:
            try:
                database.create_collection(name, storageEngine=COMPRESSED)
            except CollectionInvalid:
                pass
            except OperationFailure as error:
                if error.code != NAMESPACE_EXISTS:
                    raise
        if indexes:
            database[name].create_indexes(list(indexes))


MIGRATIONS: tuple[Migration, ...] = (Migration(1, "collections and indexes", _create),)


def version(database: Database[Raw]) -> int:
    """The number of the last complete migration; 0 for an empty database."""
    held = database[META].find_one({"_id": "schema"})
    return int(held["version"]) if held else 0


def upgrade(database: Database[Raw], migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Run the migrations that are missing, in order; TooNew when the database is ahead of them."""
    durable = database.with_options(write_concern=DURABLE)
    present = version(durable)
    newest = migrations[-1].number
    if present > newest:
        raise TooNew(f"the database has schema {present}, this program knows {newest}: use a newer program")
    for migration in migrations:
        if migration.number > present:
            progress = Progress(durable, migration.number)
            migration.run(durable, progress)
            durable[META].update_one({"_id": "schema"}, {"$max": {"version": migration.number}}, upsert=True)
            progress.forget()
