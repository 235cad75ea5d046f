"""Values that were found valid are not checked again, and nothing else passes for one of them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from statements.data_types.versions import Version
from statements.rules import cache
from statements.rules.cache import remembering
from statements.rules.check import check_statement
from statements.rules.findings import Findings
from tests.statements.samples import activity, agent, statement

BAD: Findings = [((), "slug", "hint")]


def counting(valid: list[Any], seen: list[Any]) -> Any:
    """A check that accepts these values, and notes what it is asked."""

    def check(value: Any) -> Findings | None:
        seen.append(value)
        return None if any(value is each or value == each for each in valid) else BAD

    return remembering(check)


def test_a_valid_value_is_checked_once() -> None:
    """The same value again is valid without another look; an invalid one is explained each time."""
    seen: list[Any] = []
    check = counting([{"a": 1}], seen)
    assert [check({"a": 1}), check({"a": 1}), check({"a": 2}), check({"a": 2})] == [None, None, BAD, BAD]
    assert seen == [{"a": 1}, {"a": 2}, {"a": 2}]


@pytest.mark.parametrize(
    ("valid", "other"),
    [
        ({"a": None}, {"a": math.inf}),
        ({"a": None}, {"a": math.nan}),
        ({"a": 1}, {"a": 1.5}),
        ({"a": True}, {"a": "true"}),
        ({"a": "2026-01-01T00:00:00+00:00"}, {"a": datetime(2026, 1, 1, tzinfo=UTC)}),
        ({"a": "x"}, {"a": "x\ud800"}),
        ([1, 2], [2, 1]),
        ({}, []),
    ],
    ids=["infinite", "not a number", "numbers", "truth", "no JSON value", "surrogate", "order", "kinds"],
)
def test_another_value_does_not_pass_for_a_valid_one(valid: Any, other: Any) -> None:
    """What only looks alike is checked itself."""
    check = counting([valid], [])
    assert check(valid) is None
    assert check(other) == BAD
    assert check(valid) is None


def test_little_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long values, and more values than there is room for, are checked again."""
    monkeypatch.setattr(cache, "MOST", 3)
    long = {"a": "x" * cache.LONGEST}
    seen: list[Any] = []
    check = counting([long, 0, 1, 2, 3], seen)
    assert [check(value) for value in (long, long, 0, 1, 2, 0, 3, 0)] == [None] * 8
    assert seen == [long, long, 0, 1, 2, 3, 0]


@pytest.mark.parametrize("version", list(Version))
def test_what_is_valid_in_one_place_is_not_in_another(version: Version) -> None:
    """A group may be an actor and an object; an activity is no actor, however often it was an object."""
    thing = activity("https://example.org/a")
    for _ in range(2):
        assert check_statement(statement(object=thing), version) == []
        assert [each.pointer for each in check_statement(statement(actor=thing), version)]
        assert check_statement(statement(actor=agent("siti")), version) == []
