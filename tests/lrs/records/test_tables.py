"""What is verified keeps the table of its time: whatever an agency or a new version changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrs.people.people import RECOUNT
from lrs.records import table_history, tables
from lrs.records.entries import ENTRY
from lrs.records.summaries import SUMMARY
from lrs.records.table_history import Period, periods_of, verbs_of
from lrs.records.tables import CURRENT, HISTORY, TABLE, Tables, TooManyVersionsError
from lrs.store.documents import Document, DocumentQuery
from lrs.store.memory import MemoryData, MemoryStore
from lrs.store.port import Writer
from statements.profile.shipped import shipped
from statements.profile.table import LATEST, SHIPPED
from statements.profile.vocabulary import Decision
from tests.contract.engines import ENGINES
from tests.lrs.records.conftest import RecordServices, agent, learning_record
from tests.statements.profile_samples import COURSE, UNCOMPLETED, moodle

EVERY_ENGINE = pytest.mark.parametrize("store", ENGINES, indirect=True)
SESSION = {"rule": "session", "national": "2", "international": "2", "max_sessions_per_month": 2}


def coaching(version: str, jp: str, **more: Any) -> dict[str, Any]:
    """An agency's changes by which a coaching session is worth `jp`."""
    return {"version": version, "forms": {"coaching": {"jp": SESSION | {"national": jp}}}, **more}


def change(desk: RecordServices, changes: dict[str, Any]) -> None:
    """Put a table in force and have everything counted anew."""
    desk.record.tables.change(desk.tenant, changes, author="admin")
    desk.follow()


def jp(desk: RecordServices, who: str = "budi") -> dict[str, Decimal]:
    """JP by title or form."""
    return {entry.title.get("id", entry.form): entry.jp for entry in desk.entries(who)}


def everything(desk: RecordServices) -> tuple[list[bytes], list[bytes]]:
    """All entries and sums as they are kept."""
    with desk.store.reading() as reader:
        kept = [
            reader.find_documents(DocumentQuery(kind, desk.tenant, limit=1000)) for kind in (ENTRY, SUMMARY)
        ]
    entries, sums = (sorted(one.name.encode() + one.body for one in documents) for documents in kept)
    return entries, sums


@EVERY_ENGINE
def test_a_new_table_leaves_what_is_verified_alone(desk: RecordServices) -> None:
    """A verified session keeps its 2 JP when sessions fall to 1 JP; one that waits does not."""
    verified, waiting = desk.learn(title="verified"), desk.learn("budi", "mentoring", title="waiting")
    desk.write(verified, desk.decide(verified["id"]), waiting)
    changes = coaching("a", "1")
    changes["forms"]["mentoring"] = changes["forms"]["coaching"]
    change(desk, changes)
    later = desk.learn(title="later", end=date(2026, 10, 1))
    desk.write(later, desk.decide(later["id"]))
    assert jp(desk) == {"verified": 2, "waiting": 1, "later": 1}
    assert {entry.title["id"]: entry.table for entry in desk.entries()} == {
        "verified": LATEST,
        "waiting": f"{LATEST}+a",
        "later": f"{LATEST}+a",
    }
    before = everything(desk)
    desk.record.rebuild()
    assert everything(desk) == before
    assert desk.summary().total_verified == 3


@EVERY_ENGINE
def test_a_decision_is_counted_by_the_table_of_its_time(desk: RecordServices) -> None:
    """What waited through a change is verified by the new table, and waits again when that is voided."""
    told = desk.learn()
    verified = desk.decide(told["id"])
    desk.write(told)
    change(desk, coaching("a", "1"))
    desk.write(verified)
    assert desk.only().jp == 1
    change(desk, coaching("b", "0.5"))
    assert desk.only().jp == 1
    desk.write(desk.void(verified["id"], by="anwar"))
    assert (desk.only().jp, desk.only().status) == (Decimal("0.5"), "submitted")


@EVERY_ENGINE
def test_a_completion_keeps_what_its_course_was_worth(desk: RecordServices) -> None:
    """A course that the agency listed at 12 JP stays worth 12 to who completed it meanwhile."""
    listed = {"version": "a", "courses": {COURSE: {"jp": "12", "form": "technical-training"}}}
    change(desk, listed)
    desk.write(moodle(actor=agent("budi")))
    change(desk, {"version": "b"})
    desk.write(moodle(actor=agent("ani")))
    assert (desk.only().jp, desk.only().form) == (12, "technical-training")
    assert (desk.only("ani").jp, desk.only("ani").form) == (3, "e-learning")
    before = everything(desk)
    desk.record.rebuild()
    assert everything(desk) == before


def test_what_did_not_count_counts_by_the_first_table_that_knows_it(desk: RecordServices) -> None:
    """A part of a course that the agency comes to count keeps the JP of the table that began to count it."""
    desk.write(moodle(actor=agent("budi"), type=None))
    assert desk.entries() == []
    for version, amount in (("a", "7"), ("b", "5")):
        change(desk, {"version": version, "courses": {COURSE: {"jp": amount}}})
        assert desk.only().jp == 7
    change(desk, {"version": "c"})
    assert desk.only().jp == 7


def test_a_form_that_is_given_up_stays_with_what_is_verified(desk: RecordServices) -> None:
    """An agency's own form that its next table leaves out remains for verified entries, and for no others."""
    form = {
        "name": {"id": "Siniar", "en": "Podcast"},
        "pillar": "10",
        "verb": "http://adlnet.gov/expapi/verbs/experienced",
        "types": ["http://id.tincanapi.com/activitytype/resource"],
        "evidence": [],
        "verifier": "supervisor",
        "jp": {"rule": "each", "national": "1", "international": "1"},
    }
    change(desk, {"version": "a", "forms": {"podcast": form}})
    verified = desk.learn(form="podcast", title="verified")
    desk.write(verified, desk.decide(verified["id"]), desk.learn(form="podcast", title="waiting"))
    change(desk, {"version": "b"})
    assert jp(desk) == {"verified": 1}
    change(desk, {"version": "c", "forms": {"podcast": form}})
    assert jp(desk) == {"verified": 1, "waiting": 1}


def test_a_reversal_counts_by_the_table_of_its_time(desk: RecordServices) -> None:
    """A platform that took a completion back is not contradicted by a table that no longer knows the verb."""
    done = moodle(actor=agent("budi"), timestamp="2026-10-28T03:00:00Z")
    undone = moodle(actor=agent("budi"), verb=UNCOMPLETED, timestamp="2026-10-29T03:00:00Z")
    desk.write(done, undone)
    change(desk, {"version": "a", "lms": {"reversal_verbs": []}})
    assert desk.entries() == []
    desk.write(moodle(actor=agent("ani")), moodle(actor=agent("ani"), verb=UNCOMPLETED))
    assert len(desk.entries("ani")) == 1
    before = everything(desk)
    desk.record.rebuild()
    assert everything(desk) == before


def test_limits_of_a_month_over_two_tables(desk: RecordServices) -> None:
    """Verified sessions of the old table keep their room; the new one tells how much is left."""
    old = [desk.learn(title=f"old {day}", end=date(2026, 11, day)) for day in (20, 21)]
    desk.write(*old, *(desk.decide(one["id"]) for one in old))
    roomier = coaching("a", "1")
    roomier["forms"]["coaching"]["jp"]["max_sessions_per_month"] = 3
    change(desk, roomier)
    new = [desk.learn(title=f"new {day}", end=date(2026, 11, day)) for day in (1, 2)]
    desk.write(*new, *(desk.decide(one["id"]) for one in new))
    assert jp(desk) == {"old 20": 2, "old 21": 2, "new 1": 1, "new 2": 0}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("learn"), st.integers(1, 28), st.sampled_from(["coaching", "workshop"])),
        st.tuples(st.just("decide"), st.integers(0, 9), st.sampled_from(Decision)),
        st.tuples(st.just("complete"), st.integers(1, 28), st.none()),
        st.tuples(st.just("table"), st.integers(1, 4), st.sampled_from(["1", "3"])),
        st.tuples(st.just("void"), st.integers(0, 9), st.none()),
        st.tuples(st.just("follow"), st.none(), st.none()),
    ),
    max_size=14,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(steps)
def test_however_it_was_followed_a_rebuild_gives_the_same(taken: list[tuple[str, Any, Any]]) -> None:
    """Entries, decisions, voidings and tables in any order, worked out on the way or at the end."""
    store = MemoryStore(MemoryData())
    desk = RecordServices(store, learning_record(store))
    learned: list[str] = []
    for number, (step, first, second) in enumerate(taken):
        if step == "learn":
            id = str(UUID(int=number))
            learned.append(id)
            desk.send(desk.learn(form=second, id=id, end=date(2026, 11, first), title=str(number)))
        elif step == "decide":
            # Also about what comes only later.
            target = learned[first] if first < len(learned) else str(UUID(int=number + 1))
            desk.send(desk.decide(target, second))
        elif step == "complete":
            desk.send(moodle(actor=agent("budi"), timestamp=f"2026-11-{first:02d}T03:00:00Z"))
        elif step == "table":
            changes = coaching(f"v{number}", second, courses={COURSE: {"jp": str(first)}})
            changes["forms"]["coaching"]["jp"]["max_sessions_per_month"] = first
            desk.record.tables.change(desk.tenant, changes, author="admin")
        elif step == "void" and first < len(learned):
            desk.send(desk.void(learned[first]))
        elif step == "follow":
            desk.follow()
    desk.follow()
    before = everything(desk)
    desk.record.rebuild()
    assert everything(desk) == before


def older_program(monkeypatch: pytest.MonkeyPatch, desk: RecordServices, work: Callable[[], object]) -> None:
    """Do some work as a program did that brought the first table and kept no histories."""
    with monkeypatch.context() as past:
        past.setattr(Tables, "adopt", lambda self: False)
        past.setattr(table_history, "LATEST", SHIPPED[0])
        work()
    desk.record.follower.release()
    desk.record = learning_record(desk.store)


@EVERY_ENGINE
def test_a_new_shipped_table_leaves_what_is_verified_alone(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade a verified entry keeps the first table's JP, one that waits gets the new one's."""
    long = [desk.learn(form="on-the-job-training", minutes=1800, title=name) for name in ("done", "waits")]
    abroad = desk.learn(title="abroad", international=True)

    def before() -> None:
        desk.write(*long, desk.decide(long[0]["id"]), abroad)
        assert jp(desk) == {"done": 40, "waits": 40, "abroad": 2}

    older_program(monkeypatch, desk, before)
    desk.follow()
    assert jp(desk) == {"done": 40, "waits": 10, "abroad": 4}
    assert {entry.table for entry in desk.entries()} == {SHIPPED[0], LATEST}
    kept = everything(desk)
    desk.record.rebuild()
    assert everything(desk) == kept
    assert desk.record.tables.adopt() is False


def test_an_upgrade_lays_an_agencys_table_over_the_new_one(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables that an earlier program kept without a history hold from when they were written."""
    told = [desk.learn(title=str(number)) for number in range(3)]

    def before() -> None:
        desk.write(told[0], desk.decide(told[0]["id"]))
        desk.record.tables.change(desk.tenant, coaching("a", "1"), author="admin")
        desk.write(told[1], desk.decide(told[1]["id"]))

    older_program(monkeypatch, desk, before)

    def as_it_was(writer: Writer) -> None:
        history = writer.document(TABLE, desk.tenant, HISTORY)
        assert history is not None
        ((since, _),) = orjson.loads(history.body)
        writer.delete(TABLE, desk.tenant, (HISTORY,))
        writer.put(Document(TABLE, desk.tenant, CURRENT, b"{}", updated=since))

    desk.store.writing(as_it_was)
    desk.follow()
    desk.write(told[2])
    tables = {entry.title["id"]: entry.table for entry in desk.entries()}
    assert tables == {"0": SHIPPED[0], "1": f"{SHIPPED[0]}+a", "2": f"{LATEST}+a"}
    change(desk, coaching("b", "0.5"))
    tables = {entry.title["id"]: entry.table for entry in desk.entries()}
    assert tables == {"0": SHIPPED[0], "1": f"{SHIPPED[0]}+a", "2": f"{LATEST}+b"}
    assert desk.record.tables.changes(desk.tenant) == coaching("b", "0.5")


def test_a_new_store_knows_the_latest_table_alone(desk: RecordServices) -> None:
    """What came in before anything was followed is counted by the latest table, and only once."""
    desk.send(moodle(actor=agent("budi")))
    desk.follow()
    assert desk.only().table == LATEST
    with desk.store.reading() as reader:
        assert reader.find_documents(DocumentQuery(RECOUNT, None, limit=10)) == []


@EVERY_ENGINE
def test_an_agency_has_so_many_versions_at_most(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond them nothing changes: the last one stays in force, and other agencies have their own."""
    monkeypatch.setattr(tables, "MOST_VERSIONS", 2)
    for version in ("a", "b"):
        change(desk, coaching(version, "1"))
    with pytest.raises(TooManyVersionsError):
        change(desk, coaching("c", "3"))
    assert desk.record.tables.changes(desk.tenant) == coaching("b", "1")
    assert desk.record.tables.of(desk.tenant).version == f"{LATEST}+b"
    desk.record.tables.change("other", coaching("c", "3"), author="admin")


def test_verbs_of_all_tables_are_gathered_once_for_each_change(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass does not load every table an agency ever had to know what a completion is."""
    gathered = 0

    def counts(each: Any) -> Any:
        nonlocal gathered
        gathered += 1
        return verbs_of(each)

    monkeypatch.setattr(tables, "verbs_of", counts)
    change(desk, coaching("a", "1"))
    for _ in range(3):
        desk.write(moodle(actor=agent("budi")), moodle(actor=agent("budi"), verb=UNCOMPLETED))
    assert gathered == 1
    change(desk, coaching("b", "1"))
    desk.write(moodle(actor=agent("budi")))
    assert gathered == 2


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([], [Period(0, "1"), Period(20, "2")]),
        ([(10, "a")], [Period(0, "1"), Period(10, "1", "a"), Period(20, "2", "a")]),
        (
            [(30, "a"), (40, "b")],
            [Period(0, "1"), Period(20, "2"), Period(30, "2", "a"), Period(40, "2", "b")],
        ),
    ],
)
def test_periods(own: list[tuple[int, str]], expected: list[Period]) -> None:
    """Each change of the shipped table or of the agency's own begins a period."""
    assert list(periods_of([(0, "1"), (20, "2")], own)) == expected


def test_every_shipped_version_is_still_there() -> None:
    """A version that was shipped can be read, names itself, and has no form that the next one lacks."""
    tables = [shipped(version) for version in SHIPPED]
    assert [table.version for table in tables] == list(SHIPPED)
    for older, newer in pairwise(tables):
        assert older.forms.keys() <= newer.forms.keys()
