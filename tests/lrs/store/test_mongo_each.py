"""Many small questions to MongoDB: few commands, and none that reads very much."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lrs.store import mongo_each
from lrs.store.mongo import MongoStore, connect
from lrs.store.port import FACET, LEAD, Document, Writer
from tests import mongod
from tests.contract.make import add, draft

LEADER, VERB = f"{LEAD}leader", f"{FACET}verb"
KEYS = [f"k{n}" for n in range(9)]


@pytest.fixture
def opened() -> Iterator[tuple[str, MongoStore]]:
    """A store in a database of its own: k0 has ten records and documents, every other key has one."""
    with mongod.database() as address:
        store = MongoStore(address)
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
            records = reader.find_each("bkn", [(key,) for key in KEYS], limit=99)
        else:
            documents = reader.find_each_document("note", "bkn", KEYS, limit=99)
        client[name].command("profile", 0)
        found = client[name]["system.profile"].count_documents({"op": "query", "ns": f"{name}.{what}"})
        client[name].drop_collection("system.profile")
        if what == "log":
            assert records == {(key,): reader.find("bkn", [key], limit=99) for key in KEYS}
        else:
            assert documents == {key: reader.find_documents("note", "bkn", [key], limit=99) for key in KEYS}
    return found


@pytest.mark.parametrize("what", ["log", "docs"])
def test_questions_are_asked_together(
    opened: tuple[str, MongoStore], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All fit into one command, or into as few as hold them."""
    assert commands(*opened, what) == 1
    monkeypatch.setattr(mongo_each, "TOGETHER", 2)
    assert commands(*opened, what) == 5


@pytest.mark.parametrize("what", ["log", "docs"])
def test_answers_that_are_too_large_are_asked_for_alone(
    opened: tuple[str, MongoStore], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of questions whose answers would not fit, each is asked by itself, and those beside them are not."""
    monkeypatch.setattr(mongo_each, "MOST_RECORDS", 10)
    monkeypatch.setattr(mongo_each, "MOST_DOCUMENTS", 10)
    monkeypatch.setattr(mongo_each, "TOGETHER", 3)
    assert commands(*opened, what) == 3 + 3


def test_what_may_find_very_much_is_asked_alone(opened: tuple[str, MongoStore]) -> None:
    """Keys that only together find few are not fetched by one of them: the rarest has to be known first."""
    _, store = opened
    with store.reading() as reader:
        asked = [(VERB, "k1"), (VERB, "k2"), (LEADER, VERB, "k3")]
        assert reader.find_each("bkn", asked, limit=9) == {
            keys: reader.find("bkn", keys, limit=9) for keys in asked
        }
        assert [len(reader.find_each("bkn", asked, limit=9)[keys]) for keys in asked] == [1, 1, 1]
