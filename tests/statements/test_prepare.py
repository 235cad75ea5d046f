"""Preparing statements: what the store assigns, the shape that is returned, and what is derived."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.exact_json import dumps, loads
from statements.data_types.timestamps import parse, render
from statements.data_types.versions import Version
from statements.equality import differences
from statements.prepare import Prepared, prepare
from statements.rules.check import check_statement
from tests import strategies
from tests.statements.samples import (
    AUTHORITY,
    ID,
    OTHER_ID,
    VOIDED,
    activity,
    agent,
    full_context,
    reference,
    statement,
    sub_statement,
)

V1, V2 = Version.V1, Version.V2
STORED = parse("2026-11-23T12:34:56.789012Z")


def prepared(value: dict[str, Any], version: Version = V1) -> Prepared:
    return prepare(value, version=version, new_id=OTHER_ID, authority=AUTHORITY)


def returned(value: dict[str, Any], version: Version = V1) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(prepared(value, version).body(STORED))
    return read


@pytest.mark.parametrize("version", [V1, V2])
@given(data=st.data())
def test_any_valid_statement_comes_back_as_it_was_sent(version: Version, data: st.DataObject) -> None:
    """Beyond what the store assigns and reshapes nothing changes, and the result is valid and the same."""
    value = data.draw(strategies.statements(version))
    before = copy.deepcopy(value)
    made = prepared(value, version)
    body = loads(made.body(STORED))
    assert value == before
    assert check_statement(body, version) == []
    assert differences(value, body, version) == []
    assert made.body(STORED) == dumps(body)
    assert prepared(body, version).keys == made.keys
    assert body["stored"] == render(STORED)
    expected = {**value, "id": value.get("id", OTHER_ID), "authority": AUTHORITY, "stored": body["stored"]}
    # As any reader has it: numbers with an exponent are read exactly here, and are no floats then.
    read = json.loads(made.body(STORED))
    for name in ("context", "object", "timestamp", "version"):
        expected[name] = read.get(name)
    assert read == {name: each for name, each in expected.items() if each is not None}


@pytest.mark.parametrize("version", [V1, V2])
@given(data=st.data())
def test_a_repeated_statement_has_the_same_digest(version: Version, data: st.DataObject) -> None:
    """What a client sends again as it was is recognised at once, and anything else has another digest."""
    value = data.draw(strategies.statements(version))
    first = prepared(value, version)
    assert prepared(copy.deepcopy(value), version).digest == first.digest
    assert prepared({**value, "timestamp": "1999-01-01T00:00:00Z"}, version).digest != first.digest


def test_keys_that_are_given_are_added_to_its_own() -> None:
    """`mine` stands among the keys of a statement, and changes nothing else of it."""
    plain = prepared(statement())
    mine = prepare(statement(), version=V1, new_id=OTHER_ID, authority=AUTHORITY, mine=frozenset({"m"}))
    assert mine.keys == plain.keys | {"m"}
    assert (mine.head, mine.digest) == (plain.head, plain.digest)


def test_the_store_assigns_stored_and_authority_whatever_was_sent() -> None:
    """XAPI-00102, XAPI-00098: a statement cannot choose its own `stored` or authority."""
    body = returned(statement(stored="1999-01-01T00:00:00Z", authority=agent("somebody")))
    assert body["stored"] == "2026-11-23T12:34:56.789012Z"
    assert body["authority"] == AUTHORITY


def test_an_id_is_kept_or_assigned() -> None:
    """An id sent stays as it was written, and its canonical form is lower case; a missing one is given."""
    kept = prepared(statement(id=ID.upper()))
    assert (kept.id, kept.statement["id"]) == (ID, ID.upper())
    assert prepared(statement(id=None)).id == OTHER_ID
    assert returned(statement(id=None))["id"] == OTHER_ID


@pytest.mark.parametrize("version", [V1, V2])
def test_a_missing_timestamp_becomes_stored(version: Version) -> None:
    """XAPI-00101: the timestamp defaults to `stored`, to the last digit."""
    body = returned(statement(timestamp=None), version)
    assert body["timestamp"] == body["stored"] == "2026-11-23T12:34:56.789012Z"


@pytest.mark.parametrize(
    ("version", "given_version", "shown"),
    [
        (V1, None, "1.0.0"),
        (V2, None, "2.0.0"),
        (V1, "1.0.9", "1.0.9"),
        (V1, "1.0", "1.0"),
        (V2, "2.0.0", "2.0.0"),
    ],
)
def test_the_version_is_kept_or_defaulted(version: Version, given_version: str | None, shown: str) -> None:
    """XAPI-00103: a version sent is kept as it was written; a missing one is the first of its family."""
    assert returned(statement(version=given_version), version)["version"] == shown


@pytest.mark.parametrize(
    ("sent", "in_v2"),
    [
        ("2026-11-23T10:00:00.000Z", "2026-11-23T10:00:00.000Z"),
        ("2026-11-23T17:00:00+07:00", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T10:00:00+00:00", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T10:00:00.123456789+00:00", "2026-11-23T10:00:00.123456789Z"),
        ("2026-11-23T00:30:00.5-08:00", "2026-11-23T08:30:00.500000Z"),
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        ("20261123T100000Z", "2026-11-23T10:00:00.000000Z"),
        ("20261123T100000.25Z", "2026-11-23T10:00:00.250000Z"),
        ("20261123T1000Z", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T10:00Z", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T10:00:00", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T10:00:00,5Z", "2026-11-23T10:00:00.500000Z"),
        ("2026-11-23t10:00:00z", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T24:00:00Z", "2026-11-24T00:00:00.000000Z"),
    ],
)
def test_timestamps_are_kept_in_1_0_3_and_brought_to_utc_in_2_0(sent: str, in_v2: str) -> None:
    """2.0 writes UTC as RFC 3339 does and keeps every digit, in SubStatements too; 1.0.3 keeps the text."""
    value = statement(timestamp=sent, object=sub_statement(timestamp=sent))
    one, two = returned(value, V1), returned(value, V2)
    assert (one["timestamp"], one["object"]["timestamp"]) == (sent, sent)
    assert (two["timestamp"], two["object"]["timestamp"]) == (in_v2, in_v2)
    assert parse(sent) == parse(in_v2)


def test_single_context_activities_become_arrays() -> None:
    """XAPI-00096: contextActivities come back as arrays, inside SubStatements too; arrays stay."""
    context = {"contextActivities": {"parent": activity("p"), "other": [activity("a"), activity("b")]}}
    arrays = {"contextActivities": {"parent": [activity("p")], "other": [activity("a"), activity("b")]}}
    body = returned(statement(context=context, object=sub_statement(context=context)))
    assert body["context"] == arrays
    assert body["object"]["context"] == arrays


def test_numbers_come_back_with_their_digits() -> None:
    """XAPI 1.0.3 Part 2, 2.2: scores and extensions keep big integers, exponents and trailing zeros."""
    numbers = '{"scaled":0.50,"raw":1e2,"min":-0.000000000000000000001,"max":12345678901234567890123}'
    text = dumps(statement(result={"score": "HERE"})).decode().replace('"HERE"', numbers)
    body = prepared(loads(text)).body(STORED).decode()
    assert numbers in body


def test_the_input_is_not_changed() -> None:
    """The same value can be prepared again, or shown to its sender."""
    value = statement(context=full_context(), object=sub_statement(context=full_context()), stored="x")
    before = copy.deepcopy(value)
    prepared(value, V2)
    assert value == before


@pytest.mark.parametrize(
    ("value", "refers_to", "voids"),
    [
        (statement(), None, None),
        (statement(object=reference(OTHER_ID.upper())), OTHER_ID, None),
        (statement(object=reference(OTHER_ID), verb={"id": VOIDED}), OTHER_ID, OTHER_ID),
        (statement(context={"statement": reference(OTHER_ID)}), None, None),
        (statement(object=sub_statement(object=reference(OTHER_ID))), None, None),
    ],
)
def test_references_and_voiding_are_recognised(
    value: dict[str, Any], refers_to: str | None, voids: str | None
) -> None:
    """Only a StatementRef that is the object itself targets a statement; the voiding verb voids it."""
    made = prepared(value)
    assert (made.refers_to, made.voids) == (refers_to, voids)


def test_text_beyond_ascii_and_control_characters_survive() -> None:
    """Names come back letter by letter, whatever script or escape they were sent in."""
    name = 'Siti "Rahma" \\ \u0000 \u2028 \U0001f600 \u1b05'
    assert returned(statement(actor=agent("siti", name=name)))["actor"]["name"] == name
