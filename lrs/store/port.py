"""The store port: what an engine must do, and nothing about xAPI.

An engine keeps three things: a **log** of immutable records, **documents** and **blobs**.
Everything is reached through a snapshot (`Store.reading`) or inside a write (`Store.writing`).

Time is integer microseconds since 1970-01-01T00:00:00Z everywhere in this package.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any, Protocol, TypeVar

from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery, Record, Views
from lrs.store.pages import RawPage
from lrs.store.writes import NO_HINTS, Done, Submitted, WriteHints

T = TypeVar("T")


class Reader(Protocol):
    """A consistent snapshot of the store."""

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:
        """The records with these ids, hidden ones too; absent ids are simply missing.

        Without `bodies` these are not read, and what stands in their place means nothing: inside a write,
        that is what keeps it quick however large the records are.
        """

    def find(self, query: LogQuery) -> list[Record]:
        """The records that are asked for, in order. Driven from the rarest key, never a scan.

        With `most_bytes` the list ends with the first record by which the bodies have more bytes than that
        together, but not before the second: one record more than fits, as `limit + 1` is one more than
        wanted. What lies beyond is not read, or little of it.
        """

    def find_many(
        self, tenant: str, questions: Collection[tuple[str, ...]], *, limit: int
    ) -> Mapping[tuple[str, ...], list[Record]]:
        """What `find` finds for each of several sets of keys, `limit` of it at most, newest first.

        For keys that most records do not have: an engine that is far away is asked once for all of them.
        """

    def find_raw_page(self, query: LogQuery) -> RawPage:
        """What `find` finds, `limit` of it and `most_bytes` at most, as one piece of bytes."""

    def document(self, kind: str, scope: str, name: str) -> Document | None:
        """The document of that name, or None."""

    def documents(
        self, kind: str, scope: str, names: Collection[str], *, bodies: bool = True
    ) -> Mapping[str, Document]:
        """Several documents at once, by name; absent names are missing. `bodies` as for `get`."""

    def find_documents(self, query: DocumentQuery) -> list[Document]:
        """The documents that are asked for, in order."""

    def find_many_documents(
        self, kind: str, scope: str, keys: Collection[str], *, limit: int
    ) -> Mapping[str, list[Document]]:
        """What `find_documents` finds for each of several keys, `limit` of it at most; see `find_many`."""

    def consistent_through(self) -> int:
        """The consistency watermark: no record with an earlier or equal `stored` will appear after this call.

        Always recent: at most `CONSISTENCY_BOUND` behind the clock while the store is healthy.
        """


class OneByOne:
    """For a Reader that is at hand: many small questions cost it no more than a large one."""

    def find_many(
        self: Reader, tenant: str, questions: Collection[tuple[str, ...]], *, limit: int
    ) -> Mapping[tuple[str, ...], list[Record]]:
        """See `Reader.find_many`."""
        return {keys: self.find(LogQuery(tenant, keys, limit=limit)) for keys in questions}

    def find_many_documents(
        self: Reader, kind: str, scope: str, keys: Collection[str], *, limit: int
    ) -> Mapping[str, list[Document]]:
        """See `Reader.find_many_documents`."""
        return {key: self.find_documents(DocumentQuery(kind, scope, (key,), limit=limit)) for key in keys}


class Writer(Reader, Protocol):
    """The inside of one write. Reads see this write's own changes and all earlier ones."""

    def stamp(self, count: int = 1) -> int:
        """Reserve `count` consecutive microseconds for `append`; the first of them is returned.

        Later than every `stored` already committed, and near the present.
        """

    def append(self, records: Sequence[Record]) -> None:
        """Add records whose `stored` came from `stamp` in this same write; ConflictError if an id exists."""

    def reindex(self, tenant: str, views: Mapping[str, Views]) -> None:
        """Replace the views of existing records, by id (used by references and by rebuild)."""

    def hide(self, tenant: str, ids: Collection[str]) -> None:
        """Hide existing records from `find`."""

    def put(self, document: Document) -> None:
        """Write a document whole, replacing the one with the same (kind, scope, name)."""

    def delete(self, kind: str, scope: str, names: Collection[str]) -> int:
        """Remove documents by name; how many there were."""


class Blobs(Protocol):
    """Content-addressed bytes, kept by their SHA-256 in lower-case hex."""

    def put(self, sha2: str, source: IO[bytes], size: int) -> None:
        """Store `size` bytes read from `source`, durably before returning; a known hash is a no-op.

        The caller has verified the hash. Memory stays flat whatever the size.
        """

    def size(self, sha2: str) -> int | None:
        """The size in bytes, or None when there is no such blob."""

    def chunks(self, sha2: str, *, chunk: int = 262_144) -> Iterator[bytes]:
        """The bytes, a chunk at a time; KeyError (on the first step) when there is no such blob."""

    def delete(self, sha2: str) -> None:
        """Remove the blob if it is there."""


class Store(Protocol):
    """An opened engine. Safe to use from many threads.

    `stored` never runs backwards within the commit order that readers can observe.
    """

    @property
    def is_local(self) -> bool:
        """Whether reads come from this machine, so that an event loop may do small ones itself."""

    @property
    def blobs(self) -> Blobs:
        """The blob half of the store."""

    def reading(self) -> AbstractContextManager[Reader]:
        """A snapshot for reading, released on exit. Cheap enough for every request."""

    async def page(self, query: LogQuery) -> tuple[RawPage, int]:
        """What `read_page` returns, awaited by an event loop.

        Where the store is local it is read in place. An engine may keep connections for a loop: they end when
        another thread closes the store, or else with the loop, if that ends as `asyncio.run` does.
        """

    def writing(self, work: Callable[[Writer], T], hints: WriteHints = NO_HINTS) -> T:
        """Run `work` in one atomic, durable write and return what it returned.

        `work` may run several times and must have no effect but through its argument; what it
        raises undoes the whole write and is re-raised. It must be quick and may not call back into
        the store. When this returns, the write survives a power cut. Concurrent calls are committed
        together (group commit), yet each one is all-or-nothing on its own.

        Waiting writes have their turn by tenant. A tenant that has too many waiting gets QueueFullError, and
        a write that had no turn within `WRITE_WAIT_SECONDS` UnavailableError: nothing of it was kept.
        """

    def submit(self, work: Callable[[Writer], Any], done: Done, hints: WriteHints = NO_HINTS) -> Submitted:
        """Have `work` done as by `writing`, without waiting for it.

        `done` is called once, when `writing` would return or raise, unless the write was withdrawn; it is
        called by a thread of the store that others wait for, so it must be quick and must not raise. How
        long a write may wait for its turn is up to the caller.
        """

    def when_idle(self, call: Callable[[], None]) -> bool:
        """Have `call` called once a thread of the store has worked out the group of writes it is busy with.

        False, and nothing is called, when none is busy now. Two threads of one interpreter that work at
        the same time take each other's turns, so what can wait had better do so; while the store waits for
        a disk or a server to keep what was written, it is not busy. `call` must be quick and must not raise.
        """

    def known_watermark(self) -> int:
        """The latest `Reader.consistent_through` that is known without waiting; 0 when none is."""

    def close(self) -> None:
        """Finish writes in progress and release everything; further calls raise UnavailableError."""


CONSISTENCY_BOUND = 2_000_000
"""Microseconds that `Reader.consistent_through` may lag behind the clock."""


def read_page(store: Store, query: LogQuery) -> tuple[RawPage, int]:
    """A page from a snapshot of its own, and the watermark that holds in it (`Reader.consistent_through`)."""
    with store.reading() as reader:
        return reader.find_raw_page(query), reader.consistent_through()
