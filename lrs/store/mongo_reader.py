"""Reading from one snapshot of MongoDB.

Every query is a walk along one index from one place on: the log's `(k, s)`, and the documents'
`(x, o, n)`. With several keys the walk follows the rarest of them (`Rarity`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from bson import Timestamp
from pymongo.database import Database

from lrs.store.mongo_codec import (
    Raw,
    decode_document,
    decode_record,
    document_key,
    key_hash,
    record_id,
    record_keys,
    tenant_range,
)
from lrs.store.mongo_errors import translating
from lrs.store.mongo_schema import DOCS, DOCS_EVERYWHERE_INDEX, DOCS_INDEX, LOG, LOG_INDEX, WRITERS
from lrs.store.mongo_source import Source, rows
from lrs.store.mongo_walk import Wanted, matching
from lrs.store.port import Document, Joined, Position, Record

RECORD_FIELDS = dict.fromkeys("sbdvh", 1)
PAGE_FIELDS = dict.fromkeys("sbvh", 1)
PAGE_FIELDS_WITHOUT_KEYS = dict.fromkeys("sbh", 1)
DOCUMENT_FIELDS = dict.fromkeys("kcnbteuoy", 1)
"""Everything but the hashes; naming what is wanted costs the server less than naming what is not."""


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


class Promises:
    """The last promise that was read, for the requests of the next moment."""

    SECONDS = 0.02

    def __init__(self) -> None:
        self._last: tuple[int, Timestamp, float] | None = None

    def keep(self, through: int, at: Timestamp | None) -> None:
        """A promise that was true in the snapshot of that time."""
        if at is not None:
            self._last = (through, at, time.monotonic())

    def recent(self, at: Timestamp | None) -> int | None:
        """A promise from a moment ago that holds in the snapshot of that time, if there is one.

        It holds in every later snapshot; after a change of primary the next one may be an earlier one.
        """
        last = self._last
        if last is None or at is None or at < last[1] or time.monotonic() - last[2] > self.SECONDS:
            return None
        return last[0]


class MongoReader:
    """The port's Reader."""

    def __init__(self, source: Source, rarity: Rarity, promises: Promises) -> None:
        self._source = source
        self._rarity = rarity
        self._promises = promises

    def get(self, tenant: str, ids: Collection[str]) -> Mapping[str, Record]:
        """See `Reader.get`."""
        found = self.records(record_keys(tenant, ids))
        return {record.id: record for record in found}

    def records(self, keys: Sequence[bytes]) -> list[Record]:
        """The records with these `_id`s."""
        if not keys:
            return []
        with translating():
            found = rows(self._source, LOG, _among(keys), fields=RECORD_FIELDS)
        return list(map(decode_record, found))

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
        """See `Reader.find`."""
        found = self._matching(
            Wanted(tenant, keys), RECORD_FIELDS, since, until, after, ascending, limit, include_hidden
        )
        return list(map(decode_record, found))

    def _matching(
        self,
        wanted: Wanted,
        fields: Raw,
        since: int | None,
        until: int | None,
        after: Position | None,
        ascending: bool,
        limit: int,
        include_hidden: bool,
    ) -> list[Raw]:
        with translating():
            return matching(
                self._source,
                wanted,
                self._where(wanted),
                fields,
                since=since,
                until=until,
                after=after,
                ascending=ascending,
                limit=limit,
                include_hidden=include_hidden,
            )

    def _where(self, wanted: Wanted) -> Raw:
        hashes = wanted.hashes
        rarest = self._rarity.rarest(LOG, "k", LOG_INDEX, hashes)
        where: Raw = {"k": rarest}
        others = [{"k": {"$ne": each}} for each in hashes if each != rarest]
        if others:
            # "None of them is missing": were it put as "each is there", the server would try, for every
            # page anew, which of the keys it had better follow; an $expr costs it more per record.
            where["$nor"] = others
        if wanted.tenant is not None and self._source.is_routed:
            where["_id"] = tenant_range(wanted.tenant)
        return where

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
        with translating():
            found = rows(self._source, DOCS, _among(keys), fields=DOCUMENT_FIELDS)
        return list(map(decode_document, found))

    def find_joined(
        self,
        tenant: str,
        keys: Collection[str] = (),
        *,
        since: int | None = None,
        until: int | None = None,
        after: Position | None = None,
        ascending: bool = False,
        limit: int,
    ) -> Joined:
        """See `Reader.find_joined`."""
        wanted = Wanted(tenant, keys)
        fields = PAGE_FIELDS if keys else PAGE_FIELDS_WITHOUT_KEYS
        found = self._matching(wanted, fields, since, until, after, ascending, limit + 1, False)
        page = found[:limit]
        last = Position(page[-1]["s"], record_id(page[-1])) if page else None
        return Joined(b",".join([raw["b"] for raw in page]), last, len(found) > limit)

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
            sort = [(each, -1 if descending else 1) for each in order]
            for step in steps:
                found += map(
                    decode_document,
                    rows(
                        self._source,
                        DOCS,
                        step,
                        fields=DOCUMENT_FIELDS,
                        sort=sort,
                        index=index,
                        limit=limit - len(found),
                    ),
                )
        return found

    def consistent_through(self) -> int:
        """See `Reader.consistent_through`; `mongo_lanes` says why it holds."""
        through = self._promises.recent(self._source.at)
        if through is None:
            floors = self.floors()
            opened = [floor for floor, is_open in floors if is_open]
            through = min(opened) if opened else max((floor for floor, _ in floors), default=0)
            self._promises.keep(through, self._source.at)
        return through

    def floors(self) -> list[tuple[int, bool]]:
        """The floor of every writer, and whether it is still open."""
        with translating():
            return [(raw["floor"], raw["open"]) for raw in rows(self._source, WRITERS, {})]


def _among(keys: Sequence[bytes]) -> Raw:
    return {"_id": keys[0]} if len(keys) == 1 else {"_id": {"$in": keys}}
