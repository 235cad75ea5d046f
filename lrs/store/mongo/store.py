"""The replicated engine: MongoDB 6 or later, as a replica set or sharded.

The parts: `codec` (how things lie in the database), `schema` (collections, indexes,
migrations), `backfill` (what those leave to do in existing records), `queries` (what is
asked to read), `reader` and `writer` (the port's Reader and Writer), `async_pages` and
`raw_connections` (pages for an event loop), `group_commit` (group commit), `writer_leases` (stamps and the
promise of `consistent_through`), `blobs`.

Reads come from snapshots that a majority holds, so nothing that was read is ever rolled back.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pymongo import AsyncMongoClient, MongoClient
from pymongo.errors import ConfigurationError
from pymongo.uri_parser import parse_uri

from lrs.store.errors import StoreError, UnavailableError
from lrs.store.index_keys import IndexKeys
from lrs.store.log import LogQuery
from lrs.store.mongo.async_pages import LoopPages
from lrs.store.mongo.backfill import Backfill
from lrs.store.mongo.blobs import MongoBlobs
from lrs.store.mongo.codec import Raw
from lrs.store.mongo.errors import translating
from lrs.store.mongo.group_commit import Committer
from lrs.store.mongo.queries import ConsistencyWatermarks, Selectivity
from lrs.store.mongo.reader import MongoReader
from lrs.store.mongo.schema import upgrade
from lrs.store.mongo.snapshots import Snapshot, is_routed
from lrs.store.mongo.writer import MongoWriter
from lrs.store.mongo.writer_leases import Stamps, WriterLeases
from lrs.store.pages import RawPage
from lrs.store.writes import NO_HINTS, Done, Submitted, WriteHints

T = TypeVar("T")

"""Threads that commit. A second one made nothing faster, and it would let the watermark lag behind."""

OPTIONS: dict[str, Any] = {
    "appname": "jejak",
    "serverSelectionTimeoutMS": 2500,
    "connectTimeoutMS": 2000,
    "socketTimeoutMS": 10_000,
    "waitQueueTimeoutMS": 2500,
    "maxPoolSize": 64,
}
"""Bounds on waiting, so that callers hear UnavailableError in seconds; the address may set others."""

LOOP_OPTIONS: dict[str, Any] = {"maxConnecting": 8, "waitQueueTimeoutMS": 10_000}
"""For the client of an event loop, where waiting for a connection holds no thread: a busy loop takes its time
to open one, and with two at once (the driver's default) many first pages would wait in vain."""


def now() -> int:
    """The present, in microseconds."""
    return time.time_ns() // 1000


def connect(address: str, **options: Any) -> tuple[MongoClient[Raw], str]:
    """A client for the address, and the name of the database in it.

    StoreError when the address cannot be understood, ValueError when it names no database.
    """
    chosen, name = understood(address, **options)
    return MongoClient(address, **chosen), name


def understood(address: str, **options: Any) -> tuple[dict[str, Any], str]:
    """The options for a client, beside those of the address, and the name of the database; as `connect`."""
    try:
        parsed = parse_uri(address)
    except ConfigurationError as error:
        raise StoreError(f"the address cannot be used: {error}") from error
    except ValueError as error:  # what it says may quote a part of the password
        hint = "the port must be a number, and signs like / : @ in a password percent-encoded"
        raise StoreError(f"the address cannot be understood: {hint}") from error
    name = parsed["database"]
    if not name:
        raise ValueError("the MongoDB address must name a database: mongodb://host/database")
    chosen = {key: value for key, value in {**OPTIONS, **options}.items() if key not in parsed["options"]}
    return chosen, name


class MongoStore:
    """The port's Store on the database that `address` names."""

    def __init__(self, address: str, index_keys: IndexKeys, *, clock: Callable[[], int] = now) -> None:
        """Connect to the database and bring it up to date.

        `index_keys` are those under which its records were stored, see there; `clock` gives the microseconds
        of the present.
        """
        self._index_keys = index_keys
        self._client, name = connect(address)
        self._database = self._client[name]
        self._closed = False
        try:
            with translating():
                hello = self._client.admin.command("hello")
                if "setName" not in hello and hello.get("msg") != "isdbgrid":
                    raise StoreError("MongoDB must run as a replica set (one member is enough)")
                upgrade(self._database)
                stamps = Stamps(clock)
                self._watermarks = ConsistencyWatermarks()
                self._rarity = Selectivity()
                self._blobs = MongoBlobs(self._database)
                self._blobs.sweep(datetime.datetime.now(datetime.UTC))
                self._leases = WriterLeases(self._client, self._database, stamps)
                try:
                    self._backfill = Backfill(self._database, index_keys, self._has_pairs)
                except BaseException:
                    self._leases.close()
                    raise
        except BaseException:
            self._client.close()
            raise
        options, _ = understood(address, **LOOP_OPTIONS)
        self._pages = LoopPages(
            lambda: AsyncMongoClient(address, **options),
            name,
            index_keys,
            self._rarity,
            self._watermarks,
            is_routed=is_routed(self._database),
        )
        self._committer = Committer(self._database, index_keys, self._leases, stamps, self._rarity)

    @property
    def is_local(self) -> bool:
        """A server may be anywhere."""
        return False

    @property
    def blobs(self) -> MongoBlobs:
        """See `Store.blobs`."""
        return self._blobs

    @contextmanager
    def reading(self) -> Iterator[MongoReader]:
        """See `Store.reading`."""
        if self._closed:
            raise UnavailableError("the store is closed")
        yield MongoReader(Snapshot(self._database), self._index_keys, self._rarity, self._watermarks)

    async def page(self, query: LogQuery) -> tuple[RawPage, int]:
        """See `Store.page`."""
        return await self._pages.page(query)

    def writing(self, work: Callable[[MongoWriter], T], hints: WriteHints = NO_HINTS) -> T:
        """See `Store.writing`."""
        result: T = self._committer.run(work, hints)
        return result

    def submit(
        self, work: Callable[[MongoWriter], Any], done: Done, hints: WriteHints = NO_HINTS
    ) -> Submitted:
        """See `Store.submit`."""
        return self._committer.submit(work, done, hints)

    def when_idle(self, call: Callable[[], None]) -> bool:
        """See `Store.when_idle`."""
        return self._committer.busy.when_over(call)

    def known_watermark(self) -> int:
        """See `Store.known_watermark`."""
        return self._leases.consistency_watermark

    def close(self) -> None:
        """See `Store.close`."""
        if not self._closed:
            self._closed = True
            self._pages.close()
            self._committer.close()
            self._backfill.close()
            self._leases.close()
            self._client.close()

    def _has_pairs(self) -> None:
        self._rarity.has_pairs = True
