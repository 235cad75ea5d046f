"""Which works share a transaction on MongoDB."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from lrs.access import Access
from lrs.store.index_keys import IndexKeys
from lrs.store.log import Views
from lrs.store.mongo import codec, group_commit
from lrs.store.mongo.codec import Raw
from lrs.store.mongo.store import MongoStore
from lrs.store.port import Writer
from lrs.xapi.ingest import Ingest
from lrs.xapi.statement_keys import STATEMENT_KEYS
from statements.data_types.versions import Version
from tests import mongod
from tests.contract.make import draft, stamped
from tests.lrs.samples import agent, statement

WAIT = 20


@pytest.fixture
def store() -> Iterator[MongoStore]:
    """A store of its own."""
    with mongod.database() as address:
        opened = MongoStore(address, STATEMENT_KEYS)
        yield opened
        opened.close()


def pauses(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> list[float]:
    """Have this done whenever the committing thread pauses, on a clock that stands still; the pauses made."""
    made: list[float] = []

    def sleep(seconds: float) -> None:
        made.append(seconds)
        meanwhile()

    present = time.monotonic()
    still = SimpleNamespace(sleep=sleep, monotonic=lambda: present)
    monkeypatch.setattr(group_commit, "time", still)
    return made


def add_one(writer: Writer) -> int:
    """Add a record; what is returned is the same for all works of one transaction alone."""
    writer.append(stamped(writer, [draft("k")]))
    return writer.consistent_through()


def test_a_caller_who_comes_back_joins_those_who_wait(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While fewer works wait than were under way, the next transaction waits a moment for the others."""
    groups: dict[str, int] = {}
    over = threading.Semaphore(0)

    def submit(name: str) -> None:
        def done(result: int, error: BaseException | None) -> None:
            assert error is None
            groups[name] = result
            over.release()

        store.submit(add_one, done)

    late = iter(["d", "e", "f"])
    made = pauses(monkeypatch, lambda: submit(next(late)))
    started, queued = threading.Event(), threading.Event()

    def first(writer: Writer) -> int:
        started.set()
        assert queued.wait(WAIT)
        return add_one(writer)

    store.submit(first, lambda result, error: over.release())
    assert started.wait(WAIT)
    for name in "abc":
        submit(name)
    queued.set()
    for _ in range(5):
        assert over.acquire(timeout=WAIT)
    assert len(made) == 1
    assert sorted(groups) == ["a", "b", "c", "d"]
    assert len(set(groups.values())) == 1


def test_a_caller_who_is_alone_never_waits_for_others(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One write after the other is begun at once."""
    made = pauses(monkeypatch, lambda: None)
    for _ in range(5):
        store.writing(add_one)
    assert made == []


def test_keys_of_statements_are_ready_before_their_turn(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease need not encode the keys of statements that refer to nothing: who brings them did."""
    made: list[int] = []
    encode = codec.encode_views

    def late(index_keys: IndexKeys, tenant: str, views: Views) -> Raw:
        made.append(len(views))
        return encode(index_keys, tenant, views)

    monkeypatch.setattr(codec, "encode_views", late)
    ingest = Ingest(store, lambda: time.time_ns() // 1000, lambda: str(uuid.uuid4()))
    access = Access.internal("bkn", "test", agent("tool"))
    (first,) = ingest.submit(access, [statement()], Version.V1).ids
    assert made == []
    reference = statement() | {"object": {"objectType": "StatementRef", "id": first}}
    ingest.submit(access, [statement(), reference], Version.V1)
    assert made == [2]
