"""What waits for a decision: found by owner and by verifier, in order, whatever happened to it."""

from __future__ import annotations

from datetime import date

import pytest

from lrs.records import waiting
from lrs.records.entries import Status, entry_id
from lrs.records.waiting import PROGRESS, WaitingPage
from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Store, Writer
from statements.profile.vocabulary import Decision
from tests.contract.engines import ENGINES
from tests.contract.make import now
from tests.lrs.records.conftest import RecordServices, agent, learning_record

pytestmark = pytest.mark.parametrize("store", ENGINES, indirect=True)


def persona(desk: RecordServices, who: str) -> str:
    (found,) = desk.record.people.personas_of(
        desk.tenant, [f"account\x1fhttps://lms.example\x1f{who}"]
    ).values()
    return found[0]


def queue(
    desk: RecordServices,
    owners: str = "",
    verifiers: str = "",
    *,
    without: str = "",
    after: waiting.Place | None = None,
    limit: int = 50,
) -> WaitingPage:
    return desk.record.waiting.queue(
        desk.tenant,
        owners={persona(desk, who) for who in owners.split()},
        verifiers={persona(desk, who) for who in verifiers.split()},
        without={persona(desk, who) for who in without.split()},
        late=now() + 1_000_000,
        after=after,
        limit=limit,
    )


def titles(desk: RecordServices, page: WaitingPage) -> list[str]:
    entries = desk.record.records.entries_by_id(desk.tenant, [one.entry_id for one in page.found])
    return [entries[one.entry_id].title["id"] for one in page.found]


def test_the_longest_waiting_comes_first_whatever_its_date(desk: RecordServices) -> None:
    """The order is that of sending: who logs an old activity today waits since today."""
    for number, end in enumerate((date(2026, 11, 12), date(2026, 1, 5), date(2026, 6, 30))):
        desk.write(desk.learn("budi" if number % 2 else "ani", title=f"Entri {number}", end=end))
    page = queue(desk, "ani budi")
    assert titles(desk, page) == ["Entri 0", "Entri 1", "Entri 2"]
    assert (page.total, page.late, page.is_more, page.after) == (3, 3, False, None)
    assert titles(desk, queue(desk, "budi")) == ["Entri 1"]


def test_verifiers_find_what_names_them_by_identifier(desk: RecordServices) -> None:
    """A mentor of the same name under another account has nothing to decide; nobody finds their own."""
    desk.write(desk.learn("budi", title="Milik Budi", mentor=agent("anwar")))
    desk.write(desk.learn("anwar", title="Milik Anwar", mentor=agent("anwar")))
    namesake = {**agent("anwar"), "account": {"homePage": "https://other.example", "name": "anwar"}}
    desk.write(desk.learn("citra", title="Senama", mentor=namesake))
    assert titles(desk, queue(desk, "", "anwar", without="anwar")) == ["Milik Budi"]
    assert titles(desk, queue(desk, "budi anwar", "anwar", without="anwar")) == ["Milik Budi"]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_pages_show_everything_once(desk: RecordServices, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many each owner has, and however few are looked at first, the pages are the whole queue."""
    monkeypatch.setattr(waiting, "LISTED", 2)
    sent = [desk.learn("abc"[n % 5 // 2], title=f"Entri {n:02d}", mentor=agent("m")) for n in range(13)]
    for one in sent:
        desk.send(one)
    desk.follow()
    seen: list[str] = []
    after: waiting.Place | None = None
    while True:
        page = queue(desk, "a b", "m", after=after, limit=size)
        seen += titles(desk, page)
        if page.after is None:
            break
        after = page.after
    assert seen == [f"Entri {n:02d}" for n in range(13)]
    assert page.is_more


@pytest.mark.parametrize("decision", [Decision.VERIFIED, Decision.RETURNED, Decision.REJECTED])
def test_a_decision_takes_it_out_and_undoing_puts_it_back(desk: RecordServices, decision: Decision) -> None:
    """What was undone stands where it stood, as if nothing had been decided."""
    first, second = desk.learn(title="Pertama"), desk.learn(title="Kedua")
    desk.write(first)
    desk.write(second)
    decided = desk.decide(first["id"], decision)
    desk.write(decided)
    assert titles(desk, queue(desk, "budi")) == ["Kedua"]
    desk.write(desk.void(decided["id"], by="anwar"))
    assert titles(desk, queue(desk, "budi")) == ["Pertama", "Kedua"]


def test_what_is_withdrawn_no_longer_waits(desk: RecordServices) -> None:
    """A voided entry leaves the queue, and one that names another mentor moves to theirs."""
    told = desk.learn(mentor=agent("anwar"))
    desk.write(told)
    desk.write(desk.void(told["id"]), desk.learn(title="Lagi", mentor=agent("dewi")))
    assert titles(desk, queue(desk, "", "anwar")) == []
    assert titles(desk, queue(desk, "", "dewi")) == ["Lagi"]


def test_entries_of_an_earlier_version_are_listed_once(desk: RecordServices) -> None:
    """Where the queue was not kept yet, the follower lists what waits, and nothing else."""
    told = [desk.learn(title=f"Entri {n}") for n in range(3)]
    for one in told:
        desk.write(one)
    desk.write(desk.decide(told[1]["id"]))

    def forget(writer: Writer) -> None:
        names = [one.name for one in writer.find_documents(DocumentQuery(waiting.KIND, desk.tenant, limit=9))]
        writer.delete(waiting.KIND, desk.tenant, names)
        writer.delete(PROGRESS, "", [""])

    before = queue(desk, "budi")
    desk.store.writing(forget)
    assert queue(desk, "budi").total == 0
    learning_record(desk.store).follower.run_once()
    assert queue(desk, "budi") == before
    assert titles(desk, before) == ["Entri 0", "Entri 2"]


def test_a_rebuild_gives_the_same_queue(desk: RecordServices, store: Store) -> None:
    """Documents that were lost come back, and those that nothing stands for go."""
    told = [desk.learn(title=f"Entri {n}") for n in range(3)]
    for one in told:
        desk.write(one)
    desk.write(desk.decide(told[1]["id"]))
    with store.reading() as reader:
        before = reader.find_documents(DocumentQuery(waiting.KIND, desk.tenant, limit=9))
    stale = Document(
        waiting.KIND, desk.tenant, entry_id(desk.tenant, told[1]["id"]), before[0].body, order="0"
    )

    def harm(writer: Writer) -> None:
        writer.delete(waiting.KIND, desk.tenant, [before[0].name])
        writer.put(stale)

    store.writing(harm)
    desk.record.rebuild()
    with store.reading() as reader:
        assert reader.find_documents(DocumentQuery(waiting.KIND, desk.tenant, limit=9)) == before


def test_how_many_wait_too_long_is_counted_for_the_agency(desk: RecordServices) -> None:
    """Those that were sent before a moment, and no more than asked for."""
    for _ in range(3):
        desk.write(desk.learn())
    page = queue(desk, "budi")
    third = page.found[2].since
    assert desk.record.waiting.late(desk.tenant, third, most=10) == 2
    assert desk.record.waiting.late(desk.tenant, third, most=1) == 1
    assert {entry.status for entry in desk.entries()} == {Status.SUBMITTED}
