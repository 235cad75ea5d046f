"""Reading from one snapshot of MongoDB, by a thread; `queries` says what is asked of the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from lrs.store.documents import Document, DocumentQuery
from lrs.store.generator_runner import run_generator
from lrs.store.index_keys import IndexKeys
from lrs.store.log import LogQuery, Record
from lrs.store.mongo.codec import document_key
from lrs.store.mongo.queries import ConsistencyWatermarks, Queries, Selectivity
from lrs.store.mongo.snapshots import Asking, Source
from lrs.store.pages import RawPage

T = TypeVar("T")


class MongoReader:
    """The port's Reader."""

    def __init__(
        self, source: Source, index_keys: IndexKeys, rarity: Selectivity, watermarks: ConsistencyWatermarks
    ) -> None:
        self._source = source
        self._questions = Queries(source, index_keys, rarity, watermarks)

    def _ask(self, asking: Asking[T]) -> T:
        return run_generator(asking, self._source.run)

    def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:
        """See `Reader.get`."""
        return self._ask(self._questions.get(tenant, ids, bodies))

    def records(self, keys: Sequence[bytes], *, bodies: bool = True) -> list[Record]:
        """The records with these `_id`s."""
        return self._ask(self._questions.records(keys, bodies))

    def find(self, query: LogQuery) -> list[Record]:
        """See `Reader.find`."""
        return self._ask(self._questions.find(query))

    def find_many(
        self, tenant: str, questions: Collection[tuple[str, ...]], *, limit: int
    ) -> Mapping[tuple[str, ...], list[Record]]:
        """See `Reader.find_many`."""
        return self._ask(self._questions.find_many(tenant, questions, limit))

    def find_raw_page(self, query: LogQuery) -> RawPage:
        """See `Reader.find_raw_page`."""
        return self._ask(self._questions.find_raw_page(query))

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

    def find_documents(self, query: DocumentQuery) -> list[Document]:
        """See `Reader.find_documents`."""
        return self._ask(self._questions.find_documents(query))

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
