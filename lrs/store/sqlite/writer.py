"""Writing: the inside of one write of a group.

The writes of a group run one after the other, each over the changes of those before it. Changes are
kept in memory and flushed together by a few large statements. Only a write that asks `find` for what
it, or the group, has just changed is flushed early: then within a savepoint, so that it can still
be undone alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import ConflictError
from lrs.store.log import LogQuery, Record, Views
from lrs.store.pages import RawPage
from lrs.store.sqlite.changes import UNKNOWN, Changes, DocumentKey, RecordKey
from lrs.store.sqlite.errors import run
from lrs.store.sqlite.interning import InternedTexts, TextInterner
from lrs.store.sqlite.reader import SqliteReader
from lrs.store.sqlite.rows import uid


class Group:
    """What the writes of one transaction share."""

    def __init__(
        self, connection: sqlite3.Connection, memory: InternedTexts, floor: int, clock: Callable[[], int]
    ) -> None:
        self.connection = connection
        self.memory = memory
        self.floor: Final = floor
        """No stamp of this transaction is earlier."""
        self.next = floor
        self.clock = clock
        self.terms = TextInterner(connection, memory)
        self.changes = Changes()
        memory.phrases.begin(connection)

    def prefetch(
        self, wanted: Iterable[RecordKey], documents: Iterable[DocumentKey], heads: Iterable[DocumentKey]
    ) -> None:
        """Read what the writes to come will ask for, all at once.

        That is records by id (without bodies), `documents` by name, and `heads` by name without bodies.
        """
        by_tenant: dict[str, list[str]] = {}
        for tenant, id in wanted:
            by_tenant.setdefault(tenant, []).append(id)
        writer = SqliteWriter(self)
        for tenant, ids in by_tenant.items():
            writer.get(tenant, ids, bodies=False)
        for keys, bodies in ((documents, True), (heads, False)):
            by_scope: dict[tuple[str, str], list[str]] = {}
            for kind, scope, name in dict.fromkeys(keys):
                by_scope.setdefault((kind, scope), []).append(name)
            for (kind, scope), names in by_scope.items():
                writer.documents(kind, scope, names, bodies=bodies)

    def flush(self) -> None:
        """Bring the changes of all writes so far into the file."""
        self.changes.flush(self.connection, self.terms, self.memory.phrases)


class SqliteWriter(SqliteReader):
    """The port's Writer; call `keep` or `undo` when its work is over."""

    def __init__(self, group: Group) -> None:
        super().__init__(group.connection, group.memory, group.floor - 1)
        self._group = group
        self._own = Changes()
        self._saved: dict[str, int] | None = None
        """The group's fresh terms when the savepoint was made; None without a savepoint."""
        self._first = group.next

    def keep(self) -> None:
        """The work succeeded: its changes are the group's."""
        self._group.changes.absorb(self._own)
        if self._saved is not None:
            run(self.connection, "RELEASE work")

    def undo(self) -> None:
        """The work failed: nothing of it remains."""
        if self._saved is not None:
            run(self.connection, "ROLLBACK TO work")
            run(self.connection, "RELEASE work")
            self._group.terms.fresh = self._saved

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:
        """See `Reader.get`."""
        own, shared = self._own, self._group.changes
        found: dict[str, Record] = {}
        missing = []
        for id in ids:
            key = (tenant, id)
            held = own.held(key, bodies)
            if held is UNKNOWN:
                held = shared.held(key, bodies)
            if held is UNKNOWN:
                missing.append(id)
            elif held is not None:
                found[id] = held
        if missing:
            read = super().get(tenant, missing, bodies=bodies)
            for id in missing:
                key = (tenant, id)
                record = read.get(id)
                if not bodies:
                    shared.heads[key] = record
                elif record is not None and (key in own.heads or key in shared.heads):
                    # Its other parts may have been changed since, without the body.
                    record = own.complete(key, record.body) or shared.complete(key, record.body) or record
                else:
                    shared.records[key] = record
                if record is not None:
                    found[id] = record
        return found

    def find(self, query: LogQuery) -> list[Record]:
        """See `Reader.find`."""
        self._flush()
        return super().find(query)

    def find_raw_page(self, query: LogQuery) -> RawPage:
        """See `Reader.find_raw_page`."""
        self._flush()
        return super().find_raw_page(query)

    def document(self, kind: str, scope: str, name: str) -> Document | None:
        """See `Reader.document`."""
        return self.documents(kind, scope, [name]).get(name)

    def documents(
        self, kind: str, scope: str, names: Collection[str], *, bodies: bool = True
    ) -> Mapping[str, Document]:
        """See `Reader.documents`."""
        own = self._own.documents
        changes = self._group.changes
        shared = changes.documents
        heads: Mapping[DocumentKey, Document | None] = {} if bodies else changes.document_heads
        found: dict[str, Document] = {}
        missing = []
        for name in names:
            key = (kind, scope, name)
            if key in own:
                document = own[key]
            elif key in shared:
                document = shared[key]
            elif key in heads:
                document = heads[key]
            else:
                missing.append(name)
                continue
            if document is not None:
                found[name] = document
        if missing:
            read = super().documents(kind, scope, missing, bodies=bodies)
            known = shared if bodies else changes.document_heads
            for name in missing:
                known[kind, scope, name] = read.get(name)
            found.update(read)
        return found

    def find_documents(self, query: DocumentQuery) -> list[Document]:
        """See `Reader.find_documents`."""
        self._flush()
        return super().find_documents(query)

    def stamp(self, count: int = 1) -> int:
        """See `Writer.stamp`."""
        if count < 1:
            raise ValueError("a stamp is for at least one record")
        first = max(self._group.clock(), self._group.next)
        self._group.next = first + count
        return first

    def append(self, records: Sequence[Record]) -> None:
        """See `Writer.append`."""
        taken = set()
        seen: set[RecordKey] = set()
        by_tenant: dict[str, list[str]] = {}
        for record in records:
            if not self._first <= record.stored < self._group.next:
                raise ValueError("the record was not stamped in this write")
            uid(record.id)
            key = (record.tenant, record.id)
            if key in seen:
                taken.add(record.id)
            seen.add(key)
            by_tenant.setdefault(record.tenant, []).append(record.id)
        for tenant, ids in by_tenant.items():
            taken.update(self.get(tenant, ids, bodies=False))
        if taken:
            raise ConflictError(sorted(taken))
        for record in records:
            self._own.add(record)

    def reindex(self, tenant: str, views: Mapping[str, Views]) -> None:
        """See `Writer.reindex`."""
        for id, record in self.get(tenant, views.keys(), bodies=False).items():
            if record.views != views[id]:
                self._alter(replace(record, views=views[id]))

    def hide(self, tenant: str, ids: Collection[str]) -> None:
        """See `Writer.hide`."""
        for record in self.get(tenant, ids, bodies=False).values():
            if not record.hidden:
                self._alter(replace(record, hidden=True))

    def _alter(self, record: Record) -> None:
        key = (record.tenant, record.id)
        whole = key in self._own.records or (
            key not in self._own.heads and key in self._group.changes.records
        )
        self._own.alter(record, whole=whole)

    def put(self, document: Document) -> None:
        """See `Writer.put`."""
        self._own.set((document.kind, document.scope, document.name), document)

    def delete(self, kind: str, scope: str, names: Collection[str]) -> int:
        """See `Writer.delete`."""
        present = self.documents(kind, scope, names, bodies=False)
        for name in present:
            self._own.set((kind, scope, name), None)
        return len(present)

    def _terms(self, texts: Sequence[str]) -> dict[str, int]:
        """As the reader's, but nothing is remembered that may yet be undone."""
        fresh = self._group.terms.fresh
        numbers = {text: fresh[text] for text in texts if text in fresh}
        numbers.update(super()._terms([text for text in texts if text not in numbers]))
        return numbers

    def _learn(self, numbers: Mapping[str, int]) -> None:
        self._group.terms.fresh.update(numbers)

    def _flush(self) -> None:
        """Make queries see every change: the group's for good, this write's within a savepoint."""
        self._group.flush()
        own = self._own
        if own.added or own.altered or own.pending:
            if self._saved is None:
                self._saved = dict(self._group.terms.fresh)
                run(self.connection, "SAVEPOINT work")
            own.flush(self.connection, self._group.terms, self._memory.phrases)
