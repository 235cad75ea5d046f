"""Reading: one snapshot of the file, through one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import itemgetter

import orjson

from lrs.store.documents import Document, DocumentQuery
from lrs.store.index_keys import IndexKeys
from lrs.store.log import LogQuery, Position, Record, Views
from lrs.store.pages import RawPage, enough, raw_page
from lrs.store.port import OneByOne
from lrs.store.sqlite.errors import run_one
from lrs.store.sqlite.interning import (
    InternedTexts,
    compound_key,
    document_prefix,
    key_prefix,
    look_up,
    padded,
    tenant_term,
    texts_of,
    views_of,
)
from lrs.store.sqlite.rows import (
    LARGEST,
    SMALL,
    Pending,
    Resolve,
    Row,
    StoredRecord,
    fetch,
    fetch_within,
    one_piece,
    uid,
)
from lrs.store.sqlite.selectivity import EARLIEST, LATEST, Terms, by_count
from lrs.store.sqlite.sql import (
    COUNT_DOCUMENTS,
    COUNT_DOCUMENTS_IN,
    PAGE,
    Shape,
    by_id,
    find,
    find_documents,
    find_raw_page,
    named,
)


class SqliteReader(OneByOne):
    """The port's Reader over a connection that is, or will be with its first read, in a snapshot."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        memory: InternedTexts,
        through: int,
    ) -> None:
        self.connection = connection
        self._memory = memory
        self._has_pairs = memory.has_pairs
        self._through = through

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:
        """See `Reader.get`."""
        raw = []
        for id in ids:
            try:
                raw.append(uid(id))
            except ValueError:
                continue
        number = self._term(tenant_term(tenant)) if raw else None
        if number is None:
            return {}
        found: dict[str, Record] = {}
        for some in padded(raw):
            rows = fetch(self.connection, by_id(len(some), bodies), [number, *some])
            found.update((record.id, record) for record in self._records(tenant, rows))
        return found

    def find(self, query: LogQuery) -> list[Record]:
        """See `Reader.find`."""
        tenant, after, ascending = query.tenant, query.after, query.ascending
        limit, most_bytes = query.limit, query.most_bytes
        low = EARLIEST if query.since is None else query.since + 1
        high = LATEST if query.until is None else query.until
        if after is not None and ascending:
            low = max(low, after.stored)
        elif after is not None:
            high = min(high, after.stored)
        if low > high:
            return []
        terms: list[int] = []
        sql = find((), False, ascending, query.include_hidden)
        if tenant is not None:
            plan = self._plan(tenant, frozenset(query.keys), low, high)
            if plan is None:
                return []
            terms, shape, faceted = plan
            sql = find(shape, faceted, ascending, query.include_hidden)
        found: list[Record] = []
        total = 0
        while len(found) < limit and low <= high:
            count = min(limit - len(found) + (after is not None), PAGE)
            room = LARGEST if most_bytes is None else max(0, most_bytes - total)
            rows, some = fetch_within(self.connection, sql, [*terms, low, high], count, room)
            rows.sort(key=itemgetter(0), reverse=not ascending)
            last = None
            kept = []
            for row in rows:
                # Views that match twice give a record twice; the page begins strictly after `after`.
                if row[0] != last and (after is None or _beyond(row, after, ascending)):
                    kept.append(row)
                last = row[0]
            found += self._records(tenant, kept)
            if (end := enough((len(record.body) for record in found), most_bytes)) is not None:
                del found[end:]
                break
            total = sum(len(record.body) for record in found) if most_bytes is not None else 0
            if len(rows) < some:
                break
            low, high = (rows[-1][0] + 1, high) if ascending else (low, rows[-1][0] - 1)
        return found[:limit]

    def find_raw_page(self, query: LogQuery) -> RawPage:
        """See `Reader.find_raw_page`."""
        if query.tenant is not None and not query.include_hidden and query.limit < PAGE:
            page = self._raw_page(query, query.tenant)
            if page is not None:
                return page
        found = self.find(replace(query, limit=query.limit + 1))
        return raw_page(found, query.limit, query.most_bytes)

    def _raw_page(self, query: LogQuery, tenant: str) -> RawPage | None:
        """The page by one statement that joins the bodies; None when that does not do (see `one_piece`)."""
        limit, after, ascending = query.limit, query.after, query.ascending
        low = EARLIEST if query.since is None else query.since + 1
        high = LATEST if query.until is None else query.until
        if after is not None:
            # No two records share a `stored`, so what comes after a record is told by that alone.
            low, high = (
                (max(low, after.stored + 1), high) if ascending else (low, min(high, after.stored - 1))
            )
        plan = self._plan(tenant, frozenset(query.keys), low, high) if low <= high else None
        if plan is None:
            return RawPage(b"", None, False)
        terms, shape, faceted = plan
        sql = find_raw_page(shape, faceted, ascending)
        restore = partial(self._memory.phrases.restore, self.connection, tenant)
        most = LARGEST if query.most_bytes is None else query.most_bytes
        parameters = [*terms, low, high, limit + 1, max(most // (limit + 1), SMALL)]
        return one_piece(self.connection, sql, parameters, limit, ascending, restore, most)

    def document(self, kind: str, scope: str, name: str) -> Document | None:
        """See `Reader.document`."""
        return self._documents(kind, named(1, True), [kind, scope, name]).get(name)

    def documents(
        self, kind: str, scope: str, names: Collection[str], *, bodies: bool = True
    ) -> Mapping[str, Document]:
        """See `Reader.documents`."""
        found: dict[str, Document] = {}
        for some in padded(list(names)):
            found.update(self._documents(kind, named(len(some), bodies), [kind, scope, *some]))
        return found

    def find_documents(self, query: DocumentQuery) -> list[Document]:
        """See `Reader.find_documents`."""
        kind, scope, since, limit = query.kind, query.scope, query.since, query.limit
        prefix = document_prefix(kind)
        texts = [prefix + key for key in frozenset(query.keys)]
        numbers = self._terms(texts)
        if len(numbers) < len(texts):
            return []
        terms = self._rarest_documents_first(list(numbers.values()), scope)
        found: list[Document] = []
        place: tuple[str, ...] | None = query.after
        while len(found) < limit:
            some = min(limit - len(found), PAGE)
            parameters: list[object] = [*terms] if terms else [kind]
            parameters += [] if scope is None else [scope]
            parameters += [] if place is None else place
            parameters += [] if since is None else [since]
            narrowed = since is not None, place is not None
            sql = find_documents(len(terms), scope is None, *narrowed, query.descending, query.bodies)
            page = self._document_list(kind, sql, [*parameters, some])
            found += page
            if len(page) < some:
                break
            place = (page[-1].order, page[-1].name)
            if scope is None:
                place = (page[-1].scope, *place)
        return found

    def consistent_through(self) -> int:
        """See `Reader.consistent_through`."""
        return self._through

    def _records(self, tenant: str | None, rows: Sequence[Row]) -> list[Record]:
        """Rows of one tenant, or of any when it is None, as records."""
        if tenant is None:
            names = self._tenants(rows)
            tenants = [names[row[1]] for row in rows]
        else:
            tenants = [tenant] * len(rows)
        return [
            StoredRecord(owner, row[3], row[0], self._body(owner, row), row[4], views, row[2])  # type: ignore[arg-type]
            for owner, row, views in zip(tenants, rows, self._views(tenants, rows), strict=True)
        ]

    def _body(self, tenant: str, row: Row) -> bytes:
        """The body of a row as it came."""
        body, form = row[6], row[7]
        return self._memory.phrases.restore(self.connection, tenant, form, body) if form else body

    def _views(self, tenants: Sequence[str], rows: Sequence[Row]) -> Sequence[Views | Pending]:
        """The views of each row."""
        return views_of(self.connection, tenants, [row[5] for row in rows])

    def _tenants(self, rows: Sequence[Row]) -> dict[int, str]:
        texts = texts_of(self.connection, (row[1] for row in rows))
        return {number: text[len(tenant_term("")) :] for number, text in texts.items()}

    def _term(self, text: str) -> int | None:
        return self._terms([text]).get(text)

    def _terms(self, texts: Sequence[str]) -> dict[str, int]:
        """The numbers of those texts that are terms."""
        numbers: dict[str, int] = {}
        missing = []
        for text in texts:
            number = self._memory.get(text)
            if number is None:
                missing.append(text)
            else:
                numbers[text] = number
        if missing:
            found = look_up(self.connection, missing)
            self._learn(found)
            numbers.update(found)
        return numbers

    def _learn(self, numbers: Mapping[str, int]) -> None:
        self._memory.learn(numbers)

    def _plan(
        self, tenant: str, keys: Collection[str], low: int, high: int
    ) -> tuple[list[int], Shape, bool] | None:
        """The terms of a query with the rarest first, their shape, and whether the last is a facet.

        A facet is looked for in the index rows of the first term. None when nothing can be found.
        """
        prefix = key_prefix(tenant)
        index_keys = self._memory.index_keys
        texts = {key: [prefix + each for each in index_keys.alternatives(key)] for key in keys} or {
            "": [tenant_term(tenant)]
        }
        numbers = self._terms([text for each in texts.values() for text in each])
        known = {
            key: tuple([numbers[text] for text in each if text in numbers]) for key, each in texts.items()
        }
        if not all(known.values()):
            return None
        wanted = list(known.values())
        if len(wanted) == 1:
            return list(wanted[0]), (len(wanted[0]),), False
        facets = [terms for key, terms in known.items() if index_keys.is_facet(key)]
        if self._has_pairs and len(facets) == 1:
            wanted = _paired(index_keys, known, facets[0])
        wanted = self._memory.rarity.first(self.connection, wanted, low, high)
        faceted = len(facets) == 1 and facets[0] in wanted[1:]
        if faceted:
            wanted.remove(facets[0])
            wanted.append(facets[0])
        return [term for terms in wanted for term in terms], tuple(map(len, wanted)), faceted

    def _rarest_documents_first(self, terms: list[int], scope: str | None) -> list[int]:
        bounds, count = ([], COUNT_DOCUMENTS) if scope is None else ([scope], COUNT_DOCUMENTS_IN)
        return [term for (term,) in by_count(self.connection, [(term,) for term in terms], count, bounds)]

    def _documents(self, kind: str, sql: str, parameters: list[object]) -> dict[str, Document]:
        return {each.name: each for each in self._document_list(kind, sql, parameters)}

    def _document_list(self, kind: str, sql: str, parameters: list[object]) -> list[Document]:
        numbers, data = run_one(self.connection, sql, parameters)
        found = []
        at = 0
        for scope, name, place, updated, etag, content_type, keys, size in orjson.loads(numbers):
            body = data[at : at + size]
            at += size
            found.append(
                Document(kind, scope, name, body, content_type, etag, updated, frozenset(keys), place)
            )
        return found


class SnapshotReader(SqliteReader):
    """The reader of `Store.reading`: views are fetched if and when somebody looks at them."""

    def __init__(
        self, begin: Callable[[], sqlite3.Connection], memory: InternedTexts, through: int, resolve: Resolve
    ) -> None:
        # Not the parent's: there is no connection before the first read, and often none at all.
        self._begin = begin
        self._memory = memory
        self._has_pairs = memory.has_pairs  # before the snapshot is taken: what is true now is true in it
        self._through = through
        self._resolve = resolve
        self.opened: sqlite3.Connection | None = None
        """The connection, once something was read."""

    @property
    def connection(self) -> sqlite3.Connection:  # type: ignore[override]
        """The connection, in its snapshot; begun when it is first asked for."""
        if self.opened is None:
            self.opened = self._begin()
        return self.opened

    def _views(self, tenants: Sequence[str], rows: Sequence[Row]) -> Sequence[Views | Pending]:  # noqa: ARG002
        return [Pending(row[5], self._resolve) for row in rows]


def _paired(index_keys: IndexKeys, known: Mapping[str, Terms], facet: Terms) -> list[Terms]:
    """The terms of a query, with one for each lead and the facet in place of these."""
    leads = [terms for key, terms in known.items() if index_keys.is_lead(key)]
    pairs = [pair for (lead,) in leads if (pair := compound_key(lead, facet[0])) is not None]
    if not pairs or len(pairs) < len(leads):
        return list(known.values())
    return [(pair,) for pair in pairs] + [each for each in known.values() if each not in [*leads, facet]]


def _beyond(row: Row, after: Position, ascending: bool) -> bool:
    place = (row[0], row[3])
    return place > (after.stored, after.id) if ascending else place < (after.stored, after.id)
