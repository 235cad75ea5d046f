"""Documents: entity tags, preconditions and merging."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statements.data_types.versions import Version
from statements.documents import (
    PreconditionFailedError,
    Preconditions,
    Refusal,
    Resource,
    check_write,
    etag,
    is_json,
    matches,
    merge,
)
from statements.errors import InvalidError
from tests import strategies

V1, V2 = Version.V1, Version.V2
STATE, ACTIVITY, AGENT = Resource.STATE, Resource.ACTIVITY_PROFILE, Resource.AGENT_PROFILE
Method = Literal["PUT", "POST", "DELETE"]
CURRENT = etag(b"{}")
JSON = "application/json"


def test_an_etag_is_a_quoted_sha1() -> None:
    """Communication 3.1: 40 lower-case hexadecimal digits in quotes."""
    assert etag(b"abc") == '"' + hashlib.sha1(b"abc").hexdigest() + '"'
    assert len(CURRENT) == 42


@pytest.mark.parametrize(
    ("header", "current", "matched"),
    [
        ('"a"', '"a"', True),
        ('"b"', '"a"', False),
        ('"b", "a"', '"a"', True),
        ('"b","a"', '"a"', True),
        ('W/"a"', '"a"', True),
        ("a", '"a"', True),
        ('"a-gzip"', '"a"', True),
        ('W/"a-gzip"', '"a"', True),
        ('"b", "a-br"', '"a"', True),
        ('"b-gzip"', '"a"', False),
        ('"a-gzip-gzip"', '"a"', False),
        ('"a-other"', '"a"', False),
        ("b, a", '"a"', True),
        ('"a b"', '"a b"', True),
        ('"A"', '"a"', False),
        ('"aa"', '"a"', False),
        ("*", '"a"', True),
        (" * ", '"a"', True),
        ("*", None, False),
        ('"a"', None, False),
        ("", '"a"', False),
        ('""', '"a"', False),
    ],
)
def test_entity_tags_are_compared(header: str, current: str | None, matched: bool) -> None:
    """Lists, `*`, weak tags, tags without quotes, and tags to which a proxy added its compression."""
    assert matches(header, current) is matched


def outcome(
    method: Method, resource: Resource, version: Version, preconditions: Preconditions, current: str | None
) -> Refusal | None:
    try:
        check_write(method, resource, version, preconditions, current)
    except PreconditionFailedError as refused:
        return refused.kind if refused.problem.hint else None
    return None


@pytest.mark.parametrize("version", [V1, V2])
@pytest.mark.parametrize("resource", [STATE, ACTIVITY, AGENT])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
@pytest.mark.parametrize(
    ("preconditions", "current", "refusal"),
    [
        (Preconditions(if_match=CURRENT), CURRENT, None),
        (Preconditions(if_match="*"), CURRENT, None),
        (Preconditions(if_match='"1234"'), CURRENT, Refusal.FAILED),
        (Preconditions(if_match=""), CURRENT, Refusal.FAILED),
        (Preconditions(if_match=CURRENT), None, Refusal.FAILED),
        (Preconditions(if_match="*"), None, Refusal.FAILED),
        (Preconditions(if_none_match="*"), None, None),
        (Preconditions(if_none_match="*"), CURRENT, Refusal.FAILED),
        (Preconditions(if_none_match=CURRENT), CURRENT, Refusal.FAILED),
        (Preconditions(if_none_match='"1234"'), CURRENT, None),
        (Preconditions(if_match=CURRENT, if_none_match="*"), CURRENT, Refusal.FAILED),
    ],
)
def test_failed_preconditions_are_refused_everywhere(
    method: Method,
    resource: Resource,
    version: Version,
    preconditions: Preconditions,
    current: str | None,
    refusal: Refusal | None,
) -> None:
    """XAPI-00322 and fact 28: 412 for each method, resource and version."""
    assert outcome(method, resource, version, preconditions, current) is refusal


@pytest.mark.parametrize(
    ("method", "resource", "version", "current", "refusal"),
    [
        ("PUT", STATE, V1, None, None),
        ("PUT", STATE, V1, CURRENT, None),
        ("PUT", ACTIVITY, V1, None, Refusal.REQUIRED),
        ("PUT", ACTIVITY, V1, CURRENT, Refusal.CONFLICT),
        ("PUT", AGENT, V1, None, Refusal.REQUIRED),
        ("PUT", AGENT, V1, CURRENT, Refusal.CONFLICT),
        ("PUT", STATE, V2, None, None),
        ("PUT", STATE, V2, CURRENT, Refusal.CONFLICT),
        ("PUT", ACTIVITY, V2, None, None),
        ("PUT", ACTIVITY, V2, CURRENT, Refusal.CONFLICT),
        ("PUT", AGENT, V2, None, None),
        ("PUT", AGENT, V2, CURRENT, Refusal.CONFLICT),
        ("POST", AGENT, V1, CURRENT, None),
        ("POST", STATE, V2, CURRENT, None),
        ("POST", ACTIVITY, V1, None, None),
        ("DELETE", STATE, V2, CURRENT, None),
        ("DELETE", AGENT, V1, None, None),
    ],
)
def test_writes_without_preconditions(
    method: Method, resource: Resource, version: Version, current: str | None, refusal: Refusal | None
) -> None:
    """Fact 29: only a PUT needs a header, by version and resource."""
    assert outcome(method, resource, version, Preconditions(), current) is refusal


@pytest.mark.parametrize(
    ("content_type", "json_type"),
    [
        (JSON, True),
        ("application/json; charset=utf-8", True),
        ("Application/JSON", True),
        (" application/json ;x=y", True),
        ("application/json-patch+json", False),
        ("text/json", False),
        ("", False),
    ],
)
def test_json_is_known_by_its_media_type(content_type: str, json_type: bool) -> None:
    """Parameters and letter case do not matter; other types that speak of JSON are others."""
    assert is_json(content_type) is json_type


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        ('{"x":"foo","y":"bar"}', '{"x":"bash","z":"faz"}', '{"x":"bash","y":"bar","z":"faz"}'),
        ('{"a":{"b":1}}', '{"a":{"c":2}}', '{"a":{"c":2}}'),
        ('{"a":1}', "{}", '{"a":1}'),
        ("{}", '{"a":null}', '{"a":null}'),
        ('{"a":1.50}', '{"b":12345678901234567890123}', '{"a":1.50,"b":12345678901234567890123}'),
    ],
)
def test_a_merge_sets_top_level_members(old: str, new: str, merged: str) -> None:
    """XAPI-00183, XAPI-00184: one level deep, whole values; numbers keep their digits."""
    assert merge(old.encode(), JSON, new.encode(), f"{JSON}; charset=utf-8") == merged.encode()


@given(
    st.dictionaries(st.sampled_from("abcd"), strategies.json_values()),
    st.dictionaries(st.sampled_from("cdef"), strategies.json_values()),
)
def test_any_two_objects_merge_as_dictionaries_do(old: dict[str, object], new: dict[str, object]) -> None:
    """The posted members win, the others stay."""
    made = merge(json.dumps(old).encode(), JSON, json.dumps(new).encode(), JSON)
    assert json.loads(made) == {**old, **new}


@pytest.mark.parametrize(
    ("old", "old_type", "new", "new_type", "problems"),
    [
        (b"{}", JSON, b"abc", "not/json", 1),
        (b"{}", JSON, b"{}", "text/plain", 1),
        (b"abc", "application/octet-stream", b"{}", JSON, 1),
        (b"{}", JSON, b"{}{", JSON, 1),
        (b"{}", JSON, b"[]", JSON, 1),
        (b"{}", JSON, b'"text"', JSON, 1),
        (b"{}", JSON, b"", JSON, 1),
        (b"{}", JSON, b"\xff", JSON, 1),
        (b"[]", JSON, b"{}", JSON, 1),
        (b"[]", JSON, b"[]", JSON, 2),
        (None, "", b"{", JSON, 1),
        (None, "", b"[1]", JSON, 1),
        (b"{}", JSON, b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", JSON, 1),
    ],
)
def test_what_is_no_json_object_cannot_be_merged(
    old: bytes | None, old_type: str, new: bytes, new_type: str, problems: int
) -> None:
    """XAPI-00229, XAPI-00232, XAPI-00235: either side of another type, broken or too deep."""
    with pytest.raises(InvalidError) as caught:
        merge(old, old_type, new, new_type)
    assert [each.rule for each in caught.value.problems] == ["document.merge"] * problems


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b'{"a": 1}', JSON), (b"a=b", "application/x-www-form-urlencoded"), (b"\x00\xff", "image/png")],
)
def test_a_new_document_is_stored_as_it_was_posted(body: bytes, content_type: str) -> None:
    """XAPI-00233: without an existing document a POST is a PUT, byte by byte."""
    assert merge(None, "", body, content_type) == body
