"""Collections, indexes and numbered migrations.

A migration adds collections or indexes (which MongoDB builds while reads and writes go on) before the
store opens; it may be interrupted at any point and run again, also by several processes at once. Work
over existing records is its `backfill`: slices that run after the store is open (`backfill`),
with a place mark of their own. The program must work on records that a backfill has not reached yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pymongo import ASCENDING, IndexModel, UpdateOne, WriteConcern
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure
from pymongo.read_concern import ReadConcern

from lrs.store.errors import TooNewError
from lrs.store.index_keys import IndexKeys
from lrs.store.mongo.codec import UUID_BYTES, WHOLE_LOG, Raw, pair_hashes

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

COMPRESSED = "block_compressor=zstd"
SMALL_BLOCKS = "leaf_page_max=16KB,memory_page_image_max=16KB,allocation_size=1KB"
"""A page of statements comes from as many blocks as it has statements, and each is held and decompressed as a
whole: up to 128 KB of them by default (ADR 7)."""
LAYOUT = {LOG: f"{COMPRESSED},{SMALL_BLOCKS}"}
"""How the server's storage lays out a collection, where that is not `COMPRESSED` alone.

A collection keeps what it was created with."""
NAMESPACE_EXISTS = 48
BACKFILL = "backfill-"
"""`_id`s in META that begin like this note a backfill that is not complete."""


Slice = Callable[[Database[Raw], IndexKeys, Any], Any]
"""Brings some records up to date, beginning at a place (None: the newest record); returns the next place, or
None at the end. It may be run again from an earlier place, and beside ordinary writes. What comes in after
its first slice is up to date already, so it goes backwards in time: no load keeps it from its end."""

FEW = 500
"""Records of a slice."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step."""

    number: int
    title: str
    run: Callable[[Database[Raw]], None] | None = None
    backfill: Slice | None = None


def _create(database: Database[Raw]) -> None:
    """Make the collections and their indexes."""
    present = set(database.list_collection_names())
    for name, indexes in INDEXES.items():
        if name not in present:
            try:
                layout = {"wiredTiger": {"configString": LAYOUT.get(name, COMPRESSED)}}
                database.create_collection(name, storageEngine=layout)
            except CollectionInvalid:
                pass
            except OperationFailure as error:
                if error.code != NAMESPACE_EXISTS:
                    raise
        if indexes:
            database[name].create_indexes(list(indexes))


def _pair(database: Database[Raw], index_keys: IndexKeys, place: Any) -> Any:
    """Add the hashes of pairs to records that were made without them, from the newest to the oldest."""
    log = database[LOG].with_options(read_concern=ReadConcern("majority"))

    def held(at: Raw, limit: int = 0) -> list[Raw]:
        where = {"k": WHOLE_LOG, **at}
        return list(log.find(where, {"s": 1, "v": 1}, sort=[("s", -1)], limit=limit, hint=LOG_INDEX))

    found = held({} if place is None else {"s": {"$lte": place}}, FEW)
    if not found:
        return None
    edge = found[-1]["s"]
    found = [raw for raw in found if raw["s"] != edge] + held({"s": edge})
    changes = []
    for raw in found:
        tenant = raw["_id"][: -UUID_BYTES - 1].decode()
        if hashes := pair_hashes(index_keys, tenant, orjson.loads(raw["v"])):
            # Views that changed meanwhile were written with their pairs.
            changes.append(
                UpdateOne({"_id": raw["_id"], "v": raw["v"]}, {"$addToSet": {"k": {"$each": hashes}}})
            )
    if changes:
        database[LOG].bulk_write(changes, ordered=False)
    return edge - 1


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "collections and indexes", run=_create),
    Migration(2, "pairs of leads and facets", backfill=_pair),
    Migration(3, "views without their wider keys"),
)
NEWEST = MIGRATIONS[-1].number
"""The schema that this program writes."""


def version(database: Database[Raw]) -> int:
    """The number of the last complete migration; 0 for an empty database."""
    held = database[META].find_one({"_id": "schema"})
    return int(held["version"]) if held else 0


def upgrade(database: Database[Raw], migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Run the migrations that are missing, in order; TooNewError when the database is ahead of them.

    What they leave to do in existing records is noted in META, for `backfill`.
    """
    durable = database.with_options(write_concern=DURABLE)
    present = version(durable)
    newest = migrations[-1].number
    if present > newest:
        raise TooNewError(
            f"the database has schema {present}, this program knows {newest}: use a newer program"
        )
    for migration in migrations:
        if migration.number > present:
            if migration.run:
                migration.run(durable)
            if migration.backfill and present:
                mark = {"_id": f"{BACKFILL}{migration.number}"}
                durable[META].update_one(mark, {"$set": {"number": migration.number}}, upsert=True)
            durable[META].update_one({"_id": "schema"}, {"$max": {"version": migration.number}}, upsert=True)
