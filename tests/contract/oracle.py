"""The store port in its plainest form: dictionaries, one lock, copies for snapshots.

It is the oracle that the engines are compared with, and an engine of the contract suite itself, so
that the suite cannot ask for what the oracle does not do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, Any, TypeVar

from lrs.store.port import (
    ConflictError,
    Document,
    Done,
    Find,
    OneByOne,
    Position,
    RawPage,
    Record,
    Submitted,
    UnavailableError,
    Views,
    enough,
    raw_page,
    read_page,
)
from lrs.store.writer_activity import WriterActivity

T = TypeVar("T")


@dataclass
class State:
    """Everything a store holds."""

    log: dict[tuple[str, str], Record] = field(default_factory=dict)
    documents: dict[tuple[str, str, str], Document] = field(default_factory=dict)
    last: int = 0
    """The latest microsecond that was stamped or promised."""

    def copy(self) -> State:
        """A snapshot: what it holds is immutable, so shallow copies do."""
        return State(dict(self.log), dict(self.documents), self.last)


class Model(OneByOne):
    """Reader and Writer over one `State`."""

    def __init__(self, state: State, clock: Callable[[], int], through: int = 0) -> None:
        self.state = state
        self._clock = clock
        self._through = through

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:
        log = self.state.log
        return {id: log[tenant, id] for id in ids if (tenant, id) in log}

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
        wanted = frozenset(keys)
        if tenant is None and wanted:
            raise ValueError("a walk over all tenants takes no keys")

        def matches(record: Record) -> bool:
            place = (record.stored, record.id)
            return (
                (tenant is None or record.tenant == tenant)
                and (not wanted or any(wanted <= view for view in record.views))
                and (since is None or record.stored > since)
                and (until is None or record.stored <= until)
                and (include_hidden or not record.hidden)
                and (
                    after is None
                    or (place > (after.stored, after.id) if ascending else place < (after.stored, after.id))
                )
            )

        found = sorted(
            filter(matches, self.state.log.values()),
            key=lambda record: (record.stored, record.id),
            reverse=not ascending,
        )
        found = found[: max(limit, 0)]
        return found[: enough((len(record.body) for record in found), most_bytes)]

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
        found = self.find(
            tenant, keys, since=since, until=until, after=after, ascending=ascending, limit=limit + 1
        )
        return raw_page(found, limit, most_bytes)

    def document(self, kind: str, scope: str, name: str) -> Document | None:
        return self.state.documents.get((kind, scope, name))

    def documents(
        self,
        kind: str,
        scope: str,
        names: Collection[str],
        *,
        bodies: bool = True,
    ) -> Mapping[str, Document]:
        held = self.state.documents
        return {name: held[kind, scope, name] for name in names if (kind, scope, name) in held}

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
        wanted = frozenset(keys)
        if scope is None and after is not None:
            raise ValueError("a walk over all scopes cannot be resumed")

        def matches(document: Document) -> bool:
            place = (document.order, document.name)
            return (
                document.kind == kind
                and (scope is None or document.scope == scope)
                and wanted <= document.keys
                and (since is None or document.updated > since)
                and (after is None or (place < after if descending else place > after))
            )

        found = sorted(
            filter(matches, self.state.documents.values()),
            key=lambda document: (document.scope, document.order, document.name),
            reverse=descending,
        )
        return found[:limit]

    def consistent_through(self) -> int:
        return self._through

    def stamp(self, count: int = 1) -> int:
        first = max(self._clock(), self.state.last + 1)
        self.state.last = first + count - 1
        return first

    def append(self, records: Sequence[Record]) -> None:
        taken = []
        seen = set(self.state.log)
        for record in records:
            if (record.tenant, record.id) in seen:
                taken.append(record.id)
            seen.add((record.tenant, record.id))
        if taken:
            raise ConflictError(taken)
        for record in records:
            self.state.log[record.tenant, record.id] = record

    def reindex(self, tenant: str, views: Mapping[str, Views]) -> None:
        for id, held in self.get(tenant, views.keys()).items():
            self.state.log[tenant, id] = replace(held, views=views[id])

    def hide(self, tenant: str, ids: Collection[str]) -> None:
        for id, held in self.get(tenant, ids).items():
            self.state.log[tenant, id] = replace(held, hidden=True)

    def put(self, document: Document) -> None:
        self.state.documents[document.kind, document.scope, document.name] = document

    def delete(self, kind: str, scope: str, names: Collection[str]) -> int:
        present = self.documents(kind, scope, names)
        for name in present:
            del self.state.documents[kind, scope, name]
        return len(present)


class ModelBlobs:
    """Blobs in a dictionary."""

    def __init__(self, held: dict[str, bytes]) -> None:
        self._held = held

    def put(self, sha2: str, source: IO[bytes], size: int) -> None:
        if sha2 in self._held:
            return
        data = source.read(size)
        if len(data) != size:
            raise ValueError("the source ended early")
        self._held[sha2] = data

    def size(self, sha2: str) -> int | None:
        return len(self._held[sha2]) if sha2 in self._held else None

    def chunks(self, sha2: str, *, chunk: int = 262_144) -> Iterator[bytes]:
        data = self._held[sha2]
        for start in range(0, len(data), chunk):
            yield data[start : start + chunk]

    def delete(self, sha2: str) -> None:
        self._held.pop(sha2, None)


class _Over:
    """A submitted write that is over."""

    def withdraw(self) -> bool:
        return False


class ModelHome:
    """What several opened model stores share: the data and the lock."""

    def __init__(self, clock: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self.clock = clock
        self.lock = threading.Lock()
        self.state = State()
        self.blobs: dict[str, bytes] = {}


class ModelStore:
    """A `Store` over a `ModelHome`."""

    def __init__(self, home: ModelHome) -> None:
        self._home = home
        self._closed = False
        self._blobs = ModelBlobs(home.blobs)
        self._busy = WriterActivity()

    @property
    def blobs(self) -> ModelBlobs:
        return self._blobs

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError("the store is closed")

    @contextmanager
    def reading(self) -> Iterator[Model]:
        self._check_open()
        with self._home.lock:
            state = self._home.state
            through = state.last = max(self._home.clock() - 1, state.last)
            snapshot = state.copy()
        yield Model(snapshot, self._home.clock, through)

    async def page(self, find: Find) -> tuple[RawPage, int]:
        return read_page(self, find)

    def writing(
        self,
        work: Callable[[Model], T],
        *,
        prefetch: Iterable[tuple[str, str]] = (),
        documents: Iterable[tuple[str, str, str]] = (),
        heads: Iterable[tuple[str, str, str]] = (),
        views: Iterable[tuple[str, Views]] = (),
        tenant: str = "",
        size: int = 0,
    ) -> T:
        self._check_open()
        with self._home.lock, self._busy:
            draft = self._home.state.copy()
            result = work(Model(draft, self._home.clock, draft.last))
            self._home.state = draft
            return result

    def submit(self, work: Callable[[Model], Any], done: Done, **more: Any) -> Submitted:
        """Done at once, so it can never be withdrawn."""
        self._check_open()
        try:
            result = self.writing(work, **more)
        except Exception as error:
            done(None, error)
        else:
            done(result, None)
        return _Over()

    @property
    def is_local(self) -> bool:
        return True

    def when_idle(self, call: Callable[[], None]) -> bool:
        return self._busy.when_over(call)

    def promised(self) -> int:
        with self._home.lock:
            state = self._home.state
            state.last = max(self._home.clock() - 1, state.last)
            return state.last

    def close(self) -> None:
        self._closed = True
