"""What a request may bring: bytes of a statement, of a document, values, signatures; told as 413 or 400."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from lrs.http import parse_budget
from lrs.http.parse_budget import ParseBudget
from lrs.http.xapi.services import Limits
from lrs.store.port import Store
from lrs.xapi import signed_statements
from tests.lrs.client import V1, Client, basic, multipart
from tests.lrs.http.xapi.test_attachments import JSON, SIGNATURE, declared, part
from tests.lrs.samples import COURSE, agent, statement
from tests.serving import application

BOUNDS = Limits(
    max_body_bytes=1_000_000, max_statement_bytes=200_000, max_document_bytes=300_000, max_values=20_000
)
STATE = {"activityId": COURSE, "agent": json.dumps(agent()), "stateId": "s"}


@pytest.fixture
def bounded(store: Store) -> Client:
    return Client(application(store, limits=BOUNDS), None).as_(store, "all", name="everything")


def wide(size: int) -> dict[str, Any]:
    """A statement of a little more than so many bytes."""
    return statement(result={"response": "x" * size})


def test_one_statement_has_a_bound_of_its_own(bounded: Client) -> None:
    """Alone, in a batch and in multipart; the answer says which one it is."""
    assert bounded.post("/statements", wide(199_000)).status == 200
    assert bounded.post("/statements", [wide(199_000), wide(199_000)]).status == 200
    for body in (wide(200_000), [statement(), wide(200_000)]):
        answer = bounded.post("/statements", body)
        assert (answer.status, answer.rules) == (413, {"request.too-large"})
        assert "200000 bytes" in answer.json["detail"]
        assert answer.json["errors"][0].get("index") == (1 if isinstance(body, list) else None)
    parts, kind = multipart((JSON, json.dumps(wide(200_000)).encode()))
    assert bounded.post("/statements", parts, headers=kind).status == 413
    sent = wide(200_000)
    assert bounded.put("/statements", {"statementId": sent["id"]}, sent).status == 413
    assert len(bounded.statements()) == 3


def test_what_is_stored_stays_readable_when_the_bound_falls(bounded: Client, store: Store) -> None:
    """In every format, and when it is sent again; a stored document too, which can be replaced."""
    before = Client(application(store), None).as_(store, "all", name="everything")
    sent = wide(500_000)
    assert before.post("/statements", sent).status == 200
    document = json.dumps({"a": "x" * 500_000}).encode()
    assert before.put("/activities/state", STATE, document, headers=JSON).status == 204
    for form in ("exact", "ids", "canonical"):
        found = bounded.get("/statements", {"statementId": sent["id"], "format": form}).json
        assert len(found["result"]["response"]) == 500_000
    assert bounded.get("/activities/state", STATE).body == document
    answer = bounded.post("/activities/state", {"b": 1}, STATE)
    assert (answer.status, answer.rules) == (413, {"request.too-large"})
    assert bounded.get("/activities/state", STATE).body == document
    assert bounded.put("/activities/state", STATE, {"b": 1}).status == 204


def test_documents_in_json_have_a_bound_and_others_the_bodys(bounded: Client) -> None:
    """413 for what is put, posted, or made of two; bytes of another type may be more."""
    half = {"one": "x" * 200_000}
    assert bounded.put("/activities/state", STATE, {"one": "x" * 300_000}).status == 413
    assert bounded.post("/activities/state", {"one": "x" * 300_000}, STATE).status == 413
    assert bounded.post("/activities/state", half, STATE).status == 204
    answer = bounded.post("/activities/state", {"two": "x" * 200_000}, STATE)
    assert (answer.status, answer.rules) == (413, {"request.too-large"})
    assert bounded.get("/activities/state", STATE).json == half
    assert bounded.post("/activities/state", {"one": "y" * 200_000}, STATE).status == 204
    other = {"Content-Type": "application/octet-stream"}
    assert bounded.put("/activities/state", STATE, bytes(900_000), headers=other).status == 204


@pytest.mark.parametrize("item", [b"1e1", b"[]", b"{}", b'""', b"1"])
def test_values_are_bounded_however_short_they_are(bounded: Client, item: bytes) -> None:
    """413 before anything is made of them, in statements and in documents."""
    body = b"[" + b",".join([item] * 300_000)[:290_000] + b"]"
    for answer in (
        bounded.post("/statements", body, headers=JSON),
        bounded.post("/activities/state", b'{"a":' + body + b"}", STATE, headers=JSON),
    ):
        assert (answer.status, answer.rules) == (413, {"request.too-large"})
        assert "20000 values" in answer.json["detail"]


def test_large_bodies_come_whole_in_every_way(bounded: Client) -> None:
    """Of known and of unknown length, alone and as the first part of several, through the disk or not."""
    chunked = {**JSON, "Content-Length": "", "Transfer-Encoding": "chunked"}
    for size in (100, 130_000, 180_000):
        for headers in (JSON, chunked):
            body = json.dumps([wide(size) for _ in range(4)]).encode()
            assert bounded.post("/statements", body, headers=headers).status == 200
        data = b"some data"
        sent = {**wide(size), "attachments": [declared(data)]}
        body, kind = multipart((JSON, json.dumps(sent).encode()), part(data))
        assert bounded.post("/statements", body, headers=kind).status == 200
    assert len(bounded.statements()) == 27


def test_large_bodies_of_one_tenant_are_worked_on_a_few_at_a_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While its share is in use, 429 with Retry-After; small ones and another tenant go on."""
    monkeypatch.setattr(parse_budget, "PATIENCE", 0.01)
    budget = ParseBudget()
    xapi = application(store, clock=lambda: 1, limits=BOUNDS, budget=budget)
    one = Client(xapi, None).as_(store, "all", tenant="one")
    two = one.as_(store, "all", tenant="two")
    with budget.held("one", parse_budget.SHARE):
        answer = one.post("/statements", wide(150_000))
        assert (answer.status, answer.headers["retry-after"]) == (429, "2")
        assert one.post("/statements", wide(100_000)).status == 200
        assert two.post("/statements", wide(150_000)).status == 200
    assert one.post("/statements", wide(150_000)).status == 200
    assert one.post("/statements", wide(250_000)).status == 413
    assert not budget._used


def test_the_form_of_the_alternate_syntax_has_the_bound_of_a_document(bounded: Client) -> None:
    """And an agent in it that of an address."""
    assert bounded.credential is not None

    def asked(method: str, path: str, **form: str) -> int:
        fields = {
            "Authorization": basic(*bounded.credential or ("", "")),
            "X-Experience-API-Version": V1,
            **form,
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        bare = replace(bounded, credential=None, version=None)
        return bare.post(path, urlencode(fields).encode(), {"method": method}, headers=kind).status

    assert asked("POST", "/statements", content=json.dumps(wide(190_000))) == 200
    assert asked("POST", "/statements", content=json.dumps(wide(300_000))) == 413
    long = json.dumps({**agent(), "name": "x" * 70_000})
    assert asked("GET", "/statements", agent=long) == 400
    assert asked("GET", "/agents", agent=long) == 400
    assert asked("GET", "/agents", agent=json.dumps({**agent(), "name": "x" * 60_000})) == 200


def test_signatures_of_one_request_are_bounded_together(
    bounded: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One part that is declared to sign many statements counts for each; the first too many is told."""
    monkeypatch.setattr(signed_statements, "MOST_SIGNED", 1_000)
    data = b"x" * 300
    signed = [{**declared(data), "usageType": SIGNATURE, "contentType": "application/octet-stream"}]
    body, kind = multipart((JSON, json.dumps([statement(attachments=signed)] * 1).encode()), part(data))
    assert "compact" in bounded.post("/statements", body, headers=kind).json["detail"].lower()
    many = [statement(attachments=signed) for _ in range(5)]
    body, kind = multipart((JSON, json.dumps(many).encode()), part(data))
    answer = bounded.post("/statements", body, headers=kind)
    told = [error["index"] for error in answer.json["errors"] if "1000 bytes together" in error["hint"]]
    assert (answer.status, told) == (400, [3])
