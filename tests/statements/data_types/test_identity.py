"""Identity: IRIs, UUIDs, and the keys of agents."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from statements.data_types.identity import (
    SEPARATOR,
    agent_key,
    ifi,
    is_anonymous_group,
    members,
    same_agent,
    uuid_key,
    valid_iri,
)
from tests import strategies

ACCOUNT = {"account": {"homePage": "https://lms.example.id", "name": "7"}}
ANONYMOUS = {"objectType": "Group", "member": [{"mbox": "mailto:a@b.id"}]}


@pytest.mark.parametrize(
    "text",
    [
        "http://a",
        "HTTPS://EXAMPLE.ORG/x",
        "https://[2001:db8::1]:8080/x",
        "https://user@example.org/a?b=c#d",
        "http://example.com/فعل/خواندن",
        "urn:uuid:6690e6c9-3ef0-4ed3-8b37-7f3964730bee",
        "mailto:a@b.id",
        "tag:example.org,2026:x",
        "x-y+z.1:anything",
        "https://example.org/a%20b",
    ],
)
def test_an_absolute_iri_is_valid(text: str) -> None:
    """A scheme, a colon and something after it make an IRI; http needs a host."""
    assert valid_iri(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "course/1",
        "/course/1",
        "//example.org/x",
        "www.example.org",
        "http:",
        "http://",
        "http:///path",
        "https://?q",
        "https:example.org",
        "ab=c://example.org",
        "1http://example.org",
        ":x",
        "urn:",
        "https://example.org/a b",
        "https://example.org/<x>",
        'https://example.org/"x"',
        "https://example.org/{x}",
        "https://example.org/x\n",
        "https://example.org/\x00",
        "https://example.org/\ud800",
        5,
        None,
        ["https://example.org"],
    ],
)
def test_what_is_no_absolute_iri_is_not_valid(text: object) -> None:
    """Relative references, missing hosts, forbidden characters and other types are refused."""
    assert not valid_iri(text)


@given(strategies.iris())
def test_generated_iris_are_valid(text: str) -> None:
    """The IRIs of the strategies are taken."""
    assert valid_iri(text)


@given(strategies.uuids())
def test_a_uuid_has_one_key(text: str) -> None:
    """The case of its letters makes no difference to a UUID's key."""
    assert uuid_key(text) == uuid_key(text.upper()) == text.lower()


@pytest.mark.parametrize("text", ["", "6690e6c93ef04ed38b377f3964730bee", "x" * 36, None, 5])
def test_what_is_no_uuid_has_no_key(text: Any) -> None:
    """Only the standard form of 36 characters is a UUID."""
    with pytest.raises(ValueError, match="not a UUID"):
        uuid_key(text)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ({"mbox": "mailto:Siti@EXAMPLE.go.id"}, ("mbox", "mailto:Siti@example.go.id")),
        ({"mbox_sha1sum": "AB" * 20}, ("mbox_sha1sum", "ab" * 20)),
        ({"openid": "https://ID.example.org/Siti"}, ("openid", "https://ID.example.org/Siti")),
        (ACCOUNT | {"name": "Siti"}, ("account", f"https://lms.example.id{SEPARATOR}7")),
        ({"name": "Siti"}, None),
        ({"mbox": 5, "account": "x"}, None),
        (ANONYMOUS, None),
    ],
)
def test_the_identifier_has_a_normal_form(agent: dict[str, Any], expected: tuple[str, str] | None) -> None:
    """Only what is case-insensitive is lowered: the mailbox's domain and the hash."""
    assert ifi(agent) == expected
    assert agent_key(agent) == (None if expected is None else SEPARATOR.join(expected))


def test_keys_of_different_accounts_never_collide() -> None:
    """No way of dividing home page and name gives two accounts the same key."""
    one = {"account": {"homePage": "https://a.id", "name": f"b{SEPARATOR}c"}}
    other = {"account": {"homePage": "https://a.id/b", "name": "c"}}
    assert agent_key(one) != agent_key(other)
    assert not valid_iri(f"https://a.id{SEPARATOR}b")


@given(strategies.identifiers())
def test_an_identified_agent_is_itself(agent: dict[str, Any]) -> None:
    """Name and objectType make no difference to who an agent is."""
    assert same_agent(agent, agent | {"name": "other", "objectType": "Agent"})
    assert not same_agent(agent, {"mbox": "mailto:nobody@nowhere.invalid"})


def test_an_anonymous_group_is_the_same_as_nothing() -> None:
    """Each anonymous group is distinct, even from one with the same members."""
    assert is_anonymous_group(ANONYMOUS)
    assert not is_anonymous_group(ANONYMOUS | ACCOUNT)
    assert not is_anonymous_group(ACCOUNT)
    assert not same_agent(ANONYMOUS, ANONYMOUS)


def test_only_groups_have_members() -> None:
    """The members of a Group are listed; an Agent has none."""
    assert members(ANONYMOUS) == ({"mbox": "mailto:a@b.id"},)
    assert members({"objectType": "Group"} | ACCOUNT) == ()
    assert members(ACCOUNT | {"member": [{}]}) == ()
