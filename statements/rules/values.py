"""Tests of values without parts: what each kind of text or number must look like, and how to say so."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from statements.data_types.identity import is_uuid
from statements.data_types.iri import is_iri, is_mailto
from statements.data_types.timestamps import check_duration, is_timestamp
from statements.data_types.versions import Version
from statements.rules.findings import well_formed

_LANGUAGE = re.compile(
    r"(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4}|[a-z]{5,8})"  # language, extended language
    r"(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"  # script, region
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"  # variants
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"  # extensions, private use
    r"|x(?:-[a-z0-9]{1,8})+"
    r"|i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)"  # grandfathered
    r"|en-gb-oed|sgn-be-fr|sgn-be-nl|sgn-ch-de)",
    re.ASCII | re.IGNORECASE,
)
_SHA1 = re.compile(r"[0-9A-Fa-f]{40}")
_SHA2 = re.compile(r"(?:[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96}|[0-9A-Fa-f]{128})")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a token of RFC 9110, nothing secret
_MEDIA_TYPE = re.compile(
    rf'{_TOKEN}/{_TOKEN}(?:[ \t]*;[ \t]*{_TOKEN}=(?:{_TOKEN}|"[^"\\\x00-\x1f\x7f-\uffff]*"))*'
)
_VERSION_1 = re.compile(r"1\.0(?:\.[0-9]{1,9})?")
_VERSION_2 = re.compile(r"[12]\.0(?:\.[0-9]{1,9})?")
_TAGS_KEPT: Final = 512
_LONGEST_TAG_KEPT: Final = 35


class TextTest(NamedTuple):
    """A test of strings, and the words that say what it wants."""

    test: Callable[[str], object]
    expected: str


class ValueTest(NamedTuple):
    """A test of values of any type, and the words that say what it wants."""

    test: Callable[[Any], bool]
    expected: str


@lru_cache(_TAGS_KEPT)
def _known_tag(tag: str) -> bool:
    return _LANGUAGE.fullmatch(tag) is not None


def is_language(tag: str) -> bool:
    """Whether the text has the form of an RFC 5646 language tag."""
    return _known_tag(tag) if len(tag) <= _LONGEST_TAG_KEPT else _LANGUAGE.fullmatch(tag) is not None


def is_number(value: object) -> bool:
    """Whether the value is a finite JSON number: an int, float or Decimal, not a boolean."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return value is not True and value is not False
    return isinstance(value, Decimal) and value.is_finite()


def _is_boolean(value: object) -> bool:
    return value is True or value is False


def _is_scaled(value: Any) -> bool:
    return is_number(value) and -1 <= value <= 1


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


TEXTS: Final[Mapping[str, TextTest]] = MappingProxyType(
    {
        "text": TextTest(well_formed, "a string of well-formed Unicode"),
        "iri": TextTest(is_iri, "an absolute IRI such as https://example.org/verbs/attended"),
        "uuid": TextTest(is_uuid, "a UUID such as 8f87ccde-bb56-4c2e-ab83-44982ef22df0"),
        "mailto": TextTest(is_mailto, "a mailbox such as mailto:name@example.org"),
        "sha1": TextTest(_SHA1.fullmatch, "40 hexadecimal digits, the SHA-1 hash of a mailto IRI"),
        "sha2": TextTest(_SHA2.fullmatch, "a SHA-2 hash in hexadecimal digits (64 for SHA-256)"),
        "timestamp": TextTest(
            is_timestamp,
            "an ISO 8601 date and time such as 2026-11-23T10:00:00.000Z (an offset of -00:00 is not allowed)",
        ),
        "duration": TextTest(check_duration, "an ISO 8601 duration such as PT1H30M"),
        "language": TextTest(is_language, "an RFC 5646 language tag such as id or en-US"),
        "media-type": TextTest(_MEDIA_TYPE.fullmatch, "an Internet media type such as application/pdf"),
    }
)
"""Tests of strings by the name of their scalar."""

VERSION_TEXTS: Final[Mapping[Version, TextTest]] = MappingProxyType(
    {
        Version.V1: TextTest(_VERSION_1.fullmatch, '"1.0" or "1.0.x"'),
        Version.V2: TextTest(_VERSION_2.fullmatch, '"1.0", "1.0.x", "2.0" or "2.0.x"'),
    }
)
"""The test of a statement's version, by the version that the request speaks."""

VALUES: Final[Mapping[str, ValueTest]] = MappingProxyType(
    {
        "boolean": ValueTest(_is_boolean, "true or false"),
        "number": ValueTest(is_number, "a number"),
        "scaled": ValueTest(_is_scaled, "a number from -1 to 1"),
        "length": ValueTest(_is_length, "an integer of at least 0"),
    }
)
"""Tests of other values by the name of their scalar."""
