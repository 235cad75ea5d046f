"""What is asked of MongoDB to read from one snapshot, as generators (`snapshots.Asking`).

Every query is a walk along one index from one place on: the log's `(k, s)`, and the documents'
`(x, o, n)`. With several keys the walk follows the rarest of them (`Selectivity`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

from bson import Timestamp

from lrs.store.documents import Document, DocumentQuery
from lrs.store.index_keys import IndexKeys
from lrs.store.log import LogQuery, Position, Record
from lrs.store.mongo.batch_queries import (
    DOCUMENT_FIELDS,
    DOCUMENT_HEAD_FIELDS,
    RECORD_FIELDS,
    RECORD_HEAD_FIELDS,
    documents_of_many,
    records_of_many,
)
from lrs.store.mongo.codec import (
    Hashes,
    Raw,
    decode_document,
    decode_record,
    key_hash,
    record_id,
    record_keys,
    tenant_range,
)
from lrs.store.mongo.index_scan import Wanted, matching
from lrs.store.mongo.schema import DOCS, DOCS_EVERYWHERE_INDEX, DOCS_INDEX, LOG, LOG_INDEX, WRITERS
from lrs.store.mongo.snapshots import Asking, TypicalSizes, View, rows, sizes
from lrs.store.pages import RawPage, fitting

PAGE_FIELDS = dict.fromkeys("sbvh", 1)
PAGE_FIELDS_WITHOUT_KEYS = dict.fromkeys("sbh", 1)


class Selectivity:
    """Remembers roughly how many entries an index holds for a hash, to follow the rarest."""

    STEPS = (256, 4096, 65_536)
    """Counts are cut off here: as far as needed to tell the keys of one query apart."""
    SECONDS = 300.0
    SIZE = 50_000

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[int, float]] = {}
        self.sizes = TypicalSizes()
        self.has_pairs = False
        """Whether records are found by pairs of a lead and a facet, all of them."""

    def rarest(self, table: str, field: str, index: str, hashes: Sequence[Hashes]) -> Asking[Hashes]:
        """Those with the fewest entries, or with so few that it makes no difference."""
        if len(hashes) == 1:
            return hashes[0]
        best = hashes[0]
        for step in self.STEPS:
            counts = {}
            for each in hashes:
                counts[each] = 0
                for value in each:
                    count = yield from self._count(table, field, index, value, step)
                    # One that was cut off is more than any two that were not.
                    counts[each] += count if count < step else 2 * step
            best = min(hashes, key=counts.__getitem__)
            if counts[best] < step:
                break
        return best

    def _count(self, table: str, field: str, index: str, value: int, at_most: int) -> Asking[int]:
        now = time.monotonic()
        count, until = self._known.get((table, value), (0, 0.0))
        if until > now and (count >= at_most or count not in self.STEPS):
            return count
        query = {"count": table, "query": {field: value}, "limit": at_most, "hint": index}
        count = int((yield query)["n"])
        if len(self._known) >= self.SIZE:
            self._known.clear()
        self._known[table, value] = (count, now + self.SECONDS)
        return count


class ConsistencyWatermarks:
    """The last watermark that was read, for the requests of the next moment."""

    SECONDS = 0.02

    def __init__(self) -> None:
        self._last: tuple[int, Timestamp, float] | None = None

    def keep(self, through: int, at: Timestamp | None) -> None:
        """A watermark that was true in the snapshot of that time."""
        if at is not None:
            self._last = (through, at, time.monotonic())

    def recent(self, at: Timestamp | None) -> int | None:
        """A watermark from a moment ago that holds in the snapshot of that time, if there is one.

        It holds in every later snapshot; after a change of primary the next one may be an earlier one.
        """
        last = self._last
        if last is None or at is None or at < last[1] or time.monotonic() - last[2] > self.SECONDS:
            return None
        return last[0]


class Queries:
    """What one snapshot is asked; `MongoReader` has it answered."""

    def __init__(
        self, view: View, index_keys: IndexKeys, rarity: Selectivity, watermarks: ConsistencyWatermarks
    ) -> None:
        self._view = view
        self._index_keys = index_keys
        self._rarity = rarity
        self._watermarks = watermarks
        # Before the snapshot is taken: what is true now is true in it.
        self._has_pairs = rarity.has_pairs

    def get(self, tenant: str, ids: Collection[str], bodies: bool) -> Asking[dict[str, Record]]:
        """See `Reader.get`."""
        found = yield from self.records(record_keys(tenant, ids), bodies)
        return {record.id: record for record in found}

    def records(self, keys: Sequence[bytes], bodies: bool) -> Asking[list[Record]]:
        """The records with these `_id`s."""
        if not keys:
            return []
        fields = RECORD_FIELDS if bodies else RECORD_HEAD_FIELDS
        return self._decoded((yield from rows(LOG, _among(keys), fields=fields)))

    def find(self, query: LogQuery) -> Asking[list[Record]]:
        """See `Reader.find`."""
        wanted = Wanted(self._index_keys, query.tenant, query.keys, has_pairs=self._has_pairs)
        where = yield from self._where(wanted)
        batch = self._rarity.sizes.batch(query.tenant, query.most_bytes)
        found = yield from matching(wanted, where, RECORD_FIELDS, query, query.limit, batch_size=batch)
        if query.most_bytes is not None:
            self._rarity.sizes.learn(query.tenant, len(found), sum(sizes(found)))
        return self._decoded(found)

    def find_many(
        self, tenant: str, questions: Collection[tuple[str, ...]], limit: int
    ) -> Asking[dict[tuple[str, ...], list[Record]]]:
        """See `Reader.find_many`."""

        def alone(keys: tuple[str, ...]) -> Asking[list[Record]]:
            return self.find(LogQuery(tenant, keys, limit=limit))

        wanted = {
            keys: Wanted(self._index_keys, tenant, keys, has_pairs=self._has_pairs) for keys in questions
        }
        where: Raw = {"_id": tenant_range(tenant)} if self._view.is_routed else {}
        return records_of_many(self._index_keys, wanted, where, limit, alone)

    def find_raw_page(self, query: LogQuery) -> Asking[RawPage]:
        """See `Reader.find_raw_page`."""
        wanted = Wanted(self._index_keys, query.tenant, query.keys, has_pairs=self._has_pairs)
        where = yield from self._where(wanted)
        fields = PAGE_FIELDS if query.keys else PAGE_FIELDS_WITHOUT_KEYS
        batch = self._rarity.sizes.batch(query.tenant, query.most_bytes)
        found = yield from matching(wanted, where, fields, query, query.limit + 1, batch_size=batch)
        page = found[: fitting(sizes(found), query.limit, query.most_bytes)]
        last = Position(page[-1]["s"], record_id(page[-1])) if page else None
        body = b",".join([raw["b"] for raw in page])
        self._rarity.sizes.learn(query.tenant, len(page), len(body))
        return RawPage(body, last, len(found) > len(page))

    def _decoded(self, found: Sequence[Raw]) -> list[Record]:
        return [decode_record(self._index_keys, raw) for raw in found]

    def _where(self, wanted: Wanted) -> Asking[Raw]:
        hashes = wanted.hashes
        rarest = yield from self._rarity.rarest(LOG, "k", LOG_INDEX, hashes)
        where: Raw = {"k": _one_of(rarest)}
        others = [{"k": {"$nin": list(each)}} for each in hashes if each != rarest]
        if others:
            # "None of them is missing": were it put as "each is there", the server would try, for every
            # page anew, which of the keys it had better follow; an $expr costs it more per record.
            where["$nor"] = others
        if wanted.tenant is not None and self._view.is_routed:
            where["_id"] = tenant_range(wanted.tenant)
        return where

    def documents(self, keys: Sequence[bytes], bodies: bool) -> Asking[list[Document]]:
        """The documents with these `_id`s."""
        if not keys:
            return []
        fields = DOCUMENT_FIELDS if bodies else DOCUMENT_HEAD_FIELDS
        return list(map(decode_document, (yield from rows(DOCS, _among(keys), fields=fields))))

    def find_documents(self, query: DocumentQuery) -> Asking[list[Document]]:
        """See `Reader.find_documents`.

        A walk over every scope sorts what its rarest key finds; the others follow their index.
        """
        kind, scope, limit, after = query.kind, query.scope, query.limit, query.after
        wanted = frozenset(query.keys)
        if limit <= 0:
            return []
        if scope is None:
            field, index, order = "z", DOCS_EVERYWHERE_INDEX, ["c", "o", "n"]
            hashes = [(key_hash(kind, key),) for key in wanted] or [(key_hash(kind),)]
        else:
            field, index, order = "x", DOCS_INDEX, ["o", "n"]
            hashes = [(key_hash(kind, scope, key),) for key in wanted] or [(key_hash(kind, scope),)]
        rarest = yield from self._rarity.rarest(DOCS, field, index, hashes)
        where: Raw = {field: _one_of(rarest), "k": kind}
        if scope is not None:
            where["c"] = scope
        if wanted:
            where["y"] = {"$all": list(wanted)}
        if query.since is not None:
            where["u"] = {"$gt": query.since}
        beyond = "$lt" if query.descending else "$gt"
        steps = [where]
        if after is not None:
            steps = [
                {**where, "o": after[0], "n": {beyond: after[1]}},
                {**where, "o": {beyond: after[0]}},
            ]
        found: list[Document] = []
        fields = DOCUMENT_FIELDS if query.bodies else DOCUMENT_HEAD_FIELDS
        sort = [(each, -1 if query.descending else 1) for each in order]
        for step in steps:
            more = yield from rows(
                DOCS, step, fields=fields, sort=sort, index=index, limit=limit - len(found)
            )
            found += map(decode_document, more)
        return found

    def find_many_documents(
        self, kind: str, scope: str, keys: Collection[str], limit: int
    ) -> Asking[dict[str, list[Document]]]:
        """See `Reader.find_many_documents`."""

        def alone(key: str) -> Asking[list[Document]]:
            return self.find_documents(DocumentQuery(kind, scope, (key,), limit=limit))

        hashes = {key: key_hash(kind, scope, key) for key in keys}
        return documents_of_many(hashes, {"k": kind, "c": scope}, limit, alone)

    def consistent_through(self) -> Asking[int]:
        """See `Reader.consistent_through`; `writer_leases` says why it holds."""
        through = self._watermarks.recent(self._view.at)
        if through is None:
            low_watermarks = yield from self.low_watermarks()
            opened = [floor for floor, is_open in low_watermarks if is_open]
            through = min(opened) if opened else max((floor for floor, _ in low_watermarks), default=0)
            self._watermarks.keep(through, self._view.at)
        return through

    def low_watermarks(self) -> Asking[list[tuple[int, bool]]]:
        """The floor of every writer, and whether it is still open."""
        return [(raw["floor"], raw["open"]) for raw in (yield from rows(WRITERS, {}))]


def _among(keys: Sequence[bytes]) -> Raw:
    return {"_id": _one_of(keys)}


def _one_of(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else {"$in": list(values)}
