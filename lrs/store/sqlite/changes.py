"""Changes that a write has made and that are not in the file yet, and how they get there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson

from lrs.store.documents import Document
from lrs.store.log import Record
from lrs.store.sqlite.body_dictionary import BodyDictionaries
from lrs.store.sqlite.errors import insert, rows_of, run
from lrs.store.sqlite.index_rows import Marks, add_rows, add_tenant_row, delete_rows, insert_rows, marks_among
from lrs.store.sqlite.interning import TextInterner, document_prefix, key_prefix, pack, tenant_term, unpack
from lrs.store.sqlite.rows import uid

RecordKey = tuple[str, str]
"""(tenant, id)"""

DocumentKey = tuple[str, str, str]
"""(kind, scope, name)"""


class Changes:
    """What was changed (for reading back) and which of it still has to be flushed."""

    __slots__ = ("added", "altered", "document_heads", "documents", "heads", "pending", "records")

    def __init__(self) -> None:
        self.records: dict[RecordKey, Record | None] = {}
        """Records as they are now; None where it is known that there is none."""
        self.heads: dict[RecordKey, Record | None] = {}
        """The same without bodies, of records that are not among those."""
        self.document_heads: dict[DocumentKey, Document | None] = {}
        """Documents in the file, without bodies; what `documents` says goes before."""
        self.documents: dict[DocumentKey, Document | None] = {}
        """Documents as they are now; None where it is known that there is none."""
        self.added: dict[RecordKey, Record] = {}
        """Pending records that are new."""
        self.altered: dict[RecordKey, Record] = {}
        """Pending records that are in the file and differ in views or hiding."""
        self.pending: dict[DocumentKey, Document | None] = {}
        """Pending documents; None where one is to be deleted."""

    def held(self, key: RecordKey, whole: bool) -> Record | None:
        """A record as it is now, with its body if it has to be `whole`; UNKNOWN when that is not known."""
        found = self.records.get(key, UNKNOWN)
        if found is UNKNOWN:
            found = self.heads.get(key, UNKNOWN)
            if whole and found is not None:
                return UNKNOWN
        return found

    def complete(self, key: RecordKey, body: bytes) -> Record | None:
        """Give a record that is known without its body the body; None when it is not known so."""
        head = self.heads.pop(key, None)
        if head is not None:
            head = self.records[key] = replace(head, body=body)
        return head

    def add(self, record: Record) -> None:
        """A record that the log did not have."""
        key = (record.tenant, record.id)
        self.records[key] = self.added[key] = record

    def alter(self, record: Record, *, whole: bool) -> None:
        """A record that the log has, with other views or hiding; not `whole` when its body was not read."""
        key = (record.tenant, record.id)
        (self.records if whole else self.heads)[key] = record
        (self.added if key in self.added else self.altered)[key] = record

    def set(self, key: DocumentKey, document: Document | None) -> None:
        """A document to be written, or to be deleted."""
        self.documents[key] = self.pending[key] = document

    def absorb(self, later: Changes) -> None:
        """Take over the changes of a write that came after these."""
        self.records.update(later.records)
        for key in later.records:
            self.heads.pop(key, None)
        for key, head in later.heads.items():
            known = self.records.get(key)
            if known is None or head is None:
                self.heads[key] = head
            else:
                self.records[key] = replace(head, body=known.body)
        self.documents.update(later.documents)
        self.added.update(later.added)
        for key, record in later.altered.items():
            (self.added if key in self.added else self.altered)[key] = record
        self.pending.update(later.pending)

    def flush(self, connection: sqlite3.Connection, terms: TextInterner, phrases: BodyDictionaries) -> None:
        """Bring what is pending into the file, within the connection's transaction."""
        if self.added:
            _insert_records(connection, terms, phrases, list(self.added.values()))
            self.added = {}
        if self.altered:
            _alter_records(connection, terms, list(self.altered.values()))
            self.altered = {}
        if self.pending:
            _write_documents(connection, terms, self.pending)
            self.pending = {}


UNKNOWN = Record("", "", 0, b"", b"", ())
"""Stands for a record of which nothing is known."""

_INSERT_LOG = "INSERT OR ROLLBACK INTO log"
_INSERT_DOCUMENT_KEY = "INSERT OR ROLLBACK INTO document_key"


_Tenant = tuple[int, dict[str, int], Marks, Iterator[tuple[int, bytes]]]
"""The number of a tenant's term, the numbers of keys and what some of them are, and the bodies to be
written, with their forms."""


def _insert_records(
    connection: sqlite3.Connection, terms: TextInterner, phrases: BodyDictionaries, records: list[Record]
) -> None:
    by_tenant: dict[str, list[Record]] = {}
    for record in records:
        by_tenant.setdefault(record.tenant, []).append(record)
    tenants: dict[str, _Tenant] = {}
    for tenant, its in by_tenant.items():
        # In the order of the records: new keys of one record get neighbouring numbers, and so their rows
        # in log_index share pages (an agent's own and related key, a session and its registration).
        held = dict.fromkeys(chain.from_iterable(chain.from_iterable([record.views for record in its])))
        prefix = key_prefix(tenant)
        texts = [tenant_term(tenant), *[prefix + key for key in held]]
        found = terms.numbers(texts)
        own, *numbers = [found[text] for text in texts]
        bodies = phrases.shorten(connection, tenant, [record.body for record in its])
        numbered = dict(zip(held, numbers, strict=True))
        tenants[tenant] = (own, numbered, marks_among(terms.index_keys, numbered), iter(bodies))
    log: list[object] = []
    keys: list[object] = []
    for record in records:
        stored = record.stored
        own, numbered, marks, short = tenants[record.tenant]
        views = [[numbered[key] for key in view] for view in record.views]
        form, body = next(short)
        log += (stored, own, uid(record.id), record.hidden, record.digest, pack(views), body, form)
        add_tenant_row(keys, stored, own)
        add_rows(keys, terms.index_keys, record, numbered, marks)
    insert(connection, _INSERT_LOG, 8, log)
    insert_rows(connection, keys)


def _alter_records(connection: sqlite3.Connection, terms: TextInterner, records: list[Record]) -> None:
    rows: list[object] = []
    for record in records:
        prefix = key_prefix(record.tenant)
        held = list(frozenset().union(*record.views))
        numbers = terms.numbers([prefix + key for key in held])
        numbered = {key: numbers[prefix + key] for key in held}
        views = [[numbered[key] for key in view] for view in record.views]
        packed = pack(views)
        ((before,),) = run(connection, "SELECT terms FROM log WHERE stored = ?", (record.stored,))
        run(
            connection,
            "UPDATE log SET hidden = ?, terms = ? WHERE stored = ?",
            (record.hidden, packed, record.stored),
        )
        if packed == before:
            continue
        # References mostly add views behind those that are there, which then keep their rows.
        old = unpack(before)
        same = {at for at, view in enumerate(views[: len(old)]) if frozenset(old[at]) == frozenset(view)}
        delete_rows(connection, terms.index_keys, prefix, record.stored, old, same)
        add_rows(rows, terms.index_keys, record, numbered, marks_among(terms.index_keys, numbered), same)
    insert_rows(connection, rows)


def _write_documents(
    connection: sqlite3.Connection, terms: TextInterner, pending: dict[DocumentKey, Document | None]
) -> None:
    present = _present_documents(connection, list(pending))
    stale: list[tuple[Any, ...]] = []
    fresh: list[object] = []
    rows: list[object] = []
    gone: list[int] = []
    number: int = run(connection, "SELECT coalesce(max(number), 0) FROM document")[0][0]
    for key, document in pending.items():
        kind, scope, name = key
        prefix = document_prefix(kind)
        held = present.get(key)
        if document is None:
            if held is not None:
                gone.append(held[0])
                stale += _document_keys(terms, prefix, orjson.loads(held[2]), (scope, held[1], name))
            continue
        keys = orjson.dumps(sorted(document.keys)).decode()
        place = document.order
        if held is None:
            number += 1
            mine = number
        else:
            mine = held[0]
        rows += (
            mine, kind, scope, name, place, document.updated, document.etag,
            document.content_type, keys, document.body,
        )  # fmt: skip
        if held is not None:
            if held[1] == place and held[2] == keys:
                continue
            stale += _document_keys(terms, prefix, orjson.loads(held[2]), (scope, held[1], name))
        for each in _document_keys(terms, prefix, document.keys, (scope, place, name)):
            fresh += (*each, mine)
    for start in range(0, len(stale), 256):
        _delete_document_keys(connection, stale[start : start + 256])
    for deleted in gone:
        run(connection, "DELETE FROM document WHERE number = ?", (deleted,))
    insert(connection, "INSERT OR ROLLBACK INTO document", 10, rows, _REPLACE)
    insert(connection, _INSERT_DOCUMENT_KEY, 5, fresh)


_REPLACE = (
    "ON CONFLICT (number) DO UPDATE SET place = excluded.place, updated = excluded.updated,"
    " etag = excluded.etag, content_type = excluded.content_type, keys = excluded.keys, body = excluded.body"
)


def _document_keys(
    terms: TextInterner, prefix: str, keys: frozenset[str] | list[str], place: tuple[str, str, str]
) -> list[tuple[Any, ...]]:
    numbers = terms.numbers([prefix + key for key in keys])
    return [(number, *place) for number in numbers.values()]


def _present_documents(
    connection: sqlite3.Connection, keys: list[DocumentKey]
) -> dict[DocumentKey, tuple[int, str, str]]:
    """(number, place, keys as JSON) of those documents that are in the file."""
    present: dict[DocumentKey, tuple[int, str, str]] = {}
    for start in range(0, len(keys), 64):
        some = keys[start : start + 64]
        rows = run(
            connection,
            "SELECT d.kind, d.scope, d.name, d.number, d.place, d.keys"  # noqa: S608
            f" FROM (VALUES {rows_of(len(some), 3)}) v"
            " CROSS JOIN document d ON d.kind = v.column1 AND d.scope = v.column2 AND d.name = v.column3",
            [part for key in some for part in key],
        )
        for kind, scope, name, number, place, held in rows:
            present[kind, scope, name] = (number, place, held)
    return present


def _delete_document_keys(connection: sqlite3.Connection, stale: list[tuple[Any, ...]]) -> None:
    run(
        connection,
        "DELETE FROM document_key WHERE (term, scope, place, name) IN"  # noqa: S608
        f" (VALUES {rows_of(len(stale), 4)})",
        [part for each in stale for part in each],
    )
