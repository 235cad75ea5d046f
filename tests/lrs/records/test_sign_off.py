"""Deciding and undoing: who may, in what state, for how long, and what stands then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from lrs.records.entries import Status
from lrs.records.learning_record import LearningRecord
from lrs.records.verification import UNDO_SECONDS, Refusal
from lrs.store.port import Store
from statements.profile.vocabulary import Decision
from tests.contract.engines import ENGINES
from tests.contract.make import now
from tests.lrs.records.conftest import RecordServices, agent

pytestmark = pytest.mark.parametrize("store", ENGINES, indirect=True)
VERIFIED, RETURNED = Decision.VERIFIED, Decision.RETURNED


@dataclass
class Later:
    """A clock that can be moved on."""

    seconds: float = 0.0

    def __call__(self) -> int:
        return now() + round(self.seconds * 1_000_000)


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def office(store: Store, later: Later) -> RecordServices:
    """A record whose clock can be moved on."""
    return RecordServices(store, LearningRecord.over(store, later, lambda: str(uuid4())))


def decide(
    desk: RecordServices, ids: list[str], decision: Decision = VERIFIED, by: str = "anwar", **more: Any
) -> dict[str, Refusal]:
    reason = "" if decision is VERIFIED else "Lampirkan daftar hadir"
    plan = desk.record.verification.decide(
        desk.tenant, ids, decision, verifier=agent(by), reason=reason, **more
    )
    if plan.statements:
        desk.write(*plan.statements)
    return dict(plan.refused)


def undo(desk: RecordServices, at: int, by: str = "anwar") -> int:
    plan = desk.record.verification.undo(desk.tenant, at, verifier=agent(by))
    if plan.statements:
        desk.write(*plan.statements)
    return len(plan.statements)


def moments(desk: RecordServices, by: str = "anwar") -> list[tuple[int, int]]:
    """When the verifier decided, and about how many entries, as far as it can be undone."""
    recent = desk.record.verification.recent(desk.tenant, agent(by))
    return [(at, sum(one.at == at for one in recent)) for at in sorted({one.at for one in recent})]


def test_many_are_decided_at_once_and_undone_together(office: RecordServices) -> None:
    """One act is one moment: all of it is taken back, and what came before stands again."""
    ids = [office.write(office.learn(title=f"Entri {n}")) for n in range(3)]
    assert decide(office, ids) == {}
    assert {entry.status for entry in office.entries()} == {Status.VERIFIED}
    ((at, count),) = moments(office)
    assert (count, undo(office, at)) == (3, 3)
    assert {(entry.status, entry.decided) for entry in office.entries()} == {(Status.SUBMITTED, None)}
    assert (moments(office), undo(office, at)) == ([], 0)


def test_undoing_the_last_decision_brings_back_the_one_before(office: RecordServices, later: Later) -> None:
    """A verified entry that was returned by mistake is verified again."""
    id = office.write(office.learn())
    decide(office, [id])
    later.seconds = 60
    decide(office, [id], RETURNED)
    assert office.only().status is Status.RETURNED
    (_, (last, _)) = moments(office)
    undo(office, last)
    assert office.only().status is Status.VERIFIED


def test_the_time_to_undo_ends(office: RecordServices, later: Later) -> None:
    """Ten minutes after a decision was stored, nothing takes it back but another decision."""
    id = office.write(office.learn())
    decide(office, [id])
    ((at, _),) = moments(office)
    later.seconds = UNDO_SECONDS - 60
    assert moments(office) == [(at, 1)]
    later.seconds = UNDO_SECONDS + 60
    assert (moments(office), undo(office, at)) == ([], 0)
    assert office.only().status is Status.VERIFIED


def test_nobody_undoes_what_another_decided(office: RecordServices) -> None:
    """The moment of somebody else's decision undoes nothing."""
    id = office.write(office.learn())
    decide(office, [id])
    ((at, _),) = moments(office)
    assert (moments(office, by="dewi"), undo(office, at, by="dewi")) == ([], 0)
    assert office.only().status is Status.VERIFIED


@pytest.mark.parametrize(
    ("prepare", "by", "only_waiting", "refusal"),
    [
        (lambda desk, id: None, "budi", True, Refusal.OWN),
        (lambda desk, id: decide(desk, [id], RETURNED, by="dewi"), "anwar", True, Refusal.SETTLED),
        (lambda desk, id: decide(desk, [id], RETURNED, by="dewi"), "anwar", False, None),
        (lambda desk, id: decide(desk, [id], by="dewi"), "anwar", True, Refusal.DECIDED),
        (lambda desk, id: desk.write(desk.void(desk.only().statement_id)), "anwar", True, Refusal.GONE),
    ],
)
def test_what_is_refused(
    office: RecordServices,
    prepare: Callable[[RecordServices, str], object],
    by: str,
    only_waiting: bool,
    refusal: Refusal | None,
) -> None:
    """Own entries, entries that are gone, and in a list those that somebody has decided about meanwhile."""
    id = office.write(office.learn())
    prepare(office, id)
    refused = decide(office, [id], by=by, only_waiting=only_waiting)
    assert refused == ({} if refusal is None else {id: refusal})
