"""Statements about a mailbox join a person only where the platform's e-mails are said to be locked."""

from __future__ import annotations

import pytest

from jejak.wiring import PersonLinker
from lrs.people.people import People, mailbox_key
from lti_tool.accounts import account_key
from lti_tool.launch.launch import Identity
from tests.lti_tool.conftest import World


def known(world: World) -> People:
    """What the launches of a world made known, as the product makes it known."""
    people = People(world.store, world.clock)
    acquaintance = PersonLinker(people, lambda _tenant, _person: None)
    for session, identity in world.seen:
        acquaintance.launched(session, identity)
    return people


@pytest.mark.parametrize("locked", [True, False])
def test_a_mailbox_joins_only_where_e_mails_are_locked(world: World, locked: bool) -> None:
    """Whoever can type a colleague's address into their profile must not get that colleague's record."""
    world.tool.platforms.change(world.platform_id, emails_locked=locked)
    world.visit().go()
    people = known(world)
    person = people.resolve("agency", account_key("https://lms.example", "42"))
    assert person is not None
    owner = people.resolve("agency", mailbox_key("budi@example.go.id"))
    assert owner == (person if locked else None)


@pytest.mark.parametrize("email", ["", "budi", "budi@", "@go.id", "a b@go.id", "a@b@go.id"])
def test_what_is_no_address_joins_nobody(world: World, email: str) -> None:
    """Two people without an address, or with the same nonsense in its place, stay two."""
    people = People(world.store, world.clock)
    acquaintance = PersonLinker(people, lambda _tenant, _person: None)
    for subject in ("1", "2"):
        acquaintance.listed([Identity("agency", "https://lms", subject, "N", email, "", email_locked=True)])
    first, second = (people.resolve("agency", account_key("https://lms", each)) for each in "12")
    assert first is not None
    assert first != second


def test_a_platform_is_not_trusted_for_e_mails_until_somebody_says_so(world: World) -> None:
    """Registered by hand or by itself, a platform's e-mails join nothing; saying so can be taken back."""
    platforms = world.tool.platforms
    before = platforms.get(world.platform_id)
    assert before is not None
    assert before.emails_locked is False
    assert platforms.activate(world.platform_id, emails_locked=True).emails_locked is True
    assert platforms.activate(world.platform_id).emails_locked is True
    assert platforms.activate(world.platform_id, emails_locked=False).emails_locked is False
