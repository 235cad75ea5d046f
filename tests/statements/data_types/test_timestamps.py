"""Timestamps and durations, between text and numbers."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.timestamps import check_duration, is_timestamp, parse, render, seconds
from tests import strategies

FIRST, LAST = parse("0001-01-01T00:00:00Z"), parse("9999-12-31T23:59:59.999999Z")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T10:00:00", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T10:00", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T10:00Z", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23t10:00:00z", "2026-11-23T10:00:00.000000Z"),
        ("2026-11-23T10:00:00.1Z", "2026-11-23T10:00:00.100000Z"),
        ("2026-11-23T10:00:00,25Z", "2026-11-23T10:00:00.250000Z"),
        ("2026-11-23T10:00:00.1234569Z", "2026-11-23T10:00:00.123456Z"),
        ("2026-11-23T10:00:00+07:00", "2026-11-23T03:00:00.000000Z"),
        ("2026-11-23T10:00:00+0700", "2026-11-23T03:00:00.000000Z"),
        ("2026-11-23T10:00:00+07", "2026-11-23T03:00:00.000000Z"),
        ("2026-11-23T10:00:00-00:30", "2026-11-23T10:30:00.000000Z"),
        ("2008-09-15T15:53:00.601+00:00", "2008-09-15T15:53:00.601000Z"),
        ("20261123T100000Z", "2026-11-23T10:00:00.000000Z"),
        ("20261123T1000+0700", "2026-11-23T03:00:00.000000Z"),
        ("2024-02-29T24:00:00Z", "2024-03-01T00:00:00.000000Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_a_timestamp_names_a_point_in_time(text: str, utc: str) -> None:
    """Each form of ISO 8601 date and time is read as the same instant in UTC."""
    assert is_timestamp(text)
    assert render(parse(text)) == utc


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not an ISO 8601"),
        ("now", "not an ISO 8601"),
        ("2026-11-23", "not an ISO 8601"),
        ("23/11/2026", "not an ISO 8601"),
        ("2026-11-23 10:00:00Z", "not an ISO 8601"),
        ("2026-11-23T10Z", "not an ISO 8601"),
        ("2026-11-23T100000Z", "not an ISO 8601"),
        ("20261123T10:00:00Z", "not an ISO 8601"),
        ("2026-13-01T10:00:00Z", "not an ISO 8601"),
        ("2026-11-23T25:00:00Z", "not an ISO 8601"),
        ("2026-11-23T10:60:00Z", "not an ISO 8601"),
        ("2026-11-23T10:00:61Z", "not an ISO 8601"),
        ("2026-11-23T10:00:00.Z", "not an ISO 8601"),
        ("2026-11-23T10:00:00+24:00", "not an ISO 8601"),
        ("2026-11-23T10:00:00Z\n", "not an ISO 8601"),
        ("٢٠٢٦-11-23T10:00:00Z", "not an ISO 8601"),
        ("2008-09-15T15:53:00.601-00", "offset"),
        ("2008-09-15T15:53:00.601-0000", "offset"),
        ("2008-09-15T15:53:00.601-00:00", "offset"),
        ("2026-02-29T10:00:00Z", "no such day"),
        ("2026-04-31T10:00:00Z", "no such day"),
        ("0000-01-01T00:00:00Z", "no such day"),
        ("2026-11-23T24:00:01Z", "midnight"),
        ("2026-11-23T24:00:00.5Z", "midnight"),
        ("9999-12-31T23:59:59-01:00", "outside"),
        ("0001-01-01T00:00:00+01:00", "outside"),
    ],
)
def test_what_is_no_timestamp_is_refused_with_a_reason(text: str, reason: str) -> None:
    """Other forms, days that do not exist and forbidden offsets are refused in plain words."""
    assert not is_timestamp(text)
    with pytest.raises(ValueError, match=reason):
        parse(text)


@given(st.integers(FIRST, LAST))
def test_rendered_time_is_read_back(moment: int) -> None:
    """Every microsecond of the years 1 to 9999 survives the way to text and back."""
    text = render(moment)
    assert len(text) == len("2026-11-23T10:00:00.123456Z")
    assert parse(text) == moment


@given(st.tuples(st.integers(FIRST, LAST), st.integers(FIRST, LAST)))
def test_rendered_times_sort_as_text(pair: tuple[int, int]) -> None:
    """The order of rendered texts is the order of the instants."""
    assert (pair[0] < pair[1]) == (render(pair[0]) < render(pair[1]))


@given(strategies.timestamps())
def test_timestamps_agree_with_the_standard_library(text: str) -> None:
    """Every generated timestamp is taken and means what Python's own reader says."""
    assert is_timestamp(text)
    theirs = datetime.fromisoformat(text)
    ours = datetime.fromisoformat(render(parse(text)))
    assert ours == (theirs.replace(tzinfo=ours.tzinfo) if theirs.tzinfo is None else theirs)


@pytest.mark.parametrize("moment", [FIRST - 1, LAST + 1, 10**30])
def test_time_outside_the_calendar_is_not_rendered(moment: int) -> None:
    """There is no text for a year before 1 or after 9999."""
    with pytest.raises(ValueError, match="outside"):
        render(moment)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("PT0S", 0),
        ("PT59.14S", 59.14),
        ("PT4H35M59,14S", 16559.14),
        ("PT16559.14S", 16559.14),
        ("P4W", 2_419_200),
        ("P1D", 86_400),
        ("PT0.5H", 1_800),
        ("P1Y", 31_556_952),
        ("P12M", 31_556_952),
        ("P3Y1M29DT4H35M59.14S", 99_822_761.14),
    ],
)
def test_a_duration_has_a_length(text: str, length: float) -> None:
    """Durations are taken with each unit left out or given, and count in seconds."""
    assert check_duration(text)
    assert seconds(text) == pytest.approx(length)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1",
        "PT1",
        "P1DT",
        "1D",
        "-P1D",
        "P-1D",
        "P4W1D",
        "P1Y4W",
        "PA1H0M0S",
        "PT1S1H",
        "P1H",
        "PT1D",
        "PT0.5H1M",
        "P1.5",
        "P.5D",
        "P1.D",
        "pt1h",
        "P0001-01-01T00:00:00",
        "P1D\n",
        "P١D",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Weeks with other units, units in disorder, inner fractions and the date-like form are refused."""
    assert not check_duration(text)
    with pytest.raises(ValueError, match="not an ISO 8601 duration"):
        seconds(text)


def test_a_duration_beyond_any_number_has_no_length() -> None:
    """A valid duration may be too long to count."""
    text = f"P{'9' * 5000}Y"
    assert check_duration(text)
    with pytest.raises(ValueError, match="longer"):
        seconds(text)


@given(strategies.durations())
def test_generated_durations_are_taken(text: str) -> None:
    """The durations of the strategies are valid and of some length."""
    assert check_duration(text)
    assert seconds(text) >= 0
