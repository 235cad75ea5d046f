"""Whose decisions and voidings change the learning record, however much else refers to its statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from lrs.access import AUTHORITY_HOME, Access, Scope, mine_key
from lrs.records.entries import ENTRY, Status
from lrs.records.summaries import SUMMARY
from lrs.store.documents import Document, DocumentQuery
from lrs.store.log import LogQuery
from lrs.store.port import Store, Writer
from lrs.xapi import decisions
from lrs.xapi.decisions import DECISION, PROGRESS
from lrs.xapi.ingest import Ingest
from statements.data_types.versions import Version
from statements.profile.vocabulary import Decision
from tests.contract.make import now
from tests.lrs.records.conftest import NOON, RecordServices, agent
from tests.statements.profile_samples import UNCOMPLETED, moodle

pytestmark = pytest.mark.parametrize("store", ["sqlite", "mongo"], indirect=True)

MANY = 450
"""More than two pages of what refers to a statement."""
VERIFIED, RETURNED, REJECTED = Decision.VERIFIED, Decision.RETURNED, Decision.REJECTED
COMMENTED = "http://adlnet.gov/expapi/verbs/commented"


def access(desk: RecordServices, name: str, *scopes: Scope) -> Access:
    """A credential of the desk's tenant, without the store's knowing."""
    authority = {"objectType": "Agent", "account": {"homePage": AUTHORITY_HOME + desk.tenant, "name": name}}
    return Access(desk.tenant, name, name, frozenset(scopes), authority, mine_key(authority))


def send(desk: RecordServices, statements: list[dict[str, Any]], *scopes: Scope, name: str = "other") -> None:
    """Store statements, in batches, with a credential that may write and has these scopes."""
    ingest = Ingest(desk.store, now, lambda: str(uuid4()))
    caller = access(desk, name, Scope.STATEMENTS_WRITE, *scopes)
    for start in range(0, len(statements), 250):
        ingest.submit(caller, statements[start : start + 250], Version.V1)


def comment(target: str) -> dict[str, Any]:
    """A harmless statement about another."""
    return {
        "id": str(uuid4()),
        "actor": agent("citra"),
        "verb": {"id": COMMENTED},
        "object": {"objectType": "StatementRef", "id": target},
    }


def comments(desk: RecordServices, target: str) -> None:
    """Many harmless references."""
    send(desk, [comment(target) for _ in range(MANY)])


def verified_by_nobody(desk: RecordServices, target: str) -> None:
    """Many sign-offs of a credential whose decisions do not count."""
    send(desk, [desk.decide(target, VERIFIED, at=NOON + 9, by="citra") for _ in range(MANY)])


def voided(desk: RecordServices, target: str) -> None:
    """Many decisions that counted, and were voided by who made them."""
    made = [desk.decide(target, RETURNED, at=NOON + 9, by="citra") for _ in range(MANY)]
    send(desk, made, Scope.DECISIONS_WRITE)
    send(desk, [desk.void(each["id"]) for each in made])


def own(desk: RecordServices, target: str) -> None:
    """Many decisions of the learner about their own entry."""
    send(
        desk,
        [desk.decide(target, RETURNED, at=NOON + 9, by="budi") for _ in range(MANY)],
        Scope.DECISIONS_WRITE,
    )


FLOODS = [comments, verified_by_nobody, voided, own]


@pytest.mark.slow
@pytest.mark.parametrize("flood", FLOODS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("decision", [VERIFIED, REJECTED])
def test_a_decision_stands_whatever_else_refers_to_the_entry(
    desk: RecordServices, flood: Callable[[RecordServices, str], None], decision: Decision
) -> None:
    """Many other references change nothing: not at once, not when worked out again, not rebuilt."""
    told = desk.learn()
    desk.write(told, desk.decide(told["id"], decision))
    before = desk.only()
    assert before.status == Status(decision.value)
    flood(desk, told["id"])
    desk.write(comment(told["id"]), desk.decide(told["id"], VERIFIED, at=NOON - 1, by="wati"))
    assert desk.only() == before
    desk.record.rebuild()
    assert desk.only() == before


@pytest.mark.slow
def test_an_entry_is_gone_whatever_else_refers_to_it(desk: RecordServices) -> None:
    """The voiding of an entry is in force behind many other references and voidings."""
    told = desk.learn()
    desk.write(told)
    desk.send(desk.void(told["id"]))
    comments(desk, told["id"])
    send(desk, [desk.void(told["id"]) for _ in range(MANY)])
    desk.write(desk.decide(told["id"]))
    assert desk.entries() == []


@pytest.mark.slow
@pytest.mark.parametrize("about", ["completion", "reversal"])
def test_a_reversal_is_found_whatever_else_refers_to_it(desk: RecordServices, about: str) -> None:
    """Many references to a completion or to its reversal leave the completion taken back."""
    done = desk.send(moodle(actor=agent("budi"), timestamp="2026-10-28T03:00:00Z")).ids[0]
    desk.follow()
    undone = moodle(actor=agent("budi"), verb=UNCOMPLETED, timestamp="2026-10-29T03:00:00Z")
    if about == "completion":
        comments(desk, done)
        desk.follow()
        desk.write(undone)
    else:
        reversal = desk.send(undone).ids[0]
        comments(desk, reversal)
        desk.write(comment(done), desk.decide(done, VERIFIED))
    assert desk.entries() == []


@pytest.mark.parametrize(
    ("scopes", "counts"),
    [
        ((), False),
        ((Scope.DEFINE, Scope.STATEMENTS_READ), False),
        ((Scope.DECISIONS_WRITE,), True),
        ((Scope.ALL,), True),
    ],
    ids=["write", "write and read", "decide", "all"],
)
@pytest.mark.parametrize("first", ["entry", "decision"])
def test_decisions_count_from_who_may_decide(
    desk: RecordServices, scopes: tuple[Scope, ...], counts: bool, first: str
) -> None:
    """A sign-off of another credential is stored and changes nothing, whichever comes first; rebuilt, too."""
    told = desk.learn()
    decided = desk.decide(told["id"])
    if first == "entry":
        desk.write(told)
    send(desk, [decided], *scopes)
    desk.follow()
    if first == "decision":
        desk.write(told)
    for _ in range(2):
        assert desk.only().status is (Status.VERIFIED if counts else Status.SUBMITTED)
        desk.record.rebuild()
    with desk.store.reading() as reader:
        assert reader.get(desk.tenant, [decided["id"]])


VOIDERS = {
    "a stranger": ("stranger", (), False),
    "its authority": ("author", (), True),
    "who may decide": ("stranger", (Scope.DECISIONS_WRITE,), True),
}


@pytest.mark.parametrize("voider", VOIDERS)
@pytest.mark.parametrize("first", ["entry", "voiding"])
def test_an_entry_is_voided_by_whose_it_is_and_by_who_may_decide(
    desk: RecordServices, voider: str, first: str
) -> None:
    """Any other voiding hides the statement from xAPI and leaves the entry as it is, decisions included."""
    name, scopes, counts = VOIDERS[voider]
    told = desk.learn()
    if first == "entry":
        send(desk, [told], name="author")
        desk.follow()
    send(desk, [desk.void(told["id"])], *scopes, name=name)
    desk.follow()
    if first == "voiding":
        send(desk, [told], name="author")
    desk.write(desk.decide(told["id"]))
    for _ in range(2):
        assert [entry.status for entry in desk.entries()] == ([] if counts else [Status.VERIFIED])
        desk.record.rebuild()
    with desk.store.reading() as reader:
        assert reader.get(desk.tenant, [told["id"]])[told["id"]].hidden


@pytest.mark.parametrize("voider", VOIDERS)
def test_a_decision_is_voided_by_whose_it_is_and_by_who_may_decide(desk: RecordServices, voider: str) -> None:
    """Any other voiding leaves the decision in force."""
    name, scopes, counts = VOIDERS[voider]
    told = desk.learn()
    decided = desk.decide(told["id"])
    desk.send(told)
    send(desk, [decided], Scope.DECISIONS_WRITE, name="author")
    send(desk, [desk.void(decided["id"])], *scopes, name=name)
    desk.follow()
    for _ in range(2):
        assert desk.only().status is (Status.SUBMITTED if counts else Status.VERIFIED)
        desk.record.rebuild()


def test_who_voided_in_vain_may_be_followed_by_who_may(desk: RecordServices) -> None:
    """A voiding that counts takes the entry out although the statement was voided in vain before."""
    told = desk.learn()
    desk.write(told)
    send(desk, [desk.void(told["id"]) for _ in range(3)])
    desk.follow()
    assert len(desk.entries()) == 1
    desk.write(desk.void(told["id"]))
    assert desk.entries() == []


def test_a_reversal_takes_back_what_was_voided_in_vain(desk: RecordServices) -> None:
    """A completion that a stranger voided is in the record still, and a reversal takes it out."""
    done = desk.send(moodle(actor=agent("budi"), timestamp="2026-10-28T03:00:00Z")).ids[0]
    send(desk, [desk.void(done)])
    desk.follow()
    assert len(desk.entries()) == 1
    desk.write(moodle(actor=agent("budi"), verb=UNCOMPLETED, timestamp="2026-10-29T03:00:00Z"))
    assert desk.entries() == []


def forget(desk: RecordServices, *kinds: str) -> None:
    """As an earlier version left it: nothing says which decisions count."""

    def work(writer: Writer) -> None:
        for kind in kinds:
            for one in writer.find_documents(DocumentQuery(kind, None, limit=10_000)):
                writer.delete(kind, one.scope, (one.name,))

    desk.store.writing(work)


@pytest.mark.parametrize("followed", [True, False], ids=["followed before", "not followed yet"])
def test_decisions_of_an_earlier_version_go_on_counting(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch, followed: bool
) -> None:
    """What was stored before there was a difference counts, in slices of any size; not so what came after."""
    monkeypatch.setattr(decisions, "_PAGE", 2)
    told = [desk.learn(who) for who in ("ani", "budi", "citra")]
    signed = [desk.decide(each["id"]) for each in told]
    send(desk, [*told, *signed, desk.void(told[2]["id"])], name="moodle")
    if followed:
        desk.follow()
    forget(desk, DECISION, PROGRESS, ENTRY, SUMMARY)
    later = desk.learn("dewi")
    send(desk, [later, desk.decide(later["id"])], name="moodle")
    desk.record.follower._counted = False
    desk.follow()
    for _ in range(2):
        desk.record.rebuild()
        assert [desk.only(who).status for who in ("ani", "budi", "dewi")] == [
            "verified",
            "verified",
            "submitted",
        ]
        assert desk.entries("citra") == []


def test_what_counts_is_kept_with_the_statement_and_found_by_nothing_else(desk: RecordServices) -> None:
    """One small document for each decision; no key of the statement tells whether it counts."""
    told = desk.learn()
    decided = desk.decide(told["id"])
    desk.send(told, decided)
    send(desk, [{**decided, "id": str(uuid4())}])
    with desk.store.reading() as reader:
        views = {
            one.views[0] - {key for key in one.views[0] if key[0] in "mA"} for one in all_of(desk.store, told)
        }
        documents = reader.find_documents(DocumentQuery(DECISION, desk.tenant, limit=9))
        counted = reader.find_documents(
            DocumentQuery(DECISION, desk.tenant, {decisions.decided_key(told["id"])}, limit=9)
        )
    assert len(views) == 1
    assert len(documents) == 2
    assert [one.name for one in counted] == [decided["id"]]


def all_of(store: Store, told: dict[str, Any]) -> list[Any]:
    """The stored statements that refer to this one."""
    with store.reading() as reader:
        return reader.find(LogQuery("bkd", (f"t\x1f{told['id']}",), limit=9))


def test_a_document_of_a_decision_is_small_and_in_order(desk: RecordServices) -> None:
    """The latest decision comes first, by its own time and then by when it was stored."""
    told = desk.learn()
    desk.send(told)
    times = (NOON, NOON - 5, NOON + 3, -62_135_596_800_000_000, NOON)
    made = [desk.decide(told["id"], at=at) for at in times]
    for each in made:
        desk.send(each)
    with desk.store.reading() as reader:
        found = reader.find_documents(
            DocumentQuery(DECISION, desk.tenant, {decisions.decided_key(told["id"])}, limit=9)
        )
    assert [one.name for one in found] == [made[place]["id"] for place in (2, 4, 0, 1, 3)]
    assert all(isinstance(one, Document) and len(one.body) < 40 for one in found)
