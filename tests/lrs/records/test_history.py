"""The history of an entry tells its whole life, and nothing of anybody else's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from lrs.access import Access, Scope
from lrs.records import history
from lrs.records.history import Event, Way, What
from lrs.xapi.ingest import Ingest
from statements.data_types.versions import Version
from statements.profile.vocabulary import Decision
from tests.contract.engines import ENGINES
from tests.contract.make import now
from tests.lrs.records.conftest import AUTHORITY, RecordServices, agent
from tests.lrs.records.test_confirmations import by_link
from tests.statements.profile_samples import moodle


def replaced(desk: RecordServices, told: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Store a correction of a statement by its owner; the statement that takes its place."""
    made = desk.learn(replaces=told["id"], **more)
    desk.write(desk.void(told["id"]), made)
    return made


def events_of(desk: RecordServices) -> tuple[Event, ...]:
    """What happened to the one entry."""
    return desk.record.histories.of(desk.only(), now()).events


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_a_history_tells_the_whole_life(desk: RecordServices) -> None:
    """Logged, returned, changed, asked, opened, confirmed, verified, undone: in order, with who and how."""
    first = desk.learn(at=now())
    desk.write(first)
    returned = desk.decide(first["id"], Decision.RETURNED, at=now())
    desk.write(returned)
    second = replaced(desk, first, at=now())
    code = desk.record.links.create(desk.only(), id=str(uuid4()), name="Siti", days=14)
    assert code is not None
    desk.record.links.open(code)
    confirmed = by_link(second["id"], at=now())
    desk.write(confirmed)
    verified = desk.decide(second["id"], at=now())
    desk.write(verified)
    undone = desk.void(verified["id"], by="anwar")
    undone["timestamp"] = "2199-01-01T00:00:00Z"
    desk.write(undone)
    told = desk.record.histories.of(desk.only(), now())
    assert [event.what for event in told.events] == [
        What.LOGGED,
        What.RETURNED,
        What.CHANGED,
        What.ASKED,
        What.OPENED,
        What.CONFIRMED,
        What.VERIFIED,
        What.UNDONE,
    ]
    assert [event.who for event in told.events] == [
        "Budi",
        "Anwar",
        "Budi",
        "Siti",
        "Siti",
        "Anwar Hakim",
        "Anwar",
        "Anwar",
    ]
    assert told.events[1].reason == "Tanggal keliru"
    assert (told.events[5].way, told.events[5].position) == (Way.LINK, "Kepala Bidang")
    assert (told.events[6].way, told.events[6].credential) == (Way.KEY, "tool")
    assert (told.events[0].statement_ids, told.events[2].statement_ids[1]) == ((first["id"],), second["id"])
    assert told.events[7].statement_ids == (undone["id"], verified["id"])
    assert told.bodies.keys() >= {first["id"], returned["id"], second["id"], verified["id"], undone["id"]}


def test_what_does_not_count_is_not_told(desk: RecordServices) -> None:
    """Neither a decision about one's own entry nor one of a credential that may not decide is history."""
    told = desk.learn(at=now())
    desk.write(told)
    desk.write(desk.decide(told["id"], by="budi", at=now()))
    access = replace(Access.internal("bkd", "x", AUTHORITY), scopes=frozenset({Scope.STATEMENTS_WRITE}))
    ingest = Ingest(desk.store, now, lambda: str(uuid4()))
    ingest.submit(access, [desk.decide(told["id"], at=now())], Version.V1)
    desk.follow()
    assert [event.what for event in events_of(desk)] == [What.LOGGED]


def test_nobody_reads_what_is_not_theirs(desk: RecordServices) -> None:
    """Who names another person's statement as what theirs replaces sees nothing of it."""
    secret = desk.learn("siti", at=now())
    desk.write(secret)
    desk.write(desk.void(secret["id"], by="siti"))
    desk.write(desk.learn("budi", replaces=secret["id"], at=now()))
    told = desk.record.histories.of(desk.only(), now())
    assert secret["id"] not in told.bodies
    assert [event.who for event in told.events] == ["Budi"]


def test_a_history_goes_back_so_far(desk: RecordServices, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of corrections is followed within bounds, and one that bites its tail ends."""
    monkeypatch.setattr(history, "MOST_VERSIONS", 3)
    made = desk.learn(at=now())
    desk.write(made)
    for _ in range(4):
        made = replaced(desk, made, at=now())
    assert [event.what for event in events_of(desk)] == [What.CHANGED] * 3
    loop = str(uuid4())
    desk.write(desk.learn("rizky", id=loop, replaces=loop, at=now(), actor=agent("rizky")))
    assert len(desk.record.histories.of(desk.only("rizky"), now()).events) == 1


def test_what_a_platform_reports_is_told_so(desk: RecordServices) -> None:
    """The history of a completed course names the credential that sent it."""
    entry = desk.record.records.entry(desk.tenant, desk.write(moodle()))
    assert entry is not None
    (event,) = desk.record.histories.of(entry, now()).events
    assert (event.what, event.way) == (What.REPORTED, Way.KEY)
