"""Numbers and dates as people read them: decimals with a comma in Indonesian, `23 November 2026`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal
from flask_babel import get_locale
from markupsafe import Markup

WIB = timezone(timedelta(hours=7))
"""Western Indonesian Time: days are counted in it unless an agency's profile says otherwise."""


def jp(value: Decimal | int) -> str:
    """JP with at most one decimal place when that is exact, else two; the unit is the template's."""
    exact = Decimal(value)
    pattern = "#,##0.0" if exact == exact.quantize(Decimal("0.1")) else "#,##0.00"
    return _number(exact, pattern, get_locale())


def plain_jp(value: Decimal) -> str:
    """A whole number of JP without decimals, else as `jp`."""
    return str(int(value)) if value == value.to_integral_value() else jp(value)


def isolated(text: str) -> Markup:
    """A text that people typed, inside a sentence: marks of direction in it turn nothing else round."""
    return Markup("<bdi>{}</bdi>").format(text)


def day(value: date | int | str) -> str:
    """A date in full: `23 November 2026`. Integers are microseconds, text is an ISO date."""
    return _date(as_date(value), "d MMMM y", get_locale())


def time_of_day(value: int) -> str:
    """The time of a moment (microseconds) in Western Indonesian Time: `14:05 WIB`."""
    return f"{datetime.fromtimestamp(value / 1_000_000, tz=UTC).astimezone(WIB):%H:%M} WIB"


def iso_time(value: int) -> str:
    """A moment (microseconds) for programs: `2026-11-23T14:05:00+07:00`."""
    return datetime.fromtimestamp(value // 1_000_000, tz=UTC).astimezone(WIB).isoformat()


def short_day(value: date | int | str) -> str:
    """A date in lists: `12 Nov`."""
    return _date(as_date(value), "d MMM", get_locale())


def month(text: str) -> str:
    """A month in full, from `2026-11`: `November 2026`."""
    return _date(date.fromisoformat(f"{text}-01"), "MMMM y", get_locale())


def moment(value: int) -> str:
    """A day and a time (microseconds) in Western Indonesian Time: `12 Nov 2026, 14:05 WIB`."""
    return f"{_date(as_date(value), 'd MMM y', get_locale())}, {time_of_day(value)}"


def as_date(value: date | int | str) -> date:
    """The day of a moment (microseconds, in Western Indonesian Time), an ISO text or a date."""
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1_000_000, tz=UTC).astimezone(WIB).date()
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value


# A list names the same days and amounts again and again, and to put one in words takes long.
@lru_cache(maxsize=4096)
def _number(value: Decimal, pattern: str, locale: Locale | None) -> str:
    return str(format_decimal(value, format=pattern, locale=locale))


@lru_cache(maxsize=4096)
def _date(value: date, pattern: str, locale: Locale | None) -> str:
    return str(format_date(value, pattern, locale=locale))
