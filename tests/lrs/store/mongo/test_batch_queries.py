"""Many small questions to MongoDB: few commands, and none that reads very much."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery
from lrs.store.mongo import batch_queries
from lrs.store.mongo.codec import key_hash, tenant_range
from lrs.store.mongo.queries import ConsistencyWatermarks, Queries, Selectivity
from lrs.store.mongo.store import MongoStore, connect
from lrs.store.port import Writer
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.contract.make import FACET, LEAD, add, draft

LEADER, VERB = f"{LEAD}leader", f"{FACET}verb"
KEYS = [f"k{n}" for n in range(9)]


@pytest.fixture
def opened() -> Iterator[tuple[str, MongoStore]]:
    """A store in a database of its own: k0 has ten records and documents, every other key has one."""
    with mongod.database() as address:
        store = MongoStore(address, STATEMENT_KEYS)
        names = [*KEYS, *["k0"] * 9]
        add(store, *(draft(name, LEADER, VERB) for name in names))

        def work(writer: Writer) -> None:
            for n, name in enumerate(names):
                writer.put(Document("note", "bkn", f"{n:02}", b"{}", keys=frozenset({name})))

        store.writing(work)
        yield address, store
        store.close()


def commands(address: str, store: MongoStore, what: str) -> int:
    """How many commands the questions by all keys take; each must have the answer it would get alone."""
    client, name = connect(address)
    with client, store.reading() as reader:
        client[name].command("profile", 2)
        if what == "log":
            records = reader.find_many("bkn", [(key,) for key in KEYS], limit=99)
        else:
            documents = reader.find_many_documents("note", "bkn", KEYS, limit=99)
        client[name].command("profile", 0)
        found = client[name]["system.profile"].count_documents({"op": "query", "ns": f"{name}.{what}"})
        client[name].drop_collection("system.profile")
        if what == "log":
            assert records == {(key,): reader.find(LogQuery("bkn", [key], limit=99)) for key in KEYS}
        else:
            assert documents == {
                key: reader.find_documents(DocumentQuery("note", "bkn", [key], limit=99)) for key in KEYS
            }
    return found


@pytest.mark.parametrize("what", ["log", "docs"])
def test_questions_are_asked_together(
    opened: tuple[str, MongoStore], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All fit into one command, or into as few as hold them."""
    assert commands(*opened, what) == 1
    monkeypatch.setattr(batch_queries, "TOGETHER", 2)
    assert commands(*opened, what) == 5


@pytest.mark.parametrize("what", ["log", "docs"])
def test_answers_that_are_too_large_are_asked_for_alone(
    opened: tuple[str, MongoStore], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of questions whose answers would not fit, each is asked by itself, and those beside them are not."""
    monkeypatch.setattr(batch_queries, "MOST_RECORDS", 10)
    monkeypatch.setattr(batch_queries, "MOST_DOCUMENTS", 10)
    monkeypatch.setattr(batch_queries, "TOGETHER", 3)
    assert commands(*opened, what) == 3 + 3


def test_what_may_find_very_much_is_asked_alone(opened: tuple[str, MongoStore]) -> None:
    """Keys that only together find few are not fetched by any of them: the rarest has to be known first."""
    address, store = opened
    client, name = connect(address)
    questions = [(VERB, key) for key in KEYS]
    with client, store.reading() as reader:
        client[name].command("profile", 2)
        records = reader.find_many("bkn", questions, limit=9)
        client[name].command("profile", 0)
        noted = client[name]["system.profile"].find({"op": "query", "ns": f"{name}.log"})
        by = [each["command"]["filter"]["k"] for each in noted]
        assert sorted(by) == sorted(key_hash("bkn", key) for key in KEYS)
        assert records == {keys: reader.find(LogQuery("bkn", keys, limit=9)) for keys in questions}
        assert [len(records[keys]) for keys in questions] == [9] + [1] * (len(KEYS) - 1)


def test_a_document_of_several_keys_is_given_once_to_each(
    opened: tuple[str, MongoStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is fetched with each part of the keys that holds one of its own, and is given to those alone."""
    _, store = opened
    monkeypatch.setattr(batch_queries, "TOGETHER", 1)
    both = [Document("pair", "bkn", name, b"{}", keys=frozenset({"k", "l"})) for name in "ab"]

    def work(writer: Writer) -> None:
        for document in both:
            writer.put(document)

    store.writing(work)
    with store.reading() as reader:
        assert reader.find_many_documents("pair", "bkn", ["k", "l"], limit=9) == {"k": both, "l": both}


class Place:
    """Where questions are told to be answered: a router, or a replica set."""

    at = None

    def __init__(self, *, is_routed: bool) -> None:
        self.is_routed = is_routed


@pytest.mark.parametrize("is_routed", [True, False])
def test_a_router_is_told_whose_records_are_asked_for(is_routed: bool) -> None:
    """By the tenant's range it asks the shards that hold some of it; a replica set has nothing to choose."""
    questions = Queries(Place(is_routed=is_routed), STATEMENT_KEYS, Selectivity(), ConsistencyWatermarks())
    command = next(questions.find_many("bkn", [("k1",), ("k2",)], limit=9))
    assert command["filter"].get("_id") == (tenant_range("bkn") if is_routed else None)
