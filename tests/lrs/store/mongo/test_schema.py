"""Migrations of a MongoDB database: numbered, resumable, and never backwards."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from pymongo.database import Database

from lrs.store.errors import TooNewError, UnavailableError
from lrs.store.log import LogQuery
from lrs.store.mongo.schema import COMPRESSED, INDEXES, LOG, META, MIGRATIONS, Migration, upgrade, version
from lrs.store.mongo.store import MongoStore, connect
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.contract.make import add, draft

Raw = dict[str, Any]


@pytest.fixture
def database() -> Iterator[Database[Raw]]:
    """An empty database."""
    with mongod.database() as address:
        client, name = connect(address)
        with client:
            yield client[name]


def numbered(step: int, ran: list[int]) -> Migration:
    """A migration that only remembers that it ran."""
    return Migration(step, "remember", run=lambda database: ran.append(step))


def test_an_empty_database_gets_every_collection_and_index(database: Database[Raw]) -> None:
    """After the first opening each declared collection exists with its indexes, and no others."""
    upgrade(database)
    assert version(database) == MIGRATIONS[-1].number
    assert set(database.list_collection_names()) == set(INDEXES)
    for name, indexes in INDEXES.items():
        declared = {tuple(index.document["key"].items()) for index in indexes}
        built = {tuple(held["key"].items()) for held in database[name].list_indexes()}
        assert built == declared | {(("_id", 1),)}


def storage(database: Database[Raw], name: str) -> str:
    """What the server's storage was told when the collection was made."""
    told: str = database.command("collStats", name)["wiredTiger"]["creationString"]
    return f",{told},"


def test_statements_lie_in_small_blocks(database: Database[Raw]) -> None:
    """The log's blocks hold 16 KB before compression, not up to 128 KB as usual, and end at whole KB."""
    upgrade(database)
    for setting in (
        "memory_page_image_max=16KB",
        "leaf_page_max=16KB",
        "allocation_size=1KB",
        "block_compressor=zstd",
    ):
        assert f",{setting}," in storage(database, LOG)


def test_all_else_lies_in_blocks_of_the_usual_size(database: Database[Raw]) -> None:
    """Only the log has small blocks; every other collection is just compressed the same way."""
    upgrade(database)
    database.create_collection("usual", storageEngine={"wiredTiger": {"configString": COMPRESSED}})
    usual = storage(database, "usual")
    for name in INDEXES.keys() - {LOG}:
        assert storage(database, name) == usual


def test_a_program_that_does_not_know_lean_views_refuses_them(database: Database[Raw]) -> None:
    """What an older program would not find by their wider keys, it does not read at all."""
    upgrade(database, MIGRATIONS[:3])
    with pytest.raises(TooNewError, match="schema 3"):
        upgrade(database, MIGRATIONS[:2])


def test_only_the_missing_migrations_run_and_in_order(database: Database[Raw]) -> None:
    """An older database is brought up to date by the steps it lacks."""
    ran: list[int] = []
    upgrade(database, [numbered(1, ran), numbered(2, ran)])
    upgrade(database, [numbered(1, ran), numbered(2, ran), numbered(3, ran), numbered(4, ran)])
    assert ran == [1, 2, 3, 4]
    assert version(database) == 4


def test_an_interrupted_migration_runs_again(database: Database[Raw]) -> None:
    """A migration that was cut off counts as missing, and those before it do not."""
    ran: list[int] = []

    def cut_off(database: Database[Raw]) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        upgrade(database, [numbered(1, ran), Migration(2, "cut off", run=cut_off)])
    assert version(database) == 1
    upgrade(database, [numbered(1, ran), numbered(2, ran)])
    assert ran == [1, 2]


def test_work_over_existing_records_is_only_noted(database: Database[Raw]) -> None:
    """A backfill does not run while a database is brought up to date; an empty one has nothing to note."""
    steps = [
        Migration(1, "collections"),
        Migration(2, "backfill", backfill=lambda database, index_keys, place: None),
    ]
    upgrade(database, steps)
    assert [held["_id"] for held in database[META].find()] == ["schema"]
    later = [*steps, Migration(3, "another", backfill=lambda database, index_keys, place: None)]
    upgrade(database, later)
    assert [held["_id"] for held in database[META].find().sort("_id", 1)] == ["backfill-3", "schema"]
    assert version(database) == 3


def test_a_newer_database_is_refused_and_left_alone() -> None:
    """A database of a later program opens with a clear refusal, and not a byte of it changes."""
    with mongod.database() as address:
        store = MongoStore(address, STATEMENT_KEYS)
        add(store, draft())
        store.close()
        client, name = connect(address)
        with client:
            client[name][META].update_one({"_id": "schema"}, {"$set": {"version": 99}})
            before = {each: list(client[name][each].find()) for each in INDEXES}
            with pytest.raises(TooNewError, match="schema 99"):
                MongoStore(address, STATEMENT_KEYS)
            assert {each: list(client[name][each].find()) for each in INDEXES} == before


def test_several_processes_may_open_an_empty_database_at_once() -> None:
    """Workers that start together all come up, and each can write."""
    with mongod.database() as address, ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(partial(MongoStore, index_keys=STATEMENT_KEYS), [address] * 4))
        for store in stores:
            add(store, draft())
        with stores[0].reading() as reader:
            assert len(reader.find(LogQuery(None, limit=9))) == 4
        for store in stores:
            store.close()


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Opening on a port where nothing listens ends in seconds, with an error that may be retried."""
    with pytest.raises(UnavailableError):
        MongoStore(
            f"mongodb://127.0.0.1:{mongod.free_port()}/jejak?serverSelectionTimeoutMS=300", STATEMENT_KEYS
        )


def test_an_address_must_name_a_database() -> None:
    """An address without a database is refused before anything is connected."""
    with pytest.raises(ValueError, match="must name a database"):
        MongoStore("mongodb://127.0.0.1:1", STATEMENT_KEYS)
