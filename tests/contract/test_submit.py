"""Writes that nobody waits for: handed over, told of at their end, or taken back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import ConflictError, UnavailableError
from lrs.store.log import LogQuery, Record
from lrs.store.port import CONSISTENCY_BOUND, Store, Writer
from lrs.store.writes import Submitted, WriteHints
from tests.contract.engines import ENGINES, Engine
from tests.contract.make import add, adding, draft, now

SECONDS = 20.0
"""How long anything here is waited for before a test fails."""
MANY = 400
LATER = ("sqlite", "mongo")
"""The engines that do submitted works later, in a thread of their own."""


class Refused(Exception):
    """What a work of these tests raises."""


class Told:
    """Notes what a store tells; `wait` for so many calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, BaseException | None]] = []
        self._called = threading.Condition()

    def __call__(self, result: Any, error: BaseException | None) -> None:
        with self._called:
            self.calls.append((result, error))
            self._called.notify_all()

    def wait(self, count: int = 1) -> list[tuple[Any, BaseException | None]]:
        """The calls, once there are so many."""
        with self._called:
            assert self._called.wait_for(lambda: len(self.calls) >= count, SECONDS), "a write was not told of"
            return list(self.calls)


def note(name: str, body: bytes = b"1") -> Document:
    """A document of that name."""
    return Document("note", "bkn", name, body, etag="1")


def test_a_submitted_write_is_kept_when_it_is_told(engine: Engine) -> None:
    """`done` hears the result, once, and by then another opening of the data reads what was written."""
    store, other = engine.open(), engine.open()
    seen: list[list[Record]] = []
    told = Told()

    def done(result: Any, error: BaseException | None) -> None:
        # Read by another opening: the thread that tells may be the one that serves this one.
        with other.reading() as reader:
            seen.append(reader.find(LogQuery("bkn", ["k"], limit=9)))
        told(result, error)

    store.submit(adding([draft("k"), draft("k")]), done)
    ((kept, error),) = told.wait()
    assert error is None
    assert len(kept) == 2
    assert [sorted(found, key=lambda each: each.stored) for found in seen] == [kept]
    store.close()
    other.close()
    assert len(told.calls) == 1


def test_a_submitted_write_outlives_its_store(engine: Engine) -> None:
    """Closing finishes what was submitted before, and everyone is told before it returns."""
    store = engine.open()
    told = Told()

    def putting(name: str) -> Callable[[Writer], None]:
        return lambda writer: writer.put(note(name))

    for place in range(50):
        store.submit(putting(str(place)), told)
    store.close()
    assert told.calls == [(None, None)] * 50
    again = engine.open()
    with again.reading() as reader:
        assert len(reader.find_documents(DocumentQuery("note", "bkn", limit=100))) == 50
    again.close()


def refusing(writer: Writer) -> None:
    """Work that writes and then changes its mind."""
    adding([draft("k")])(writer)
    writer.put(note("refused"))
    raise Refused("no")


def test_what_a_submitted_work_raises_is_told_and_others_are_kept(store: Store) -> None:
    """Of many writes at once, each that raises hears its own error and leaves nothing; the others stay."""
    (old,) = add(store, draft("k"))
    good, bad, late = Told(), Told(), Told()
    for _ in range(20):
        store.submit(adding([draft("k")]), good)
        store.submit(refusing, bad)
        store.submit(adding([draft("k", id=old.id)]), late)
    kept = [result[0] for result, _ in good.wait(20)]
    assert [error for _, error in good.calls] == [None] * 20
    assert [(result, type(error)) for result, error in bad.wait(20)] == [(None, Refused)] * 20
    conflicts = [error for result, error in late.wait(20) if result is None]
    assert [error.ids for error in conflicts if isinstance(error, ConflictError)] == [(old.id,)] * 20
    with store.reading() as reader:
        found = reader.find(LogQuery("bkn", ["k"], limit=99, include_hidden=True))
        assert {each.id for each in found} == {old.id, *(each.id for each in kept)}
        assert reader.document("note", "bkn", "refused") is None


def test_many_writes_of_one_thread_all_end(store: Store) -> None:
    """One thread hands over hundreds of writes without waiting; each is told of once, each is kept."""
    told: list[Told] = [Told() for _ in range(MANY)]
    for place in range(MANY):
        where = ("note", "bkn", str(place))

        def work(writer: Writer, name: str = str(place)) -> str:
            assert writer.document("note", "bkn", name) is None
            writer.put(note(name))
            adding([draft("k")])(writer)
            return name

        store.submit(work, told[place], WriteHints(documents=[where]))
    assert [each.wait()[0] for each in told] == [(str(place), None) for place in range(MANY)]
    with store.reading() as reader:
        assert len(reader.find(LogQuery("bkn", ["k"], limit=2 * MANY))) == MANY
        assert len(reader.find_documents(DocumentQuery("note", "bkn", limit=2 * MANY))) == MANY
    assert {len(each.calls) for each in told} == {1}


def test_hints_change_nothing_but_speed(store: Store) -> None:
    """A submitted work reads the same with hints, without them, and with hints about something else."""
    (kept,) = add(store, draft("k"))
    store.writing(lambda writer: writer.put(note("there")))
    hints = [
        WriteHints(),
        WriteHints([("bkn", kept.id)], [("note", "bkn", "there")]),
        WriteHints([("other", kept.id), ("bkn", "absent")], [("note", "other", "there")]),
    ]
    told = Told()

    def work(writer: Writer) -> tuple[bool, bool, bool]:
        held = writer.document("note", "bkn", "there")
        return kept.id in writer.get("bkn", [kept.id]), held == note("there"), not writer.get("bkn", ["x"])

    for each in hints:
        store.submit(work, told, each)
    assert told.wait(3) == [((True, True, True), None)] * 3


def test_a_closed_store_takes_no_write(engine: Engine) -> None:
    """`submit` on a closed store raises UnavailableError at once and tells nothing."""
    store = engine.open()
    store.close()
    told = Told()
    with pytest.raises(UnavailableError):
        store.submit(lambda writer: None, told)
    assert told.calls == []


def test_what_is_over_cannot_be_withdrawn(store: Store) -> None:
    """Once it was told of, a write stays: `withdraw` says False, and it is told of only that once."""
    told = Told()
    submitted = store.submit(lambda writer: writer.put(note("kept")), told)
    told.wait()
    assert submitted.withdraw() is False
    assert submitted.withdraw() is False
    store.writing(lambda writer: None)
    with store.reading() as reader:
        assert reader.document("note", "bkn", "kept") == note("kept")
    assert told.calls == [(None, None)]


class Queueing:
    """A store whose writing thread can be held up."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @contextmanager
    def held(self) -> Iterator[list[Submitted]]:
        """The writing thread stands still inside a work (which is given) while the body runs."""
        free = threading.Event()
        held = []
        ended = Told()
        try:
            begun = threading.Event()
            held.append(self.store.submit(self._waiting(begun, free), ended))
            assert begun.wait(SECONDS)
            yield held
        finally:
            free.set()
        assert ended.wait() == [(None, None)]

    @staticmethod
    def _waiting(begun: threading.Event, free: threading.Event) -> Callable[[Writer], None]:
        def work(writer: Writer) -> None:
            begun.set()
            free.wait(SECONDS)

        return work


@pytest.fixture(params=LATER)
def queueing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queueing]:
    """An opened store of each engine in which a write may have to wait."""
    place = ENGINES[request.param](tmp_path)
    store = place.open()
    yield Queueing(store)
    store.close()
    place.remove()


def test_a_write_withdrawn_before_its_turn_never_happens(queueing: Queueing) -> None:
    """What was taken back in time is not run and not told of; those before and after it are."""
    store = queueing.store
    ran: list[str] = []
    told = {name: Told() for name in ("before", "withdrawn", "after")}

    def putting(name: str) -> Callable[[Writer], str]:
        def work(writer: Writer) -> str:
            ran.append(name)
            writer.put(note(name))
            return name

        return work

    with queueing.held() as held:
        submitted = {name: store.submit(putting(name), done) for name, done in told.items()}
        assert submitted["withdrawn"].withdraw() is True
        assert submitted["withdrawn"].withdraw() is False
        assert [each.withdraw() for each in held] == [False] * len(held)
        assert [each.calls for each in told.values()] == [[], [], []]
    assert told["before"].wait() == [("before", None)]
    assert told["after"].wait() == [("after", None)]
    store.writing(lambda writer: None)
    with store.reading() as reader:
        assert {each.name for each in reader.find_documents(DocumentQuery("note", "bkn", limit=9))} == {
            "before",
            "after",
        }
    assert "withdrawn" not in ran
    assert told["withdrawn"].calls == []


def test_submitting_waits_for_nobody(queueing: Queueing) -> None:
    """While no write can be done, handing one over and asking for the promise return at once."""
    told = Told()
    with queueing.held():
        begun = time.monotonic()
        for _ in range(100):
            queueing.store.submit(adding([draft("k")]), told)
            assert queueing.store.known_watermark() > 0
        assert time.monotonic() - begun < 0.5
        assert told.calls == []
    assert [error for _, error in told.wait(100)] == [None] * 100


def test_nothing_appears_at_or_before_a_promise_given_without_waiting(engine: Engine) -> None:
    """Two openings write without pause: what is stored up to a promise is all there when it is given."""
    stores = [engine.open(), engine.open()]
    told = Told()
    seen: list[tuple[int, set[str]]] = []
    submitted = 0
    stop = time.monotonic() + 1.5
    while time.monotonic() < stop:
        for store in stores:
            store.submit(adding([draft("k")]), told)
            submitted += 1
        for store in stores:
            through = store.known_watermark()
            with store.reading() as reader:
                found = reader.find(LogQuery("bkn", ["k"], until=through, limit=1_000_000))
            seen.append((through, {each.id for each in found}))
        time.sleep(0.002)
    assert [error for _, error in told.wait(submitted) if error is not None] == []
    with stores[0].reading() as reader:
        kept = reader.find(LogQuery("bkn", ["k"], limit=1_000_000))
    for store in stores:
        store.close()
    assert len(kept) == submitted
    assert any(ids for _, ids in seen)
    for through, ids in seen:
        assert {each.id for each in kept if each.stored <= through} == ids


def test_stamps_come_after_every_promise_given_without_waiting(engine: Engine) -> None:
    """A record that is stored after a promise was given, by any opening, is later than the promise."""
    stores = [engine.open(), engine.open()]
    for place in range(30):
        promised = stores[place % 2].known_watermark()
        assert add(stores[(place // 2) % 2], draft())[0].stored > promised
    for store in stores:
        store.close()


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_a_promise_given_without_waiting_is_recent(store: Store, busy: bool) -> None:
    """It is never further behind the clock than the bound, and never falls, whether anyone writes or not."""
    told = Told()
    submitted = 0
    last = 0
    for _ in range(20):
        if busy:
            store.submit(adding([draft("k")]), told)
            submitted += 1
        promised = store.known_watermark()
        assert last <= promised
        assert now() - promised <= CONSISTENCY_BOUND
        last = promised
        time.sleep(0.02)
    told.wait(submitted)


def test_what_was_told_is_promised_soon(store: Store) -> None:
    """A record that was told of lies within the promise after at most the bound."""
    told = Told()
    store.submit(adding([draft("k")]), told)
    (((kept,), _),) = told.wait()
    deadline = time.monotonic() + CONSISTENCY_BOUND / 1e6
    while store.known_watermark() < kept.stored:
        assert time.monotonic() < deadline, "the promise never reached the record"
        time.sleep(0.01)
