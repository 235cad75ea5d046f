"""What one write asks of the server when it looks for what it may have changed itself."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery, Record
from lrs.store.mongo.reader import MongoReader
from lrs.store.mongo.writer import Group, MongoWriter
from lrs.store.mongo.writer_leases import Stamps
from tests.contract.make import draft

MANY = 500


class Asked:
    """A reader that holds nothing, and notes how much it is asked for."""

    def __init__(self) -> None:
        self.limits: list[int] = []

    def find(self, query: LogQuery) -> list[Record]:
        self.limits.append(query.limit)
        return []

    def find_documents(self, query: DocumentQuery) -> list[Document]:
        self.limits.append(query.limit)
        return []


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def writer(asked: Asked) -> MongoWriter:
    group = Group(cast(MongoReader, asked), cast(Stamps, None))
    return MongoWriter(group, may_wait=False, careful=False)


def test_what_others_of_the_group_add_makes_no_search_larger(writer: MongoWriter, asked: Asked) -> None:
    """New records are not in the snapshot: only those that were changed take a place in its answer."""
    added = [replace(draft("k"), stored=n) for n in range(MANY)]
    changed, elsewhere = replace(draft("k"), stored=MANY), draft("k", tenant="other")
    for record in (*added, changed, elsewhere):
        writer.changes.records[record.tenant, record.id] = record
    writer.changes.added = {(record.tenant, record.id) for record in added}
    found = writer.find(LogQuery("bkn", ("k",), limit=3, ascending=True))
    assert asked.limits == [3 + 1]
    assert len(found) == 3


def test_documents_of_other_kinds_make_no_search_larger(writer: MongoWriter, asked: Asked) -> None:
    """Only documents of the kind and the scope that are searched count."""
    for number in range(MANY):
        writer.put(Document("other", "bkn", str(number), b""))
        writer.put(Document("kind", "elsewhere", str(number), b""))
    writer.put(Document("kind", "bkn", "one", b""))
    assert [each.name for each in writer.find_documents(DocumentQuery("kind", "bkn", limit=3))] == ["one"]
    assert asked.limits == [3 + 1]
