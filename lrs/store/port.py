"""The store port: what an engine must do, and nothing about xAPI.

An engine keeps three things: a **log** of immutable records, **documents** and **blobs**.
Everything is reached through a snapshot (`Store.reading`) or inside a write (`Store.writing`).

Time is integer microseconds since 1970-01-01T00:00:00Z everywhere in this package.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any, Protocol, TypeVar

T = TypeVar("T")

Done = Callable[[Any, BaseException | None], None]
"""Told the result of a submitted write, or the error that ended it."""

Views = tuple[frozenset[str], ...]
"""A record's key sets: its own keys first, then one set per record it reaches by reference. See `IMPLIED`."""

FACET = "v"
"""Keys that begin with this letter are facets: a view has one as a rule, many records share it, and it is
asked for together with another key. An engine may keep it beside the other keys of the view."""

LEAD = "a"
"""Keys that begin with this letter are asked for together with a facet more than others are: an engine may
keep such a pair as one more key of the view."""


IMPLIED = {"a": "A", "o": "O"}
"""First letters of keys that find less and more of the same: a view that holds "a..." also holds "A...". An
engine may find such a view by the narrower key alone, if it looks for both where the wider is asked for."""

_IMPLYING = {wider: narrower for narrower, wider in IMPLIED.items()}


def drop_implied(view: Collection[str]) -> list[str]:
    """The keys by which a view has to be found: all but the wider ones whose narrower one it holds."""
    wider = {IMPLIED[key[0]] + key[1:] for key in view if key[:1] in IMPLIED}
    return [key for key in view if key not in wider] if wider else list(view)


def add_implied(view: Collection[str]) -> frozenset[str]:
    """The view of which `drop_implied` leaves these keys, or these and some of the wider ones."""
    return frozenset(view).union(IMPLIED[key[0]] + key[1:] for key in view if key[:1] in IMPLIED)


def alternatives(key: str) -> tuple[str, ...]:
    """The keys of `drop_implied` views by one of which a view is found that holds this key."""
    narrower = _IMPLYING.get(key[:1])
    return (key,) if narrower is None else (key, narrower + key[1:])


def compound_keys(keys: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs of a lead and a facet among the keys of one view, or of one question."""
    facets = []
    leads = []
    for key in keys:
        first = key[:1]
        if first == FACET:
            facets.append(key)
        elif first == LEAD:
            leads.append(key)
    return [(lead, facet) for lead in leads for facet in facets]


@dataclass(frozen=True, slots=True)
class Record:
    """One immutable record of the log."""

    tenant: str
    id: str
    """Canonical UUID (36 characters, lower case), unique within the tenant."""
    stored: int
    """Microseconds; strictly increasing in commit order within one SQLite file, see `Store`."""
    body: bytes
    """The bytes to give back."""
    digest: bytes
    """Opaque to the engine: equal digests mean the same content."""
    views: Views
    hidden: bool = False
    """A hidden record is never found by `find` (unless asked for) but still read by `get`."""


@dataclass(frozen=True, slots=True)
class Document:
    """A named value with compare-and-set semantics, found by its name or by its index keys."""

    kind: str
    scope: str
    name: str
    body: bytes
    content_type: str = "application/json"
    etag: str = ""
    """Chosen by the writer of the document; opaque to the engine."""
    updated: int = 0
    """Microseconds."""
    keys: frozenset[str] = frozenset()
    """Index keys; `find_documents` returns the documents that hold ALL keys asked for."""
    order: str = ""
    """Sort key of `find_documents`, compared as text by code point; ties break on `name`."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log; pages resume strictly after it, in the direction they walk."""

    stored: int
    id: str


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page of records as it will be sent: their bodies with a comma between them."""

    body: bytes
    last: Position | None
    """Where the page ends; None when it is empty."""
    more: bool
    """Whether something comes after it."""


@dataclass(frozen=True, slots=True)
class Find:
    """The arguments of one `Reader.find_raw_page`."""

    tenant: str
    keys: Collection[str]
    limit: int
    since: int | None = None
    until: int | None = None
    after: Position | None = None
    ascending: bool = False
    most_bytes: int | None = None


def fitting(sizes: Iterable[int], limit: int, most_bytes: int | None) -> int:
    """How many of the records with bodies of these sizes make a page.

    `limit` of them at most, and no more than have `most_bytes` together; but always one, however large.
    """
    count = total = 0
    for size in islice(sizes, limit):
        total += size
        if most_bytes is not None and total > most_bytes and count:
            break
        count += 1
    return count


def enough(sizes: Iterable[int], most_bytes: int | None) -> int | None:
    """After how many records of these sizes a `find` ends for its `most_bytes`; None when it does not."""
    if most_bytes is None:
        return None
    total = 0
    for count, size in enumerate(sizes, start=1):
        total += size
        if total > most_bytes and count > 1:
            return count
    return None


def raw_page(found: Sequence[Record], limit: int, most_bytes: int | None = None) -> RawPage:
    """The page of `limit` records at most, of a `find` that asked for one more and for as many bytes."""
    page = found[: fitting((len(record.body) for record in found), limit, most_bytes)]
    last = Position(page[-1].stored, page[-1].id) if page else None
    return RawPage(b",".join([record.body for record in page]), last, len(found) > len(page))


class StoreError(Exception):
    """An engine failed; the message is for the log, never for a client."""


class UnavailableError(StoreError):
    """The store cannot answer now (no primary, locked, shutting down); the caller may retry later."""


class TooLongError(UnavailableError):
    """A read was given up because it cost more than it may; see `lrs.store.read_bounds`."""


STRANGERS = "\x1fstrangers"
"""Whose writes are those of callers that have not shown whose they are; no tenant can have this name."""


class QueueFullError(UnavailableError):
    """Too many writes of one tenant wait for their turn; nothing of this one was kept. Others are served."""


class FullError(StoreError):
    """No space is left for the write; nothing of it was kept."""


class TooNewError(StoreError):
    """The data was written by a newer version of this program."""


class ConflictError(StoreError):
    """A record with this (tenant, id) is already in the log; raised by `Writer.append`."""

    def __init__(self, ids: Collection[str]) -> None:
        super().__init__(f"{len(ids)} record id(s) already stored")
        self.ids = tuple(ids)


class Reader(Protocol):
    """A consistent snapshot of the store."""

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:
        """The records with these ids, hidden ones too; absent ids are simply missing.

        Without `bodies` these are not read, and what stands in their place means nothing: inside a write,
        that is what keeps it quick however large the records are.
        """

    def find(
        self,
        tenant: str | None,
        keys: Collection[str] = (),
        *,
        since: int | None = None,
        until: int | None = None,
        after: Position | None = None,
        ascending: bool = False,
        limit: int,
        include_hidden: bool = False,
        most_bytes: int | None = None,
    ) -> list[Record]:
        """Up to `limit` records of which ONE view holds ALL `keys`, ordered by (stored, id).

        With `most_bytes` the list ends with the first record by which the bodies have more bytes than that
        together, but not before the second: one record more than fits, as `limit + 1` is one more than
        wanted. What lies beyond is not read, or little of it.

        `since` is exclusive and `until` inclusive (microseconds). `after` is exclusive in the
        direction of the walk. Driven from the rarest key, never a scan. `tenant=None` walks all
        tenants and then takes no keys (ValueError).
        """

    def find_many(
        self, tenant: str, questions: Collection[tuple[str, ...]], *, limit: int
    ) -> Mapping[tuple[str, ...], list[Record]]:
        """What `find` finds for each of several sets of keys, `limit` of it at most, newest first.

        For keys that most records do not have: an engine that is far away is asked once for all of them.
        """

    def find_raw_page(
        self,
        tenant: str,
        keys: Collection[str] = (),
        *,
        since: int | None = None,
        until: int | None = None,
        after: Position | None = None,
        ascending: bool = False,
        limit: int,
        most_bytes: int | None = None,
    ) -> RawPage:
        """What `find` finds, `limit` of it and `most_bytes` at most, as one piece of bytes; see `joined`."""

    def document(self, kind: str, scope: str, name: str) -> Document | None:
        """The document of that name, or None."""

    def documents(
        self, kind: str, scope: str, names: Collection[str], *, bodies: bool = True
    ) -> Mapping[str, Document]:
        """Several documents at once, by name; absent names are missing. `bodies` as for `get`."""

    def find_documents(
        self,
        kind: str,
        scope: str | None,
        keys: Collection[str] = (),
        *,
        since: int | None = None,
        after: tuple[str, str] | None = None,
        descending: bool = False,
        limit: int,
        bodies: bool = True,
    ) -> list[Document]:
        """Documents holding ALL `keys`, ordered by (order, name). `bodies` as for `get`.

        `since` keeps those with `updated` strictly later. `after` is an exclusive (order, name).
        `scope=None` looks in every scope and then orders by (scope, order, name); it takes no `after`.
        """

    def find_many_documents(
        self, kind: str, scope: str, keys: Collection[str], *, limit: int
    ) -> Mapping[str, list[Document]]:
        """What `find_documents` finds for each of several keys, `limit` of it at most; see `find_many`."""

    def consistent_through(self) -> int:
        """A promise: no record with an earlier or equal `stored` will appear after this call.

        Always recent: at most `CONSISTENCY_BOUND` behind the clock while the store is healthy.
        """


class OneByOne:
    """For a Reader that is at hand: many small questions cost it no more than a large one."""

    def find_many(
        self: Reader, tenant: str, questions: Collection[tuple[str, ...]], *, limit: int
    ) -> Mapping[tuple[str, ...], list[Record]]:
        """See `Reader.find_many`."""
        return {keys: self.find(tenant, keys, limit=limit) for keys in questions}

    def find_many_documents(
        self: Reader, kind: str, scope: str, keys: Collection[str], *, limit: int
    ) -> Mapping[str, list[Document]]:
        """See `Reader.find_many_documents`."""
        return {key: self.find_documents(kind, scope, (key,), limit=limit) for key in keys}


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


class Submitted(Protocol):
    """A write that was handed over by `Store.submit`."""

    def withdraw(self) -> bool:
        """Take the write back; False when it is too late: it is being done, or is over."""


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

    async def page(self, find: Find) -> tuple[RawPage, int]:
        """What `read_page` returns, awaited by an event loop.

        Where the store is local it is read in place. An engine may keep connections for a loop: they end when
        another thread closes the store, or else with the loop, if that ends as `asyncio.run` does.
        """

    def writing(
        self,
        work: Callable[[Writer], T],
        *,
        prefetch: Iterable[tuple[str, str]] = (),
        documents: Iterable[tuple[str, str, str]] = (),
        heads: Iterable[tuple[str, str, str]] = (),
        views: Iterable[tuple[str, Views]] = (),
        tenant: str = "",
        size: int = 0,
    ) -> T:
        """Run `work` in one atomic, durable write and return what it returned.

        `work` may run several times and must have no effect but through its argument; what it
        raises undoes the whole write and is re-raised. It must be quick and may not call back into
        the store. When this returns, the write survives a power cut. Concurrent calls are committed
        together (group commit), yet each one is all-or-nothing on its own. `prefetch` names
        (tenant, id) pairs that `work` is going to `get` (without bodies) or `append`, `documents` the
        (kind, scope, name) of documents it is going to read, `heads` of those that it reads without their
        bodies: hints, by which one query serves all waiting writes, never needed for correctness. So is
        `views`: those of records that it is going to append, with their tenant, so that an engine may make
        them ready before the write has its turn.

        `tenant` is whose write it is (`STRANGERS`: of nobody known; "": the program's own, unbounded) and
        `size` roughly the bytes it writes: waiting writes have their turn by tenant, and a tenant that has
        too many waiting gets QueueFullError.
        """

    def submit(
        self,
        work: Callable[[Writer], Any],
        done: Done,
        *,
        prefetch: Iterable[tuple[str, str]] = (),
        documents: Iterable[tuple[str, str, str]] = (),
        heads: Iterable[tuple[str, str, str]] = (),
        views: Iterable[tuple[str, Views]] = (),
        tenant: str = "",
        size: int = 0,
    ) -> Submitted:
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

    def promised(self) -> int:
        """The latest promise of `Reader.consistent_through` that is known without waiting; 0 when none is."""

    def close(self) -> None:
        """Finish writes in progress and release everything; further calls raise UnavailableError."""


CONSISTENCY_BOUND = 2_000_000
"""Microseconds that `Reader.consistent_through` may lag behind the clock."""


def read_page(store: Store, find: Find) -> tuple[RawPage, int]:
    """A page from a snapshot of its own, and the promise that holds in it (`Reader.consistent_through`)."""
    with store.reading() as reader:
        page = reader.find_raw_page(
            find.tenant,
            find.keys,
            since=find.since,
            until=find.until,
            after=find.after,
            ascending=find.ascending,
            limit=find.limit,
            most_bytes=find.most_bytes,
        )
        return page, reader.consistent_through()
