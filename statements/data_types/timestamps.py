"""Points in time and spans of time: between ISO 8601 text at the edges and numbers inside.

A point in time is an `int` of microseconds since 1970-01-01T00:00:00Z. Taken are the combined date and time
of ISO 8601 in its extended and its basic form, as RFC 3339 profiles it, with or without seconds, fraction and
zone (xAPI 1.0.3 Part 2, 4.5). Not taken: a date alone, week and ordinal dates, and the offsets -00, -0000 and
-00:00, which ISO 8601 forbids. Text without a zone is read as UTC. Digits beyond a microsecond are cut off.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from typing import Final

_TIMESTAMP = re.compile(
    r"(?P<year>[0-9]{4})(?P<extended>-)?(?P<month>0[1-9]|1[0-2])(?(extended)-)(?P<day>0[1-9]|[12][0-9]|3[01])"
    r"[Tt](?P<hour>[01][0-9]|2[0-4])(?(extended):)(?P<minute>[0-5][0-9])"
    r"(?:(?(extended):)(?P<second>[0-5][0-9]|60)(?:[.,](?P<fraction>[0-9]++))?)?"
    r"(?!-00(?::?00)?\Z)(?P<zone>[Zz]|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)?"
)
_UNKNOWN_OFFSET = re.compile(r"-00(?::?00)?\Z")
_EPOCH = datetime(1970, 1, 1)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST = -62_135_596_800_000_000
_LAST = 253_402_300_799_999_999

_AMOUNT = r"[0-9]++(?:[.,][0-9]++(?=[A-Z]\Z))?+"
_DURATION = re.compile(
    rf"P(?!\Z)(?:(?P<weeks>{_AMOUNT})W"
    rf"|(?:(?P<years>{_AMOUNT})Y)?(?:(?P<months>{_AMOUNT})M)?(?:(?P<days>{_AMOUNT})D)?"
    rf"(?:T(?=[0-9])(?:(?P<hours>{_AMOUNT})H)?(?:(?P<minutes>{_AMOUNT})M)?(?:(?P<seconds>{_AMOUNT})S)?)?)"
)
_SECONDS_IN: Final = {
    "years": 365.2425 * 86400,
    "months": 365.2425 * 86400 / 12,
    "weeks": 604_800.0,
    "days": 86_400.0,
    "hours": 3_600.0,
    "minutes": 60.0,
    "seconds": 1.0,
}


def parse(text: str) -> int:
    """The point in time that a timestamp names, in microseconds; ValueError with a plain reason."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        if _UNKNOWN_OFFSET.search(text):
            raise ValueError("an offset of -00, -0000 or -00:00 is not allowed; write Z or +00:00")
        raise ValueError("not an ISO 8601 date and time such as 2026-11-23T10:00:00.000Z")
    year, _, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        raise ValueError("there is no such day in the calendar") from None
    if hour == "24" and (minute != "00" or (second or "00") != "00" or (fraction or "0").strip("0")):
        raise ValueError("the hour 24 is midnight only: 24:00:00")
    minutes = int(hour) * 60 + int(minute) - _offset(zone)
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    moment = ((days * 1440 + minutes) * 60 + int(second or 0)) * 1_000_000 + micros
    if not _FIRST <= moment <= _LAST:
        raise ValueError("in UTC this is outside the years 0001 to 9999")
    return moment


def _offset(zone: str | None) -> int:
    """Minutes east of UTC."""
    if zone is None or zone in "Zz":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[3:].removeprefix(":") or 0)
    return -minutes if zone[0] == "-" else minutes


def is_timestamp(text: str) -> bool:
    """Whether `parse` takes the text; quicker than asking it."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return False
    year, day, hour = found.group("year", "day", "hour")
    if day < "29" and hour != "24" and "0001" < year < "9999":
        return True
    try:
        parse(text)
    except ValueError:
        return False
    return True


def render(moment: int) -> str:
    """A point in time as text in UTC with microseconds: `2026-11-23T10:00:00.123456Z`.

    ValueError outside the years 0001 to 9999.
    """
    try:
        return f"{(_EPOCH + timedelta(microseconds=moment)).isoformat(timespec='microseconds')}Z"
    except OverflowError:
        raise ValueError("outside the years 0001 to 9999") from None


def check_duration(text: str) -> bool:
    """Whether the text is a duration of ISO 8601:2004 section 4.4.3.2: `P3Y1M29DT4H35M59.14S` or `P4W`.

    Weeks stand alone, and only the last amount may have a fraction (xAPI 1.0.3 Part 2, 4.6).
    """
    return _DURATION.fullmatch(text) is not None


def seconds(duration: str) -> float:
    """The length of a duration in seconds; years and months have their mean Gregorian length.

    ValueError when the text is no duration or is too long for any number.
    """
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError("not an ISO 8601 duration such as PT1H30M")
    total = sum(
        float(amount.replace(",", ".")) * _SECONDS_IN[unit]
        for unit, amount in found.groupdict().items()
        if amount is not None
    )
    if not math.isfinite(total):
        raise ValueError("longer than any number")
    return total
