"""What a query costs on MongoDB, counted by the server itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery, Position
from lrs.store.mongo.store import MongoStore, connect
from lrs.store.port import Reader, Writer
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.contract.make import FACET, add, draft

COUNT = 3000
PAGE = 25


def keys(n: int) -> set[str]:
    """What the record with that number is found by."""
    return {"common", f"rare{n % 300}", "Agent", f"{FACET}{n % 14}"} | ({"agent"} if n % 2 else set())


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[MongoStore, str]]:
    """A store of 3000 records and documents: a common key, rare keys, one that is wider than another."""
    with mongod.database() as address:
        store = MongoStore(address, STATEMENT_KEYS)
        for start in range(0, COUNT, 500):
            add(store, *(draft(*keys(n)) for n in range(start, start + 500)))
        documents = [Document("note", "bkn", f"{n:05}", b"{}", keys=frozenset({"k"})) for n in range(COUNT)]

        def put(writer: Writer) -> None:
            for each in documents:
                writer.put(each)

        store.writing(put)
        yield store, address
        store.close()


def examined(filled: tuple[MongoStore, str], ask: Callable[[Reader], list[Any]]) -> tuple[int, int]:
    """How much the server looked at for a query, and how much it found."""
    store, address = filled
    client, name = connect(address)
    with client:
        database = client[name]
        with store.reading() as reader:
            ask(reader)
        database.command("profile", 2)
        try:
            with store.reading() as reader:
                found = len(ask(reader))
        finally:
            database.command("profile", 0)
        rows = list(database["system.profile"].find({"op": "query", "ns": {"$regex": "(log|docs)$"}}))
        database["system.profile"].drop()
    return sum(row["keysExamined"] + row["docsExamined"] for row in rows), found


def place(store: MongoStore, at: int) -> Position:
    """The position of one record, counted from the newest."""
    with store.reading() as reader:
        record = reader.find(LogQuery("bkn", ["common"], limit=at))[-1]
    return Position(record.stored, record.id)


Query = Callable[[Reader, Position], list[Any]]

QUERIES: dict[str, Query] = {
    "newest by a common key": lambda reader, far: reader.find(LogQuery("bkn", ["common"], limit=PAGE)),
    "far from the end": lambda reader, far: reader.find(LogQuery("bkn", ["common"], after=far, limit=PAGE)),
    "the whole log, far from the end": lambda reader, far: reader.find(LogQuery(None, after=far, limit=PAGE)),
    "since a moment": lambda reader, far: reader.find(
        LogQuery("bkn", since=far.stored, ascending=True, limit=PAGE)
    ),
    "common and rare": lambda reader, far: reader.find(LogQuery("bkn", ["common", "rare7"], limit=PAGE)),
    "a wider key": lambda reader, far: reader.find(LogQuery("bkn", ["Agent"], after=far, limit=PAGE)),
    "a wider key and a rare one": lambda reader, far: reader.find(
        LogQuery("bkn", ["Agent", "rare7"], limit=PAGE)
    ),
    "a lead and a facet": lambda reader, far: reader.find(
        LogQuery("bkn", ["agent", f"{FACET}7"], limit=PAGE)
    ),
    "documents, far from the start": lambda reader, far: reader.find_documents(
        DocumentQuery("note", "bkn", ["k"], after=("", "02500"), limit=PAGE)
    ),
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_page_costs_what_it_returns(filled: tuple[MongoStore, str], query: str) -> None:
    """The server looks at no more than a page's worth of index entries and documents, at any depth."""
    far = place(filled[0], 2500)
    cost, found = examined(filled, lambda reader: QUERIES[query](reader, far))
    assert found > 0
    assert cost <= 2 * (PAGE + 4)
