"""Sources that name people by user name or mailbox: whom their statements join, and whom they do not."""

from __future__ import annotations

from uuid import uuid4

import pytest

from lrs.access import Access, authority_of
from lrs.people.people import People, mailbox_key, username_key
from lrs.records.account_names import AccountName, source_of
from lrs.store.log import LogQuery
from lrs.xapi.ingest import Ingest
from statements.data_types.versions import Version
from tests.contract.engines import ENGINES
from tests.contract.make import now
from tests.lrs.records.conftest import RecordServices, agent, key

pytestmark = pytest.mark.parametrize("store", ENGINES, indirect=True)

HOME = agent("budi")["account"]["homePage"]
SOURCE = "Moodle pusat"


def send(desk: RecordServices, *names: str) -> None:
    """Have the source send one entry of each account, and follow."""
    access = Access.internal(desk.tenant, SOURCE, authority_of(desk.tenant, SOURCE))
    ingest = Ingest(desk.store, now, lambda: str(uuid4()))
    ingest.submit(access, [desk.learn(name) for name in names], Version.V1)
    desk.follow()


def launch(people: People, tenant: str, number: str, username: str, name: str = "Budi Santoso") -> str:
    """As a launch of Moodle makes somebody known: by number, with the user name beside it."""
    return people.ensure(tenant, [key(number)], name, reusable=[username_key(HOME, username)])


def test_user_names_join_once_the_source_says_so(desk: RecordServices) -> None:
    """What a source sent by user name joins the person as soon as the setting says what the names are."""
    person = launch(desk.record.people, desk.tenant, "1042", "budi")
    send(desk, "budi")
    assert desk.record.records.entries(desk.tenant, person) == []
    desk.record.account_names.set(desk.tenant, SOURCE, AccountName.USERNAME)
    desk.follow()
    assert [entry.person for entry in desk.record.records.entries(desk.tenant, person)] == [person]
    desk.record.account_names.set(desk.tenant, SOURCE, AccountName.USER_ID)
    desk.follow()
    assert desk.record.records.entries(desk.tenant, person) == []


def test_a_user_name_that_looks_like_a_number_is_not_that_user(desk: RecordServices) -> None:
    """The user name "1042" of one person is not user number 1042, who is somebody else."""
    numbered = launch(desk.record.people, desk.tenant, "1042", "siti")
    named = launch(desk.record.people, desk.tenant, "7", "1042")
    desk.record.account_names.set(desk.tenant, SOURCE, AccountName.USERNAME)
    send(desk, "1042")
    assert len(desk.record.records.entries(desk.tenant, named)) == 1
    assert desk.record.records.entries(desk.tenant, numbered) == []


def test_a_user_name_that_was_given_to_somebody_else_merges_nobody(desk: RecordServices) -> None:
    """A second account with a known user name stays a person of its own: the first one keeps the name."""
    first = launch(desk.record.people, desk.tenant, "1", "budi", "Budi")
    second = launch(desk.record.people, desk.tenant, "2", "budi", "Budi the Second")
    assert first != second
    assert desk.record.people.resolve(desk.tenant, username_key(HOME, "budi")) == first


def test_a_rebuild_joins_the_same_people(desk: RecordServices) -> None:
    """Deriving everything anew gives the same owner, for the setting is a fact."""
    person = launch(desk.record.people, desk.tenant, "1042", "budi")
    desk.record.account_names.set(desk.tenant, SOURCE, AccountName.USERNAME)
    send(desk, "budi")
    before = desk.record.records.entries(desk.tenant, person)
    desk.record.rebuild()
    assert desk.record.records.entries(desk.tenant, person) == before
    assert len(before) == 1


def test_actors_that_match_nobody_are_listed_until_they_launch(desk: RecordServices) -> None:
    """An actor of a statement is listed with its source, masked, and is gone once a launch proves it."""
    send(desk, "1042")
    page = desk.record.unmatched.page(desk.tenant)
    assert [(one.source, one.kind, one.home_page, one.hint) for one in page.actors] == [
        (SOURCE, "account", HOME, "1…")
    ]
    counts = desk.record.unmatched.counts(desk.tenant)
    assert [(one.source, one.count) for one in counts.sources] == [(SOURCE, 1)]
    assert counts.complete
    launch(desk.record.people, desk.tenant, "1042", "budi")
    assert desk.record.unmatched.page(desk.tenant).actors == ()
    send(desk, "1042")
    assert desk.record.unmatched.counts(desk.tenant).sources == ()


def test_an_actor_that_was_linked_by_hand_is_no_longer_listed(desk: RecordServices) -> None:
    """What an administrator links to somebody who has launched is matched."""
    send(desk, "stray")
    person = launch(desk.record.people, desk.tenant, "1042", "budi")
    desk.record.people.link(desk.tenant, person, key("stray"), author="admin")
    assert desk.record.unmatched.page(desk.tenant).actors == ()


def test_the_list_has_pages(desk: RecordServices) -> None:
    """Every unmatched actor stands on exactly one page."""
    send(desk, *(f"stray-{number}" for number in range(5)))
    seen: list[str] = []
    after = None
    for _ in range(4):
        page = desk.record.unmatched.page(desk.tenant, after=after, limit=2)
        seen += [one.persona for one in page.actors]
        if (after := page.after) is None:
            break
    assert len(seen) == len(set(seen)) == 5


def test_a_mailbox_of_a_launch_joins_statements_by_mailbox(desk: RecordServices) -> None:
    """The identifier of a launch's e-mail is the one that a statement's `mbox` has."""
    assert mailbox_key("Budi@Example.GO.ID") == "mbox\x1fmailto:Budi@example.go.id"
    assert desk.record.people.resolve(desk.tenant, mailbox_key("budi@example.go.id")) is None


def test_the_source_of_a_statement_is_its_authority(desk: RecordServices) -> None:
    """The name of the credential is read from the record's own index keys."""
    send(desk, "1042")
    with desk.store.reading() as reader:
        (record,) = reader.find(LogQuery(desk.tenant, limit=1))
    assert source_of(record) == SOURCE
