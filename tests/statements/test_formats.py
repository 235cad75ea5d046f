"""The formats ids and canonical, and the choice of a language."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.versions import Version
from statements.formats import Languages, activities_in, parse_languages, to_canonical, to_ids
from statements.keys import statement_keys
from statements.prepare import prepare
from tests import strategies
from tests.statements.samples import (
    AUTHORITY,
    ID,
    OTHER_ID,
    activity,
    agent,
    full_context,
    reference,
    statement,
    sub_statement,
)

BOTH = {"en-US": "course", "id": "kursus"}
DEFINITION = {
    "name": BOTH,
    "description": BOTH,
    "type": "https://example.org/types/course",
    "interactionType": "choice",
    "choices": [{"id": "a", "description": BOTH}, {"id": "b"}],
    "extensions": {"https://example.org/x": BOTH},
}


def stored(value: dict[str, Any]) -> dict[str, Any]:
    """The statement as the store has it."""
    return prepare(value, version=Version.V2, new_id=ID, authority=AUTHORITY).statement


def unknown(_: str) -> None:
    """A store without definitions."""


def test_ids_keeps_identifiers_only() -> None:
    """XAPI-00171: agents, groups, verbs and activities are cut down, everything else stays."""
    group = {"objectType": "Group", "name": "Team", "mbox": "mailto:team@example.org", "member": [agent("m")]}
    short = to_ids(
        stored(
            statement(
                actor=agent("siti", name="Siti", objectType="Agent"),
                object=activity("course", objectType="Activity", definition=DEFINITION),
                context={"instructor": agent("i", name="I"), "team": group, "language": "id"},
                result={"response": "text"},
            )
        )
    )
    assert short["actor"] == {"objectType": "Agent", "mbox": "mailto:siti@example.org"}
    assert short["verb"] == {"id": "https://example.org/verbs/did"}
    assert short["object"] == activity("course")
    assert short["context"] == {
        "instructor": agent("i"),
        "team": {"objectType": "Group", "mbox": "mailto:team@example.org"},
        "language": "id",
    }
    assert short["result"] == {"response": "text"}
    assert short["authority"] == AUTHORITY


def test_ids_of_an_anonymous_group_are_those_of_its_members() -> None:
    """Communication 2.1.3: what identifies an anonymous group is the list of its members."""
    actor = {"objectType": "Group", "name": "Us", "member": [agent("a", name="A"), agent("b", name="B")]}
    assert to_ids(stored(statement(actor=actor)))["actor"] == {
        "objectType": "Group",
        "member": [agent("a"), agent("b")],
    }


def test_ids_reaches_into_sub_statements_and_every_place_of_the_context() -> None:
    """A SubStatement is cut down like a statement; roles of 2.0 keep their relevantTypes."""
    context = full_context()
    context["contextAgents"][0]["relevantTypes"] = ["https://example.org/types/x"]
    context["contextAgents"][0]["agent"]["name"] = "Name"
    context["contextGroups"][0]["group"]["name"] = "Name"
    inner = sub_statement(object=activity("course", definition=DEFINITION), context=context)
    short = to_ids(stored(statement(object=inner)))["object"]
    assert short["objectType"] == "SubStatement"
    assert short["object"] == activity("course")
    assert short["verb"] == {"id": "https://example.org/verbs/did"}
    assert short["context"]["contextActivities"]["parent"] == [activity("parent")]
    assert short["context"]["contextAgents"] == [
        {
            "objectType": "contextAgent",
            "agent": agent("context-agent"),
            "relevantTypes": ["https://example.org/types/x"],
        }
    ]
    assert short["context"]["contextGroups"][0]["group"] == {
        "objectType": "Group",
        "member": [agent("context-member")],
    }


@pytest.mark.parametrize(
    ("target", "short"),
    [
        (reference(OTHER_ID), reference(OTHER_ID)),
        ({"objectType": "Agent", **agent("o", name="O")}, {"objectType": "Agent", **agent("o")}),
    ],
)
def test_ids_of_other_objects(target: dict[str, Any], short: dict[str, Any]) -> None:
    """A reference is an identifier already; an agent is cut down and keeps its type."""
    assert to_ids(stored(statement(object=target)))["object"] == short


@given(st.data())
def test_ids_loses_nothing_that_a_statement_is_found_by(data: st.DataObject) -> None:
    """Whatever the statement, its short form has the same identity: equal keys but for members not shown."""
    full = stored(data.draw(strategies.statements(Version.V2)))
    before = copy.deepcopy(full)
    short = to_ids(full)
    assert full == before
    assert short.keys() == full.keys()
    assert statement_keys(short) <= statement_keys(full)
    assert [each["id"] for each in activities_in(short)] == [each["id"] for each in activities_in(full)]
    assert all(each.keys() == {"id"} for each in activities_in(short))


def test_canonical_leaves_one_language_in_each_map() -> None:
    """XAPI-00169, XAPI-00172: verbs, activities, components, contexts and SubStatements; extensions stay."""
    value = statement(
        verb={"id": "https://example.org/verbs/did", "display": BOTH},
        object=activity("course", definition=DEFINITION),
        context={"contextActivities": {"parent": [activity("p", definition=DEFINITION)]}},
    )
    inner = {name: each for name, each in value.items() if name != "id"}
    whole = stored({**value, "object": {"objectType": "SubStatement", **inner}})
    shown = to_canonical(whole, parse_languages("en-US"), unknown)
    definition = {
        **DEFINITION,
        "name": {"en-US": "course"},
        "description": {"en-US": "course"},
        "choices": [{"id": "a", "description": {"en-US": "course"}}, {"id": "b"}],
    }
    for each in (shown, shown["object"]):
        assert each["verb"]["display"] == {"en-US": "course"}
        assert each["context"]["contextActivities"]["parent"][0]["definition"] == definition
    assert shown["object"]["object"] == activity("course", definition=definition)
    assert whole["verb"]["display"] == BOTH


def test_canonical_shows_the_stores_own_definition_and_the_agents_as_sent() -> None:
    """The definition put together by the store replaces the statement's own; agents stay whole."""
    known = {"name": {"id": "nama"}, "moreInfo": "https://example.org/more"}
    whole = stored(
        statement(object=activity("course", definition={"name": {"en": "old"}}), context=full_context())
    )
    shown = to_canonical(whole, Languages(), lambda iri: known if iri.endswith("/course") else None)
    assert shown["object"] == activity("course", definition=known)
    assert shown["actor"] == whole["actor"]
    assert shown["context"] == whole["context"]
    assert shown["authority"] == AUTHORITY


def test_an_activity_nobody_defined_stays_without_definition() -> None:
    """Canonical form invents nothing."""
    assert to_canonical(stored(statement()), Languages(), unknown)["object"] == activity("course")


@given(st.data())
def test_canonical_form_of_any_statement_has_at_most_one_language_per_map(data: st.DataObject) -> None:
    """Whatever is stored, canonical form can be made of it, with one text in each name."""
    full = stored(data.draw(strategies.statements(Version.V2)))
    before = copy.deepcopy(full)
    shown = to_canonical(full, parse_languages("id, en;q=0.5"), unknown)
    assert full == before
    assert len(shown["verb"].get("display", {})) <= 1
    for each in activities_in(shown):
        assert len(each.get("definition", {}).get("name", {})) <= 1
        assert len(each.get("definition", {}).get("description", {})) <= 1


@pytest.mark.parametrize(
    ("header", "tags", "chosen"),
    [
        ("en-GB", ["en-US", "en-GB"], "en-GB"),
        ("EN-gb", ["en-US", "en-GB"], "en-GB"),
        ("en", ["id", "en-GB"], "en-GB"),
        ("id-ID", ["en", "id"], "id"),
        ("id-ID-x-abc", ["en", "id-ID"], "id-ID"),
        ("en-GB", ["id", "en-US"], "en-US"),
        ("en;q=0.5, id;q=0.9", ["en", "id"], "id"),
        ("en;q=0.5, id", ["en", "id"], "id"),
        ("fr, *;q=0.1", ["en", "id"], "en"),
        ("en;q=0", ["en", "id"], "id"),
        ("en;q=0", ["en-US", "id"], "id"),
        ("*;q=0", ["en", "id"], "en"),
        ("fr", ["en", "id"], "en"),
        ("e", ["id", "en"], "id"),
        ("", ["en", "id"], "en"),
        (None, ["en", "id"], "en"),
        ("rubbish;;q=x, id", ["en", "id"], "id"),
        ("id;q=1.0;v=2", ["en", "id"], "en"),
        ("id ; q=0.8 , en ; q=0.9", ["id", "en"], "en"),
        ("id", ["en"], "en"),
        ("id", [], None),
    ],
)
def test_the_language_is_chosen_by_accept_language(
    header: str | None, tags: list[str], chosen: str | None
) -> None:
    """RFC 9110, 12.5.4, for each map on its own; when nothing fits, a near language, then the first."""
    assert parse_languages(header).choose(tags) == chosen


def asked(header: str, tags: list[str]) -> str | None:
    """The same choice, range by range, as the words of the specification have it; for well-formed headers."""
    pairs = [
        (part.partition(";q=")[0].lower(), float(part.partition(";q=")[2] or 1)) for part in header.split(",")
    ]
    wanted = [each for each, weight in sorted(pairs, key=lambda pair: -pair[1]) if weight]
    unwanted = [each for each, weight in pairs if not weight]

    def takes(each: str, tag: str) -> bool:
        return each in ("*", tag.lower()) or tag.lower().startswith(f"{each}-")

    allowed = [tag for tag in tags if not any(takes(each, tag) for each in unwanted)] or tags
    shorter = [each.rsplit("-", cut)[0] for each in wanted for cut in range(1, each.count("-") + 1)]
    for each in (*wanted, *shorter):
        for tag in allowed:
            if takes(each, tag):
                return tag
    return allowed[0] if allowed else None


_range = st.sampled_from(["*", "id", "id-ID", "ID-id-x-abc", "en", "en-GB", "fr-FR", "e"])
_quality = st.sampled_from(["", ";q=0", ";q=0.5", ";q=1"])


@given(
    st.lists(st.tuples(_range, _quality).map("".join), min_size=1, max_size=5).map(",".join),
    st.lists(
        st.sampled_from(["id", "id-ID", "ID", "en", "en-US", "en-GB-oed", "fr", "e", "i"]),
        max_size=5,
        unique=True,
    ),
)
def test_the_choice_is_that_of_trying_range_after_range(header: str, tags: list[str]) -> None:
    """Looking at each tag once chooses as trying all tags for each range does."""
    assert parse_languages(header).choose(tags) == asked(header, tags)


def test_each_language_is_looked_at_once() -> None:
    """However many ranges a header has, and however long a range or a tag is, choosing takes one pass."""
    header = ",".join(f"x{chr(97 + number % 26)}-y{number};q=0.{number + 1}" for number in range(30))
    languages = parse_languages(header + "," + "a-" * 100_000 + "b")
    tags = [f"t{number}" for number in range(10_000)]
    assert languages.choose(iter([*tags, "XC", "z" + "-a" * 1_000_000])) == "XC"


def test_activities_in_names_every_activity() -> None:
    """Object, context and SubStatement, arrays or not; for reading a page's definitions at once."""
    value = statement(object=sub_statement(context=full_context("inner-")), context=full_context())
    names = {each["id"].rpartition("/")[2] for each in activities_in(value)}
    outer = {"parent", "grouping", "category1", "category2", "other"}
    assert names == {"course"} | outer | {f"inner-{name}" for name in outer}
