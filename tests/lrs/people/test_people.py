"""Persons behind identifiers: links and merges are facts that can be undone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from lrs.people.people import ALIAS, SALT, SYSTEM, People, UnknownPersonError, nip_key
from lrs.records.projection import follower
from lrs.records.summaries import SUMMARY, summary_name
from lrs.store.documents import DocumentQuery
from tests.contract.engines import ENGINES
from tests.contract.make import now
from tests.lrs.records.conftest import RecordServices, agent, key
from tests.statements.profile_samples import moodle

MAIL = "mbox\x1fmailto:budi@example.go.id"
NIP = nip_key("19870101 201001 1 001")


def test_an_unknown_identifier_is_nobody(desk: RecordServices) -> None:
    """Asking who somebody is makes no person."""
    assert desk.record.people.resolve(desk.tenant, key("budi")) is None


def test_a_persona_is_the_same_every_time_and_tells_nothing(desk: RecordServices) -> None:
    """Personas are stable, differ between tenants, and cannot be worked out without the store."""
    people, again = desk.record.people, People(desk.store, now)
    assert people.persona("bkd", NIP) == again.persona("bkd", NIP)
    assert people.persona("bkd", NIP) != people.persona("bkn", NIP)
    with desk.store.reading() as reader:
        salt = reader.document(SALT, "bkd", "people")
    assert salt is not None
    assert len(salt.body) == 32


def test_statements_make_persons_known(desk: RecordServices) -> None:
    """The actor of a first entry becomes a person, with the name that the statement gives."""
    desk.write(desk.learn())
    person = desk.record.people.person(desk.tenant, desk.person())
    assert person is not None
    assert (person.name, person.personas) == ("Budi", (person.id,))


def test_a_launch_makes_or_completes_a_person(desk: RecordServices) -> None:
    """The identifiers of a launch become one person; a later launch finds it and renews the name."""
    people = desk.record.people
    made = people.ensure(desk.tenant, [key("budi"), MAIL, NIP], "Budi")
    assert people.ensure(desk.tenant, [key("budi")], "Budi Santoso") == made
    assert {people.resolve(desk.tenant, each) for each in (key("budi"), MAIL, NIP)} == {made}
    assert people.name(desk.tenant, made) == "Budi Santoso"
    assert people.identifiers(desk.tenant, made, "nip") == ["198701012010011001"]
    assert {link.author for link in people.links(desk.tenant, made)} == {SYSTEM}


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_a_known_mailbox_joins_two_records(desk: RecordServices) -> None:
    """Statements by e-mail and statements by account become one record when a launch brings both together."""
    desk.write(moodle(actor={"objectType": "Agent", "mbox": "mailto:budi@example.go.id"}))
    desk.write(desk.learn())
    desk.record.people.ensure(desk.tenant, [key("budi"), MAIL])
    desk.follow()
    summary = desk.summary()
    assert (summary.total_verified, summary.total_waiting) == (Decimal(3), Decimal(2))
    assert {entry.source for entry in desk.entries()} == {"self", "lms"}


def test_limits_of_a_year_span_merged_records(desk: RecordServices) -> None:
    """Once two accounts are one person, the sessions of a month are counted together."""
    desk.write(desk.learn("budi", sessions=2), desk.learn("budi2", sessions=2))
    assert desk.summary("budi").total_waiting + desk.summary("budi2").total_waiting == 8
    desk.record.people.merge(desk.tenant, desk.person("budi"), desk.person("budi2"), author="admin")
    desk.follow()
    assert desk.person("budi2") == desk.person("budi")
    assert desk.summary().total_waiting == 4


@pytest.mark.parametrize("at_once", [1, 2])
def test_a_merged_person_has_no_sums_of_its_own(
    desk: RecordServices, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """The years of a person that was merged are summed up with the other's alone, in one pass or in two."""
    monkeypatch.setattr(follower, "RECOUNTS", at_once)
    desk.write(desk.learn("budi"), desk.learn("sari"), desk.learn("sari", end=date(2025, 11, 12)))
    budi, sari = desk.person("budi"), desk.person("sari")
    desk.record.people.merge(desk.tenant, budi, sari, author="admin")
    desk.follow()
    with desk.store.reading() as reader:
        kept = {
            document.name for document in reader.find_documents(DocumentQuery(SUMMARY, desk.tenant, limit=9))
        }
    assert kept == {summary_name(budi, 2026), summary_name(budi, 2025)}


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_a_merge_can_be_undone(desk: RecordServices) -> None:
    """Undoing a merge gives both persons their own records back and keeps the fact, marked."""
    people = desk.record.people
    desk.write(desk.learn("budi"), desk.learn("sari", form="seminar"))
    budi, sari = desk.person("budi"), desk.person("sari")
    link = people.merge(desk.tenant, budi, sari, author="admin", reason="same NIP")
    desk.follow()
    assert len(desk.entries("budi")) == 2
    undone = people.unlink(desk.tenant, link.id, author="auditor")
    desk.follow()
    assert (desk.person("budi"), desk.person("sari")) == (budi, sari)
    assert (desk.only("budi").form, desk.only("sari").form) == ("coaching", "seminar")
    assert (desk.summary("budi").total_waiting, desk.summary("sari").total_waiting) == (2, 4)
    assert (undone.author, undone.reason, undone.undone_by) == ("admin", "same NIP", "auditor")
    assert people.links(desk.tenant, sari) == [undone]
    assert people.name(desk.tenant, sari) == "Sari"


def test_a_link_can_be_undone(desk: RecordServices) -> None:
    """An identifier that was linked by mistake goes back to a person of its own, with its entries."""
    people = desk.record.people
    desk.write(desk.learn("budi"))
    link = people.link(desk.tenant, desk.person("budi"), MAIL, author="admin")
    desk.write(moodle(actor={"objectType": "Agent", "mbox": "mailto:budi@example.go.id"}))
    assert len(desk.entries("budi")) == 2
    people.unlink(desk.tenant, link.id, author="admin")
    desk.follow()
    assert desk.only("budi").form == "coaching"
    other = people.resolve(desk.tenant, MAIL)
    assert other not in (None, desk.person("budi"))
    assert desk.record.records.summary(desk.tenant, other or "", 2026).total_verified == 3


def test_a_launch_does_not_repeat_what_somebody_undid(desk: RecordServices) -> None:
    """A link that was undone by hand is not made again by the next launch."""
    people = desk.record.people
    person = people.ensure(desk.tenant, [key("budi"), MAIL])
    (link,) = people.links(desk.tenant, person)
    people.unlink(desk.tenant, link.id, author="admin")
    people.ensure(desk.tenant, [key("budi"), MAIL])
    assert people.resolve(desk.tenant, MAIL) != person


def test_merges_in_a_row_lead_to_one_person(desk: RecordServices) -> None:
    """A merged into B and B into C: all identifiers lead to C, and undoing the first frees only A."""
    people = desk.record.people
    a, b, c = (people.ensure(desk.tenant, [key(name)], name) for name in "abc")
    first = people.merge(desk.tenant, b, a, author="admin")
    people.merge(desk.tenant, c, b, author="admin")
    assert {people.resolve(desk.tenant, key(name)) for name in "abc"} == {c}
    desk.write(desk.learn("a"))
    assert [entry.person for entry in desk.entries("c")] == [c]
    people.unlink(desk.tenant, first.id, author="admin")
    desk.follow()
    assert [people.resolve(desk.tenant, key(name)) for name in "abc"] == [a, c, c]
    assert desk.entries("c") == []
    assert desk.summary("a").total_waiting == 2


def test_what_cannot_be_is_refused(desk: RecordServices) -> None:
    """Unknown persons and links, repeated merges and repeated undoing are refused."""
    people = desk.record.people
    budi = people.ensure(desk.tenant, [key("budi"), MAIL])
    with pytest.raises(UnknownPersonError):
        people.merge(desk.tenant, budi, "nobody", author="admin")
    with pytest.raises(UnknownPersonError):
        people.unlink(desk.tenant, "nothing", author="admin")
    with pytest.raises(ValueError, match="one person already"):
        people.link(desk.tenant, budi, MAIL, author="admin")
    with pytest.raises(ValueError, match="identifier"):
        people.ensure(desk.tenant, [])
    (link,) = people.links(desk.tenant, budi)
    people.unlink(desk.tenant, link.id, author="admin")
    with pytest.raises(ValueError, match="undone already"):
        people.unlink(desk.tenant, link.id, author="admin")


@pytest.mark.parametrize("number", ["", "123", "19870101201001100X", "1987010120100110011"])
def test_an_nip_has_eighteen_digits(number: str) -> None:
    """Anything else is refused before it becomes an identifier."""
    with pytest.raises(ValueError, match="18 digits"):
        nip_key(number)


def test_employment_decides_the_target(desk: RecordServices) -> None:
    """A PPPK's year is measured against 24 JP as soon as the employment is known."""
    desk.write(desk.learn())
    assert desk.summary().target.jp == 20
    desk.record.people.employ(desk.tenant, desk.person(), "pppk")
    desk.follow()
    assert (desk.summary().target.jp, desk.summary().target.kind) == (24, "at-most")
    with pytest.raises(ValueError, match="pns, pppk"):
        desk.record.people.employ(desk.tenant, desk.person(), "boss")


def test_identifiers_are_kept_in_the_alias_table_alone(desk: RecordServices) -> None:
    """No document but an alias holds the NIP or the e-mail address of a person."""
    people = desk.record.people
    people.ensure(desk.tenant, [key("budi"), MAIL, NIP], "Budi")
    told = desk.learn()
    desk.write(told, desk.decide(told["id"]))
    kinds = ("person", "link", "entry", "summary", "recount", "checkpoint", "tenant")
    with desk.store.reading() as reader:
        found = [
            one for kind in kinds for one in reader.find_documents(DocumentQuery(kind, None, limit=1000))
        ]
        aliases = reader.find_documents(DocumentQuery(ALIAS, desk.tenant, limit=10))
    assert found
    for secret in ("198701012010011001", "budi@example.go.id"):
        assert any(secret.encode() in alias.body for alias in aliases)
        assert not any(secret in f"{one.body!r}{one.name}{one.keys}{one.order}" for one in found)


def test_a_mentor_is_not_made_a_person_by_being_named(desk: RecordServices) -> None:
    """Only learners become known by statements; a mentor is known when they launch or learn themselves."""
    desk.write(desk.learn(mentor=agent("anwar")))
    assert desk.record.people.resolve(desk.tenant, key("anwar")) is None


@pytest.mark.parametrize("store", ENGINES, indirect=True)
def test_sums_agree_with_the_list_from_the_moment_of_a_merge(desk: RecordServices) -> None:
    """Before the follower comes to it, a merged person has the sums of the entries that are shown."""
    first, second = desk.learn("budi"), desk.learn("budi2", sessions=2)
    desk.write(first, second, desk.decide(first["id"]), desk.learn("budi2", end=date(2025, 3, 4)))
    records, people = desk.record.records, desk.record.people
    keep, other = desk.person("budi"), desk.person("budi2")
    people.merge(desk.tenant, keep, other, author="admin")
    for _ in range(2):
        for asked in (keep, other):
            summary = records.summary(desk.tenant, asked, 2026)
            listed = records.entries(desk.tenant, asked, year=2026)
            assert len(listed) == 2
            assert summary.total_verified + summary.total_waiting == sum(entry.jp for entry in listed)
            assert (summary.person, summary.waiting) == (keep, 1)
            assert records.years(desk.tenant, asked) == [2026, 2025]
        desk.follow()
    (link,) = people.links(desk.tenant, keep)
    people.unlink(desk.tenant, link.id, author="admin")
    for _ in range(2):
        assert records.summary(desk.tenant, keep, 2026).waiting == 0
        assert records.summary(desk.tenant, other, 2026).waiting == 1
        desk.follow()
