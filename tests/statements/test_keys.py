"""Index keys: which places of a statement it is found by, and that both sides spell them alike."""

from __future__ import annotations

from typing import Any

import pytest

from statements.keys import (
    activity_filter_key,
    agent_filter_key,
    registration_filter_key,
    statement_keys,
    target_key,
    verb_filter_key,
)
from tests.statements.samples import (
    AUTHORITY,
    OTHER_ID,
    activity,
    agent,
    full_context,
    reference,
    statement,
    sub_statement,
)


def group(name: str, *members: dict[str, Any]) -> dict[str, Any]:
    return {"objectType": "Group", "mbox": f"mailto:{name}@example.org", "member": list(members)}


FULL = statement(context=full_context(), authority=AUTHORITY)
SUB = statement(object=sub_statement(actor=agent("inner"), context=full_context("inner-")))
SUB_AGENT = statement(object=sub_statement(object={"objectType": "Agent", **agent("target")}))


@pytest.mark.parametrize(
    ("value", "who", "narrow", "related"),
    [
        (FULL, agent("siti"), True, True),
        (FULL, agent("siti", name="another name"), True, True),
        (FULL, {"mbox": "mailto:siti@EXAMPLE.org"}, True, True),
        (FULL, {"mbox": "mailto:SITI@example.org"}, False, False),
        (FULL, AUTHORITY, False, True),
        (FULL, agent("instructor"), False, True),
        (FULL, agent("team"), False, True),
        (FULL, agent("teammate"), False, True),
        (FULL, agent("context-agent"), False, True),
        (FULL, agent("context-member"), False, True),
        (FULL, agent("nobody"), False, False),
        (statement(actor=group("g", agent("m"))), agent("m"), True, True),
        (statement(actor=group("g", agent("m"))), agent("g", objectType="Group"), True, True),
        (statement(actor={"objectType": "Group", "member": [agent("m")]}), agent("m"), True, True),
        (statement(object={"objectType": "Agent", **agent("o")}), agent("o"), True, True),
        (statement(object=group("g", agent("m"))), agent("m"), True, True),
        (SUB, agent("inner"), False, True),
        (SUB, agent("inner-instructor"), False, True),
        (SUB, agent("inner-teammate"), False, True),
        (SUB, agent("inner-context-agent"), False, True),
        (SUB_AGENT, agent("target"), False, True),
        (
            statement(actor={"mbox_sha1sum": "ABCDEF0123456789ABCDEF0123456789ABCDEF01"}),
            {"mbox_sha1sum": "abcdef0123456789abcdef0123456789abcdef01"},
            True,
            True,
        ),
        (
            statement(actor={"openid": "https://id.example.org/x"}),
            {"openid": "https://id.example.org/x"},
            True,
            True,
        ),
    ],
)
def test_agent_filters(value: dict[str, Any], who: dict[str, Any], narrow: bool, related: bool) -> None:
    """`agent` finds the actor and the object, with members of groups; related_agents all other places."""
    keys = statement_keys(value)
    assert (agent_filter_key(who) in keys) is narrow
    assert (agent_filter_key(who, related=True) in keys) is related


@pytest.mark.parametrize(
    ("value", "name", "narrow", "related"),
    [
        (FULL, "course", True, True),
        (FULL, "parent", False, True),
        (FULL, "grouping", False, True),
        (FULL, "category2", False, True),
        (FULL, "other", False, True),
        (FULL, "elsewhere", False, False),
        (SUB, "course", False, True),
        (SUB, "inner-parent", False, True),
        (SUB, "inner-other", False, True),
    ],
)
def test_activity_filters(value: dict[str, Any], name: str, narrow: bool, related: bool) -> None:
    """`activity` finds the object; related_activities the context and the SubStatement as well."""
    keys = statement_keys(value)
    iri = activity(name)["id"]
    assert (activity_filter_key(iri) in keys) is narrow
    assert (activity_filter_key(iri, related=True) in keys) is related


def test_verb_registration_and_target() -> None:
    """The verb, the registration in any letter case and the statement referred to are keys of their own."""
    keys = statement_keys(statement(context=full_context(), object=reference(OTHER_ID.upper())))
    assert verb_filter_key("https://example.org/verbs/did") in keys
    assert registration_filter_key("ec531277-B57B-4c15-8d91-d292c5b2b8f7") in keys
    assert target_key(OTHER_ID) in keys


def test_what_stands_inside_a_sub_statement_is_not_the_statements_own() -> None:
    """Verb, registration and reference of a SubStatement are no keys, and neither is context.statement."""
    inner = {"verb": {"id": "https://example.org/verbs/inner"}, "object": reference(OTHER_ID)}
    keys = statement_keys(statement(object=sub_statement(**inner, context=full_context())))
    assert verb_filter_key("https://example.org/verbs/inner") not in keys
    assert registration_filter_key("ec531277-b57b-4c15-8d91-d292c5b2b8f7") not in keys
    assert target_key(OTHER_ID) not in keys
    assert target_key(OTHER_ID) not in statement_keys(FULL)


def test_one_account_is_never_taken_for_another() -> None:
    """Home page and name do not run together: moving a character between them makes another agent."""
    one = {"account": {"homePage": "https://a.example/x", "name": "y"}}
    other = {"account": {"homePage": "https://a.example/", "name": "xy"}}
    assert agent_filter_key(one) != agent_filter_key(other)


def test_a_small_statement_has_few_keys() -> None:
    """Every key costs index space, so a plain statement has exactly the five it can be asked for."""
    assert len(statement_keys(statement())) == 5


def test_an_anonymous_group_cannot_be_asked_for() -> None:
    """A group without an identifier has no key."""
    with pytest.raises(ValueError, match="identifier"):
        agent_filter_key({"objectType": "Group", "member": [agent("m")]})
