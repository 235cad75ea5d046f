"""Reading from one snapshot of MongoDB.

Every query is a walk along one index from one place on: the log's `(k, s)`, and the documents'
`(x, o, n)`. With several keys the walk follows the rarest of them (`Rarity`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as Table
from pymongo.database import Database

from lrs.store.mongo_codec import (
    WHOLE_LOG,
    Raw,
    decode_document,
    decode_record,
    document_key,
    key_hash,
    record_keys,
)
from lrs.store.mongo_errors import translating
from lrs.store.mongo_schema import DOCS, DOCS_EVERYWHERE_INDEX, DOCS_INDEX, LOG, LOG_INDEX, WRITERS
from lrs.store.port import Document, Position, Record

Session = ClientSession
Client = MongoClient[Raw]
WITHOUT_HASHES = {"k": 0}


class Rarity:
    """Remembers roughly how many entries an index holds for a hash, to follow the rarest."""

    STEPS = (256, 4096, 65_536)
    """Counts are cut off here: as far as needed to tell the keys of one query apart."""
    SECONDS = 300.0
    SIZE = 50_000

    def __init__(self, database: Database[Raw]) -> None:
        self._database = database
        self._known: dict[tuple[str, int], tuple[int, float]] = {}

    def rarest(self, table: str, field: str, index: str, hashes: Sequence[int]) -> int:
        """The hash with the fewest entries, or one with so few that it makes no difference."""
        if len(hashes) == 1:
            return hashes[0]
        best = hashes[0]
        for step in self.STEPS:
            counts = {each: self._count(table, field, index, each, step) for each in hashes}
            best = min(hashes, key=counts.__getitem__)
            if counts[best] < step:
                break
        return best

    def _count(self, table: str, field: str, index: str, value: int, at_most: int) -> int:
        now = time.monotonic()
        count, until = self._known.get((table, value), (0, 0.0))
        if until > now and (count >= at_most or count not in self.STEPS):
            return count
        query = {"count": table, "query": {field: value}, "limit": at_most, "hint": index}
        count = int(self._database.command(query)["n"])
        if len(self._known) >= self.SIZE:
            self._known.clear()
        self._known[table, value] = (count, now + self.SECONDS)
        return count


class MongoReader:
    """The port's Reader on one session: of a snapshot, or of a transaction."""

    def __init__(self, database: Database[Raw], session: ClientSession, rarity: Rarity) -> None:
        self._session = session
        self._rarity = rarity
        self._log: Table[Raw] = database[LOG]
        self._docs: Table[Raw] = database[DOCS]
        self._writers: Table[Raw] = database[WRITERS]

    def get(self, tenant: str, ids: Collection[str]) -> Mapping[str, Record]:
        """See `Reader.get`."""
        found = self.records(record_keys(tenant, ids))
        return {record.id: record for record in found}

    def records(self, keys: Sequence[bytes]) -> list[Record]:
        """The records with these `_id`s."""
        if not keys:
            return []
        where = {"_id": keys[0]} if len(keys) == 1 else {"_id": {"$in": keys}}
        with translating():
            rows = self._log.find(where, WITHOUT_HASHES, session=self._session, batch_size=len(keys) + 1)
            return [decode_record(raw) for raw in rows]

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
    ) -> list[Record]:
        """See `Reader.find`.

        The index orders by `stored` alone. Records of one microsecond (written by different
        processes) are put in order here: a page that ends between such records fetches them all.
        """
        wanted = frozenset(keys)
        if tenant is None:
            if wanted:
                raise ValueError("a walk over all tenants takes no keys")
            hashes = [WHOLE_LOG]
        else:
            hashes = [key_hash(tenant, key) for key in wanted] or [key_hash(tenant)]
        bounds: dict[str, int] = {}
        if since is not None:
            bounds["$gt"] = since
        if until is not None:
            bounds["$lte"] = until
        onward = "$gte" if ascending else "$lte"
        if after is not None:
            bounds[onward] = _tighter(bounds.get(onward), after.stored, ascending)
        with translating():
            where = self._where(hashes, include_hidden)
            found: list[Record] = []
            while len(found) < limit:
                size = limit - len(found) + 1 + (after is not None)
                rows = self._rows(where, bounds, ascending, size)
                more = len(rows) == size
                if more:
                    edge = rows[-1]["s"]
                    whole = [raw for raw in rows if raw["s"] != edge]
                    if whole:
                        bounds[onward] = edge
                    else:
                        whole = self._rows(where, {"$gte": edge, "$lte": edge}, ascending, 0)
                        bounds[onward] = edge + 1 if ascending else edge - 1
                    rows = whole
                page = [
                    record
                    for record in map(decode_record, rows)
                    if (tenant is None or record.tenant == tenant)
                    and (not wanted or any(wanted <= view for view in record.views))
                    and (after is None or _beyond(record, after, ascending))
                ]
                page.sort(key=lambda record: (record.stored, record.id), reverse=not ascending)
                found += page
                if not more:
                    break
        return found[: max(limit, 0)]

    def _where(self, hashes: list[int], include_hidden: bool) -> Raw:
        rarest = self._rarity.rarest(LOG, "k", LOG_INDEX, hashes)
        where: Raw = {"k": rarest}
        if not include_hidden:
            where["h"] = {"$exists": False}
        others = [each for each in hashes if each != rarest]
        if others:
            where["$expr"] = {"$setIsSubset": [others, "$k"]}
        return where

    def _rows(self, where: Raw, bounds: dict[str, int], ascending: bool, limit: int) -> list[Raw]:
        query = {**where, "s": bounds} if bounds else where
        rows = self._log.find(query, WITHOUT_HASHES, session=self._session, hint=LOG_INDEX)
        rows = rows.sort("s", 1 if ascending else -1).limit(limit)
        return list(rows.batch_size(limit) if limit else rows)

    def document(self, kind: str, scope: str, name: str) -> Document | None:
        """See `Reader.document`."""
        return self.documents(kind, scope, (name,)).get(name)

    def documents(self, kind: str, scope: str, names: Collection[str]) -> Mapping[str, Document]:
        """See `Reader.documents`."""
        found = self.documents_by_key([document_key(kind, scope, name) for name in names])
        return {document.name: document for document in found}

    def documents_by_key(self, keys: Sequence[bytes]) -> list[Document]:
        """The documents with these `_id`s."""
        if not keys:
            return []
        where = {"_id": keys[0]} if len(keys) == 1 else {"_id": {"$in": keys}}
        with translating():
            rows = self._docs.find(where, {"x": 0, "z": 0}, session=self._session, batch_size=len(keys) + 1)
            return [decode_document(raw) for raw in rows]

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
    ) -> list[Document]:
        """See `Reader.find_documents`.

        A walk over every scope sorts what its rarest key finds; the others follow their index.
        """
        wanted = frozenset(keys)
        if limit <= 0:
            return []
        if scope is None:
            if after is not None:
                raise ValueError("a walk over all scopes cannot be resumed")
            field, index, order = "z", DOCS_EVERYWHERE_INDEX, ["c", "o", "n"]
            hashes = [key_hash(kind, key) for key in wanted] or [key_hash(kind)]
        else:
            field, index, order = "x", DOCS_INDEX, ["o", "n"]
            hashes = [key_hash(kind, scope, key) for key in wanted] or [key_hash(kind, scope)]
        with translating():
            rarest = self._rarity.rarest(DOCS, field, index, hashes)
            where: Raw = {field: rarest, "k": kind}
            if scope is not None:
                where["c"] = scope
            if wanted:
                where["y"] = {"$all": list(wanted)}
            if since is not None:
                where["u"] = {"$gt": since}
            beyond = "$lt" if descending else "$gt"
            steps = [where]
            if after is not None:
                steps = [
                    {**where, "o": after[0], "n": {beyond: after[1]}},
                    {**where, "o": {beyond: after[0]}},
                ]
            found: list[Document] = []
            for step in steps:
                if len(found) < limit:
                    rows = self._docs.find(step, {"x": 0, "z": 0}, session=self._session, hint=index)
                    rows = rows.sort([(each, -1 if descending else 1) for each in order])
                    rows = rows.limit(limit - len(found)).batch_size(limit)
                    found += map(decode_document, rows)
        return found

    def consistent_through(self) -> int:
        """See `Reader.consistent_through`; `mongo_lanes` says why it holds."""
        floors = self.floors()
        opened = [floor for floor, is_open in floors if is_open]
        return min(opened) if opened else max((floor for floor, _ in floors), default=0)

    def floors(self) -> list[tuple[int, bool]]:
        """The floor of every writer, and whether it is still open."""
        with translating():
            rows = self._writers.find({}, {"floor": 1, "open": 1}, session=self._session)
            return [(raw["floor"], raw["open"]) for raw in rows]


def _tighter(bound: int | None, place: int, ascending: bool) -> int:
    if bound is None:
        return place
    return max(bound, place) if ascending else min(bound, place)


def _beyond(record: Record, after: Position, ascending: bool) -> bool:
    place = (record.stored, record.id)
    border = (after.stored, after.id)
    return place > border if ascending else place < border
