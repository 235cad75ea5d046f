"""Whatever a valid statement holds, the learning record reads it or lets it be: nothing in it raises."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.exact_json import dumps, loads
from statements.data_types.timestamps import parse
from statements.data_types.versions import Version
from statements.profile import reading, vocabulary
from statements.profile.classify import Learning, classify
from statements.profile.shipped import shipped
from statements.rules.check import check_batch
from tests.statements.profile_samples import moodle, own
from tests.strategies import statements

EXTENSIONS = [
    value for value in vars(vocabulary).values() if isinstance(value, str) and "/extensions/" in value
]
HOSTILE = [
    *("1E400", "1e-9999", "-0", "0.0000000000001", "-1", "10001", "1.5", "2.0", "true", "null", '""', "[]"),
    *("123456789012345678901234567890", "18446744073709551615", "-9223372036854775808", "9" * 400),
    *(
        '"NaN"',
        '"sNaN"',
        '"Infinity"',
        '"1e9999999999"',
        '"-0"',
        '"9999.99999999999999999999999999999999999999"',
    ),
    *('"9999-12-31"', '"0001-01-01"', '"2026-02-30"', '"2026-W01-1"', '"1950-01-01"', '"2200-12-31"'),
    *('"\\u0000"', '"\\ud83d\\ude00"', json.dumps("x" * 100_000), '{"a":{"a":{"a":[[[{}]]]}}}', '{"url":1}'),
    *('[{"url":[]},{"url":"javascript:1"},{},1,null]', '[{"url":"https://x.example","title":{"a":1}}]'),
]
DURATIONS = {
    "P" + "9" * 400 + "Y": None,
    "P" + "9" * 300 + "Y": None,
    "PT36000001S": None,
    "PT36000000S": 36_000_000,
    "PT0." + "9" * 400 + "S": 1,
    "P0,5Y": 15_778_476,
    "P0D": 0,
}
"""Valid durations, and the seconds that count."""


@pytest.mark.parametrize(("duration", "seconds"), DURATIONS.items(), ids=range(len(DURATIONS)))
@pytest.mark.parametrize("make", [moodle, lambda **more: own("coaching") | more], ids=["platform", "own"])
def test_a_duration_that_nobody_lived_says_nothing(make: Any, duration: str, seconds: int | None) -> None:
    """A valid duration of any length is classified, and counts for what it can be."""
    statement = make(result={"completion": True, "duration": duration})
    assert check_batch([statement], Version.V1) == []
    found = classify(statement | {"timestamp": "2026-11-12T05:00:00Z"}, shipped())
    assert isinstance(found, Learning)
    assert found.amount.seconds == seconds


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_that_makes_no_sense_counts_as_not_said(text: str) -> None:
    """Every reading takes any JSON value: it gives a value within its bounds, or none."""
    value = loads(text)
    whole = reading.whole(value)
    assert whole is None or 0 < whole <= reading.LARGEST
    amount = reading.decimal(value)
    assert amount is None or Decimal(0) <= amount <= reading.LARGEST
    day = reading.day(value)
    assert day is None or 1950 <= day.year <= 2200
    assert len(reading.text(value)) <= reading.LONGEST_TEXT
    assert all(one.url.startswith("http") for one in reading.evidence(None, value))


@pytest.mark.parametrize(
    ("text", "whole", "decimal"),
    [
        ("2", 2, "2.00"),
        ("2.0", 2, "2.00"),
        ("2.50", None, "2.50"),
        ("10000", 10_000, "10000.00"),
        ("10000.001", None, None),
        ("1e1", 10, "10.00"),
        ("0", None, "0.00"),
        ("1E400", None, None),
        ('"3,5"', None, None),
        ('"3.5"', None, "3.50"),
        ("true", None, None),
    ],
)
def test_numbers_that_make_sense_are_read_exactly(text: str, whole: int | None, decimal: str | None) -> None:
    """Amounts come back as they were written, in any form that JSON has for them."""
    value = loads(text)
    assert reading.whole(value) == whole
    assert reading.decimal(value) == (None if decimal is None else Decimal(decimal))


@st.composite
def hostile(draw: st.DrawFn) -> dict[str, Any]:
    """A valid statement with our category and with anything at all in our extensions."""
    statement: dict[str, Any] = draw(statements())
    values = st.sampled_from(HOSTILE).map(loads)
    context = statement.setdefault("context", {})
    context["extensions"] = draw(st.dictionaries(st.sampled_from(EXTENSIONS), values, max_size=12))
    result = statement.setdefault("result", {})
    result["extensions"] = draw(st.dictionaries(st.sampled_from(EXTENSIONS), values, max_size=6))
    result["duration"] = draw(st.sampled_from(list(DURATIONS)))
    if statement["object"].get("objectType", "Activity") == "Activity":
        form = draw(st.sampled_from([*shipped().forms, "unknown"]))
        category = [
            {"id": vocabulary.FORMS + form},
            {"id": vocabulary.PILLARS + draw(st.sampled_from("1270"))},
        ]
        context.setdefault("contextActivities", {})["category"] = category
        statement["verb"]["id"] = draw(st.sampled_from(sorted(shipped().lms.completion_verbs)))
    return statement


@given(hostile())
def test_no_valid_statement_makes_it_raise(statement: dict[str, Any]) -> None:
    """Whatever passes the rules is classified, as it comes back from the store."""
    assert check_batch([statement], Version.V1) == []
    kept = loads(dumps({"timestamp": "2026-11-12T05:00:00Z"} | statement))
    parse(kept["timestamp"])
    found = classify(kept, shipped())
    assert not isinstance(found, Learning) or found.start <= found.end
