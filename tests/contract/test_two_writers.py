"""Several openings of the same data at once, as several server processes have it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery, Record
from lrs.store.port import Store, Writer
from tests.contract.engines import Engine
from tests.contract.make import add, adding, draft


@pytest.fixture
def pair(engine: Engine) -> Iterator[tuple[Store, Store]]:
    """The same data opened twice."""
    first = engine.open()
    second = engine.open()
    yield first, second
    second.close()
    first.close()


def increment(writer: Writer) -> int:
    """Work that adds one to a document."""
    held = writer.document("counter", "bkn", "one")
    n = int(held.body) + 1 if held else 1
    writer.put(Document("counter", "bkn", "one", str(n).encode(), keys=frozenset({f"n{n}"})))
    return n


def test_each_sees_what_the_other_committed(pair: tuple[Store, Store]) -> None:
    """A write through one opening is in the next snapshot of the other."""
    for n in range(10):
        writer, other = pair[n % 2], pair[1 - n % 2]
        (kept,) = add(writer, draft("k", f"n{n}"))
        with other.reading() as reader:
            assert reader.find(LogQuery("bkn", ["k", f"n{n}"], limit=9)) == [kept]
            assert reader.get("bkn", [kept.id]) == {kept.id: kept}


def test_no_update_is_lost_between_them(pair: tuple[Store, Store]) -> None:
    """Read-modify-write from both sides at once counts every one."""
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda n: pair[n % 2].writing(increment), range(60)))
    assert sorted(seen) == list(range(1, 61))
    with pair[0].reading() as reader:
        assert [each.body for each in reader.find_documents(DocumentQuery("counter", "bkn", limit=9))] == [
            b"60"
        ]


def test_one_id_is_appended_once(pair: tuple[Store, Store]) -> None:
    """Of two openings that append the same id when absent, one wins, every time."""

    def race(one: Record) -> list[bool]:
        barrier = threading.Barrier(2)

        def work(writer: Writer) -> bool:
            if writer.get("bkn", [one.id]):
                return False
            adding([one])(writer)
            return True

        def attempt(store: Store) -> bool:
            barrier.wait()
            return store.writing(work)

        with ThreadPoolExecutor(2) as pool:
            return sorted(pool.map(attempt, pair))

    for _ in range(15):
        assert race(draft("k")) == [False, True]


def test_new_keys_of_both_sides_are_one_key(pair: tuple[Store, Store]) -> None:
    """A key first used on both sides at once finds the records of both."""
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda n: add(pair[n % 2], draft(f"k{n // 8}", "all"))[0], range(80)))
    for store in pair:
        with store.reading() as reader:
            for k in range(10):
                found = {each.id for each in reader.find(LogQuery("bkn", [f"k{k}"], limit=99))}
                assert found == {each.id for each in kept[k * 8 : k * 8 + 8]}


def test_stored_rises_across_them(pair: tuple[Store, Store]) -> None:
    """Whoever commits later has the later stamp."""
    stamps = [add(pair[n % 2], draft())[0].stored for n in range(40)]
    assert stamps == sorted(set(stamps))


def test_a_failed_write_teaches_nothing_false(pair: tuple[Store, Store]) -> None:
    """Keys first met in a write that was undone are usable by both sides afterwards."""

    def refused(writer: Writer) -> None:
        adding([draft("fresh")])(writer)
        writer.find(LogQuery("bkn", ["fresh"], limit=1))
        raise RuntimeError("no")

    for n in range(6):
        with pytest.raises(RuntimeError, match="no"):
            pair[n % 2].writing(refused)
        if n == 2:
            add(pair[1], draft("other"), draft("fresh"))
        add(pair[n % 2], draft("fresh"))
    for store in pair:
        with store.reading() as reader:
            assert len(reader.find(LogQuery("bkn", ["fresh"], limit=99))) == 7
            assert len(reader.find(LogQuery("bkn", ["other"], limit=99))) == 1
