"""The promise behind X-Experience-API-Consistent-Through, with writers that do not pause."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from lrs.store.log import LogQuery, Record
from lrs.store.port import CONSISTENCY_BOUND, Store, Writer
from tests.contract.engines import Engine
from tests.contract.make import add, adding, draft, now


def test_the_promise_is_recent_when_idle(store: Store) -> None:
    """Without any write going on, the promise keeps up with the clock."""
    add(store, draft())
    for _ in range(3):
        with store.reading() as reader:
            assert now() - reader.consistent_through() <= CONSISTENCY_BOUND
        time.sleep(0.01)


def test_what_was_committed_is_covered_soon(store: Store) -> None:
    """A committed record is within the promise after at most the bound."""
    (kept,) = add(store, draft())
    deadline = time.monotonic() + 2 * CONSISTENCY_BOUND / 1e6
    while time.monotonic() < deadline:
        with store.reading() as reader:
            if reader.consistent_through() >= kept.stored:
                return
        time.sleep(0.02)
    raise AssertionError("the promise never reached the record")


def test_stamps_come_after_every_promise(store: Store) -> None:
    """A record stamped after a promise was given is later than the promise."""
    for _ in range(50):
        with store.reading() as reader:
            promised = reader.consistent_through()
        assert add(store, draft())[0].stored > promised


def test_the_promise_holds_within_its_snapshot(store: Store) -> None:
    """Asked for late in a snapshot, the promise still covers only what that snapshot can see."""
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", limit=1)) == []
        (kept,) = add(store, draft())
        assert reader.consistent_through() < kept.stored


def follow(store: Store, done: Callable[[], bool], seen: list[Record]) -> None:
    """Pull as an outside system does: since the last promise, up to the new one."""
    since = 0
    while True:
        last_round = done()
        with store.reading() as reader:
            through = reader.consistent_through()
            assert through >= since
            seen += reader.find(
                LogQuery("bkn", ["k"], since=since, until=through, ascending=True, limit=1_000_000)
            )
        since = through
        if last_round and not seen_behind(store, since):
            return
        time.sleep(0.002)


def seen_behind(store: Store, since: int) -> bool:
    """Whether anything is stored later than the promise."""
    with store.reading() as reader:
        return bool(reader.find(LogQuery("bkn", ["k"], since=since, limit=1)))


def test_a_follower_sees_every_record_exactly_once(engine: Engine) -> None:
    """While many threads of two openings write, fail and dawdle, nothing appears behind the promise."""
    stores = [engine.open(), engine.open()]
    kept: list[Record] = []
    stop = time.monotonic() + 2.0

    def dawdle(writer: Writer) -> Record:
        (record,) = adding([draft("k")])(writer)
        time.sleep(0.005)
        return record

    def refused(writer: Writer) -> None:
        adding([draft("k")])(writer)
        raise RuntimeError

    def write(number: int) -> None:
        n = 0
        while time.monotonic() < stop:
            n += 1
            store = stores[number % 2]
            if n % 7 == 0 and number < 2:
                kept.append(store.writing(dawdle))
            elif n % 5 == 0:
                try:
                    store.writing(refused)
                except RuntimeError:
                    continue
            else:
                kept.extend(add(store, *(draft("k") for _ in range(1 + n % 3))))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    followed: list[list[Record]] = [[], []]
    finished = threading.Event()
    followers = [
        threading.Thread(target=follow, args=(store, finished.is_set, seen))
        for store, seen in zip(stores, followed, strict=True)
    ]
    for thread in writers + followers:
        thread.start()
    for thread in writers:
        thread.join()
    finished.set()
    for thread in followers:
        thread.join()
    for store in stores:
        store.close()
    assert len(kept) > 20
    wanted = sorted(record.id for record in kept)
    for seen in followed:
        assert sorted(record.id for record in seen) == wanted
