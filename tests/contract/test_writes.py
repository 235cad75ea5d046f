"""Writes as a whole: atomic, isolated, seen by themselves, closed properly."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import UnavailableError
from lrs.store.log import LogQuery, Record
from lrs.store.port import Store, Writer
from lrs.store.writes import WriteHints
from tests.contract.engines import Engine
from tests.contract.make import add, adding, draft, stamped


class Refused(Exception):
    """What a work of these tests raises."""


def counter(n: int) -> Document:
    """A document that counts."""
    return Document("counter", "bkn", "one", str(n).encode(), etag=str(n), keys=frozenset({f"n{n}"}))


def increment(writer: Writer) -> int:
    """Work that adds one to the counter."""
    held = writer.document("counter", "bkn", "one")
    n = int(held.body) + 1 if held else 1
    writer.put(counter(n))
    return n


def test_what_a_work_raises_undoes_it_and_comes_back(store: Store) -> None:
    """An exception in the work leaves nothing behind and reaches the caller as it is."""
    (old,) = add(store, draft("k"))
    store.writing(increment)
    refused = Refused("no")

    def work(writer: Writer) -> None:
        adding([draft("k")])(writer)
        writer.hide("bkn", [old.id])
        writer.reindex("bkn", {old.id: (frozenset({"moved"}),)})
        increment(writer)
        writer.find(LogQuery("bkn", ["k"], limit=1))
        writer.delete("counter", "bkn", ["one"])
        raise refused

    with pytest.raises(Refused) as caught:
        store.writing(work)
    assert caught.value is refused
    with store.reading() as reader:
        assert reader.find(LogQuery(None, limit=9, include_hidden=True)) == [old]
        assert reader.find(LogQuery("bkn", ["k"], limit=9)) == [old]
        assert reader.find(LogQuery("bkn", ["moved"], limit=9)) == []
        assert reader.document("counter", "bkn", "one") == counter(1)
        assert reader.find_documents(DocumentQuery("counter", "bkn", ["n1"], limit=9)) == [counter(1)]


def test_a_write_reads_its_own_changes(store: Store) -> None:
    """Every way of reading inside a write sees what the write did before, at each step."""
    (old,) = add(store, draft("k", "old"))

    def work(writer: Writer) -> None:
        assert writer.find(LogQuery("bkn", ["k"], limit=9)) == [old]
        (new,) = stamped(writer, [draft("k")])
        writer.append([new])
        assert writer.get("bkn", [old.id, new.id]) == {old.id: old, new.id: new}
        assert writer.find(LogQuery("bkn", ["k"], limit=9)) == [new, old]
        writer.hide("bkn", [old.id])
        assert writer.get("bkn", [old.id])[old.id].hidden
        assert writer.find(LogQuery("bkn", ["k"], limit=9)) == [new]
        writer.reindex("bkn", {new.id: (frozenset({"new"}),)})
        assert writer.find(LogQuery("bkn", ["k"], limit=9)) == []
        assert [each.id for each in writer.find(LogQuery("bkn", ["new"], limit=9))] == [new.id]
        assert [each.id for each in writer.find(LogQuery(None, limit=9, include_hidden=True))] == [
            new.id,
            old.id,
        ]
        assert increment(writer) == 1
        assert increment(writer) == 2
        assert writer.documents("counter", "bkn", ["one"]) == {"one": counter(2)}
        assert writer.find_documents(DocumentQuery("counter", "bkn", ["n2"], limit=9)) == [counter(2)]
        assert writer.find_documents(DocumentQuery("counter", "bkn", ["n1"], limit=9)) == []
        assert writer.delete("counter", "bkn", ["one"]) == 1
        assert writer.delete("counter", "bkn", ["one"]) == 0
        assert writer.document("counter", "bkn", "one") is None
        assert writer.find_documents(DocumentQuery("counter", None, limit=9)) == []
        assert increment(writer) == 1
        assert new.stored > writer.consistent_through() >= old.stored

    store.writing(work)
    with store.reading() as reader:
        assert reader.document("counter", "bkn", "one") == counter(1)


def test_a_write_returns_what_its_work_returned(store: Store) -> None:
    """The caller gets the work's own result."""
    assert store.writing(lambda writer: ("any", 1)) == ("any", 1)


def test_a_snapshot_does_not_move(store: Store) -> None:
    """What commits after a snapshot was first read is not seen in it, by any way of reading."""
    (old,) = add(store, draft("k"))
    store.writing(increment)
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["k"], limit=9)) == [old]
        (new,) = add(store, draft("k"))
        store.writing(increment)
        store.writing(lambda writer: writer.hide("bkn", [old.id]))
        assert reader.find(LogQuery("bkn", ["k"], limit=9)) == [old]
        assert reader.get("bkn", [old.id, new.id]) == {old.id: old}
        assert reader.document("counter", "bkn", "one") == counter(1)
        assert reader.find_documents(DocumentQuery("counter", "bkn", limit=9)) == [counter(1)]
    with store.reading() as reader:
        assert reader.find(LogQuery("bkn", ["k"], limit=9)) == [new]


def test_a_committed_write_is_seen_at_once(store: Store) -> None:
    """Once `writing` has returned, every later snapshot holds the write."""
    for n in range(20):
        (kept,) = add(store, draft(f"k{n}"))
        with store.reading() as reader:
            assert reader.find(LogQuery("bkn", [f"k{n}"], limit=9)) == [kept]


def test_concurrent_read_modify_writes_lose_nothing(store: Store) -> None:
    """Many threads that add one to the same document end at their number."""
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: store.writing(increment), range(80)))
    assert sorted(seen) == list(range(1, 81))


def test_a_failing_write_does_not_hurt_its_neighbours(store: Store) -> None:
    """Writes committed together stand or fall each on its own."""

    def attempt(n: int) -> Record | None:
        def work(writer: Writer) -> Record:
            (record,) = adding([draft("k", f"n{n}")])(writer)
            writer.put(Document("note", "bkn", f"n{n}", b"{}"))
            if n % 3 == 1:
                writer.find(LogQuery("bkn", ["k"], limit=1))
            if n % 3 == 0:
                raise Refused
            return record

        try:
            return store.writing(work)
        except Refused:
            return None

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(attempt, range(90)))
    assert [n for n, kept in enumerate(results) if kept is None] == list(range(0, 90, 3))
    with store.reading() as reader:
        found = {each.id: each for each in reader.find(LogQuery("bkn", ["k"], limit=99))}
        assert found == {kept.id: kept for kept in results if kept}
        named = {each.name for each in reader.find_documents(DocumentQuery("note", "bkn", limit=99))}
    assert named == {f"n{n}" for n in range(90) if n % 3}


def test_a_race_for_one_id_has_one_winner(store: Store) -> None:
    """Of many threads that look for an id and append it when absent, exactly one appends."""
    one = draft("k")
    barrier = threading.Barrier(8)

    def work(writer: Writer) -> bool:
        if writer.get("bkn", [one.id]):
            return False
        adding([one])(writer)
        return True

    def attempt(_: int) -> bool:
        barrier.wait()
        return store.writing(work, WriteHints(prefetch=[("bkn", one.id)]))

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(attempt, range(8))) == {True: 1, False: 7}


def test_prefetch_is_only_a_hint(store: Store) -> None:
    """Naming too much, too little or nothing in `prefetch` changes no answer."""
    one, two = add(store, draft(), draft())
    for prefetch in ([], [("bkn", one.id)], [("lan", one.id), ("bkn", two.id), ("bkn", draft().id)]):
        got = store.writing(lambda writer: writer.get("bkn", [one.id, two.id]), WriteHints(prefetch=prefetch))
        assert got == {one.id: one, two.id: two}
    name = ("prefetched", "bkn", "a")
    document = Document(*name, b"{}", etag="1")
    store.writing(lambda writer: writer.put(document))
    for documents in ([], [name, name], [("prefetched", "lan", "a"), ("prefetched", "bkn", "b")]):
        held = store.writing(lambda writer: writer.document(*name), WriteHints(documents=documents))
        assert held == document


def test_views_are_only_a_hint(store: Store) -> None:
    """Naming the views of what is appended, too few, or others, changes nothing of what is kept and found."""
    views = (frozenset({"a1", "A1", "v"}), frozenset({"k"}))
    for named in ([], [("bkn", views)], [("lan", views), ("bkn", views[:1]), ("bkn", ())]):
        drafts = [draft(views=views), draft("a1", "A1", tenant="lan"), draft(views=views)]
        first, other, last = store.writing(adding(drafts), WriteHints(views=named))
        with store.reading() as reader:
            assert reader.get("bkn", [first.id, last.id]) == {first.id: first, last.id: last}
            for keys in (["a1", "v"], ["A1"], ["k"]):
                assert reader.find(LogQuery("bkn", keys, limit=2)) == [last, first]
            assert reader.find(LogQuery("bkn", ["a1", "k"], limit=2)) == []
            assert reader.find(LogQuery("lan", ["A1"], limit=1)) == [other]


def test_everything_is_there_after_reopening(engine: Engine) -> None:
    """Closing finishes what was begun; the next opening finds all of it."""
    store = engine.open()
    kept = add(store, draft("k"), draft("k"))
    store.writing(increment)
    store.close()
    again = engine.open()
    try:
        with again.reading() as reader:
            assert reader.find(LogQuery("bkn", ["k"], ascending=True, limit=9)) == kept
            assert reader.document("counter", "bkn", "one") == counter(1)
        assert add(again, draft())[0].stored > kept[-1].stored
    finally:
        again.close()


def test_a_closed_store_is_unavailable(engine: Engine) -> None:
    """Reads and writes after `close` are refused, and closing twice is harmless."""
    store = engine.open()
    store.close()
    store.close()
    with pytest.raises(UnavailableError):
        store.writing(increment)
    with pytest.raises(UnavailableError), store.reading() as reader:
        reader.find(LogQuery("bkn", limit=1))
