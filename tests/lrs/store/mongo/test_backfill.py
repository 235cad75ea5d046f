"""Work over existing records of MongoDB: beside everything else, resumable, and right at every moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure

from lrs.store.index_keys import IndexKeys
from lrs.store.log import LogQuery, Record
from lrs.store.mongo import backfill as mongo_backfill
from lrs.store.mongo import schema
from lrs.store.mongo import store as mongo
from lrs.store.mongo.backfill import Backfill
from lrs.store.mongo.codec import encode_views, pair_hashes
from lrs.store.mongo.schema import BACKFILL, LOG, META, MIGRATIONS, WRITERS, Migration, Slice
from lrs.store.mongo.store import MongoStore, connect
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.contract.make import FACET, LEAD, add, draft

Raw = dict[str, Any]
SOON = 0.02
LEADER, OTHER = f"{LEAD}one", f"{LEAD}two"
VERB = f"{FACET}erb"


@pytest.fixture
def opened() -> Iterator[tuple[str, Database[Raw]]]:
    """The address of an empty database, and the database."""
    with mongod.database() as address:
        client, name = connect(address)
        with client:
            yield address, client[name]


def until(so: Callable[[], bool]) -> None:
    """Wait until it is so; fail when that takes longer than anything here may."""
    end = time.monotonic() + 20
    while not so():
        assert time.monotonic() < end
        time.sleep(0.005)


def noted(database: Database[Raw], backfill: Slice, complete: Callable[[], None]) -> Backfill:
    """A backfill over a database that notes one."""
    database[META].update_one({"_id": f"{BACKFILL}7"}, {"$set": {"number": 7}}, upsert=True)
    return Backfill(
        database, STATEMENT_KEYS, complete, migrations=[Migration(7, "test", backfill=backfill)], poll=SOON
    )


def test_an_interrupted_backfill_goes_on_where_it_stopped(opened: tuple[str, Database[Raw]]) -> None:
    """Failures and closings cost no slice that was done, and at the end nothing is left to do."""
    _, database = opened
    walked: list[int] = []
    complete = threading.Event()
    held = threading.Event()
    go_on = threading.Event()

    def walk(database: Database[Raw], index_keys: IndexKeys, place: int | None) -> int | None:
        at = place or 0
        if walked == [0, 1]:
            walked.append(-1)
            raise AutoReconnect
        if at == 3 and not go_on.is_set():
            held.set()
            go_on.wait(20)
        walked.append(at)
        return at + 1 if at < 5 else None

    first = noted(database, walk, complete.set)
    assert held.wait(20)
    closing = threading.Thread(target=first.close)
    closing.start()
    until(first._stop.is_set)
    go_on.set()
    closing.join()
    assert walked == [0, 1, -1, 2, 3]
    assert not complete.is_set()
    second = noted(database, walk, complete.set)
    assert complete.wait(20)
    second.close()
    assert walked == [0, 1, -1, 2, 3, 4, 5]
    assert list(database[META].find()) == []


def test_one_process_works_at_a_time(opened: tuple[str, Database[Raw]]) -> None:
    """While another one has its turn nothing is done; what it leaves is taken over when its turn is over."""
    _, database = opened
    ran = threading.Event()
    complete = threading.Event()
    note = {"_id": f"{BACKFILL}7", "number": 7, "holder": "another", "until": time.time() + 50, "at": 40}

    def only(database: Database[Raw], index_keys: IndexKeys, place: int | None) -> None:
        assert place == 40
        ran.set()

    database[META].insert_one(note)
    backfill = noted(database, only, complete.set)
    assert not ran.wait(10 * SOON)
    database[META].update_one({"_id": note["_id"]}, {"$set": {"until": time.time() - 1}})
    assert complete.wait(20)
    assert ran.is_set()
    backfill.close()


def test_nothing_is_done_while_an_older_program_writes(opened: tuple[str, Database[Raw]]) -> None:
    """What a process adds that does not know of a migration would be missed: it is waited for."""
    _, database = opened
    ran = threading.Event()
    complete = threading.Event()
    database[WRITERS].insert_many([{"_id": 1, "open": True}, {"_id": 2, "open": True, "schema": 6}])
    database[WRITERS].insert_many([{"_id": 3, "open": False}, {"_id": 4, "open": True, "schema": 7}])

    def only(database: Database[Raw], index_keys: IndexKeys, place: int | None) -> None:
        assert place is None, "what the older program added is not to be left out"
        ran.set()

    database[META].insert_one({"_id": f"{BACKFILL}7", "number": 7, "holder": "another", "at": 40})
    backfill = noted(database, only, complete.set)
    for older in (1, 2):
        assert not ran.wait(10 * SOON)
        assert list(database[META].find()) == [{"_id": f"{BACKFILL}7", "number": 7}]
        database[WRITERS].update_one({"_id": older}, {"$set": {"open": False}})
    assert complete.wait(20)
    assert ran.is_set()
    backfill.close()


def test_no_failure_ends_it(
    opened: tuple[str, Database[Raw]], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that cannot be read, or an error that nobody thought of, is told and tried again later."""
    _, database = opened
    monkeypatch.setattr(mongo_backfill, "TURN", SOON)
    failures = [ValueError("no JSON"), KeyError(3), OperationFailure("too large", 10334)]
    complete = threading.Event()

    def walk(database: Database[Raw], index_keys: IndexKeys, place: int | None) -> None:
        if failures:
            raise failures.pop(0)

    backfill = noted(database, walk, complete.set)
    assert complete.wait(20)
    backfill.close()
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR", "WARNING"]
    assert "too large" in caplog.text


def test_notes_of_other_programs_are_left_alone(opened: tuple[str, Database[Raw]]) -> None:
    """What this program does not know it neither does nor waits for."""
    _, database = opened
    database[META].insert_one({"_id": f"{BACKFILL}9", "number": 9})
    complete = threading.Event()
    Backfill(database, STATEMENT_KEYS, complete.set).close()
    assert complete.is_set()
    assert database[META].count_documents({}) == 1


def test_new_records_do_not_lengthen_it(
    opened: tuple[str, Database[Raw]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes from the newest record to the oldest: what is added meanwhile is no part of it."""
    address, database = opened
    monkeypatch.setattr(schema, "FEW", 4)
    store = MongoStore(address, STATEMENT_KEYS)
    records = add(store, *(draft(LEADER, VERB) for _ in range(10)))
    aged(database, records)
    backfill = MIGRATIONS[1].backfill
    assert backfill is not None
    place = None
    slices = 0
    while (place := backfill(database, STATEMENT_KEYS, place)) is not None:
        slices += 1
        records += add(store, *(draft(LEADER, VERB) for _ in range(10)))
    assert slices == 3  # of 4, 4 and 2
    assert wrong(database, records) == []
    store.close()


def test_nothing_to_do_is_known_at_once(opened: tuple[str, Database[Raw]]) -> None:
    """Without a note everything is complete when the store opens, and no thread is begun."""
    _, database = opened
    complete = threading.Event()
    backfill = Backfill(database, STATEMENT_KEYS, complete.set)
    assert complete.is_set()
    assert all(thread.name != "jejak-mongo-backfill" for thread in threading.enumerate())
    backfill.close()


def aged(database: Database[Raw], records: list[Record]) -> None:
    """Make the database one from before there were pairs."""
    for record in records:
        database[LOG].update_one(
            {"s": record.stored},
            {"$pullAll": {"k": pair_hashes(STATEMENT_KEYS, record.tenant, record.views)}},
        )
    database[META].update_one({"_id": "schema"}, {"$set": {"version": 1}})


def wrong(database: Database[Raw], records: list[Record]) -> list[str]:
    """The ids of those records that the index does not hold as it should."""
    held = {raw["s"]: set(raw["k"]) for raw in database[LOG].find()}
    return [
        each.id
        for each in records
        if held[each.stored] != set(encode_views(STATEMENT_KEYS, each.tenant, each.views)["k"])
    ]


def test_records_from_before_pairs_are_found_at_every_moment(
    opened: tuple[str, Database[Raw]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older database answers by lead and facet before, during and after its records get their pairs."""
    address, database = opened
    first = MongoStore(address, STATEMENT_KEYS)
    kinds = [(LEADER, VERB), (LEADER,), (OTHER, VERB), (LEADER, OTHER, VERB, f"{FACET}more")]
    records = add(first, *(draft(*kinds[n % 4], tenant=f"t{n % 3}") for n in range(60)))
    first.close()
    aged(database, records)
    assert wrong(database, records)
    expected = [each for each in reversed(records) if each.tenant == "t1" and {LEADER, VERB} <= each.views[0]]
    monkeypatch.setattr(schema, "FEW", 7)
    monkeypatch.setattr(mongo, "Backfill", partial(Backfill, poll=SOON))
    store = MongoStore(address, STATEMENT_KEYS)
    is_complete = False
    deadline = time.monotonic() + 20
    while not is_complete:
        assert time.monotonic() < deadline
        is_complete = store._rarity.has_pairs
        with store.reading() as reader:
            assert reader.find(LogQuery("t1", [LEADER, VERB], limit=99)) == expected
    assert wrong(database, records) == []
    store.close()


def test_views_that_change_meanwhile_keep_their_own_pairs(
    opened: tuple[str, Database[Raw]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that is reindexed between a slice's reading and writing is left as that made it."""
    address, database = opened
    store = MongoStore(address, STATEMENT_KEYS)
    (record,) = add(store, draft(LEADER, VERB))
    aged(database, [record])
    changed = (frozenset({OTHER, VERB}),)

    def late(index_keys: IndexKeys, tenant: str, views: list[list[str]]) -> list[int]:
        store.writing(lambda writer: writer.reindex("bkn", {record.id: changed}))
        return pair_hashes(index_keys, tenant, views)

    monkeypatch.setattr(schema, "pair_hashes", late)
    backfill = MIGRATIONS[1].backfill
    assert backfill is not None
    assert backfill(database, STATEMENT_KEYS, None) == record.stored - 1
    (held,) = database[LOG].find()
    assert set(held["k"]) == set(encode_views(STATEMENT_KEYS, "bkn", changed)["k"])
    store.close()
