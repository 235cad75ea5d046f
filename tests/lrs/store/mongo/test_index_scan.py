"""How a walk on MongoDB checks what the index brought."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lrs.store.log import LogQuery, Views
from lrs.store.mongo.codec import decode_views, encode_views, key_hash, record_key, tenant_range
from lrs.store.mongo.index_scan import Wanted
from lrs.store.mongo.queries import ConsistencyWatermarks, Selectivity
from lrs.store.mongo.reader import MongoReader
from lrs.store.mongo.store import MongoStore, connect
from lrs.store.pages import raw_page
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.contract.make import add, closed, draft

ID = "00000000-0000-4000-8000-000000000001"
texts = st.text(alphabet='aAb,"[]\\\x1f\u00e9', max_size=4)
views = st.lists(st.frozensets(texts, max_size=3).map(closed), min_size=1, max_size=3).map(tuple)


@pytest.fixture
def address() -> Iterator[str]:
    """A database of its own."""
    with mongod.database() as made:
        yield made


@given(views=views, keys=st.frozensets(texts, min_size=1, max_size=2))
@example(views=(closed({'x"a'}),), keys=frozenset({"a"}))
@example(views=(closed({"a"}),), keys=frozenset({"A"}))
@example(views=(closed({"A"}),), keys=frozenset({"a"}))
@example(views=(closed({"a"}), closed({"b"})), keys=frozenset({"A", "b"}))
@example(views=(closed({"a", "b"}), closed({"b"})), keys=frozenset({"A", "b"}))
@example(views=(closed({",", "b"}),), keys=frozenset({","}))
@example(views=(closed({"a", "b"}),), keys=frozenset({","}))
@example(views=(closed({"a"}), closed({"b"})), keys=frozenset({"],["}))
@example(views=(closed({"a"}), closed({"b"})), keys=frozenset({"a", "b"}))
@example(views=(closed({"a"}), closed({"a", "b"})), keys=frozenset({"a", "b"}))
def test_a_record_matches_when_one_view_holds_all_keys(views: Views, keys: frozenset[str]) -> None:
    """What is seen in the text of the views is what reading them would tell, whatever the keys are.

    The text may be as it is now or as it was before schema 3, when wider keys stood beside narrower ones.
    """
    now = encode_views(STATEMENT_KEYS, "bkn", views)["v"]
    before = orjson.dumps([list(view) for view in views]).decode()
    assert decode_views(STATEMENT_KEYS, now) == decode_views(STATEMENT_KEYS, before) == views
    for text in (now, before):
        raw = {"_id": record_key("bkn", ID), "v": text}
        assert Wanted(STATEMENT_KEYS, "bkn", keys).matches(raw) == any(keys <= view for view in views)


@pytest.mark.parametrize("tenant", ["bk", "bknx", "", "bkn\x1f", "kn"])
def test_a_record_of_another_tenant_does_not_match(tenant: str) -> None:
    """The owner of a record is compared as a whole."""
    raw = {"_id": record_key("bkn", ID), "v": '[["a"]]'}
    assert Wanted(STATEMENT_KEYS, "bkn", ["a"]).matches(raw)
    assert not Wanted(STATEMENT_KEYS, tenant, ["a"]).matches(raw)


def test_what_the_index_brought_in_error_is_left_out(address: str) -> None:
    """A record whose hashes name a key that it does not have is not found, alone or beside others."""
    store = MongoStore(address, STATEMENT_KEYS)
    kept = add(store, draft("a", "b"), draft("a"), draft("b"), draft("a", "b"))
    client, name = connect(address)
    with client:
        hashes = client[name]["log"].find_one({"_id": record_key("bkn", kept[0].id)})
        assert hashes is not None
        client[name]["log"].update_many({}, {"$set": {"k": hashes["k"]}})
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["a"], limit=9)) == [kept[3], kept[1], kept[0]]
        assert reader.find(LogQuery("bkn", ["a", "b"], limit=9)) == [kept[3], kept[0]]
        assert (
            reader.find_raw_page(LogQuery("bkn", ["b"], limit=2)).body == kept[3].body + b"," + kept[2].body
        )
    store.close()


def test_many_hidden_records_in_a_row_are_stepped_over_at_once(address: str) -> None:
    """However many hidden records lie before a page, it takes two queries, and they never fill it."""
    store = MongoStore(address, STATEMENT_KEYS)
    kept = add(store, *(draft("a") for _ in range(300)))
    store.writing(lambda writer: writer.hide("bkn", [each.id for each in kept[5:]]))
    client, name = connect(address)
    with client:
        client[name].command("profile", 2)
        with store.reading() as reader:
            found = reader.find(LogQuery("bkn", ["a"], limit=10))
        client[name].command("profile", 0)
        queries = client[name]["system.profile"].count_documents({"op": "query", "ns": f"{name}.log"})
    assert found == kept[4::-1]
    assert queries == 2
    store.close()


class Router:
    """A source that answers nothing and notes what it was asked."""

    at = None

    def __init__(self, is_routed: bool) -> None:
        self.is_routed = is_routed
        self.asked: list[dict[str, Any]] = []

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """Note the command."""
        self.asked.append(command)
        return {"cursor": {"firstBatch": [], "id": 0}}


@pytest.mark.parametrize("is_routed", [True, False])
def test_a_router_is_told_the_range_of_the_tenant(is_routed: bool) -> None:
    """Among shards a query carries the tenant's range of ids; a replica set need not look at it."""
    source = Router(is_routed)
    MongoReader(source, STATEMENT_KEYS, Selectivity(), ConsistencyWatermarks()).find(
        LogQuery("bkn", ["a"], limit=1)
    )
    (command,) = source.asked
    expected = {"_id": tenant_range("bkn")} if is_routed else {}
    assert command["filter"] == {"k": key_hash("bkn", "a"), **expected}


def test_hashes_of_wider_keys_from_before_find_a_record_once(address: str) -> None:
    """A record that has a hash for its wider key, too, as records once had, is on a page once."""
    store = MongoStore(address, STATEMENT_KEYS)
    records = add(store, *(draft("a1", "A1", "b") for _ in range(5)), draft("A1"))
    hashes = {key_hash("bkn", "A1"), key_hash("bkn", "a1")}
    log = store._database["log"]
    assert [len(hashes & set(raw["k"])) for raw in log.find(sort=[("s", 1)])] == [1] * 6
    log.update_many({"k": key_hash("bkn", "a1")}, {"$addToSet": {"k": key_hash("bkn", "A1")}})
    with store.reading() as reader:
        for keys, found in ((["A1"], records[::-1]), (["A1", "b"], records[4::-1])):
            for limit in (1, 2, 9):
                assert reader.find(LogQuery("bkn", keys, limit=limit)) == found[:limit]
                assert reader.find_raw_page(LogQuery("bkn", keys, limit=limit)) == raw_page(found, limit)
    store.close()
