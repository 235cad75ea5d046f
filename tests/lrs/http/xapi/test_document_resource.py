"""State and profile documents over HTTP: both versions, preconditions, merging, lists."""

from __future__ import annotations

import hashlib
import json
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.lrs.client import V1, V2, Answer, Client
from tests.lrs.samples import COURSE, agent

OWNERS = {
    "/activities/state": ({"activityId": COURSE, "agent": json.dumps(agent())}, "stateId"),
    "/activities/profile": ({"activityId": COURSE}, "profileId"),
    "/agents/profile": ({"agent": json.dumps(agent())}, "profileId"),
}
PROFILES = ["/activities/profile", "/agents/profile"]
TEXT = {"Content-Type": "text/plain"}
NEW = {"If-None-Match": "*"}
RESOURCES = pytest.mark.parametrize("path", list(OWNERS))
VERSIONS = pytest.mark.parametrize("version", [V1, V2])


def where(path: str, name: str = "one", **more: str) -> dict[str, str]:
    owner, identifier = OWNERS[path]
    return {**owner, identifier: name, **more}


def create(client: Client, path: str, body: object = b"text", **more: Any) -> Answer:
    headers = {**NEW, **(TEXT if isinstance(body, bytes) else {}), **more.pop("headers", {})}
    return client.put(path, where(path, **more), body, headers=headers)


@RESOURCES
@VERSIONS
def test_a_document_that_the_client_has_already_is_304(client: Client, path: str, version: str) -> None:
    """GET and HEAD with its tag in If-None-Match answer the tag again, and no body; another tag gets all."""
    client = client.speaking(version)
    create(client, path)
    tag = client.get(path, where(path)).headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag[:-1]}-gzip"', "*"):
        for method in ("GET", "HEAD"):
            answer = client.call(method, path, where(path), headers={"If-None-Match": known})
            assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
            assert "content-length" not in answer.headers
            assert "x-experience-api-version" in answer.headers
    assert client.get(path, where(path), headers={"If-None-Match": '"x"'}).body == b"text"


@RESOURCES
@VERSIONS
def test_a_document_comes_back_byte_for_byte_with_its_type_and_tag(
    client: Client, path: str, version: str
) -> None:
    """ETag is the quoted SHA-1 in lower case; Last-Modified is a date; browsers must not run it."""
    client = client.speaking(version)
    body = bytes(range(256))
    assert create(client, path, body, headers={"Content-Type": "image/x-test; a=b"}).status == 204
    answer = client.get(path, where(path))
    assert answer.body == body
    assert answer.headers["content-type"] == "image/x-test; a=b"
    assert answer.headers["etag"] == f'"{hashlib.sha1(body).hexdigest()}"'
    assert parsedate_to_datetime(answer.headers["last-modified"]).year >= 2024
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = client.call("HEAD", path, where(path))
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", answer.headers["etag"])
    assert client.delete(path, where(path)).status == 204
    assert client.get(path, where(path)).status == 404
    assert client.delete(path, where(path)).status == 204


@RESOURCES
@VERSIONS
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_a_failed_precondition_is_412_and_changes_nothing(
    client: Client, path: str, version: str, method: str, header: str
) -> None:
    """For every method, resource and version, whether the tag is old or the document must not exist."""
    client = client.speaking(version)
    create(client, path, {"a": 1})
    tag = '"0000000000000000000000000000000000000000"' if header == "If-Match" else "*"
    answer = client.call(
        method, path, where(path), None if method == "DELETE" else {"b": 2}, headers={header: tag}
    )
    assert answer.status == 412
    assert answer.rules == {f"document.{header.lower()}"}
    assert client.get(path, where(path)).json == {"a": 1}


@RESOURCES
@VERSIONS
def test_a_current_tag_lets_a_write_pass(client: Client, path: str, version: str) -> None:
    """If-Match with the tag of the last GET replaces, merges and deletes."""
    client = client.speaking(version)
    create(client, path, {"a": 1})
    for method, body, after in (("PUT", {"b": 2}, {"b": 2}), ("POST", {"c": 3}, {"b": 2, "c": 3})):
        tag = client.get(path, where(path)).headers["etag"]
        assert client.call(method, path, where(path), body, headers={"If-Match": tag}).status == 204
        assert client.get(path, where(path)).json == after
    tag = client.get(path, where(path)).headers["etag"]
    assert client.delete(path, where(path), headers={"If-Match": tag}).status == 204


@RESOURCES
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_if_match_on_what_is_not_there_is_412(client: Client, path: str, method: str) -> None:
    """A client that updates a document which is gone is told so."""
    body = None if method == "DELETE" else {"a": 1}
    assert client.call(method, path, where(path), body, headers={"If-Match": '"x"'}).status == 412
    assert client.get(path, where(path)).status == 404


@pytest.mark.parametrize(
    ("path", "version", "new", "existing"),
    [
        *((path, V1, 400, 409) for path in PROFILES),
        *((path, V2, 204, 409) for path in PROFILES),
        ("/activities/state", V1, 204, 204),
        ("/activities/state", V2, 204, 409),
    ],
)
def test_put_without_a_precondition(client: Client, path: str, version: str, new: int, existing: int) -> None:
    """What each version says to a PUT with neither header, on a new document and on one that exists."""
    client = client.speaking(version)
    assert client.put(path, where(path), b"one", headers=TEXT).status == new
    create(client, path, b"one")
    answer = client.put(path, where(path), b"two", headers=TEXT)
    assert answer.status == existing
    assert client.get(path, where(path)).body == (b"two" if existing == 204 else b"one")
    if existing == 409:
        assert "If-Match" in answer.json["detail"]


@pytest.mark.parametrize("path", PROFILES)
@pytest.mark.parametrize(
    ("named", "new"),
    [("1.0", 204), ("1.0.0", 204), ("1.0.1", 204), ("1.0.2", 204), ("1.0.3", 400), ("1.0.9", 400)],
)
def test_a_new_profile_needs_a_precondition_from_1_0_3_on(
    client: Client, path: str, named: str, new: int
) -> None:
    """Clients of earlier versions save without one; a refusal names the header; an old document stays 409."""
    client = client.speaking(named)
    answer = client.put(path, where(path), b"one", headers=TEXT)
    assert answer.status == new
    if new == 400:
        assert "If-None-Match is missing" in answer.json["detail"]
        create(client, path, b"one")
    assert client.put(path, where(path), b"two", headers=TEXT).status == 409
    assert client.get(path, where(path)).body == b"one"


@RESOURCES
def test_post_merges_the_top_level_only(client: Client, path: str) -> None:
    """New members are added, old ones replaced whole, the rest kept with its digits."""
    body = b'{"keep":1.10,"replace":{"old":1},"same":null}'
    create(client, path, body, headers={"Content-Type": "application/json; charset=utf-8"})
    assert client.post(path, {"replace": {"new": 2}, "add": []}, where(path)).status == 204
    assert client.get(path, where(path)).body == b'{"keep":1.10,"replace":{"new":2},"same":null,"add":[]}'


@RESOURCES
@pytest.mark.parametrize(
    ("old", "old_type", "new", "new_type"),
    [
        (b"text", "text/plain", b'{"a":1}', "application/json"),
        (b'{"a":1}', "application/json", b"text", "text/plain"),
        (b'{"a":1}', "application/json", b"[1]", "application/json"),
        (b"[1]", "application/json", b'{"a":1}', "application/json"),
        (b'{"a":1}', "application/json", b'{"a":', "application/json"),
        (b'{"a":1}', "text/plain", b'{"a":1}', "application/json"),
    ],
)
def test_what_is_no_json_object_cannot_be_merged(
    client: Client, path: str, old: bytes, old_type: str, new: bytes, new_type: str
) -> None:
    """400 whichever side it is, and the document stays."""
    create(client, path, old, headers={"Content-Type": old_type})
    assert client.post(path, new, where(path), headers={"Content-Type": new_type}).status == 400
    assert client.get(path, where(path)).body == old


@RESOURCES
def test_post_creates_a_document_of_any_type(client: Client, path: str) -> None:
    """A form-typed POST without `method` is a document; JSON that is no object is not."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post(path, b"a=1&b=2", where(path), headers=form).status == 204
    assert client.get(path, where(path)).body == b"a=1&b=2"
    json_type = {"Content-Type": "application/json"}
    for body in (b'{"a"', b"[1]", b""):
        assert client.post(path, body, where(path, "two"), headers=json_type).status == 400
    assert client.get(path, where(path, "two")).status == 404


@RESOURCES
@VERSIONS
@pytest.mark.parametrize("body", [b"2m3a~slide_4", b"", b"{", b'"text"', b"\xff\x00", b"[" * 500])
def test_put_keeps_what_is_no_json_as_it_came(client: Client, path: str, version: str, body: bytes) -> None:
    """Authoring tools send bookmarks as application/json: bytes and type stay; nothing merges into them."""
    client = client.speaking(version)
    json_type = {"Content-Type": "application/json"}
    assert client.put(path, where(path), body, headers={**json_type, **NEW}).status == 204
    for _ in range(2):
        answer = client.get(path, where(path))
        assert (answer.body, answer.headers["content-type"]) == (body, "application/json")
        assert client.post(path, {"a": 1}, where(path)).status == 400


@RESOURCES
def test_a_document_without_a_type_is_bytes(client: Client, path: str) -> None:
    """No Content-Type means application/octet-stream; an empty document is a document."""
    assert client.call("PUT", path, where(path), b"", headers=NEW).status == 204
    answer = client.get(path, where(path))
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "application/octet-stream"


@RESOURCES
def test_a_list_holds_the_ids_of_its_owner_changed_since(client: Client, path: str) -> None:
    """An array of ids, narrowed by `since`; its Last-Modified is that of the latest document."""
    names = ["one", "ütwo", "3 \x01"]
    for name in names:
        assert client.put(path, where(path, name), b"x", headers={**TEXT, **NEW}).status == 204
    owner, identifier = OWNERS[path]
    answer = client.get(path, owner)
    assert sorted(answer.json) == sorted(names)
    assert "last-modified" in answer.headers
    assert client.get(path, {**owner, "since": "2999-01-01T00:00:00Z"}).json == []
    assert len(client.get(path, {**owner, "since": "2001-01-01T00:00:00Z"}).json) == 3
    assert client.get(path, where(path, "one", since="2001-01-01T00:00:00Z")).status == 400
    other = json.dumps(agent("budi")) if "agent" in owner else None
    elsewhere = {**owner, "agent": other} if other else {**owner, "activityId": "https://example.org/2"}
    assert client.get(path, elsewhere).json == []
    assert identifier in where(path)


def test_state_is_kept_apart_by_registration(client: Client) -> None:
    """The same stateId under two registrations and none are three documents; a list has all."""
    path = "/activities/state"
    one, two = str(uuid4()), str(uuid4())
    for body, more in ((b"none", {}), (b"one", {"registration": one}), (b"two", {"registration": two})):
        client.put(path, where(path, **more), body, headers=TEXT)
    assert client.get(path, where(path)).body == b"none"
    assert client.get(path, where(path, registration=one.upper())).body == b"one"
    owner = OWNERS[path][0]
    assert client.get(path, owner).json == ["one"]
    assert client.delete(path, {**owner, "registration": one}).status == 204
    assert client.get(path, where(path, registration=one)).status == 404
    assert client.get(path, where(path)).body == b"none"
    assert client.delete(path, owner).status == 204
    assert client.get(path, where(path, registration=two)).status == 404


def test_deleting_all_state_takes_many_documents(client: Client) -> None:
    """DELETE without stateId removes every document of that activity and agent, and no other's."""
    path = "/activities/state"
    for number in range(20):
        client.put(path, where(path, f"s{number}"), b"x", headers=TEXT)
    other = {**where(path), "agent": json.dumps(agent("budi"))}
    client.put(path, other, b"x", headers=TEXT)
    assert client.delete(path, OWNERS[path][0]).status == 204
    assert client.get(path, OWNERS[path][0]).json == []
    assert client.get(path, other).status == 200


@pytest.mark.parametrize("path", PROFILES)
def test_profiles_are_never_deleted_all_at_once(client: Client, path: str) -> None:
    """DELETE of a profile needs its id."""
    create(client, path)
    assert client.delete(path, OWNERS[path][0]).rules == {"request.parameter-required"}
    assert client.get(path, where(path)).status == 200


@RESOURCES
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("activityId", "course", "query.iri"),
        ("activityId", "", "query.iri"),
        ("activityId", None, "request.parameter-required"),
        ("agent", "siti", "query.agent"),
        ("agent", "{}", None),
        ("agent", '{"mbox":"siti"}', None),
        ("agent", '{"objectType":"Group","mbox":"mailto:a@example.org"}', "query.agent"),
        ("agent", '{"objectType":"Group","member":[]}', None),
        ("agent", None, "request.parameter-required"),
        ("registration", "1", "query.uuid"),
        ("ID", "", "request.parameter-name"),
        ("ID", "x" * 2001, "request.parameter-name"),
        ("foo", "1", "request.parameter"),
        ("ActivityId", COURSE, "request.parameter"),
    ],
)
def test_bad_parameters_of_documents_are_refused(
    client: Client, path: str, method: str, name: str, value: str | None, rule: str | None
) -> None:
    """Values that are wrong, missing or unknown are 400 for every resource that has the parameter."""
    owner, identifier = OWNERS[path]
    name = identifier if name == "ID" else name
    known = {*owner, identifier} | ({"registration"} if "state" in path else set())
    params = where(path)
    if value is None:
        if name not in params:
            return
        del params[name]
    else:
        params[name] = value
    answer = client.call(method, path, params, b"x" if method in ("PUT", "POST") else None, headers=NEW)
    assert answer.status == 400
    if rule is not None and name in known:
        assert rule in answer.rules
    assert client.get(path, where(path)).status == 404


def test_a_parameter_given_twice_is_refused(client: Client) -> None:
    """One value each, even when both are the same."""
    query = "activityId=https://example.org/a&activityId=https://example.org/a&profileId=p"
    assert client.call("GET", "/activities/profile", query=query).rules == {"query.parameter-once"}


def test_the_tag_is_compared_inside_the_write(client: Client) -> None:
    """Of two updates with the same tag one wins; the other is 412 (no lost update)."""
    path = "/activities/state"
    create(client, path, {"n": 0})
    tag = client.get(path, where(path)).headers["etag"]
    first = client.put(path, where(path), {"n": 1}, headers={"If-Match": tag})
    second = client.put(path, where(path), {"n": 2}, headers={"If-Match": tag})
    assert (first.status, second.status) == (204, 412)
    assert client.get(path, where(path)).json == {"n": 1}


@pytest.mark.parametrize("kind", ["text/html\r\nX-Evil: 1", "a" * 300, "téxt/plain"])
def test_a_content_type_that_is_no_plain_line_is_refused(client: Client, kind: str) -> None:
    """A stored type is sent back as a header, so it must not be able to begin another one."""
    path = "/activities/state"
    assert client.put(path, where(path), b"x", headers={"Content-Type": kind}).status == 400
