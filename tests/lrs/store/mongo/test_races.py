"""Two processes on one MongoDB database: what one decides on, the other cannot change unnoticed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery
from lrs.store.mongo.store import MongoStore
from lrs.store.port import CONSISTENCY_BOUND, Writer
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.contract.make import add, adding, draft, new_id, now, stamped

Pair = tuple[MongoStore, MongoStore]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Two stores opened on the same empty database."""
    with mongod.database() as address:
        first, second = MongoStore(address, STATEMENT_KEYS), MongoStore(address, STATEMENT_KEYS)
        yield first, second
        first.close()
        second.close()


def interrupted(meanwhile: Callable[[], Any], work: Callable[[Writer], Any]) -> Callable[[Writer], Any]:
    """Work during whose first run, after its reads and before its commit, something else happens."""
    runs: list[int] = []

    def run(writer: Writer) -> Any:
        result = work(writer)
        runs.append(1)
        if len(runs) == 1:
            meanwhile()
        return result, len(runs)

    return run


def note(name: str, body: bytes = b"{}") -> Document:
    """A document of these tests."""
    return Document("note", "bkn", name, body)


def test_an_id_found_absent_cannot_appear_before_the_commit(pair: Pair) -> None:
    """A write that decided on the absence of a record runs again when the record arrives meanwhile."""
    one = draft()

    def work(writer: Writer) -> bool:
        writer.put(note("seen"))
        return one.id in writer.get("bkn", [one.id])

    assert pair[0].writing(interrupted(lambda: add(pair[1], one), work)) == (True, 2)


def test_a_record_cannot_arrive_unaware_of_who_awaits_it(pair: Pair) -> None:
    """A write that adds a record runs again when another noted meanwhile that the record is awaited."""
    one = draft()

    def arrive(writer: Writer) -> bool:
        awaited = writer.document("awaited", "bkn", one.id) is not None
        adding([one])(writer)
        return awaited

    def refer(writer: Writer) -> None:
        if not writer.get("bkn", [one.id]):
            writer.put(Document("awaited", "bkn", one.id, b""))

    assert pair[0].writing(interrupted(lambda: pair[1].writing(refer), arrive)) == (True, 2)


def test_two_sides_of_a_late_reference_always_meet(pair: Pair) -> None:
    """One write notes that a record is awaited, another adds it: one of the two sees the other's."""
    for _ in range(20):
        target = draft()
        barrier = threading.Barrier(2)

        def refer(writer: Writer, name: str = target.id) -> bool:
            writer.put(Document("awaited", "bkn", name, b""))
            return name in writer.get("bkn", [name])

        def arrive(writer: Writer, target: Any = target) -> bool:
            awaited = writer.document("awaited", "bkn", target.id)
            writer.append(stamped(writer, [target]))
            return awaited is not None

        def run(
            store: MongoStore, work: Callable[[Writer], bool], start: threading.Barrier = barrier
        ) -> bool:
            start.wait()
            return store.writing(work)

        with ThreadPoolExecutor(2) as pool:
            sides = [pool.submit(run, pair[0], refer), pool.submit(run, pair[1], arrive)]
            assert any(side.result() for side in sides)


@pytest.mark.parametrize("present", [True, False])
def test_a_document_that_a_write_rests_on_cannot_change_before_the_commit(pair: Pair, present: bool) -> None:
    """A write that read one document and writes another runs again when the first changes meanwhile."""
    if present:
        pair[1].writing(lambda writer: writer.put(note("lease", b"mine")))

    def work(writer: Writer) -> bytes | None:
        held = writer.document("note", "bkn", "lease")
        writer.put(note("checkpoint"))
        return held.body if held else None

    def take_over() -> None:
        pair[1].writing(lambda writer: writer.put(note("lease", b"theirs")))

    assert pair[0].writing(interrupted(take_over, work)) == (b"theirs", 2)
    with pair[0].reading() as reader:
        assert {each.name for each in reader.find_documents(DocumentQuery("note", "bkn", limit=9))} == {
            "lease",
            "checkpoint",
        }


def test_reading_a_document_leaves_it_as_it_was(pair: Pair) -> None:
    """Guarding what a write rested on changes no document, and leaves nothing where there was none."""
    pair[0].writing(lambda writer: writer.put(note("there")))

    def work(writer: Writer) -> None:
        writer.documents("note", "bkn", ["there", "absent"])
        writer.get("bkn", [new_id()])
        writer.put(note("other"))

    pair[0].writing(work)
    with pair[1].reading() as reader:
        assert reader.find_documents(DocumentQuery("note", "bkn", limit=9)) == [note("other"), note("there")]
        assert reader.find(LogQuery(None, limit=9, include_hidden=True)) == []


def test_writes_that_add_records_do_not_fight_for_what_they_only_read(pair: Pair) -> None:
    """A shared document that every write reads is no lock: a change of it makes no append run again."""
    pair[0].writing(lambda writer: writer.put(note("course")))

    def work(writer: Writer) -> bytes:
        held = writer.document("note", "bkn", "course")
        adding([draft()])(writer)
        return held.body if held else b""

    def rename() -> None:
        pair[1].writing(lambda writer: writer.put(note("course", b"new name")))

    assert pair[0].writing(interrupted(rename, work)) == (b"{}", 1)


def test_a_write_slower_than_the_bound_is_stamped_anew(pair: Pair) -> None:
    """While one write dawdles the promise goes on, and the slow record is stored later than it."""
    promised: list[int] = []

    def dawdle() -> None:
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            time.sleep(0.1)
        with pair[1].reading() as reader:
            promised.append(reader.consistent_through())
        assert now() - promised[0] < CONSISTENCY_BOUND

    (kept,), runs = pair[0].writing(interrupted(dawdle, adding([draft()])))
    assert runs > 1
    assert kept.stored > promised[0]
    with pair[1].reading() as reader:
        assert reader.find(LogQuery("bkn", limit=9)) == [kept]


def test_clocks_that_disagree_do_not_turn_the_order_round() -> None:
    """A server whose clock is behind stamps later than what another server has committed before."""
    with mongod.database() as address:
        ahead = MongoStore(address, STATEMENT_KEYS, clock=lambda: now() + 5_000_000)
        behind = MongoStore(address, STATEMENT_KEYS)
        try:
            stamps = [add(store, draft())[0].stored for store in (ahead, behind) * 5]
            assert stamps == sorted(stamps)
        finally:
            ahead.close()
            behind.close()
