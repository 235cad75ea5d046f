"""The inside of one write: works run over an overlay, and nothing is sent before they are done.

A work that raises is forgotten by dropping its changes; the others of its group still commit. What
works look up is kept for the group, and a work that needs more than is at hand may be put off, so that
one query serves many works (`MissingTextsError`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import ConflictError
from lrs.store.log import LogQuery, Record, Views
from lrs.store.mongo.codec import document_key, record_key, record_keys
from lrs.store.mongo.reader import MongoReader
from lrs.store.mongo.writer_leases import Stamps
from lrs.store.pages import RawPage, enough, raw_page
from lrs.store.port import OneByOne

RecordName = tuple[str, str]
DocumentName = tuple[str, str, str]


class MissingTextsError(BaseException):
    """A work needs what is not at hand yet; it runs again when it is.

    Not an Exception, so that works do not mistake it for a failure.
    """


@dataclass
class Changes:
    """What a work, or a group of works, changes."""

    records: dict[RecordName, Record] = field(default_factory=dict)
    """Added and changed records, as they will be."""
    added: set[RecordName] = field(default_factory=set)
    documents: dict[DocumentName, Document | None] = field(default_factory=dict)
    """Written documents; None where one was deleted."""
    doubted: set[RecordName] = field(default_factory=set)
    """Ids that a work found absent, and did not add: nobody else may add them meanwhile."""
    relied_on: set[DocumentName] = field(default_factory=set)
    """Documents that a work read, present or not, and did not write: nobody may write them meanwhile."""

    def __bool__(self) -> bool:
        return bool(self.records or self.documents)

    def absorb(self, other: Changes) -> None:
        """Add the changes of a work that came to its end."""
        self.records.update(other.records)
        self.added |= other.added
        self.documents.update(other.documents)
        self.doubted |= other.doubted
        self.relied_on |= other.relied_on


class Group:
    """What the works of one transaction share: its snapshot, what was read of it, what they changed."""

    def __init__(self, reader: MongoReader, stamps: Stamps) -> None:
        self.reader = reader
        self.stamps = stamps
        self.changes = Changes()
        self.through = 0
        self.highest = 0
        """The largest `stored` that may be in the snapshot."""
        self.records: dict[RecordName, Record | None] = {}
        self.heads: dict[RecordName, Record | None] = {}
        """Records that were read without their bodies."""
        self.documents: dict[DocumentName, Document | None] = {}
        self.document_heads: dict[DocumentName, Document | None] = {}
        """Documents that were read without their bodies."""
        self._wanted_records: dict[bool, set[RecordName]] = {True: set(), False: set()}
        self._wanted_documents: dict[bool, set[DocumentName]] = {True: set(), False: set()}
        """By whether their bodies are wanted."""

    def begin(self) -> None:
        """Fix the snapshot and read what is wanted: what the works said they will get."""
        low_watermarks = self.reader.low_watermarks()
        self.highest = max(floor for floor, _ in low_watermarks)
        self.through = min((floor for floor, is_open in low_watermarks if is_open), default=self.highest)
        self.stamps.observe(self.highest)
        self.fetch()

    def want(
        self,
        records: Iterable[RecordName] = (),
        documents: Iterable[DocumentName] = (),
        *,
        bodies: bool = True,
    ) -> None:
        """Note what the next `fetch` must bring."""
        self._wanted_records[bodies].update(records)
        self._wanted_documents[bodies].update(documents)

    def fetch(self) -> None:
        """Read everything wanted, in one query each for records and documents with bodies and without."""
        for bodies, records in ((True, self.records), (False, self.heads)):
            if names := self._wanted_records[bodies]:
                records.update(dict.fromkeys(names))
                by_tenant: dict[str, list[str]] = {}
                for tenant, id in names:
                    by_tenant.setdefault(tenant, []).append(id)
                keys = [key for tenant, ids in by_tenant.items() for key in record_keys(tenant, ids)]
                for record in self.reader.records(keys, bodies=bodies):
                    records[record.tenant, record.id] = record
                names.clear()
        for bodies, documents in ((True, self.documents), (False, self.document_heads)):
            if wanted := self._wanted_documents[bodies]:
                documents.update(dict.fromkeys(wanted))
                for document in self.reader.documents_by_key(
                    [document_key(*name) for name in wanted], bodies=bodies
                ):
                    documents[document.kind, document.scope, document.name] = document
                wanted.clear()

    def is_new(self, name: DocumentName) -> bool:
        """Whether it is known that there is no document of that name in the snapshot."""
        for known in (self.documents, self.document_heads):
            if name in known:
                return known[name] is None
        return False


class MongoWriter(OneByOne):
    """The port's Writer for one run of one work."""

    def __init__(self, group: Group, *, may_wait: bool, careful: bool) -> None:
        self._group = group
        self._may_wait = may_wait
        self._careful = careful
        """Look ids up before adding them. Otherwise one that is there already is noticed when sent,
        and the work runs again carefully: most ids that nobody looked up were just made."""
        self.assumed = False
        """Ids were added that nobody looked up."""
        self.changes = Changes()
        self._looked_up: set[RecordName] = set()
        self._read: set[DocumentName] = set()

    def finish(self) -> None:
        """The work is done: note what its decisions rest on, and hand its changes to the group."""
        changes = self.changes
        if changes:
            changes.doubted = {
                name
                for name in self._looked_up
                if self._record(name) is None and name not in self._group.changes.records
            }
            if not changes.added:
                changes.relied_on = self._read - changes.documents.keys()
            self._group.changes.absorb(changes)

    def _record(self, name: RecordName) -> Record | None:
        for layer in (self.changes.records, self._group.changes.records):
            if name in layer:
                return layer[name]
        if name in self._group.records:
            return self._group.records[name]
        return self._group.heads.get(name)

    def _whole(self, name: RecordName) -> Record | None:
        """The record with its body, which `_have_records` has brought."""
        record = self._record(name)
        read = self._group.records.get(name)
        return record if record is None or read is None else replace(record, body=read.body)

    def _is_added(self, name: RecordName) -> bool:
        return name in self.changes.added or name in self._group.changes.added

    def _document(self, name: DocumentName) -> Document | None:
        for layer in (self.changes.documents, self._group.changes.documents, self._group.documents):
            if name in layer:
                return layer[name]
        return self._group.document_heads[name]

    def _have_records(self, names: Iterable[RecordName]) -> None:
        known = self._group.records
        missing = [name for name in names if name not in known and not self._is_added(name)]
        if missing:
            self._group.want(records=missing)
            self._bring()

    def _have_heads(self, names: Iterable[RecordName]) -> None:
        group = self._group
        known = (group.heads, self.changes.records, group.changes.records, group.records)
        missing = [name for name in names if not any(name in layer for layer in known)]
        if missing:
            group.want(records=missing, bodies=False)
            self._bring()

    def _have_documents(self, names: Iterable[DocumentName], bodies: bool) -> None:
        group = self._group
        known = [group.documents, self.changes.documents, group.changes.documents]
        if not bodies:
            known.append(group.document_heads)
        missing = [name for name in names if not any(name in layer for layer in known)]
        if missing:
            group.want(documents=missing, bodies=bodies)
            self._bring()

    def _bring(self) -> None:
        if self._may_wait:
            raise MissingTextsError
        self._group.fetch()

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:
        """See `Reader.get`."""
        names = [(tenant, id) for id in ids]
        if bodies:
            self._have_records(names)
        else:
            self._have_heads(names)
        self._looked_up.update(names)
        held = self._whole if bodies else self._record
        return {record.id: record for record in map(held, names) if record is not None}

    def document(self, kind: str, scope: str, name: str) -> Document | None:
        """See `Reader.document`."""
        return self.documents(kind, scope, (name,)).get(name)

    def documents(
        self, kind: str, scope: str, names: Collection[str], *, bodies: bool = True
    ) -> Mapping[str, Document]:
        """See `Reader.documents`."""
        full = [(kind, scope, name) for name in names]
        self._have_documents(full, bodies)
        self._read.update(full)
        return {found.name: found for found in map(self._document, full) if found is not None}

    def find(self, query: LogQuery) -> list[Record]:
        """See `Reader.find`; the changes of this write are laid over what the snapshot holds."""
        group, own = self._group.changes, self.changes
        changed = {
            name: record
            for records in (group.records, own.records)
            for name, record in records.items()
            if query.tenant is None or record.tenant == query.tenant
        }
        # The snapshot holds what was changed, but nothing that was added.
        replaced = sum(name not in group.added and name not in own.added for name in changed)
        asked = query
        if replaced:
            limit = query.limit + replaced if query.limit > 0 else query.limit
            asked = replace(query, limit=limit, most_bytes=None)
        found = self._group.reader.find(asked)
        if not changed:
            return found
        found = [record for record in found if (record.tenant, record.id) not in changed]
        found += filter(query.matches, changed.values())
        found.sort(key=lambda record: (record.stored, record.id), reverse=not query.ascending)
        found = found[: max(query.limit, 0)]
        # What was changed may have been read without its body.
        names = [name for record in found if (name := (record.tenant, record.id)) in changed]
        self._have_records(names)
        whole = {name: self._whole(name) for name in names}
        found = [whole.get((record.tenant, record.id)) or record for record in found]
        return found[: enough((len(record.body) for record in found), query.most_bytes)]

    def find_raw_page(self, query: LogQuery) -> RawPage:
        """See `Reader.find_raw_page`."""
        found = self.find(replace(query, limit=query.limit + 1))
        return raw_page(found, query.limit, query.most_bytes)

    def find_documents(self, query: DocumentQuery) -> list[Document]:
        """See `Reader.find_documents`; the changes of this write are laid over the snapshot."""
        changed = {
            name: document
            for documents in (self._group.changes.documents, self.changes.documents)
            for name, document in documents.items()
            if name[0] == query.kind and (query.scope is None or name[1] == query.scope)
        }
        limit = query.limit + len(changed) if query.limit > 0 else query.limit
        found = self._group.reader.find_documents(replace(query, limit=limit))
        if not changed:
            return found
        found = [each for each in found if (each.kind, each.scope, each.name) not in changed]
        found += [each for each in changed.values() if each is not None and query.matches(each)]
        found.sort(key=lambda each: (each.scope, each.order, each.name), reverse=query.descending)
        return found[: max(query.limit, 0)]

    def consistent_through(self) -> int:
        """See `Reader.consistent_through`."""
        return self._group.through

    def stamp(self, count: int = 1) -> int:
        """See `Writer.stamp`."""
        return self._group.stamps.take(count)

    def append(self, records: Sequence[Record]) -> None:
        """See `Writer.append`."""
        names = [(record.tenant, record.id) for record in records]
        if self._careful:
            self._have_heads(names)
        else:
            self.assumed = True
        seen: set[RecordName] = set()
        taken = []
        for name in names:
            if name in seen or self._record(name) is not None:
                taken.append(name[1])
            seen.add(name)
        if taken:
            raise ConflictError(taken)
        for name, record in zip(names, records, strict=True):
            if record.stored <= self._group.highest:
                raise ValueError("a record's `stored` must come from `stamp` in the same write")
            record_key(*name)
            self.changes.records[name] = record
            self.changes.added.add(name)

    def reindex(self, tenant: str, views: Mapping[str, Views]) -> None:
        """See `Writer.reindex`."""
        for name, record in self._existing(tenant, views.keys()):
            self.changes.records[name] = replace(record, views=views[name[1]])

    def hide(self, tenant: str, ids: Collection[str]) -> None:
        """See `Writer.hide`."""
        for name, record in self._existing(tenant, ids):
            self.changes.records[name] = replace(record, hidden=True)

    def _existing(self, tenant: str, ids: Collection[str]) -> list[tuple[RecordName, Record]]:
        names = [(tenant, id) for id in ids]
        self._have_heads(names)
        return [(name, record) for name in names if (record := self._record(name)) is not None]

    def put(self, document: Document) -> None:
        """See `Writer.put`."""
        self.changes.documents[document.kind, document.scope, document.name] = document

    def delete(self, kind: str, scope: str, names: Collection[str]) -> int:
        """See `Writer.delete`."""
        full = {(kind, scope, name) for name in names}
        self._have_documents(full, bodies=False)
        present = [name for name in full if self._document(name) is not None]
        self.changes.documents.update(dict.fromkeys(present))
        return len(present)
