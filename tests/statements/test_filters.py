"""Parameters of GET /statements, and cursors."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.timestamps import parse
from statements.data_types.versions import Version
from statements.errors import InvalidError
from statements.filters import (
    BadCursorError,
    Format,
    StatementQuery,
    decode_cursor,
    encode_cursor,
    parse_agent,
    parse_query,
)
from statements.keys import (
    activity_filter_key,
    agent_filter_key,
    registration_filter_key,
    verb_filter_key,
)
from tests.statements.samples import ID, OTHER_ID, agent

V1, V2 = Version.V1, Version.V2
AGENT = json.dumps(agent("siti"))
VERB = "https://example.org/verbs/did"
COURSE = "https://example.org/activities/course"


def query(*pairs: tuple[str, str]) -> StatementQuery:
    one, two = parse_query(pairs, V1), parse_query(pairs, V2)
    assert one == two
    return one


def refused(*pairs: tuple[str, str]) -> set[tuple[str, str]]:
    """(pointer, rule) of each problem; the same in both versions."""
    found = []
    for version in Version:
        with pytest.raises(InvalidError) as caught:
            parse_query(pairs, version)
        found.append({(each.pointer, each.rule) for each in caught.value.problems})
    assert found[0] == found[1]
    return found[0]


def test_no_parameters_ask_for_everything_newest_first() -> None:
    """The defaults are the specification's."""
    assert query() == StatementQuery()
    assert StatementQuery() == StatementQuery(
        limit=0, ascending=False, format=Format.EXACT, attachments=False, keys=frozenset()
    )


@pytest.mark.parametrize(
    ("pairs", "keys"),
    [
        ([("agent", AGENT)], {agent_filter_key(agent("siti"))}),
        ([("agent", AGENT), ("related_agents", "false")], {agent_filter_key(agent("siti"))}),
        ([("agent", AGENT), ("related_agents", "true")], {agent_filter_key(agent("siti"), related=True)}),
        ([("verb", VERB)], {verb_filter_key(VERB)}),
        ([("activity", COURSE)], {activity_filter_key(COURSE)}),
        (
            [("related_activities", "true"), ("activity", COURSE)],
            {activity_filter_key(COURSE, related=True)},
        ),
        ([("registration", ID.upper())], {registration_filter_key(ID)}),
        ([("related_agents", "true")], set()),
        ([("related_activities", "true")], set()),
        ([("verb", VERB), ("activity", COURSE)], {verb_filter_key(VERB), activity_filter_key(COURSE)}),
        (
            [("agent", '{"objectType":"Group","mbox":"mailto:team@example.org"}')],
            {agent_filter_key({"mbox": "mailto:team@example.org"})},
        ),
    ],
)
def test_filters_become_keys(pairs: list[tuple[str, str]], keys: set[str]) -> None:
    """Each filter is one key, and all of them must hold; related_* alone asks for nothing more (fact 3)."""
    assert query(*pairs).keys == keys


def test_the_other_parameters_are_read() -> None:
    """Times become microseconds, and flags and numbers what they say."""
    found = query(
        ("since", "2026-11-23T17:00:00+07:00"),
        ("until", "2026-11-23T11:00:00.5Z"),
        ("limit", "25"),
        ("ascending", "true"),
        ("format", "ids"),
        ("attachments", "true"),
    )
    assert found == StatementQuery(
        since=parse("2026-11-23T10:00:00Z"),
        until=parse("2026-11-23T11:00:00.500Z"),
        limit=25,
        ascending=True,
        format=Format.IDS,
        attachments=True,
    )


@pytest.mark.parametrize("name", ["statementId", "voidedStatementId"])
def test_one_statement_is_asked_for_by_its_id_alone(name: str) -> None:
    """XAPI-00150, XAPI-00151: format and attachments may go with an id."""
    found = query((name, ID.upper()), ("format", "canonical"), ("attachments", "true"))
    assert (found.statement_id or found.voided_id) == ID
    assert (found.statement_id is None) is (name == "voidedStatementId")


@pytest.mark.parametrize("name", ["statementId", "voidedStatementId"])
@pytest.mark.parametrize(
    "other",
    [
        ("agent", AGENT),
        ("verb", VERB),
        ("activity", COURSE),
        ("registration", ID),
        ("related_activities", "true"),
        ("related_agents", "true"),
        ("since", "2026-11-23T10:00:00Z"),
        ("until", "2026-11-23T10:00:00Z"),
        ("limit", "1"),
        ("ascending", "true"),
    ],
)
def test_nothing_else_goes_together_with_an_id(name: str, other: tuple[str, str]) -> None:
    """XAPI-00150, XAPI-00151: any other parameter beside an id is refused, and named."""
    assert refused((name, ID), other) == {(f"?{other[0]}", "query.id-stands-alone")}


def test_the_two_ids_do_not_go_together() -> None:
    """Communication 2.1.3: a request has statementId or voidedStatementId, not both."""
    assert refused(("statementId", ID), ("voidedStatementId", OTHER_ID)) == {
        ("?voidedStatementId", "query.one-id")
    }


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("statementId", "1", "query.uuid"),
        ("statementId", "", "query.uuid"),
        ("voidedStatementId", ID + "0", "query.uuid"),
        ("registration", "not-a-uuid", "query.uuid"),
        ("verb", "did", "query.iri"),
        ("verb", "", "query.iri"),
        ("activity", "/no/scheme", "query.iri"),
        ("activity", "has space:x y", "query.iri"),
        ("agent", "siti", "query.agent"),
        ("agent", "", "query.agent"),
        ("agent", "{", "query.agent"),
        ("since", "yesterday", "query.timestamp"),
        ("since", "2026-11-23", "query.timestamp"),
        ("until", "2026-11-23T10:00:00-00:00", "query.timestamp"),
        ("limit", "-1", "query.limit"),
        ("limit", "1.0", "query.limit"),
        ("limit", "", "query.limit"),
        ("limit", "٣", "query.limit"),
        ("ascending", "1", "query.boolean"),
        ("attachments", "", "query.boolean"),
        ("related_agents", "yes", "query.boolean"),
        ("related_activities", "truee", "query.boolean"),
        ("format", "Exact", "query.format"),
        ("format", "", "query.format"),
        ("foo", "1", "query.parameter-unknown"),
    ],
)
def test_a_bad_value_is_refused(name: str, value: str, rule: str) -> None:
    """Values must have the form of their type, as in statements (Data 2.2)."""
    assert refused((name, value)) == {(f"?{name}", rule)}


@pytest.mark.parametrize(
    "text",
    [
        "true",
        "[]",
        "{}",
        '{"name":"Siti"}',
        '{"mbox":"siti@example.org"}',
        '{"mbox":"mailto:a@example.org","openid":"https://example.org/a"}',
        '{"objectType":"Group","member":[{"mbox":"mailto:a@example.org"}]}',
        '{"objectType":"agent","mbox":"mailto:a@example.org"}',
    ],
)
def test_an_agent_filter_must_be_an_agent_or_identified_group(text: str) -> None:
    """The rules of agents hold for the parameter too, and the pointer leads into it."""
    for version in Version:
        found, problems = parse_agent(text, version)
        assert found is None
        assert problems
        assert all(each.pointer.startswith("?agent") for each in problems)
    assert refused(("agent", text))


@pytest.mark.parametrize(
    ("name", "pointer"), [("LIMIT", "?limit"), ("statementid", "?statementId"), ("Format", "?format")]
)
def test_wrong_case_is_refused_with_the_right_spelling(name: str, pointer: str) -> None:
    """Fact 3: names of parameters are case sensitive; the hint gives the right one."""
    with pytest.raises(InvalidError) as caught:
        parse_query([(name, ID)], V1)
    (problem,) = caught.value.problems
    assert problem.pointer == pointer
    assert problem.hint == f"write {pointer[1:]}"


def test_an_unknown_name_that_looks_like_no_parameter_is_not_echoed() -> None:
    """Only short plain names come back in an answer."""
    assert refused(("<script>alert(1)</script>", "x")) == {("?", "query.parameter-unknown")}


def test_a_parameter_given_twice_is_refused() -> None:
    """Neither value is preferred silently."""
    assert refused(("limit", "1"), ("limit", "1")) == {("?limit", "query.parameter-once")}


def test_all_problems_are_reported_at_once() -> None:
    """One answer is enough to repair a request."""
    found = refused(("since", "x"), ("verb", "y"), ("LIMIT", "1"), ("ascending", "z"), ("agent", "{}"))
    assert {pointer for pointer, _ in found} >= {"?since", "?verb", "?limit", "?ascending", "?agent"}


def test_a_huge_limit_is_only_a_large_one() -> None:
    """A limit beyond every number type is valid and means as many as the server likes to send."""
    assert query(("limit", "9" * 50)).limit == 2**31 - 1


KEY = b"k" * 32
moments = st.none() | st.integers(-(10**15), 10**16)
queries = st.builds(
    StatementQuery,
    keys=st.frozensets(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=4),
    since=moments,
    until=moments,
    limit=st.integers(0, 2**31 - 1),
    ascending=st.booleans(),
    format=st.sampled_from(Format),
    attachments=st.booleans(),
)


@given(queries, st.integers(0, 10**16), st.uuids())
def test_a_cursor_carries_the_whole_query(query: StatementQuery, stored: int, record_id: object) -> None:
    """What goes in comes out, so `more` needs no memory in the store, and the text is safe in a URL."""
    text = encode_cursor(query, stored, str(record_id), key=KEY, scope="lan")
    assert decode_cursor(text, key=KEY, scope="lan") == (query, stored, str(record_id))
    assert text.replace("-", "").replace("_", "").isalnum()


def cursor() -> str:
    return encode_cursor(StatementQuery(keys=frozenset({"a"})), 1, ID, key=KEY, scope="lan")


@pytest.mark.parametrize(("key", "scope"), [(b"x" * 32, "lan"), (KEY, "kemenkeu"), (KEY, "")])
def test_a_cursor_is_refused_with_another_key_or_scope(key: bytes, scope: str) -> None:
    """A cursor of one tenant is worth nothing in another."""
    with pytest.raises(BadCursorError):
        decode_cursor(cursor(), key=key, scope=scope)


@pytest.mark.parametrize(
    "text", ["", "x", "é", "a" * 20_000, "!!!!", cursor()[:-4], cursor() + "AAAA", "A" * 200]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """Any text is either a cursor of ours or a BadCursorError, never another error."""
    with pytest.raises(BadCursorError):
        decode_cursor(text, key=KEY, scope="lan")


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_cursor_with_any_bit_changed_is_refused(place: int, flip: int) -> None:
    """Every byte is authenticated."""
    text = cursor()
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[place % len(raw)] ^= flip
    with pytest.raises(BadCursorError):
        decode_cursor(base64.urlsafe_b64encode(raw).decode().rstrip("="), key=KEY, scope="lan")


def test_a_cursor_stays_short() -> None:
    """Data 2.5: a `more` IRL should not be extremely long."""
    text = encode_cursor(
        query(("agent", AGENT), ("verb", VERB), ("activity", COURSE)), 10**15, ID, key=KEY, scope="lan"
    )
    assert len(text) < 400
