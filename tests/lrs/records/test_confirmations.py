"""A confirmation stands beside the status of an entry: somebody vouches, and a verifier still decides."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations
from uuid import uuid4

import pytest

from lrs.access import Access, Scope
from lrs.records.entries import ENTRY, Status, entry_id
from lrs.store.documents import Document
from lrs.xapi.decisions import DECISION, older
from lrs.xapi.ingest import Ingest
from statements.data_types.versions import Version
from statements.profile.build import decision_statement
from statements.profile.vocabulary import BY_LINK, LINKS, Decision
from tests.contract.engines import ENGINES
from tests.contract.make import now
from tests.lrs.records.conftest import NOON, RecordServices, agent

CONFIRMED, VERIFIED, RETURNED = Decision.CONFIRMED, Decision.VERIFIED, Decision.RETURNED


def by_link(target: str, decision: Decision = CONFIRMED, at: int = NOON) -> dict[str, object]:
    """What somebody decides by a one-time link."""
    return decision_statement(
        decision,
        id=str(uuid4()),
        verifier={"name": "Anwar Hakim", "account": {"homePage": LINKS, "name": str(uuid4())}},
        target=target,
        at=at,
        reason="Tanggal keliru" if decision is RETURNED else "",
        channel=BY_LINK,
        position="Kepala Bidang",
    )


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_a_confirmed_entry_goes_on_waiting(desk: RecordServices) -> None:
    """A confirmation tells who vouches, by which channel and as whom; the JP go on waiting."""
    told = desk.learn()
    desk.write(told)
    said = by_link(told["id"])
    desk.write(said)
    entry, summary = desk.only(), desk.summary()
    assert (entry.status, entry.decided, summary.waiting) == (Status.SUBMITTED, None, 1)
    confirmed = entry.confirmed
    assert confirmed is not None
    assert (confirmed.by.name, confirmed.position) == ("Anwar Hakim", "Kepala Bidang")
    assert (confirmed.channel, confirmed.at, confirmed.statement_id) == (BY_LINK, NOON, said["id"])
    assert entry.statement_ids == (told["id"], said["id"])
    assert [entry.id for entry in desk.record.records.waiting(desk.tenant).entries] == [entry.id]


def test_a_decision_by_link_tells_its_channel(desk: RecordServices) -> None:
    """What verifies by link verifies, and is marked with the channel, the name and the position."""
    told = desk.learn()
    desk.write(told)
    desk.write(by_link(told["id"], VERIFIED))
    decided = desk.only().decided
    assert decided is not None
    assert (desk.only().status, desk.summary().total_verified) == (Status.VERIFIED, Decimal(2))
    assert (decided.channel, decided.by.name, decided.position) == (BY_LINK, "Anwar Hakim", "Kepala Bidang")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_decision_and_confirmation_stand_side_by_side(desk: RecordServices, order: tuple[int, ...]) -> None:
    """In whatever order they arrive, the latest decision and the latest confirmation are both told."""
    told = desk.learn()
    said = [
        by_link(told["id"], at=NOON),
        by_link(told["id"], at=NOON + 1),
        desk.decide(told["id"], VERIFIED, at=NOON + 2),
    ]
    desk.write(told)
    for place in order:
        desk.write(said[place])
    entry = desk.only()
    assert entry.decided is not None
    assert entry.confirmed is not None
    assert (entry.decided.statement_id, entry.confirmed.statement_id) == (said[2]["id"], said[1]["id"])


def test_many_decisions_do_not_hide_a_confirmation(desk: RecordServices) -> None:
    """However often verifiers changed their mind after a confirmation, it is still told."""
    told = desk.learn()
    said = by_link(told["id"])
    desk.write(told, said)
    desk.write(*(desk.decide(told["id"], RETURNED, at=NOON + place) for place in range(1, 9)))
    confirmed = desk.only().confirmed
    assert desk.only().status is Status.RETURNED
    assert confirmed is not None
    assert confirmed.statement_id == said["id"]


def test_nobody_confirms_their_own_entry(desk: RecordServices) -> None:
    """A confirmation in the owner's own name changes nothing."""
    told = desk.learn()
    desk.write(told, desk.decide(told["id"], CONFIRMED, by="budi"))
    assert desk.only().confirmed is None


def test_a_voided_confirmation_is_gone(desk: RecordServices) -> None:
    """Whoever may decide takes a confirmation back by voiding it."""
    told = desk.learn()
    said = by_link(told["id"])
    desk.write(told, said)
    desk.write(desk.void(str(said["id"]), by="wati"))
    assert desk.only().confirmed is None


def test_a_confirmation_of_who_may_not_decide_counts_for_nothing(desk: RecordServices) -> None:
    """A credential that only writes statements vouches for nobody, however it words them."""
    told = desk.learn()
    desk.write(told)
    access = Access(desk.tenant, "key", "other", frozenset({Scope.STATEMENTS_WRITE}), agent("other"), "m")
    Ingest(desk.store, now, lambda: str(uuid4())).submit(access, [by_link(told["id"])], Version.V1)
    desk.follow()
    assert desk.only().confirmed is None


def test_what_earlier_builds_stored_is_no_confirmation(desk: RecordServices) -> None:
    """To earlier builds the verb meant nothing, whoever sent it: such a statement never comes to count."""
    told = desk.learn()
    said = by_link(told["id"])
    desk.write(told, said)
    desk.store.writing(lambda writer: writer.delete(DECISION, desk.tenant, {str(said["id"])}))
    with desk.store.reading() as reader:
        assert older(reader, reader.get(desk.tenant, {str(said["id"])}).values()) == []
    desk.record.rebuild()
    assert desk.only().confirmed is None


def test_a_rebuild_gives_the_same_bytes(desk: RecordServices) -> None:
    """Status and confirmation follow from the statements alone."""
    ids = []
    for decisions in ((by_link,), (by_link, desk.decide), (desk.decide,)):
        told = desk.learn()
        ids.append(entry_id(desk.tenant, told["id"]))
        desk.write(told)
        for say in decisions:
            desk.write(say(told["id"]))

    def held() -> list[bytes]:
        with desk.store.reading() as reader:
            found: dict[str, Document] = dict(reader.documents(ENTRY, desk.tenant, ids))
        return [found[id].body for id in ids]

    before = held()
    desk.record.rebuild()
    assert held() == before
