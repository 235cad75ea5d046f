"""Nobody's statements keep the learning record of others waiting; who asks for much waits alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from lrs.people.people import RECOUNT
from lrs.records import checkpoint
from lrs.records.entries import ENTRY, Status
from lrs.records.projection import derive, project
from lrs.records.projection import follower as follower_module
from lrs.records.projection.budget import Budget
from lrs.records.projection.follower import BATCH, UNUSABLE
from lrs.records.projection.project import REVERSED, UNCOUNTED
from lrs.records.queues import Queue
from lrs.store.documents import Document
from lrs.store.errors import UnavailableError
from lrs.store.log import Record
from lrs.store.port import Store
from statements.profile.classify import classify
from tests.contract.engines import ENGINES
from tests.lrs.records.conftest import RecordServices, agent, learning_record
from tests.lrs.records.projection.test_follower import Waits, kept
from tests.statements.profile_samples import UNCOMPLETED, moodle

EVERY_ENGINE = pytest.mark.parametrize("store", ENGINES, indirect=True)
BOTH = pytest.mark.parametrize("store", ["sqlite", "mongo"], indirect=True)
SECRET = "Rahasia negara"


def other_desk(desk: RecordServices, tenant: str) -> RecordServices:
    """Another agency on the same store."""
    return RecordServices(desk.store, desk.record, tenant=tenant)


def backlog(desk: RecordServices, count: int = 3 * BATCH) -> None:
    """More than the follower does in one pass."""
    for _ in range(0, count, BATCH):
        desk.send(*(desk.learn(f"who{number % 7}") for number in range(BATCH)))


@BOTH
def test_what_others_write_behind_a_backlog_is_worked_out_early(desk: RecordServices) -> None:
    """Another tenant's new entry is there after two passes, however much one tenant has written before."""
    quiet = other_desk(desk, "quiet")
    backlog(desk)
    receipt = quiet.send(quiet.learn("ani"))
    follower = desk.record.follower
    assert follower.run_once() == BATCH
    assert follower.run_once() == 1
    assert quiet.only("ani").jp == 2
    assert follower.wait_past(receipt.stored, timeout=0, tenant="quiet")
    with desk.store.reading() as reader:
        held = checkpoint.read(reader)
    assert held.early.keys() == {"quiet"}
    assert held.safe is None or held.safe.stored < receipt.stored
    desk.follow()
    with desk.store.reading() as reader:
        assert checkpoint.read(reader).early == {}
    assert sum(len(desk.entries(f"who{number}")) for number in range(7)) == 3 * BATCH
    assert len(quiet.entries("ani")) == 1


def test_whoever_waits_elsewhere_learns_that_it_was_worked_out_early(desk: RecordServices) -> None:
    """The place is kept in the store, so that a page in another process does not wait for the backlog."""
    quiet = other_desk(desk, "quiet")
    backlog(desk)
    receipt = quiet.send(quiet.learn("ani"))
    waiting = learning_record(desk.store).follower
    desk.record.follower.run_once()
    assert not waiting.wait_past(receipt.stored, timeout=0, tenant="quiet")
    desk.record.follower.run_once()
    assert waiting.wait_past(receipt.stored, timeout=0, tenant="quiet")
    assert not waiting.wait_past(receipt.stored, timeout=0, tenant="bkd")
    assert not waiting.wait_past(receipt.stored, timeout=0)


def stumble(monkeypatch: pytest.MonkeyPatch, *ids: str) -> None:
    """Statements with these ids cannot be worked on."""

    def stumbles(statement: dict[str, Any], table: Any) -> Any:
        if statement["id"] in ids:
            raise RuntimeError(SECRET)
        return classify(statement, table)

    monkeypatch.setattr(derive, "classify", stumbles)


def test_a_tenant_whose_statement_fails_stops_no_other_early(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one tenant's statement does wrong is left for later, and found out then."""
    bad, good = other_desk(desk, "bad"), other_desk(desk, "good")
    backlog(desk)
    statement = bad.learn("ani")
    stumble(monkeypatch, statement["id"])
    bad.send(statement)
    good.send(good.learn("ani"))
    desk.record.follower.run_once()
    desk.record.follower.run_once()
    assert good.only("ani").jp == 2
    assert bad.entries("ani") == []
    desk.follow()
    assert set(kept(desk.store, UNUSABLE)) == {statement["id"]}


@pytest.mark.parametrize("bad", [[0], [137], [199], [3, 4, 150], list(range(0, 200, 20))])
def test_what_cannot_be_worked_on_is_found_by_halves(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, bad: list[int]
) -> None:
    """Few passes, one short line without content for each, and everything else is in the record."""
    told = [desk.learn(f"who{number}") for number in range(BATCH)]
    stumble(monkeypatch, *(told[place]["id"] for place in bad))
    desk.send(*told)
    passes = 0
    with caplog.at_level(logging.INFO):
        while desk.record.follower.run_once():
            passes += 1
    assert passes <= 20 * len(bad)
    assert set(kept(desk.store, UNUSABLE)) == {told[place]["id"] for place in bad}
    assert len(kept(desk.store, ENTRY)) == BATCH - len(bad)
    lines = [record.getMessage() for record in caplog.records if "passed over" in record.getMessage()]
    assert len(lines) == len(bad)
    assert all(len(line) < 120 for line in lines)
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text
    assert desk.record.follower.lag() == 0


def test_what_follows_a_failure_does_not_pause(desk: RecordServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """While there is more to do, no pass over few records is followed by a wait."""
    told = [desk.learn(f"who{number}") for number in range(BATCH)]
    stumble(monkeypatch, *(one["id"] for one in told[::2]))
    desk.send(*told)
    stop = Waits()
    monkeypatch.setattr(desk.record.follower, "_news", Waits())
    run = desk.record.follower.run_once

    def until_done() -> int:
        done = run()
        if done == 0:
            stop.set()
        return done

    monkeypatch.setattr(desk.record.follower, "run_once", until_done)
    desk.record.follower.run_forever(stop)
    assert len(kept(desk.store, UNUSABLE)) == BATCH // 2
    assert len(stop.seconds) <= 3


def test_a_recount_that_cannot_be_worked_on_is_passed_over(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is taken out of the queue with a line in the log, and others are done."""
    bad, good = desk.learn("ani"), desk.learn("budi")
    desk.write(bad, good)
    people = desk.record.people
    for who in ("ani", "budi"):
        people.employ(desk.tenant, desk.person(who), "pppk")
    stumble(monkeypatch, bad["id"])
    desk.follow()
    assert kept(desk.store, RECOUNT) == {}
    assert (desk.summary("budi").target.kind, desk.summary("budi").waiting) == ("at-most", 1)
    assert (desk.summary("ani").target.kind, desk.summary("ani").waiting) == ("at-least", 1)
    assert sum("passed over a recount" in each.getMessage() for each in caplog.records) == 1


@EVERY_ENGINE
def test_no_more_of_a_year_is_counted_than_anybody_has(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first entries of the year count, in order of time; one that is voided makes room for the next."""
    monkeypatch.setattr(project, "MOST_COUNTED", 3)
    monkeypatch.setattr(project, "_PAGE", 2)
    told = [desk.learn(end=date(2026, month, 1)) for month in (9, 3, 7, 5, 1)]
    for one in told:
        desk.write(one)
    assert [entry.award.rule == "not-counted" for entry in desk.entries()] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert (desk.summary().waiting, desk.summary().total_waiting) == (3, 6)
    desk.write(desk.void(told[1]["id"]))
    assert [entry.end.month for entry in desk.entries() if entry.jp] == [7, 5, 1]
    before = desk.entries(), desk.summary()
    desk.record.rebuild()
    assert (desk.entries(), desk.summary()) == before
    assert kept(desk.store, UNCOUNTED) == {}


@EVERY_ENGINE
def test_a_large_year_waits_and_others_do_not(desk: RecordServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry of a year with many is shown at once and summed up later; who has few has both at once."""
    monkeypatch.setattr(project, "_PAGE", 4)
    for month in range(1, 5):
        desk.write(desk.learn("budi", end=date(2026, month, 1)))
    desk.send(desk.learn("budi"), desk.learn("ani"))
    assert desk.record.follower.run_once() == 2
    assert len(desk.entries("budi")) == 5
    assert kept(desk.store, UNCOUNTED).keys() == {f"{desk.person('budi')}:2026"}
    assert desk.summary("ani").waiting == 1
    desk.follow()
    assert (desk.summary("budi").waiting, desk.summary("budi").total_waiting) == (5, 10)


def test_years_beyond_the_time_of_a_pass_are_summed_up_later(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a pass has taken long enough, the rest is put off; each pass does at least one."""
    monkeypatch.setattr(project, "YEARS_SECONDS", 0.0)
    monkeypatch.setattr(project, "_YEARS", 2)
    names = ["ani", "budi", "citra", "dewi", "eko"]
    desk.send(*map(desk.learn, names))
    desk.record.follower.run_once()
    assert len(kept(desk.store, UNCOUNTED)) == 4
    # What is shown meanwhile is the sum of what is listed.
    assert [desk.summary(name).waiting for name in names] == [1] * 5
    desk.follow()
    assert kept(desk.store, UNCOUNTED) == {}
    assert [desk.only(name).jp for name in names] == [2] * 5
    assert [desk.summary(name).total_waiting for name in names] == [2] * 5


@EVERY_ENGINE
def test_a_person_with_many_entries_is_counted_anew_in_slices(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Merged and parted again, records larger than a slice come out as in one piece."""
    told = [desk.learn("budi", end=date(2026, 1, day)) for day in range(1, 6)]
    more = [desk.learn("budi2", end=date(2025, 1, day)) for day in range(1, 4)]
    desk.write(*told, *more, *(desk.decide(each["id"], by="budi2") for each in told))
    assert [entry.status for entry in desk.entries()] == [Status.VERIFIED] * 5
    monkeypatch.setattr(project, "RECOUNTED", 2)
    people, keep, other = desk.record.people, desk.person("budi"), desk.person("budi2")
    link = people.merge(desk.tenant, keep, other, author="admin")
    desk.follow()
    assert [entry.status for entry in desk.entries()] == [Status.SUBMITTED] * 8
    assert [desk.record.records.summary(desk.tenant, keep, year).waiting for year in (2025, 2026)] == [3, 5]
    people.unlink(desk.tenant, link.id, author="admin")
    desk.follow()
    assert [entry.status for entry in desk.entries()] == [Status.VERIFIED] * 5
    assert desk.record.records.summary(desk.tenant, other, 2025).waiting == 3
    assert kept(desk.store, RECOUNT) == kept(desk.store, UNCOUNTED) == {}


def test_a_statement_that_touches_many_is_taken_alone(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that touches more than a pass may is halved; one statement is worked out whatever it does."""
    done = [moodle(actor=agent("budi"), timestamp=f"2026-10-0{day}T03:00:00Z") for day in range(1, 8)]
    desk.write(*done)
    assert len(desk.entries()) == 7
    monkeypatch.setattr(project, "MOST_TOUCHED", 3)
    undone = moodle(actor=agent("budi"), verb=UNCOMPLETED, timestamp="2026-10-29T03:00:00Z")
    desk.write(*(desk.learn(f"who{number}") for number in range(6)), undone)
    assert desk.entries() == []
    assert len(kept(desk.store, ENTRY)) == 6
    assert kept(desk.store, UNUSABLE) == {}


@EVERY_ENGINE
def test_a_reversal_touches_completions_without_end(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The latest completions change at once, all others in later passes: as a rebuild has them."""
    done = [moodle(actor=agent("budi"), timestamp=f"2026-10-0{day}T03:00:00Z") for day in range(1, 8)]
    desk.write(*done)
    monkeypatch.setattr(derive, "_PAGE", 3)
    monkeypatch.setattr(project, "RECOUNTED", 3)
    desk.send(moodle(actor=agent("budi"), verb=UNCOMPLETED, timestamp="2026-10-29T03:00:00Z"))
    desk.record.follower.run_once()
    assert len(desk.entries()) == 4
    assert len(kept(desk.store, REVERSED)) == 1
    desk.follow()
    assert desk.entries() == []
    assert kept(desk.store, REVERSED) == {}
    desk.record.rebuild()
    assert desk.entries() == []


@EVERY_ENGINE
def test_a_pass_that_reads_too_much_is_cut(desk: RecordServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """Voidings of large statements are worked out a few at a time, and others' entries come before them."""
    quiet = other_desk(desk, "quiet")
    told = [desk.learn(f"who{number}", title="x" * 200) for number in range(12)]
    desk.write(*told)
    monkeypatch.setattr(derive, "_TOGETHER", 2)
    read: list[int] = []
    spend = Budget.spend

    def counts(self: Budget, size: int = 0) -> None:
        read.append(size)
        spend(self, size)

    monkeypatch.setattr(Budget, "spend", counts)
    monkeypatch.setattr(project, "Budget", lambda bounded: Budget(bounded, left=8_000))
    desk.send(*(desk.void(each["id"]) for each in told))
    quiet.send(quiet.learn("ani"))
    follower = desk.record.follower
    follower._next_early = 0.0
    passes = 0
    while not quiet.entries("ani"):
        passes += 1
        assert follower.run_once()
    assert passes == 1
    assert max(read) < 8_000
    desk.follow()
    assert all(desk.entries(f"who{number}") == [] for number in range(12))
    assert kept(desk.store, UNUSABLE) == {}


def put(store: Store, tenant: str, count: int) -> None:
    """So many documents of a kind that ask for work."""
    for number in range(count):
        document = Document("asks", tenant, f"{number:03d}", b"{}")
        store.writing(lambda writer, document=document: writer.put(document))  # type: ignore[misc]


@EVERY_ENGINE
def test_the_queue_of_one_tenant_keeps_no_other_from_its_turn(desk: RecordServices) -> None:
    """Where more is asked than is taken at once, tenants have their turns one after the other."""
    for tenant in ("a", "b", "c"):
        other_desk(desk, tenant).send(desk.learn())
    put(desk.store, "a", 10)
    put(desk.store, "c", 1)
    queue = Queue("asks")
    with desk.store.reading() as reader:
        turns = [[one.scope for one in queue.next(reader, 3)] for _ in range(4)]
        everything = Queue("asks").next(reader, 12)
    assert turns == [["a"] * 3, ["c"], ["a"] * 3, ["c"]]
    assert len(everything) == 11


def slow(desk: RecordServices, monkeypatch: pytest.MonkeyPatch, seconds: Callable[[int], float]) -> list[int]:
    """How many records each pass takes, when a pass over n records takes so many seconds."""
    moment = 0.0
    taken: list[int] = []
    follower = desk.record.follower
    work_out = follower._projector.project

    def project_slowly(reader: Any, records: Any, *more: Any, **named: Any) -> Any:
        nonlocal moment
        moment += seconds(len(records))
        taken.append(len(records))
        return work_out(reader, records, *more, **named)

    monkeypatch.setattr(follower._projector, "project", project_slowly)
    monkeypatch.setattr("lrs.records.projection.follower.time.monotonic", lambda: moment)
    while follower.run_once():
        pass
    return taken


def test_slow_passes_take_fewer_records(desk: RecordServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """When records take long, a pass takes fewer of them, so that others are looked for in between."""
    backlog(desk, 2 * BATCH)
    taken = slow(desk, monkeypatch, lambda count: 0.1 * count)
    assert taken[:5] == [200, 100, 50, 25, 12]
    assert max(taken[5:]) <= 12


def test_a_store_that_fails_is_no_fault_of_a_statement(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store does not answer nothing is passed over, early or not."""
    quiet = other_desk(desk, "quiet")
    backlog(desk)
    desk.record.follower.run_once()
    quiet.send(quiet.learn("ani"))
    project_ = desk.record.follower._projector.project

    def fails(*given: Any, **named: Any) -> Any:
        raise UnavailableError("no primary")

    monkeypatch.setattr(desk.record.follower._projector, "project", fails)
    with pytest.raises(UnavailableError):
        desk.record.follower.run_once()
    monkeypatch.setattr(desk.record.follower._projector, "project", project_)
    desk.follow()
    assert quiet.only("ani").jp == 2
    assert kept(desk.store, UNUSABLE) == {}


def test_who_costs_most_is_not_who_writes_most(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant whose records alone took long lets others go first for a while; a mixed pass blames nobody."""
    follower = learning_record(store).follower
    one, other = (
        Record(tenant, str(uuid4()), 1, b"{}", b"d", (frozenset(),)) for tenant in ("costly", "busy")
    )
    follower._note_cost([other] * 9, follower_module.COSTLY_AFTER / 2)
    follower._note_cost([one, other], 9.0)
    assert follower._costly_now() == frozenset()
    follower._note_cost([one], 9.0)
    assert follower._costly_now() == {"costly"}
    monkeypatch.setattr(follower_module, "COSTLY_SECONDS", 0.0)
    follower._note_cost([one], 9.0)
    assert follower._costly_now() == frozenset()
