"""The embedded engine without a file: dictionaries, one lock, copies for snapshots. All is lost at the end.

For tests and tutorials. The contract suite compares the other engines with this one, and runs on it too, so
that it cannot ask for what this engine does not do. A write copies the dictionaries, and a `find` looks at
everything: enough for some ten thousand records.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, Any, TypeVar

from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import ConflictError, UnavailableError
from lrs.store.log import LogQuery, Record, Views
from lrs.store.pages import RawPage, enough, raw_page
from lrs.store.port import OneByOne, read_page
from lrs.store.writer_activity import WriterActivity
from lrs.store.writes import NO_HINTS, Done, Submitted, WriteHints

T = TypeVar("T")


@dataclass
class State:
    """Everything a store holds."""

    log: dict[tuple[str, str], Record] = field(default_factory=dict)
    documents: dict[tuple[str, str, str], Document] = field(default_factory=dict)
    last: int = 0
    """The latest microsecond that was stamped or given as a watermark."""

    def copy(self) -> State:
        """A snapshot: what it holds is immutable, so shallow copies do."""
        return State(dict(self.log), dict(self.documents), self.last)


class MemorySnapshot(OneByOne):
    """The port's Reader and Writer over one `State`."""

    def __init__(self, state: State, clock: Callable[[], int], through: int = 0) -> None:
        self.state = state
        self._clock = clock
        self._through = through

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:  # noqa: ARG002
        """See `Reader.get`."""
        log = self.state.log
        return {id: log[tenant, id] for id in ids if (tenant, id) in log}

    def find(self, query: LogQuery) -> list[Record]:
        """See `Reader.find`."""
        found = sorted(
            filter(query.matches, self.state.log.values()),
            key=lambda record: (record.stored, record.id),
            reverse=not query.ascending,
        )
        found = found[: max(query.limit, 0)]
        return found[: enough((len(record.body) for record in found), query.most_bytes)]

    def find_raw_page(self, query: LogQuery) -> RawPage:
        """See `Reader.find_raw_page`."""
        found = self.find(replace(query, limit=query.limit + 1))
        return raw_page(found, query.limit, query.most_bytes)

    def document(self, kind: str, scope: str, name: str) -> Document | None:
        """See `Reader.document`."""
        return self.state.documents.get((kind, scope, name))

    def documents(
        self,
        kind: str,
        scope: str,
        names: Collection[str],
        *,
        bodies: bool = True,  # noqa: ARG002
    ) -> Mapping[str, Document]:
        """See `Reader.documents`."""
        held = self.state.documents
        return {name: held[kind, scope, name] for name in names if (kind, scope, name) in held}

    def find_documents(self, query: DocumentQuery) -> list[Document]:
        """See `Reader.find_documents`."""
        found = sorted(
            filter(query.matches, self.state.documents.values()),
            key=lambda document: (document.scope, document.order, document.name),
            reverse=query.descending,
        )
        return found[: max(query.limit, 0)]

    def consistent_through(self) -> int:
        """See `Reader.consistent_through`."""
        return self._through

    def stamp(self, count: int = 1) -> int:
        """See `Writer.stamp`."""
        first = max(self._clock(), self.state.last + 1)
        self.state.last = first + count - 1
        return first

    def append(self, records: Sequence[Record]) -> None:
        """See `Writer.append`."""
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
        """See `Writer.reindex`."""
        for id, held in self.get(tenant, views.keys()).items():
            self.state.log[tenant, id] = replace(held, views=views[id])

    def hide(self, tenant: str, ids: Collection[str]) -> None:
        """See `Writer.hide`."""
        for id, held in self.get(tenant, ids).items():
            self.state.log[tenant, id] = replace(held, hidden=True)

    def put(self, document: Document) -> None:
        """See `Writer.put`."""
        self.state.documents[document.kind, document.scope, document.name] = document

    def delete(self, kind: str, scope: str, names: Collection[str]) -> int:
        """See `Writer.delete`."""
        present = self.documents(kind, scope, names)
        for name in present:
            del self.state.documents[kind, scope, name]
        return len(present)


class MemoryBlobs:
    """Blobs in a dictionary."""

    def __init__(self, held: dict[str, bytes]) -> None:
        self._held = held

    def put(self, sha2: str, source: IO[bytes], size: int) -> None:
        """See `Blobs.put`."""
        if sha2 in self._held:
            return
        data = source.read(size)
        if len(data) != size:
            raise ValueError("the source ended early")
        self._held[sha2] = data

    def size(self, sha2: str) -> int | None:
        """See `Blobs.size`."""
        return len(self._held[sha2]) if sha2 in self._held else None

    def chunks(self, sha2: str, *, chunk: int = 262_144) -> Iterator[bytes]:
        """See `Blobs.chunks`."""
        data = self._held[sha2]
        for start in range(0, len(data), chunk):
            yield data[start : start + chunk]

    def delete(self, sha2: str) -> None:
        """See `Blobs.delete`."""
        self._held.pop(sha2, None)


class _Over:
    """A submitted write that is over."""

    def withdraw(self) -> bool:
        return False


class MemoryData:
    """What a store holds, and the lock that its writes take turns by.

    Several stores may be opened over it, as several processes open one file.
    """

    def __init__(self, clock: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        """`clock` gives the microseconds of the present."""
        self.clock = clock
        self.lock = threading.Lock()
        self.state = State()
        self.blobs: dict[str, bytes] = {}


class MemoryStore:
    """The port's Store over a `MemoryData`."""

    def __init__(self, data: MemoryData) -> None:
        self._data = data
        self._closed = False
        self._blobs = MemoryBlobs(data.blobs)
        self._busy = WriterActivity()

    @property
    def is_local(self) -> bool:
        """It is in this process."""
        return True

    @property
    def blobs(self) -> MemoryBlobs:
        """The blob half of the store."""
        return self._blobs

    def _check_open(self) -> None:
        if self._closed:
            raise UnavailableError("the store is closed")

    @contextmanager
    def reading(self) -> Iterator[MemorySnapshot]:
        """See `Store.reading`."""
        self._check_open()
        with self._data.lock:
            state = self._data.state
            through = state.last = max(self._data.clock() - 1, state.last)
        # Writes change a copy, so what is read here stays as it is.
        yield MemorySnapshot(state, self._data.clock, through)

    async def page(self, query: LogQuery) -> tuple[RawPage, int]:
        """See `Store.page`."""
        return read_page(self, query)

    def writing(self, work: Callable[[MemorySnapshot], T], hints: WriteHints = NO_HINTS) -> T:  # noqa: ARG002
        """See `Store.writing`; each write is a group of its own."""
        self._check_open()
        with self._data.lock, self._busy:
            draft = self._data.state.copy()
            result = work(MemorySnapshot(draft, self._data.clock, draft.last))
            self._data.state = draft
            return result

    def submit(
        self, work: Callable[[MemorySnapshot], Any], done: Done, hints: WriteHints = NO_HINTS
    ) -> Submitted:
        """See `Store.submit`; done at once, so it can never be withdrawn."""
        self._check_open()
        try:
            result = self.writing(work, hints)
        except Exception as error:
            done(None, error)
        else:
            done(result, None)
        return _Over()

    def when_idle(self, call: Callable[[], None]) -> bool:
        """See `Store.when_idle`."""
        return self._busy.when_over(call)

    def known_watermark(self) -> int:
        """See `Store.known_watermark`."""
        with self._data.lock:
            state = self._data.state
            state.last = max(self._data.clock() - 1, state.last)
            return state.last

    def close(self) -> None:
        """See `Store.close`; the data stays as long as somebody holds it."""
        self._closed = True
