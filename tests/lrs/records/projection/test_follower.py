"""The follower keeps in step with the log: in batches, idempotent, restartable, one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from lrs.records import checkpoint
from lrs.records.checkpoint import LEASE
from lrs.records.entries import ENTRY, Status
from lrs.records.learning_record import LearningRecord
from lrs.records.projection import derive, project
from lrs.records.projection.follower import BATCH, GATHER, UNUSABLE, Follower
from lrs.records.summaries import SUMMARY
from lrs.store.documents import Document, DocumentQuery
from lrs.store.errors import UnavailableError
from lrs.store.log import LogQuery, Position
from lrs.store.memory import MemoryData, MemorySnapshot, MemoryStore, State
from lrs.store.port import Store, Writer
from statements.data_types.exact_json import loads
from statements.keys import target_key
from statements.profile.classify import classify
from statements.profile.vocabulary import Decision
from tests.contract.engines import ENGINES
from tests.contract.make import now
from tests.lrs.records.conftest import NOON, RecordServices, agent, learning_record
from tests.statements.profile_samples import moodle
from tests.waiting import wait_until

EVERY_ENGINE = pytest.mark.parametrize("store", ENGINES, indirect=True)


def kept(store: Store, kind: str) -> dict[str, Document]:
    """Every document of a kind, by name."""
    with store.reading() as reader:
        return {one.name: one for one in reader.find_documents(DocumentQuery(kind, None, limit=1000))}


def follower(desk: RecordServices, holder: str, clock: Callable[[], int] = now) -> Follower:
    """One more follower of the same store, as in another process."""
    return Follower(desk.store, desk.record.people, desk.record.tables, clock, holder=holder)


@EVERY_ENGINE
def test_it_works_in_batches_and_remembers_its_place(desk: RecordServices) -> None:
    """Batches of any size give the whole record, and a new follower goes on where the last one stopped."""
    for who in ("ani", "budi", "citra", "dewi", "eko"):
        desk.send(desk.learn(who))
    assert desk.record.follower.run_once(2) == 2
    desk.record.follower.release()
    other = follower(desk, "other")
    assert [other.run_once(2) for _ in range(3)] == [2, 1, 0]
    assert len(kept(desk.store, ENTRY)) == 5
    assert {desk.summary(who).total_waiting for who in ("ani", "budi", "citra", "dewi", "eko")} == {
        Decimal(2)
    }


@EVERY_ENGINE
def test_going_through_the_log_again_writes_nothing_new(desk: RecordServices) -> None:
    """Working through the same statements once more leaves every document as it is."""
    told = desk.learn()
    desk.write(told, desk.decide(told["id"]), moodle(actor=agent("ani")))
    before = kept(desk.store, ENTRY), kept(desk.store, SUMMARY)
    desk.record.rebuild()
    assert (kept(desk.store, ENTRY), kept(desk.store, SUMMARY)) == before


def test_one_pass_works_out_the_years_of_any_number_of_persons(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a pass touches more years of persons than are read at once, each of them gets its sums."""
    monkeypatch.setattr(project, "_YEARS", 2)
    names = ["ani", "budi", "citra", "dewi", "eko"]
    desk.write(*map(desk.learn, names))
    assert [desk.summary(name).waiting for name in names] == [1] * 5


@EVERY_ENGINE
def test_sums_count_the_entries_of_all_pages(desk: RecordServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """A year with more entries than are read at once is summed up from all of them, however they came in."""
    monkeypatch.setattr(project, "_PAGE", 2)
    for number in range(1, 6):
        desk.write(desk.learn())
        assert desk.summary().waiting == number


@EVERY_ENGINE
def test_a_lease_keeps_the_others_away_until_it_ends(desk: RecordServices) -> None:
    """While one follower is at work no other starts; when it stays silent, the next takes over."""
    desk.write(desk.learn("ani"))
    desk.send(desk.learn("budi"))
    assert follower(desk, "other").run_once() == 0
    later = follower(desk, "other", lambda: now() + LEASE)
    assert later.run_once() == 1
    assert desk.only("budi").jp == 2


def test_a_lease_that_is_given_back_is_free_at_once(desk: RecordServices) -> None:
    """A follower that stops lets the next one start without waiting."""
    desk.write(desk.learn("ani"))
    desk.record.follower.release()
    desk.send(desk.learn("budi"))
    assert follower(desk, "other").run_once() == 1


def test_what_was_worked_out_in_vain_is_not_written(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A follower that lost its turn while it worked writes nothing, and nothing is counted twice or lost."""
    desk.send(desk.learn("ani"))
    slow = follower(desk, "slow", lambda: 0)
    project = slow._projector.project

    def meanwhile(*given: Any, **named: Any) -> Any:
        changes = project(*given, **named)
        desk.follow()
        return changes

    monkeypatch.setattr(slow._projector, "project", meanwhile)
    before = now()
    assert slow.run_once() == 0
    with desk.store.reading() as reader:
        assert checkpoint.read(reader).holder != "slow"
    assert desk.only("ani").jp == 2
    assert all(one.updated >= before for one in kept(desk.store, ENTRY).values())


@EVERY_ENGINE
def test_waiting_helps_with_the_work(desk: RecordServices) -> None:
    """A page that wrote a statement finds it in the record without any thread in the background."""
    receipt = desk.send(desk.learn())
    assert desk.record.follower.wait_past(receipt.stored, timeout=5)
    assert desk.only().jp == 2


def test_waiting_ends_in_time_behind_a_long_backlog(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much there is to work on first, whoever waits is answered when the time is over."""
    follower, began = desk.record.follower, time.monotonic()
    desk.send(*map(desk.learn, ["ani"] * 3 * BATCH))
    receipt = desk.send(desk.learn())
    project_ = follower._projector.project

    def slowly(*given: Any, **named: Any) -> Any:
        time.sleep(0.05)
        return project_(*given, **named)

    monkeypatch.setattr(follower._projector, "project", slowly)
    assert not follower.wait_past(receipt.stored, timeout=0.1)
    assert time.monotonic() < began + 5


def test_waiting_ends_in_time_while_a_pass_takes_long(desk: RecordServices) -> None:
    """Whoever waits does not wait for the end of somebody else's pass."""
    follower = desk.record.follower
    receipt = desk.send(desk.learn())
    over = threading.Timer(5, follower._turn.release)
    follower._turn.acquire()
    over.start()
    began = time.monotonic()
    try:
        assert not follower.wait_past(receipt.stored, timeout=0.1)
        assert time.monotonic() < began + 4
    finally:
        over.cancel()
        follower._turn.release()
    assert follower.wait_past(receipt.stored, timeout=30)


def test_waiting_for_another_worker(desk: RecordServices) -> None:
    """When another worker has the lease, waiting ends as soon as that one has passed the statement."""
    desk.write(desk.learn("ani"))
    receipt = desk.send(desk.learn("budi"))
    waiting = learning_record(desk.store).follower
    assert not waiting.wait_past(receipt.stored, timeout=0.05)
    desk.follow()
    assert waiting.wait_past(receipt.stored, timeout=5)


def test_lag_is_the_age_of_what_waits(desk: RecordServices) -> None:
    """Lag is 0 in step, and else the time for which the oldest unread statement has waited."""
    assert desk.record.follower.lag() == 0
    receipt = desk.send(desk.learn())
    late = follower(desk, "late", lambda: receipt.stored + 3_000_000)
    assert late.lag() == 3_000_000
    desk.follow()
    assert late.lag() == 0


def test_it_follows_in_the_background_until_it_is_stopped(desk: RecordServices) -> None:
    """The thread picks up what is written, waits out a store that fails, and gives its lease back."""
    stop = threading.Event()
    thread = threading.Thread(target=desk.record.follower.run_forever, args=(stop,))
    thread.start()
    try:
        desk.send(desk.learn())
        desk.record.follower.notify()
        wait_until(lambda: kept(desk.store, ENTRY), "the entry is in the record")
    finally:
        stop.set()
        thread.join(5)
    assert desk.only().jp == 2
    with desk.store.reading() as reader:
        assert checkpoint.read(reader).holder == ""


def test_a_failing_store_is_waited_out(desk: RecordServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store does not answer the follower tries again, and then catches up."""
    failures = iter([UnavailableError("no primary"), RuntimeError("surprise")])
    run = desk.record.follower._run
    stop = threading.Event()

    def sometimes(limit: int, end: float) -> Any:
        for failure in failures:
            raise failure
        done = run(limit)
        if done:
            stop.set()
        return done

    monkeypatch.setattr(desk.record.follower, "_run", sometimes)
    monkeypatch.setattr("lrs.records.projection.follower.PAUSE", 0.01)
    desk.send(desk.learn())
    desk.record.follower.run_forever(stop)
    assert desk.only().jp == 2


class Waits(threading.Event):
    """An event that is never waited for, and notes how long it would have been."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        return super().wait(0)


def waits(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch, records: int, *, took: float = 0.0
) -> list[float]:
    """How long a follower waits after one pass over so many records."""
    stop = Waits()

    def run_once() -> int:
        if stop.seconds:
            stop.set()
            return 0
        time.sleep(took)
        return records

    monkeypatch.setattr(desk.record.follower, "run_once", run_once)
    monkeypatch.setattr(desk.record.follower, "_news", threading.Event())
    desk.record.follower.run_forever(stop)
    return [seconds for seconds in stop.seconds if seconds is not None]


def test_records_gather_after_a_small_pass(desk: RecordServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass over few records is followed by a pause in which more of them gather."""
    assert waits(desk, monkeypatch, BATCH // 2 - 1) == [GATHER]


@pytest.mark.parametrize(
    ("behind", "quiet", "rests"),
    [(5, 0, 8), (59, 0, 8), (61, 0, 2), (599, 0, 2), (601, 0, 0), (5, 1, 0)],
    ids=["while others write", "a little late", "late", "later", "very late", "nobody writes"],
)
def test_it_rests_after_a_full_pass_while_others_write(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch, behind: int, quiet: int, rests: int
) -> None:
    """Who is writing comes first, unless the record is late; while nobody is, it goes on at once."""
    desk.send(desk.learn("ani"))
    desk.follow()
    newest = desk.send(desk.learn("budi")).stored
    with desk.store.reading() as reader:
        held = checkpoint.read(reader)
    present = newest + quiet * 1_000_000
    front = Position(present - behind * 1_000_000, str(uuid4()))
    monkeypatch.setattr(checkpoint, "read", lambda _: replace(held, safe=front, ahead=None))
    monkeypatch.setattr(desk.record.follower, "_clock", lambda: present)
    monkeypatch.setattr(desk.record.follower, "release", lambda: None)
    (rested,) = waits(desk, monkeypatch, BATCH, took=0.05)
    assert 0.05 * rests <= rested <= (0.05 + 1.0) * rests


def test_a_statement_that_cannot_be_worked_on_is_passed_over(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One bad record does not hold up the others; it is named in the store."""
    bad = desk.learn("ani")
    desk.send(bad, desk.learn("budi"), desk.learn("citra"))

    def stumbles(statement: dict[str, Any], table: Any) -> Any:
        if statement["id"] == bad["id"]:
            raise RuntimeError("cannot")
        return classify(statement, table)

    monkeypatch.setattr(derive, "classify", stumbles)
    follow = desk.record.follower
    for _ in range(8):
        follow.run_once()
    assert set(kept(desk.store, UNUSABLE)) == {bad["id"]}
    assert (desk.only("budi").jp, desk.only("citra").jp) == (2, 2)
    assert desk.entries("ani") == []
    assert follow.lag() == 0


class Late(MemoryStore):
    """A store whose slow writers may still appear behind what was read: its promise lags behind."""

    through = 0
    unseen: frozenset[str] = frozenset()

    @contextmanager
    def reading(self) -> Iterator[MemorySnapshot]:
        with super().reading() as model:
            log = {place: one for place, one in model.state.log.items() if one.id not in self.unseen}
            state = State(log, model.state.documents, model.state.last)
            yield MemorySnapshot(state, now, self.through)


@pytest.fixture
def late() -> Late:
    return Late(MemoryData())


def test_what_is_visible_counts_at_once(late: Late) -> None:
    """A statement is in the record before the engine promises that nothing can come before it."""
    desk = RecordServices(late, learning_record(late))
    receipt = desk.send(desk.learn())
    assert desk.record.follower.wait_past(receipt.stored, timeout=1)
    assert desk.only().jp == 2


def test_what_appears_behind_the_front_is_not_missed(late: Late) -> None:
    """A statement that becomes visible after later ones were done is found when the promise passes it."""
    desk = RecordServices(late, learning_record(late))
    early = desk.learn("ani")
    desk.send(early)
    late.unseen = frozenset({early["id"]})
    last = desk.send(desk.learn("budi")).stored
    desk.follow()
    assert (len(desk.entries("ani")), len(desk.entries("budi"))) == (0, 1)
    late.unseen = frozenset()
    assert not desk.record.follower.wait_past(last - 1, timeout=0.02)
    late.through = last
    assert desk.record.follower.wait_past(last - 1, timeout=1)
    assert desk.only("ani").jp == 2
    with late.reading() as reader:
        held = checkpoint.read(reader)
    assert held.ahead is None
    assert held.safe is not None
    assert held.safe.stored == last


def test_a_restart_repeats_what_was_not_promised(late: Late) -> None:
    """After a restart the stretch beyond the promise is worked through again, late ones included."""
    desk = RecordServices(late, learning_record(late))
    early = desk.learn("ani")
    desk.send(early)
    late.unseen = frozenset({early["id"]})
    desk.write(desk.learn("budi"))
    desk.record.follower.release()
    late.unseen = frozenset()
    again = RecordServices(late, learning_record(late))
    again.follow()
    assert (again.only("ani").jp, again.only("budi").jp) == (2, 2)


@pytest.mark.parametrize("number", ["1E400", "-0", "123456789012345678901234567890"])
def test_a_number_beyond_all_floats_blocks_nothing(desk: RecordServices, number: str) -> None:
    """A sign-off with such a number counts, and so does every statement about the same entry."""
    told = desk.learn()
    decided = desk.decide(told["id"])
    decided.setdefault("result", {})["extensions"] = {"https://example.org/x": loads(number)}
    desk.write(told, decided)
    assert desk.only().status is Status.VERIFIED
    desk.write(desk.decide(told["id"], Decision.RETURNED, by="wati", at=NOON + 1))
    assert desk.only().status is Status.RETURNED


def test_rebuild_removes_what_has_no_statement(desk: RecordServices) -> None:
    """A rebuild drops entries whose statement is gone, corrects the sums, and keeps links and names."""
    desk.write(desk.learn())
    stray = desk.only()

    def plant(writer: Writer) -> None:
        held = writer.document(ENTRY, desk.tenant, stray.id)
        assert held is not None
        body = held.body.replace(stray.statement_id.encode(), b"00000000-0000-0000-0000-000000000000")
        writer.put(Document(ENTRY, desk.tenant, "stray", body, keys=held.keys, order=held.order))

    desk.store.writing(plant)
    assert len(desk.entries()) == 2
    assert desk.record.rebuild() == 1
    assert desk.only().id == stray.id
    assert desk.summary().total_waiting == 2
    assert desk.record.people.name(desk.tenant, desk.person()) == "Budi"


def test_rebuild_restores_what_was_lost(desk: RecordServices) -> None:
    """Entries and sums that were deleted come back from the statements alone."""
    told = desk.learn()
    desk.write(told, desk.decide(told["id"]))
    before = desk.only()

    def lose(writer: Writer) -> None:
        writer.delete(ENTRY, desk.tenant, [before.id])
        writer.delete(SUMMARY, desk.tenant, [f"{before.person}:2026"])

    desk.store.writing(lose)
    assert desk.summary().total_verified == 0
    desk.record.rebuild()
    assert desk.only() == before
    assert desk.summary().total_verified == 2


def test_rebuild_mends_what_statements_are_found_by(desk: RecordServices) -> None:
    """Entries are right again although every key of the log was ruined: the sign-off is found anew."""
    told = desk.learn()
    decided = desk.decide(told["id"])
    desk.write(told, decided)
    before = desk.only()
    ruined = {each["id"]: (frozenset({"x\x1fnothing"}),) for each in (told, decided)}
    desk.store.writing(lambda writer: writer.reindex(desk.tenant, ruined))
    seen: list[int] = []
    desk.record.rebuild(seen.append)
    assert desk.only() == before
    assert desk.record.records.statements_behind(before)
    with desk.store.reading() as reader:
        found = reader.find(LogQuery(desk.tenant, (target_key(told["id"]),), limit=9))
    assert [each.id for each in found] == [decided["id"]]
    assert seen[-1] == 2


@EVERY_ENGINE
def test_tenants_are_kept_apart(desk: RecordServices) -> None:
    """The same account in two agencies is two persons with records of their own."""
    other = RecordServices(desk.store, desk.record, tenant="bkn")
    desk.send(desk.learn())
    other.send(other.learn(sessions=2))
    desk.follow()
    assert desk.person() != other.person()
    assert (desk.summary().total_waiting, other.summary().total_waiting) == (2, 4)


def test_it_tells_of_changes_once_they_are_in_force(desk: RecordServices) -> None:
    """Who wants to know hears of tenant and persons after the commit: the record can be read by then."""
    heard: list[tuple[str, frozenset[str], Decimal]] = []

    def hear(tenant: str, persons: Collection[str]) -> None:
        heard.append((tenant, frozenset(persons), desk.only().jp))

    record = LearningRecord.over(desk.store, now, lambda: str(uuid4()), on_changed=hear)
    desk.send(desk.learn())
    while record.follower.run_once():
        pass
    assert set(heard) == {("bkd", frozenset({desk.person()}), Decimal(2))}


def test_a_listener_that_fails_stops_nothing(desk: RecordServices, caplog: pytest.LogCaptureFixture) -> None:
    """The follower goes on when whoever it tells of a change fails; the log says so."""

    def fail(tenant: str, persons: Collection[str]) -> None:
        raise RuntimeError("deaf")

    record = LearningRecord.over(desk.store, now, lambda: str(uuid4()), on_changed=fail)
    desk.send(desk.learn("ani"), desk.learn("budi"))
    while record.follower.run_once(1):
        pass
    assert len(kept(desk.store, ENTRY)) == 2
    assert "could not tell of a change" in caplog.text
