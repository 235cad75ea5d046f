"""Small values out of statements: what cannot be what it should be counts as not said.

The rules of xAPI leave extensions free, so anything may be in them; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from statements.data_types import timestamps
from statements.profile import vocabulary as words

LARGEST: Final = 10_000
"""Larger amounts are slips of the pen."""
LONGEST_TEXT: Final = 300
EARLIEST: Final = timestamps.parse("1950-01-01T00:00:00Z")
LATEST: Final = timestamps.parse("2200-01-01T00:00:00Z")
"""Nobody's learning lies outside; a day within is safe to compute with."""
_MOST_EVIDENCE: Final = 20
_LONGEST_NUMBER: Final = 40
"""Characters of a number that is written as text."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file or a link that proves the learning."""

    title: str
    sha2: str = ""
    url: str = ""
    content_type: str = ""
    size: int = 0


def title(activity: Mapping[str, Any]) -> dict[str, str]:
    """The names of an activity by language; empty when it has none."""
    names = (activity.get("definition") or {}).get("name") or {}
    return {tag: text[:LONGEST_TEXT] for tag, text in list(names.items())[:5]}


def text(value: Any) -> str:
    """A short text; empty when it is none."""
    return value.strip()[:LONGEST_TEXT] if isinstance(value, str) else ""


def seconds(result: Mapping[str, Any]) -> int | None:
    """The duration of a result in whole seconds."""
    duration = result.get("duration")
    if duration is None:
        return None
    try:
        length = timestamps.seconds(duration)
    except ValueError:
        # Years of four hundred digits are a valid duration, and longer than any number.
        return None
    return int(length) if 0 <= length <= LARGEST * 3600 else None


def whole(value: Any) -> int | None:
    """A positive whole number; JSON writers may write 2 as 2.0."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    # Compared first: not every number is finite, and large ones take long to convert.
    return int(value) if 0 < value <= LARGEST and value == int(value) else None


def decimal(value: Any) -> Decimal | None:
    """An amount of JP, written as a number or as text, to the hundredth."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = value if isinstance(value, int | Decimal) else Decimal(str(value)[:_LONGEST_NUMBER])
        # NaN is refused by the comparison, before any arithmetic.
        return Decimal(number).quantize(Decimal("0.01")) if 0 <= number <= LARGEST else None
    except InvalidOperation:
        return None


def day(value: Any) -> date | None:
    """A calendar day from a date or the beginning of a timestamp."""
    if not isinstance(value, str):
        return None
    try:
        found = date.fromisoformat(value[:10])
    except ValueError:
        return None
    return found if 1950 <= found.year <= 2200 else None


def evidence(attachments: Any, links: Any) -> list[Evidence]:
    """The attachments that are marked as evidence, and the links of our extension."""
    found = [
        Evidence(
            text(next(iter((attachment.get("display") or {}).values()), "")),
            sha2=text(attachment.get("sha2")),
            url=_web(attachment.get("fileUrl")),
            content_type=text(attachment.get("contentType")),
            size=_size(attachment.get("length")),
        )
        for attachment in attachments or ()
        if attachment.get("usageType") == words.EVIDENCE_USAGE
    ]
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and (url := _web(link.get("url"))):
            found.append(Evidence(text(link.get("title")) or url[:LONGEST_TEXT], url=url))
    return found[:_MOST_EVIDENCE]


def _size(value: Any) -> int:
    """Bytes of an attachment; 0 when it says nothing that could be so."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0


def _web(url: Any) -> str:
    """An address of the web, or nothing: pages make links of them, and `javascript:` is an IRI, too."""
    is_web = isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= 2000
    return url if is_web else ""
