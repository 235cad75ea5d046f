"""What is accepted, what a problem says, batches, agents on their own, and hostile input."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.versions import Version
from statements.rules.check import (
    MOST_OF_A_BATCH,
    RULES,
    check_actor,
    check_agent,
    check_batch,
    check_statement,
)
from statements.rules.findings import MOST
from tests import strategies
from tests.statements import examples as ex
from tests.statements.examples import ABSENT, edited

V1, V2 = Version.V1, Version.V2
NEST: Any = 1
for _ in range(64):
    NEST = {"k": NEST}

ACCEPTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("the smallest statement", ex.SMALL, {}),
    ("every member", ex.FULL, {}),
    ("a SubStatement", ex.SUB, {}),
    ("a voiding statement", ex.VOIDING, {}),
    (
        "a voided verb inside a SubStatement, of a reference",
        ex.SUB,
        {"/object/verb": ex.VOIDING["verb"], "/object/object": ex.REFERENCE},
    ),
    ("an Agent as object", ex.ABOUT_AGENT, {}),
    ("a Group as object", ex.ABOUT_GROUP, {}),
    ("an anonymous Group as actor", ex.BY_GROUP, {}),
    (
        "an identified Group without members",
        ex.SMALL,
        {"/actor": {"objectType": "Group", "openid": "https://a.id/1"}},
    ),
    ("a Group as instructor", ex.FULL, {"/context/instructor": ex.GROUP}),
    ("an Agent as authority", ex.FULL, {"/authority": ex.AGENT}),
    ("an actor without objectType", ex.SMALL, {"/actor/objectType": ABSENT}),
    ("an upper-case UUID", ex.FULL, {"/id": ex.FULL["id"].upper()}),
    ("a UUID of another variant", ex.FULL, {"/id": "12345678-1234-5678-1234-567812345678"}),
    ("a timestamp in the future", ex.SMALL, {"/timestamp": "2999-01-01T00:00:00Z"}),
    ("a timestamp in basic format", ex.SMALL, {"/timestamp": "20261123T100000.5+0700"}),
    ("version 1.0", ex.SMALL, {"/version": "1.0"}),
    ("version 1.0.9", ex.SMALL, {"/version": "1.0.9"}),
    (
        "empty objects and arrays",
        ex.SMALL,
        {"/result": {}, "/context": {"contextActivities": {}}, "/attachments": []},
    ),
    ("an empty language map", ex.SMALL, {"/verb/display": {}}),
    ("an empty object definition", ex.SMALL, {"/object/definition": {}}),
    ("empty free text", ex.FULL, {"/result/response": "", "/context/platform": "", "/actor/name": ""}),
    (
        "empty extension values",
        ex.FULL,
        {"/result/extensions": {"x:a": None, "x:b": "", "x:c": {}, "x:d": []}},
    ),
    ("extensions nested 64 deep", ex.FULL, {"/result/extensions/x:y": NEST}),
    (
        "huge and exact numbers in extensions",
        ex.FULL,
        {"/result/extensions/x:y": [10**400, Decimal("1E+999"), 0.1]},
    ),
    (
        "huge and exact scores",
        ex.FULL,
        {"/result/score": {"raw": Decimal("1E+99"), "min": -(10**400), "max": 10**400}},
    ),
    ("a score on a scale of one point", ex.FULL, {"/result/score": {"raw": 0, "min": 0, "max": 0}}),
    ("a scale of one point without a score", ex.FULL, {"/result/score": {"min": 5, "max": 5.0}}),
    ("a mailbox whose scheme is in capitals", ex.FULL, {"/actor": {"mbox": "MAILTO:Siti@Example.org"}}),
    ("a score at both its bounds", ex.FULL, {"/result/score": {"scaled": -1, "raw": 0, "min": 0, "max": 1}}),
    ("components without interaction meaning", ex.FULL, {"/object/definition/interactionType": "other"}),
    ("the same component id in two lists", ex.FULL, {}),
    ("an empty pattern", ex.FULL, {"/object/definition/correctResponsesPattern": []}),
    ("duration in weeks", ex.FULL, {"/result/duration": "P4W"}),
    ("a SHA-512 hash", ex.FULL, {"/attachments/0/sha2": "0A" * 64}),
    ("an attachment of no bytes", ex.FULL, {"/attachments/0/length": 0}),
    ("an attachment without fileUrl", ex.FULL, {"/attachments/0/fileUrl": ABSENT}),
    ("a media type with parameters", ex.FULL, {"/attachments/0/contentType": 'text/plain; charset="utf-8"'}),
    ("an IRI beyond ASCII", ex.SMALL, {"/verb/id": "http://example.com/فعل/خواندن"}),
    ("a mailbox beyond ASCII", ex.SMALL, {"/actor/mbox": "mailto:sítí@exämple.id"}),
    ("emoji, a pair of surrogates in JSON", ex.FULL, {"/result/response": "\U0001f600"}),
]


@pytest.mark.parametrize("version", Version)
@pytest.mark.parametrize(("what", "valid", "edits"), ACCEPTED, ids=[each[0] for each in ACCEPTED])
def test_a_valid_statement_has_no_problems(
    what: str, valid: dict[str, Any], edits: dict[str, Any], version: Version
) -> None:
    """What the specification allows is accepted in both versions."""
    assert check_statement(edited(valid, edits), version) == []


@pytest.mark.parametrize("given_version", ["1.0", "1.0.3", "2.0", "2.0.0", "2.0.7"])
def test_version_2_accepts_all_of_its_members(given_version: str) -> None:
    """A 2.0 request may carry context agents and groups, and statements of either version."""
    assert check_statement(ex.FULL_V2 | {"version": given_version}, V2) == []


@pytest.mark.parametrize("member", ["contextAgents", "contextGroups"])
def test_context_parties_need_no_relevant_types(member: str) -> None:
    """In 2.0 the relevantTypes of a context agent or group may be left out, and so may all entries."""
    without = edited(ex.FULL_V2, {f"/context/{member}/0/relevantTypes": ABSENT})
    assert check_statement(without, V2) == []
    assert check_statement(edited(ex.FULL_V2, {f"/context/{member}": []}), V2) == []


def test_all_problems_are_reported_at_once() -> None:
    """A statement that breaks several rules is answered with all of them, in the order of its members."""
    broken = edited(
        ex.FULL,
        {
            "/id": 1,
            "/actor/mbox": "x",
            "/verb": ABSENT,
            "/result/score/raw": 101,
            "/context/team": None,
            "/foo": 1,
        },
    )
    assert [(each.pointer, each.rule) for each in check_statement(broken, V1)] == [
        ("/id", "statement.id"),
        ("/actor/mbox", "actor.mbox"),
        ("/result/score", "score.within"),
        ("/context/team", "json.no-null"),
        ("/foo", "json.known-members"),
        ("", "statement.verb"),
    ]


def test_a_problem_names_index_requirement_and_repair() -> None:
    """A problem carries the place in the batch, the requirement id and a hint that says what to write."""
    (problem,) = check_statement(edited(ex.SMALL, {"/verb/id": "completed"}), V1, index=7)
    assert problem.as_dict() == {
        "index": 7,
        "pointer": "/verb/id",
        "rule": "verb.id",
        "hint": "Expected an absolute IRI such as https://example.org/verbs/attended; found other text.",
        "requirement": "XAPI-00044",
    }


@pytest.mark.parametrize(
    ("edits", "hint"),
    [
        ({"/Actor": {}}, 'Write "actor": the case of a name matters.'),
        ({"/actor/member": []}, 'Only a Group has members: say "objectType": "Group".'),
        ({"/id": ""}, "Expected a UUID such as 8f87ccde-bb56-4c2e-ab83-44982ef22df0; found an empty string."),
        ({"/object/id": ABSENT}, 'Add "id". An Activity has an id, which is an IRI with a scheme.'),
    ],
)
def test_hints_tell_what_to_do(edits: dict[str, Any], hint: str) -> None:
    """The hint of a problem is a sentence that its sender can follow."""
    assert hint in {each.hint for each in check_statement(edited(ex.SMALL, edits), V1)}


def test_problems_never_show_the_value() -> None:
    """Hints and pointers do not repeat what was sent: it may be personal data."""
    secret = "198501012010011001"
    broken = edited(ex.FULL, {"/actor/mbox": secret, "/result/duration": secret, "/context/language": secret})
    assert secret not in "".join(str(each) for each in check_statement(broken, V1))


@pytest.mark.parametrize("value", [None, [], "statement", 1, 1.5, True, b"x", object()])
@pytest.mark.parametrize("version", Version)
def test_what_is_no_object_is_refused(value: object, version: Version) -> None:
    """Anything but a JSON object is refused as a statement, with one problem at its root."""
    assert [each.pointer for each in check_statement(value, version)] == [""]


class TestBatches:
    """A batch is checked statement by statement, and as a whole."""

    def test_problems_carry_their_index(self) -> None:
        """Each problem of a batch says which statement it is about; valid ones add none."""
        found = check_batch([ex.SMALL, {}, ex.FULL, 5], V1)
        assert [each.index for each in found] == [1, 1, 1, 3]

    def test_an_id_used_twice_is_refused(self) -> None:
        """The later of two statements with one id is refused, whatever the case of the letters."""
        first, second = ex.FULL, ex.FULL | {"id": ex.FULL["id"].upper()}
        (problem,) = check_batch([first, ex.SMALL, second], V1)
        assert (problem.index, problem.pointer, problem.rule) == (2, "/id", "batch.distinct-ids")

    def test_statements_without_ids_are_no_duplicates(self) -> None:
        """Statements that leave the id to the store are all different."""
        assert check_batch([ex.SMALL, ex.SMALL], V1) == []

    def test_the_answer_to_a_hostile_batch_is_bounded(self) -> None:
        """However many statements are broken, a bounded number of problems is reported."""
        assert len(check_batch([{str(n): n for n in range(500)}] * 500, V1)) == MOST_OF_A_BATCH


class TestAgents:
    """Agents and groups that stand on their own, in parameters and document scopes."""

    @pytest.mark.parametrize("agent", [ex.AGENT, ex.ACCOUNT, ex.GROUP])
    def test_an_identified_agent_is_accepted(self, agent: dict[str, Any]) -> None:
        """An Agent or identified Group is accepted, with or without its objectType."""
        assert check_agent(agent, V1) == []

    @pytest.mark.parametrize(
        ("agent", "rule"),
        [
            ({"objectType": "Group", "member": [ex.AGENT]}, "group.identified"),
            ({"objectType": "Group"} | ex.ACCOUNT | {"mbox": "mailto:a@b.id"}, "group.identified"),
            ({"objectType": "Activity", "id": "https://example.org"}, "statement.actor"),
            ({"mbox": 5}, "actor.mbox"),
            ({}, "agent.one-identifier"),
            ("siti", "statement.actor"),
        ],
    )
    def test_an_agent_without_identity_is_refused(self, agent: Any, rule: str) -> None:
        """A parameter that names nobody, or somebody in a wrong way, is refused."""
        assert rule in {each.rule for each in check_agent(agent, V2)}

    def test_an_anonymous_group_may_act(self) -> None:
        """An anonymous Group is a valid actor, though it cannot be asked for."""
        assert check_actor({"objectType": "Group", "member": [ex.AGENT]}, V1) == []

    @pytest.mark.parametrize("check", [check_actor, check_agent])
    def test_the_pointer_is_a_prefix(self, check: Any) -> None:
        """The caller says where the agent stands, and pointers begin there."""
        assert [each.pointer for each in check({"mbox": "x"}, V1, pointer="/agent")] == ["/agent/mbox"]


class TestHostileInput:
    """Whatever is sent, the answer is a list of problems, and a small one."""

    def test_many_unknown_members_give_a_bounded_answer(self) -> None:
        """A statement of a million unknown members is answered with at most a hundred problems."""
        assert len(check_statement({str(n): n for n in range(100_000)}, V1)) == MOST

    @pytest.mark.parametrize(
        "pointer",
        [
            "/context/contextActivities/other",
            "/attachments",
            "/object/definition/choices",
            "/context/team/member",
        ],
    )
    def test_many_broken_items_give_a_bounded_answer(self, pointer: str) -> None:
        """An array of broken items is answered with at most a hundred problems."""
        assert len(check_statement(edited(ex.FULL, {pointer: [1] * 1000}), V1)) == MOST

    def test_many_bad_extension_keys_give_a_bounded_answer(self) -> None:
        """Broken keys and values of one extension map are counted together."""
        broken = {f"{n}": "\ud800" for n in range(1000)}
        assert len(check_statement(edited(ex.FULL, {"/result/extensions": broken}), V1)) == MOST
        assert len(check_statement(edited(ex.FULL, {"/result/extensions": {"x:y": broken}}), V1)) == MOST

    def test_long_names_are_cut_in_pointers(self) -> None:
        """A name of a megabyte does not come back in the answer."""
        (problem,) = check_statement(ex.SMALL | {"x" * 1_000_000: 1}, V1)
        assert len(str(problem)) < 500

    def test_lone_surrogates_do_not_reach_the_answer(self) -> None:
        """Problems can be written as UTF-8 even where names and values cannot."""
        found = check_statement({"\ud800": 1, "verb": {"display": {"\udfff": "\ud800"}}}, V1)
        assert orjson.dumps([each.as_dict() for each in found])

    @pytest.mark.parametrize("opening", ['{"a":', "["])
    def test_deep_nesting_is_refused_not_followed(self, opening: str) -> None:
        """Deep JSON in extensions is one problem, and no recursion error."""
        closing = "1" + ("}" if "{" in opening else "]") * 900
        deep = json.loads(opening * 900 + closing)
        (problem,) = check_statement(ex.SMALL | {"result": {"extensions": {"x:y": deep}}}, V1)
        assert problem.rule == "json.depth"

    @pytest.mark.parametrize(
        "pointer", ["/id", "/timestamp", "/result/duration", "/verb/id", "/actor/mbox", "/context/language"]
    )
    @pytest.mark.parametrize("piece", ["1", "a-", "P1", "é", "-" * 7, "2026-"])
    def test_very_long_text_is_answered_quickly(self, pointer: str, piece: str) -> None:
        """A text of a megabyte in a formatted place is refused without backtracking."""
        assert check_statement(edited(ex.FULL, {pointer: piece * 150_000}), V1) != []

    @given(value=strategies.json_values())
    def test_any_json_is_answered(self, value: Any) -> None:
        """Any JSON value in any place of a statement gives a list of problems, never an exception."""
        for member in ("id", "actor", "verb", "object", "result", "context", "authority", "attachments"):
            for version in Version:
                check_statement(ex.FULL_V2 | {member: value}, version)
        check_batch([value], V1)
        check_agent(value, V1)

    @given(
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=2)),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.sampled_from([rule.partition(".")[2] for rule in RULES]), inner, max_size=5
                ),
            ),
            max_leaves=12,
        )
    )
    def test_objects_of_known_names_are_answered(self, value: Any) -> None:
        """Objects built from the specification's own member names, in any disorder, raise nothing."""
        for version in Version:
            for problem in check_statement(value, version):
                assert problem.rule in RULES
                assert problem.hint.endswith(".")
