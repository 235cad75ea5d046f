"""The status of an entry follows from what verifiers said, in whatever order it arrives."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lrs.records.entries import Status
from statements.profile.vocabulary import Decision
from tests.contract.engines import ENGINES
from tests.contract.make import now
from tests.lrs.records.conftest import NOON, RecordServices, agent
from tests.statements.profile_samples import COURSE, UNCOMPLETED, moodle

VERIFIED, RETURNED, REJECTED = Decision.VERIFIED, Decision.RETURNED, Decision.REJECTED


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_a_self_reported_activity_waits_for_a_verifier(desk: RecordServices) -> None:
    """What a learner reports is submitted, and its JP wait."""
    desk.write(desk.learn(sessions=2))
    entry, summary = desk.only(), desk.summary()
    assert (entry.status, entry.source, entry.jp) == (Status.SUBMITTED, "self", Decimal(4))
    assert (summary.total_verified, summary.total_waiting, summary.waiting) == (0, Decimal(4), 1)


@pytest.mark.parametrize(
    ("decision", "status", "verified", "returned"),
    [
        (VERIFIED, Status.VERIFIED, Decimal(2), 0),
        (RETURNED, Status.RETURNED, Decimal(0), 1),
        (REJECTED, Status.REJECTED, Decimal(0), 0),
    ],
)
def test_a_verifier_decides(
    desk: RecordServices, decision: Decision, status: Status, verified: Decimal, returned: int
) -> None:
    """A sign-off by somebody else sets the status; only verified JP count, and the reason is kept."""
    told = desk.learn()
    desk.write(told)
    desk.write(desk.decide(told["id"], decision))
    entry, summary = desk.only(), desk.summary()
    assert entry.status is status
    assert entry.decided is not None
    assert (entry.decided.by.name, entry.decided.reason) == (
        "Anwar",
        "" if decision is VERIFIED else "Tanggal keliru",
    )
    assert (summary.total_verified, summary.returned, summary.waiting) == (verified, returned, 0)


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "reversed"])
def test_the_latest_decision_stands_however_it_arrives(desk: RecordServices, reverse: bool) -> None:
    """Of several decisions the one made last counts, even when it was delivered first."""
    told = desk.learn()
    decisions = [desk.decide(told["id"], RETURNED, at=NOON), desk.decide(told["id"], VERIFIED, at=NOON + 1)]
    desk.write(told)
    for statement in reversed(decisions) if reverse else decisions:
        desk.write(statement)
    assert desk.only().status is Status.VERIFIED


def test_a_decision_dated_ahead_does_not_stand_for_good(desk: RecordServices) -> None:
    """A decision counts from when it was stored at the latest, so the next one is later."""
    told = desk.learn()
    desk.write(told, desk.decide(told["id"], VERIFIED, at=NOON + 10**15))
    desk.write(desk.decide(told["id"], REJECTED, at=now()))
    assert desk.only().status is Status.REJECTED


def test_a_sign_off_may_come_before_what_it_is_about(desk: RecordServices) -> None:
    """A decision that arrives before its target takes effect when the target arrives."""
    told = desk.learn()
    desk.write(desk.decide(told["id"]))
    assert desk.entries() == []
    desk.write(told)
    assert desk.only().status is Status.VERIFIED


def test_nobody_verifies_their_own_entry(desk: RecordServices) -> None:
    """A sign-off by the actor of the entry changes nothing."""
    told = desk.learn()
    desk.write(told, desk.decide(told["id"], by="budi"))
    assert desk.only().status is Status.SUBMITTED


def test_a_second_account_is_still_the_same_person(desk: RecordServices) -> None:
    """A sign-off from another account of the learner does not count, even if that is found out later."""
    told = desk.learn()
    desk.write(told, desk.decide(told["id"], by="budi2"))
    assert desk.only().status is Status.VERIFIED
    people = desk.record.people
    people.ensure(desk.tenant, ["account\x1fhttps://lms.example\x1fbudi2"])
    people.merge(desk.tenant, desk.person("budi"), desk.person("budi2"), author="admin")
    desk.follow()
    assert desk.only().status is Status.SUBMITTED


def test_voiding_removes_the_entry(desk: RecordServices) -> None:
    """A voided statement makes no entry and no JP."""
    told = desk.learn()
    desk.write(told)
    desk.write(desk.void(told["id"]))
    assert desk.entries() == []
    assert desk.summary().total_waiting == 0


def test_a_voiding_may_come_before_its_target(desk: RecordServices) -> None:
    """What was voided before it arrived never becomes an entry."""
    told = desk.learn()
    desk.write(desk.void(told["id"]))
    desk.write(told)
    assert desk.entries() == []


def test_a_voided_sign_off_no_longer_counts(desk: RecordServices) -> None:
    """When a decision is voided, the one before it stands again."""
    told = desk.learn()
    returned = desk.decide(told["id"], RETURNED)
    verified = desk.decide(told["id"], VERIFIED, at=NOON + 1)
    desk.write(told, returned, verified)
    assert desk.only().status is Status.VERIFIED
    desk.write(desk.void(verified["id"], by="anwar"))
    assert desk.only().status is Status.RETURNED


def test_a_remark_about_a_sign_off_decides_nothing(desk: RecordServices) -> None:
    """A decision about a decision is not one about the entry."""
    told = desk.learn()
    verified = desk.decide(told["id"])
    desk.write(told, verified, desk.decide(verified["id"], REJECTED, at=NOON + 1, by="sari"))
    assert desk.only().status is Status.VERIFIED


def test_delivering_again_changes_nothing(desk: RecordServices) -> None:
    """The same statement twice is one entry."""
    told = desk.learn()
    assert desk.write(told) == desk.write(told)
    assert len(desk.entries()) == 1


def test_a_course_completion_is_verified_as_it_arrives(desk: RecordServices) -> None:
    """What the platform reports needs no verifier; a bare completion is worth a day of e-learning."""
    desk.write(moodle(actor=agent("budi")))
    entry = desk.only()
    assert (entry.status, entry.source, entry.pillar, entry.form) == (
        Status.VERIFIED,
        "lms",
        "10",
        "e-learning",
    )
    assert (entry.jp, entry.award.rule) == (Decimal(3), "default")


def test_a_platform_can_be_contradicted(desk: RecordServices) -> None:
    """A verifier may reject what a platform reported."""
    receipt = desk.send(moodle(actor=agent("budi")))
    desk.write(desk.decide(receipt.ids[0], REJECTED))
    assert desk.only().status is Status.REJECTED


@pytest.mark.parametrize("first", ["completion", "reversal"])
def test_an_uncompleted_course_is_taken_out(desk: RecordServices, first: str) -> None:
    """The reversal of a completion removes its entry, whichever of the two arrives first."""
    done = moodle(actor=agent("budi"), timestamp="2026-10-28T03:00:00Z")
    undone = moodle(actor=agent("budi"), verb=UNCOMPLETED, timestamp="2026-10-29T03:00:00Z")
    for statement in (done, undone) if first == "completion" else (undone, done):
        desk.write(statement)
    assert desk.entries() == []


def test_a_course_completed_again_after_its_reversal_counts(desk: RecordServices) -> None:
    """Only completions before the reversal are taken back."""
    for verb, day in ((None, "28"), (UNCOMPLETED, "29"), (None, "30")):
        more: dict[str, Any] = {} if verb is None else {"verb": verb}
        desk.write(moodle(actor=agent("budi"), timestamp=f"2026-10-{day}T03:00:00Z", **more))
    assert desk.only().end.day == 30


def test_a_voided_reversal_brings_the_completion_back(desk: RecordServices) -> None:
    """When the reversal itself is voided, the course counts again."""
    desk.write(moodle(actor=agent("budi")))
    undone = desk.send(moodle(actor=agent("budi"), verb=UNCOMPLETED, timestamp="2026-10-29T03:00:00Z"))
    desk.follow()
    assert desk.entries() == []
    desk.write(desk.void(undone.ids[0]))
    assert desk.only().activity == COURSE


def test_the_same_course_counts_once_a_year(desk: RecordServices) -> None:
    """A completion that a platform sends twice under two ids is shown twice and counted once."""
    desk.write(moodle(actor=agent("budi")), moodle(actor=agent("budi"), timestamp="2026-10-29T03:00:00Z"))
    later, earlier = desk.entries()
    assert (earlier.jp, later.jp) == (Decimal(3), Decimal(0))
    assert [(cap.code, cap.params) for cap in later.award.caps] == [
        ("already-counted", {"entry": earlier.id})
    ]
