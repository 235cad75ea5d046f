"""Reading from one snapshot of MongoDB, by a thread; `queries` says what is asked of the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from lrs.store.mongo.codec import document_key
from lrs.store.mongo.queries import ConsistencyWatermarks, Queries, Selectivity
from lrs.store.mongo.snapshots import Asking, Source, answered
from lrs.store.port import Document, Find, Position, RawPage, Record

T = TypeVar("T")


class MongoReader:
    """The port's Reader."""

    def __init__(self, source: Source, rarity: Selectivity, promises: ConsistencyWatermarks) -> None:
        self._source = source
        self._questions = Queries(source, rarity, promises)

    def _ask(self, asking: Asking[T]) -> T:
        return answered(self._source, asking)

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:
        """See `Reader.get`."""
        return self._ask(self._questions.get(tenant, ids, bodies))

    def records(self, keys: Sequence[bytes], *, bodies: bool = True) -> list[Record]:
        """The records with these `_id`s."""
        return self._ask(self._questions.records(keys, bodies))

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
        """See `Reader.find`."""
        return self._ask(
            self._questions.find(
                tenant,
                keys,
                since=since,
                until=until,
                after=after,
                ascending=ascending,
                limit=limit,
                include_hidden=include_hidden,
                most_bytes=most_bytes,
            )
        )

    def find_many(
        self, tenant: str, questions: Collection[tuple[str, ...]], *, limit: int
    ) -> Mapping[tuple[str, ...], list[Record]]:
        """See `Reader.find_many`."""
        return self._ask(self._questions.find_many(tenant, questions, limit))

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
        """See `Reader.find_raw_page`."""
        find = Find(tenant, keys, limit, since, until, after, ascending, most_bytes)
        return self._ask(self._questions.find_raw_page(find))

    def document(self, kind: str, scope: str, name: str) -> Document | None:
        """See `Reader.document`."""
        return self.documents(kind, scope, (name,)).get(name)

    def documents(
        self, kind: str, scope: str, names: Collection[str], *, bodies: bool = True
    ) -> Mapping[str, Document]:
        """See `Reader.documents`."""
        found = self.documents_by_key([document_key(kind, scope, name) for name in names], bodies=bodies)
        return {document.name: document for document in found}

    def documents_by_key(self, keys: Sequence[bytes], *, bodies: bool = True) -> list[Document]:
        """The documents with these `_id`s."""
        return self._ask(self._questions.documents(keys, bodies))

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
        """See `Reader.find_documents`."""
        return self._ask(
            self._questions.find_documents(
                kind, scope, keys, since=since, after=after, descending=descending, limit=limit, bodies=bodies
            )
        )

    def find_many_documents(
        self, kind: str, scope: str, keys: Collection[str], *, limit: int
    ) -> Mapping[str, list[Document]]:
        """See `Reader.find_many_documents`."""
        return self._ask(self._questions.find_many_documents(kind, scope, keys, limit))

    def consistent_through(self) -> int:
        """See `Reader.consistent_through`."""
        return self._ask(self._questions.consistent_through())

    def low_watermarks(self) -> list[tuple[int, bool]]:
        """The floor of every writer, and whether it is still open."""
        return self._ask(self._questions.low_watermarks())
