"""Employee numbers join accounts only from platforms that the operator trusts for it."""

from __future__ import annotations

from typing import Any

import pytest

from jejak.wiring import PersonLinker
from lrs.people.people import People
from lrs.store import json_documents
from lti_tool.accounts import account_key
from lti_tool.platforms.platforms import ACTIVE, DISABLED, KIND, PENDING, Platform
from tests.lti_tool.conftest import World
from tests.lti_tool.platform import CLAIM, TestPlatform
from tests.lti_tool.services.test_client import launch, member, serve_roster, serve_tokens
from tests.lti_tool.services.test_registration import CONFIGURATION, invite, serve

NIP = "199001012015031001"


def told(world: World) -> People:
    """What the launches and rosters of a world made known, as the product makes it known."""
    people = People(world.store, world.clock)
    known = PersonLinker(people, lambda _tenant, _person: None)
    for session, identity in world.seen:
        known.launched(session, identity)
    known.listed(world.listed)
    return people


def weak(world: World, **values: Any) -> tuple[TestPlatform, Platform]:
    """A second platform of the same agency, on which users type their own numbers."""
    platform = TestPlatform(world.clock, issuer="https://weak.example", client_id="w")
    return platform, platform.register(world.tool.platforms, world.wire, **values)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_launch_joins_by_number_only_where_it_is_trusted(world: World, trusted: bool) -> None:
    """Somebody with a colleague's number on a platform that is not trusted stays somebody else."""
    platform, _ = weak(world, numbers_trusted=trusted)
    world.visit().go()
    world.visit(platform).go(sub="7", **{CLAIM + "lis": {"person_sourcedid": NIP}})
    people = told(world)
    victim = people.resolve("agency", account_key("https://lms.example", "42"))
    other = people.resolve("agency", account_key("https://weak.example", "7"))
    assert victim is not None
    assert other is not None
    assert (victim == other) is trusted


@pytest.mark.parametrize("trusted", [True, False])
def test_a_roster_tells_numbers_only_where_they_are_trusted(world: World, trusted: bool) -> None:
    """The list of participants is another way for the same number; it is closed, too."""
    world.tool.platforms.change(world.platform_id, numbers_trusted=trusted)
    serve_tokens(world, world.platform)
    serve_roster(world, [member(1, lis_person_sourcedid=NIP)])
    world.tool.roster.members(launch(world))
    assert [one.employee_number for one in world.listed] == [NIP if trusted else ""]


def test_a_platform_that_registered_itself_is_not_trusted(world: World) -> None:
    """Its numbers join nothing until the operator says so while activating it, and may be taken back."""
    serve(world)
    made = world.tool.registrations.register(
        invite=invite(world), configuration_url=CONFIGURATION, token="token"
    )
    platforms = world.tool.platforms
    assert (made.status, made.numbers_trusted) == (PENDING, False)
    assert platforms.activate(made.id).numbers_trusted is False
    assert platforms.activate(made.id, numbers_trusted=True).numbers_trusted is True
    assert platforms.activate(made.id).numbers_trusted is True
    assert platforms.activate(made.id, numbers_trusted=False).numbers_trusted is False


@pytest.mark.parametrize(("status", "trusted"), [(ACTIVE, True), (DISABLED, True), (PENDING, False)])
def test_earlier_platforms_keep_what_they_had_and_are_listed_once(
    world: World, status: str, trusted: bool
) -> None:
    """A registration of a build that trusted all numbers stays trusted unless it never was in use."""
    _, made = weak(world, status=status)

    def earlier(writer: Any) -> None:
        value = json_documents.get(writer, KIND, made.id)
        assert value is not None
        del value["numbers_trusted"]
        json_documents.put(writer, KIND, made.id, value, now=1, keys=("tenant\x1fagency",), order=made.name)

    world.store.writing(earlier)
    platforms = world.tool.platforms
    found = platforms.get(made.id)
    assert found is not None
    assert found.numbers_trusted is trusted
    assert [(one.id, one.numbers_trusted) for one in platforms.keep_earlier_trust()] == [(made.id, trusted)]
    assert platforms.keep_earlier_trust() == []
    assert [one.id for one in platforms.of_issuer("https://weak.example")] == [made.id]
