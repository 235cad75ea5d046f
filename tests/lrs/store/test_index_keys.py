"""What engines rely on about index keys, and that those of statements keep to it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lrs.xapi.statement_keys import STATEMENT_KEYS
from statements.data_types.versions import Version
from statements.keys import (
    activity_filter_key,
    agent_filter_key,
    registration_filter_key,
    statement_keys,
    verb_filter_key,
)
from tests.contract.make import closed
from tests.strategies import statements

KEYS = st.builds(str.__add__, st.sampled_from("aAoOvb"), st.sampled_from(["", "1", "2"]))


@given(st.frozensets(KEYS, max_size=8).map(closed), KEYS)
def test_a_view_is_found_by_each_of_its_keys_and_no_other(view: frozenset[str], key: str) -> None:
    """One of a key's alternatives is among what is left of a view if, and only if, the view holds the key."""
    left = STATEMENT_KEYS.drop_implied(view)
    assert (key in view) is any(each in left for each in STATEMENT_KEYS.alternatives(key))
    assert len(left) == len(set(left)) == len(view) - sum(key[0] in STATEMENT_KEYS.implied for key in view)
    assert STATEMENT_KEYS.add_implied(left) == STATEMENT_KEYS.add_implied(view) == view


class Counted(str):
    """A key that counts how often keys are compared."""

    __slots__ = ()
    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)


def test_a_large_view_is_made_lean_in_one_pass() -> None:
    """A view of thousands of keys takes few comparisons for each of them, not one with every other."""
    view = [Counted(f"{letter}{n}") for letter in ("a", "A") for n in range(1000)]
    before = Counted.compared
    left = STATEMENT_KEYS.drop_implied(view)
    assert Counted.compared - before < 10 * len(view)
    assert left == view[:1000]


def test_pairs_are_those_of_leads_and_facets() -> None:
    """Each lead meets each facet; other keys meet none."""
    assert set(STATEMENT_KEYS.compound_keys(["a1", "v1", "b", "a2", "v2", "A1"])) == {
        ("a1", "v1"), ("a1", "v2"), ("a2", "v1"), ("a2", "v2"),
    }  # fmt: skip
    assert STATEMENT_KEYS.compound_keys(["a1", "b"]) == STATEMENT_KEYS.compound_keys(["v1", "b"]) == []


@given(st.sampled_from(Version).flatmap(statements))
def test_keys_of_statements_keep_to_what_engines_rely_on(statement: dict[str, Any]) -> None:
    """What finds less comes with what finds more of the same, and a statement has one facet, its verb."""
    keys = statement_keys(statement)
    assert closed(keys) == keys
    assert [key for key in keys if STATEMENT_KEYS.is_facet(key)] == [verb_filter_key(statement["verb"]["id"])]


def test_filters_are_spelled_as_engines_rely_on() -> None:
    """Agents and activities are the narrower keys, their related ones the wider, and agents the leads."""
    agent = {"mbox": "mailto:a@example.org"}
    assert STATEMENT_KEYS.alternatives(agent_filter_key(agent, related=True)) == (
        agent_filter_key(agent, related=True),
        agent_filter_key(agent),
    )
    activity = "https://example.org/"
    assert STATEMENT_KEYS.alternatives(activity_filter_key(activity, related=True)) == (
        activity_filter_key(activity, related=True),
        activity_filter_key(activity),
    )
    assert STATEMENT_KEYS.is_lead(agent_filter_key(agent))
    registration = registration_filter_key("00000000-0000-4000-8000-000000000000")
    assert STATEMENT_KEYS.alternatives(registration) == (registration,)
