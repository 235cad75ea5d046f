"""Alternate request syntax: a form that describes another request (1.0.3 alone)."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from lrs.http.parse_budget import VALUE_COST, ParseBudget
from lrs.http.problems import RefusalError
from lrs.http.request import Request
from lrs.http.xapi import alternate
from lrs.store.port import Store
from tests.lrs.client import V1, V2, Answer, Client, basic
from tests.lrs.samples import COURSE, agent, statement

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def unfolded(client: Client, path: str, method: str, form: dict[str, str], **headers: str) -> Answer:
    """Send a request in its alternate form, by a client that can set no header but what is given."""
    bare = replace(client, credential=None, version=None)
    assert client.credential is not None
    fields = {"Authorization": basic(*client.credential), "X-Experience-API-Version": V1, **form}
    body = urlencode(fields).encode()
    return bare.call("POST", path, {"method": method}, body, headers={**FORM, **headers})


def test_put_and_get_of_a_statement(client: Client) -> None:
    """Parameters, headers and content come from the form; numbers, quotes and Unicode survive."""
    sent = statement()
    sent["verb"]["display"] = {"id": "menyelesaikan & lulus + ü"}
    answer = unfolded(
        client,
        "/statements",
        "PUT",
        {"statementId": sent["id"], "content": json.dumps(sent), "Content-Type": "application/json"},
    )
    assert answer.status == 204
    found = unfolded(client, "/statements", "GET", {"statementId": sent["id"]})
    assert found.json["verb"] == sent["verb"]
    assert unfolded(client, "/statements", "GET", {"limit": "1"}).json["statements"]


def test_a_posted_statement_needs_no_content_type(client: Client) -> None:
    """Without a Content-Type in the form, statements are JSON."""
    assert unfolded(client, "/statements", "POST", {"content": json.dumps(statement())}).status == 200


def test_documents_with_preconditions(client: Client) -> None:
    """If-Match and If-None-Match count as headers, in any letter case; DELETE works."""
    owner = {"agent": json.dumps(agent()), "profileId": "p"}
    new = {**owner, "content": "text é", "content-type": "text/plain", "if-none-match": "*"}
    assert unfolded(client, "/agents/profile", "PUT", new).status == 204
    assert unfolded(client, "/agents/profile", "PUT", new).status == 412
    got = unfolded(client, "/agents/profile", "GET", owner)
    assert got.body == "text é".encode()
    changed = {**owner, "content": "b", "Content-Type": "text/plain", "If-Match": got.headers["etag"]}
    assert unfolded(client, "/agents/profile", "PUT", changed).status == 204
    assert unfolded(client, "/agents/profile", "DELETE", owner).status == 204


def test_the_form_wins_over_the_headers(client: Client, store: Store) -> None:
    """Authorization and version of the form replace those of the request, right or wrong."""
    wrong = {"Authorization": basic("x", "y")}
    assert unfolded(client, "/statements", "GET", wrong).status == 401
    assert unfolded(client, "/statements", "GET", {"X-Experience-API-Version": "0.95"}).status == 400
    assert unfolded(client, "/statements", "GET", {}, Authorization=basic("x", "y")).status == 200
    headers = {"X-Experience-API-Version": "1.0.1"}
    assert unfolded(client, "/statements", "GET", {}, **headers).headers["x-experience-api-version"] == V1


def test_permissions_are_those_of_the_described_request(client: Client, store: Store) -> None:
    """A POST that means PUT needs the permission to write; one that means GET, to read."""
    writer = client.as_(store, "statements/write")
    assert unfolded(writer, "/statements", "GET", {}).status == 403
    assert unfolded(writer, "/statements", "POST", {"content": json.dumps(statement())}).status == 200


@pytest.mark.parametrize(
    ("query", "form", "method"),
    [
        ("method=PUT&statementId=x", {}, "POST"),
        ("method=PATCH", {}, "POST"),
        ("method=put", {}, "POST"),
        ("method=", {}, "POST"),
        ("method=GET&method=PUT", {}, "POST"),
        ("method=GET", {}, "PUT"),
        ("method=GET", {}, "GET"),
        ("method=GET", {}, "DELETE"),
        ("method=GET", {"X-Experience-API-Version": V2}, "POST"),
    ],
)
def test_anything_else_about_method_is_refused(
    client: Client, query: str, form: dict[str, str], method: str
) -> None:
    """Other parameters in the query, unknown methods, methods other than POST: 400."""
    body = urlencode(form).encode()
    answer = client.call(method, "/statements", query=query, body=body, headers=FORM)
    assert answer.status == 400
    assert answer.rules == {"request.alternate"}


@pytest.mark.parametrize("body", [b"\xff", b"a=%ff", b"content=1&content=2", b"&".join([b"a=1"] * 200)])
def test_a_form_that_cannot_be_read_is_refused(client: Client, body: bytes) -> None:
    """Bytes that are no URL-encoded UTF-8, doubled content and floods of fields are 400."""
    assert client.call("POST", "/statements", {"method": "GET"}, body, headers=FORM).status == 400


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_version_2_has_no_alternate_syntax(client: Client, method: str) -> None:
    """Any `method` parameter is refused under 2.0.0."""
    form = urlencode({"content": json.dumps(statement())}).encode()
    answer = client.speaking(V2).call("POST", "/statements", {"method": method}, form, headers=FORM)
    assert answer.status == 400
    assert client.statements() == []


def test_head_may_be_described_too(client: Client) -> None:
    """A described HEAD has no body."""
    answer = unfolded(client, "/activities", "HEAD", {"activityId": COURSE})
    assert (answer.status, answer.body) == (200, b"")


BY_A_BROWSER = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Dest": "document", "Origin": "https://lms.example"},
]


@pytest.mark.parametrize("headers", BY_A_BROWSER)
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain"])
def test_a_browser_takes_its_credential_from_the_form_alone(
    client: Client, headers: dict[str, str], kind: str
) -> None:
    """A form that another site's page sends, with the key that the browser remembers, stores nothing."""
    assert client.credential is not None
    remembered = {"Authorization": basic(*client.credential), "Content-Type": kind, **headers}
    bare = replace(client, credential=None, version=None)
    sent = {"X-Experience-API-Version": V1, "content": json.dumps(statement())}
    answer = bare.call(
        "POST", "/statements", {"method": "POST"}, urlencode(sent).encode(), headers=remembered
    )
    assert answer.status == 401
    assert "form field Authorization" in answer.json["detail"]
    assert client.statements() == []
    told = {**sent, "Authorization": basic(*client.credential)}
    answer = bare.call("POST", "/statements", {"method": "POST"}, urlencode(told).encode(), headers=headers)
    assert answer.status == 200


class Held(ParseBudget):
    """Remembers who held how much."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, int]] = []

    @contextmanager
    def held(self, tenant: str, cost: int, elsewhere: Any = nullcontext) -> Iterator[None]:
        self.asked.append((tenant, cost))
        with super().held(tenant, cost, elsewhere):
            yield


LARGE = 3 * alternate.UNPROVED


@pytest.fixture
def held(client: Client) -> Held:
    budget = client.application._budget = Held()
    return budget


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        (["Authorization", "content"], {}, 204),
        (["authorization", "content"], {}, 204),
        (["content"], {"Authorization": "known"}, 204),
        (["content"], {}, 413),
        (["content", "Authorization"], {}, 413),
        (["content", "Authorization"], {"Authorization": "known", "Origin": "https://a.example"}, 413),
        (["content"], {"Authorization": basic("x", "y")}, 401),
    ],
)
def test_a_long_form_is_received_from_who_is_known(
    client: Client, held: Held, fields: list[str], headers: dict[str, str], status: int
) -> None:
    """A credential near the beginning, or in the header where it counts; else nothing is held."""
    assert client.credential is not None
    known = basic(*client.credential)
    values = {"content": "é,[{" * (LARGE // 6), "authorization": known, "Authorization": known}
    told = {
        "X-Experience-API-Version": V1,
        "Content-Type": "text/plain",
        "agent": json.dumps(agent()),
        "profileId": "p",
        "If-None-Match": "*",
    }
    form = urlencode({**told, **{name: values[name] for name in fields}}).encode()
    sent = {name: known if value == "known" else value for name, value in headers.items()}
    bare = replace(client, credential=None, version=None)
    answer = bare.post("/agents/profile", form, {"method": "PUT"}, headers={**FORM, **sent})
    assert answer.status == status
    if status == 204:
        # Each of the separators counts, encoded as it is.
        ((tenant, cost),) = held.asked
        assert tenant == "one"
        assert cost >= VALUE_COST * 3 * (LARGE // 6)
    else:
        assert held.asked == []
    assert not held._used


def test_little_is_read_of_who_is_not_known(client: Client, held: Held) -> None:
    """Whoever has no key does not make the server receive megabytes as a form."""
    taken: list[int] = []

    class Source(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            taken.append(len(data))
            return data

    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/statements", "QUERY_STRING": "method=POST"}
    body = b"content=" + b"x" * (40 * alternate.UNPROVED)
    request = Request(environ | {"CONTENT_LENGTH": str(len(body)), "wsgi.input": Source(body)}, held)
    request.parse_query()
    with pytest.raises(RefusalError) as refused:
        alternate.unfold(request, len(body), client.application.services.credentials)
    assert refused.value.status == 413
    assert sum(taken) <= 2 * alternate.UNPROVED
