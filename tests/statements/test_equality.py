"""When two statements are the same: what may differ, and what is named when they do not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from statements.data_types.exact_json import loads
from statements.data_types.versions import Version
from statements.equality import differences
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

V1, V2 = Version.V1, Version.V2
SCORE: dict[str, Any] = {"score": {"scaled": 0.5, "raw": 10, "min": 0, "max": 20}, "duration": "PT1M"}


def with_score(text: str) -> dict[str, Any]:
    return statement(result={"score": {"raw": loads(text)}})


def attached(**more: Any) -> dict[str, Any]:
    return {
        "usageType": "https://example.org/usage",
        "display": {"en": "a"},
        "contentType": "text/plain",
        "length": 1,
        "sha2": "ab" * 32,
        **more,
    }


def grouped(*names: str) -> dict[str, Any]:
    return {"objectType": "Group", "member": [agent(name) for name in names]}


SAME = [
    ("id", statement(), statement(id=OTHER_ID)),
    ("no id", statement(), statement(id=None)),
    ("authority", statement(authority=AUTHORITY), statement(authority=agent("me"))),
    ("version", statement(version="1.0.0"), statement(version="1.0.3")),
    ("stored", statement(stored="2026-11-23T10:00:00Z"), statement()),
    ("display", statement(), statement(verb={"id": "https://example.org/verbs/did"})),
    ("definition", statement(), statement(object=activity("course", definition={"name": {"en": "Course"}}))),
    ("time zone", statement(), statement(timestamp="2026-11-23T17:00:00+07:00")),
    ("time digits", statement(), statement(timestamp="2026-11-23T10:00:00Z")),
    ("mail domain", statement(), statement(actor={"mbox": "mailto:siti@EXAMPLE.ORG", "name": "Siti"})),
    ("members", statement(actor=grouped("a", "b", "c")), statement(actor=grouped("c", "a", "b"))),
    ("reference case", statement(object=reference(ID)), statement(object=reference(ID.upper()))),
    (
        "one activity or an array",
        statement(context={"contextActivities": {"parent": activity("p")}}),
        statement(context={"contextActivities": {"parent": [activity("p")]}}),
    ),
    (
        "registration case",
        statement(context={"registration": ID}),
        statement(context={"registration": ID.upper()}),
    ),
    (
        "mail scheme",
        statement(),
        statement(actor={"mbox": "MAILTO:siti@example.org", "name": "Siti"}),
    ),
    ("language case", statement(context={"language": "en-US"}), statement(context={"language": "en-us"})),
    (
        "language case inside a SubStatement",
        statement(object=sub_statement(context={"language": "id-ID"})),
        statement(object=sub_statement(context={"language": "ID-id"})),
    ),
    (
        "media type of an attachment",
        statement(attachments=[attached(contentType="text/plain; charset=UTF-8")]),
        statement(attachments=[attached(contentType="Text/Plain;Charset=utf-8")]),
    ),
    (
        "language tags of an attachment",
        statement(attachments=[attached(display={"en-US": "a", "id": "b"}, description={"id-ID": "c"})]),
        statement(attachments=[attached(display={"en-us": "a", "ID": "b"}, description={"id-id": "c"})]),
    ),
    ("number form", with_score("10"), with_score("10.0")),
    ("number exponent", with_score("10"), with_score("1e1")),
    ("number zeros", with_score("0.5"), with_score("0.50")),
    ("order of members", statement(), dict(reversed(statement().items()))),
    (
        "inside a SubStatement",
        statement(object=sub_statement(context=full_context())),
        statement(object=sub_statement(context=full_context(), timestamp="2026-11-23T12:00:00+02:00")),
    ),
]

DIFFERENT = [
    ("/context/language", statement(context={"language": "en"}), statement(context={"language": "id"})),
    (
        "/attachments/0/contentType",
        statement(attachments=[attached(contentType="text/plain")]),
        statement(attachments=[attached(contentType="text/html")]),
    ),
    (
        "/attachments/0/display/en",
        statement(attachments=[attached(display={"en": "a"})]),
        statement(attachments=[attached(display={"EN": "A"})]),
    ),
    ("/actor/mbox", statement(), statement(actor=agent("budi", name="Siti"))),
    ("/actor/mbox", statement(), statement(actor=agent("Siti", name="Siti"))),
    ("/actor/name", statement(), statement(actor=agent("siti"))),
    ("/actor/member", statement(actor=grouped("a", "b")), statement(actor=grouped("a", "c"))),
    ("/verb/id", statement(), statement(verb={"id": "https://example.org/verbs/Did"})),
    ("/object/id", statement(), statement(object=activity("other"))),
    ("/object/objectType", statement(), statement(object=activity("course", objectType="Activity"))),
    ("/timestamp", statement(), statement(timestamp="2026-11-23T10:00:00.001Z")),
    ("/result", statement(), statement(result=SCORE)),
    (
        "/result/score/raw",
        statement(result=SCORE),
        statement(result={**SCORE, "score": {**SCORE["score"], "raw": 11}}),
    ),
    ("/result/duration", statement(result=SCORE), statement(result={**SCORE, "duration": "PT60S"})),
    (
        "/result/success",
        statement(result={"success": True}),
        statement(result={"success": False}),
    ),
    (
        "/result/extensions/https:~1~1a.example~1x",
        statement(result={"extensions": {"https://a.example/x": 1}}),
        statement(result={"extensions": {"https://a.example/x": True}}),
    ),
    (
        "/result/extensions/https:~1~1a.example~1x/1",
        statement(result={"extensions": {"https://a.example/x": [1, 2]}}),
        statement(result={"extensions": {"https://a.example/x": [1, 3]}}),
    ),
    (
        "/context/contextActivities/parent",
        statement(context={"contextActivities": {"parent": [activity("p")]}}),
        statement(context={"contextActivities": {"parent": [activity("p"), activity("q")]}}),
    ),
    (
        "/context/statement/id",
        statement(context={"statement": reference(ID)}),
        statement(context={"statement": reference(OTHER_ID)}),
    ),
    (
        "/context/instructor/mbox",
        statement(context={"instructor": agent("a")}),
        statement(context={"instructor": agent("b")}),
    ),
    (
        "/object/actor/mbox",
        statement(object=sub_statement()),
        statement(object=sub_statement(actor=agent("x", name="Siti"))),
    ),
    ("/result/score/raw", with_score("9007199254740993.0"), with_score("9007199254740992.0")),
]


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize(("one", "other"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_differences_the_store_may_cause_are_ignored(
    one: dict[str, Any], other: dict[str, Any], version: Version
) -> None:
    """Exceptions to immutability do not make another statement (Data 2.3.1)."""
    assert differences(one, other, version) == []


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize(("pointer", "one", "other"), DIFFERENT)
def test_any_other_difference_is_named_by_its_place(
    pointer: str, one: dict[str, Any], other: dict[str, Any], version: Version
) -> None:
    """Whatever is not excepted makes another statement, and the pointer says where, both ways round."""
    assert differences(one, other, version) == [pointer]
    assert differences(other, one, version) == [pointer]


@pytest.mark.parametrize(
    ("one", "other", "same_in_v2"),
    [
        ("PT4.567S", "PT4.561S", True),
        ("PT4.56S", "PT4.561S", True),
        ("PT4S", "PT4.00S", True),
        ("PT4S", "PT4.009S", True),
        ("PT4.5S", "PT4.50S", True),
        ("PT4.56S", "PT4.57S", False),
        ("PT60S", "PT1M", False),
    ],
)
def test_durations_below_a_hundredth_of_a_second_count_in_1_0_3_only(
    one: str, other: str, same_in_v2: bool
) -> None:
    """1.0.3 compares durations as text; 2.0 does not look beyond a hundredth of a second."""
    mine, yours = statement(result={"duration": one}), statement(result={"duration": other})
    assert differences(mine, yours, V1) == ["/result/duration"]
    assert (differences(mine, yours, V2) == []) is same_in_v2


STORED = "2026-11-23T10:00:00.123456Z"


@pytest.mark.parametrize(
    ("kept", "sent", "same"),
    [
        ({"timestamp": STORED, "stored": STORED}, {"timestamp": None}, True),
        ({"timestamp": "2026-11-01T00:00:00Z", "stored": STORED}, {"timestamp": None}, True),
        ({"timestamp": STORED, "stored": STORED}, {"timestamp": "2026-11-23T17:00:00.123456+07:00"}, True),
        ({"timestamp": "2026-11-01T00:00:00Z", "stored": STORED}, {"timestamp": STORED}, False),
    ],
)
def test_a_timestamp_that_the_store_assigned_makes_no_difference(
    kept: dict[str, Any], sent: dict[str, Any], same: bool
) -> None:
    """A client that repeats its request without a timestamp, or sends back what it read, is not refused."""
    assert (differences(statement(**kept), statement(**sent), V1) == []) is same


def test_at_most_twenty_places_are_named_and_never_a_value() -> None:
    """The answer to a client stays short and carries no personal data."""
    one = statement(result={"extensions": {f"https://a.example/{n}": "secret" for n in range(50)}})
    other = statement(result={"extensions": {f"https://a.example/{n}": "hidden" for n in range(50)}})
    places = differences(one, other, V1)
    assert len(places) == 20
    assert not any("secret" in place or "hidden" in place for place in places)


@pytest.mark.parametrize("version", [V1, V2])
def test_comparing_changes_neither_statement(version: Version) -> None:
    """Comparing works on copies; what is stored afterwards is what came in."""
    value = statement(object=sub_statement(context=full_context()), context=full_context(), result=SCORE)
    before = copy.deepcopy(value)
    differences(value, statement(), version)
    assert value == before
