"""Answers in another format than the kept one are bounded, however large definitions are."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager
from typing import Any

import pytest

from lrs.http.xapi import formatted, statements
from lrs.http.xapi.services import Limits
from lrs.store.documents import Document
from lrs.store.port import Store
from lrs.tenant_turns import TenantTurns
from lrs.xapi.activities import Activities
from statements.data_types.exact_json import loads
from statements.formats import canonical_definition
from tests.lrs.client import V1, Client, basic
from tests.lrs.samples import statement
from tests.serving import application, mounted

PAGE_BYTES = 50_000
SIZE = 20_000
"""Characters of the large texts of these tests."""


@pytest.fixture
def client(store: Store) -> Client:
    limits = Limits(max_body_bytes=1_000_000, page_bytes=PAGE_BYTES)
    return Client(application(store, limits=limits), None).as_(store, "all", name="all")


def about(activity: str, **definition: Any) -> dict[str, Any]:
    target = {"id": f"https://example.org/{activity}", **({"definition": definition} if definition else {})}
    return statement() | {"object": target}


@pytest.mark.parametrize("accepted", ["en", "id", "fr, *;q=0.5"])
def test_a_page_ends_when_its_definitions_have_made_it_long(client: Client, accepted: str) -> None:
    """Ten small statements about an activity with a large definition are several pages, each short enough."""
    sent = [about("large", name={"en": "e" * SIZE, "id": "i" * SIZE}), *(about("large") for _ in range(9))]
    assert client.post("/statements", sent).status == 200
    asked = {"format": "canonical", "limit": "10", "ascending": "true"}
    answer = client.get("/statements", asked, headers={"Accept-Language": accepted})
    found, pages = answer.json["statements"], 1
    while answer.json["more"]:
        assert len(answer.body) < PAGE_BYTES + 1_000
        query = answer.json["more"].partition("?")[2]
        answer = client.call("GET", "/statements", query=query, headers={"Accept-Language": accepted})
        found += answer.json["statements"]
        pages += 1
    assert pages == 5
    assert [each["id"] for each in found] == [each["id"] for each in sent]
    assert {len(next(iter(each["object"]["definition"]["name"].values()))) for each in found} == {SIZE}


def test_one_statement_holds_a_bounded_amount_of_definitions(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named a hundred times in one statement, a definition is shown as often as there is room."""
    monkeypatch.setattr(formatted, "MOST_DEFINITIONS", 3 * SIZE)
    described = about("large", name={"en": "e" * SIZE})
    client.post("/statements", described)
    activities = [{"id": "https://example.org/large"}] * 100
    sent = statement() | {"context": {"contextActivities": {"other": activities}}}
    assert client.post("/statements", sent).status == 200
    shown = client.get("/statements", {"statementId": sent["id"], "format": "canonical"})
    others = shown.json["context"]["contextActivities"]["other"]
    assert [("definition" in each) for each in others] == [True] * 2 + [False] * 98


def test_definitions_beyond_the_bound_are_those_of_the_statements(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit is shown as its own statement describes it."""
    monkeypatch.setattr(formatted, "MOST_DEFINITIONS", 2_000)
    sent = [about(f"a{number}", name={"en": "e" * 500, "id": "i" * 100}) for number in range(5)]
    for each in sent:
        client.post("/statements", each)
        client.post("/statements", about(each["object"]["id"][20:], description={"en": "more"}))
    found = client.statements(format="canonical", ascending="true")
    described = [each["object"] for each in found if each["id"] in {one["id"] for one in sent}]
    assert all(len(each["definition"]["name"]) == 1 for each in described)
    assert 0 < sum("description" in each["definition"] for each in described) < 5


@pytest.fixture
def turns(client: Client, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tenants that took a turn for large pages, in order."""
    taken: list[str] = []
    turn = TenantTurns.turn

    def noting(self: TenantTurns, tenant: str) -> AbstractContextManager[None]:
        if self is client.application.services.pages:
            taken.append(tenant)
        return turn(self, tenant)

    monkeypatch.setattr(TenantTurns, "turn", noting)
    return taken


def test_small_statements_with_large_definitions_take_a_turn(
    client: Client, turns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is worked on counts, not the statements alone: a few hundred bytes may bring megabytes along."""
    client.post("/statements", about("large", name={"en": "e" * SIZE}))
    small = about("large")
    client.post("/statements", small)
    asked = {"statementId": small["id"], "format": "canonical"}
    assert client.get("/statements", asked).status == 200
    assert turns == []
    monkeypatch.setattr(formatted, "LARGE", SIZE)
    assert len(client.get("/statements", asked).json["object"]["definition"]["name"]["en"]) == SIZE
    assert turns == ["one"]
    assert client.get("/statements", {**asked, "format": "ids"}).status == 200
    assert turns == ["one"]


def test_one_definition_is_parsed_at_a_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many activities a page names, each definition is prepared before the next is parsed."""
    monkeypatch.setattr(formatted, "READ_AT_ONCE", 5_000)
    sent = [about(f"a{number}", name={"en": f"{number}" * 2_000}) for number in range(10)]
    assert client.post("/statements", sent).status == 200
    order: list[str] = []
    parse, prepare = Activities.definition, canonical_definition

    def parsing(document: Document) -> Any:
        order.append("parsed")
        return parse(document)

    def preparing(*arguments: Any) -> Any:
        order.append("prepared")
        return prepare(*arguments)

    monkeypatch.setattr(Activities, "definition", parsing)
    monkeypatch.setattr(formatted, "canonical_definition", preparing)
    found = client.get("/statements", {"format": "canonical", "limit": "10", "ascending": "true"})
    shown = {each["object"]["definition"]["name"]["en"] for each in found.json["statements"]}
    assert shown == {f"{number}" * 2_000 for number in range(10)}
    assert order == ["parsed", "prepared"] * 10


def test_attachments_are_looked_for_in_a_turn_and_before_anything_is_sent(
    client: Client, turns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements that declare none are not read; those that do are read while the request has its turn."""
    monkeypatch.setattr(formatted, "LARGE", 1_000)
    read: list[bytes] = []

    def noted(body: bytes) -> Any:
        read.append(body)
        return loads(body)

    monkeypatch.setattr(statements, "loads", noted)
    plain = [statement(result={"response": "x" * 2_000}) for _ in range(3)]
    assert client.post("/statements", plain).status == 200
    assert client.get("/statements", {"attachments": "true"}).status == 200
    assert (read, turns) == ([], [])
    linked = {
        "usageType": "https://example.org/usage/photo",
        "display": {"id": "Foto"},
        "contentType": "image/jpeg",
        "length": 1,
        "sha2": "0" * 64,
        "fileUrl": "https://example.org/photo.jpg",
    }
    declaring = statement(attachments=[linked], result={"response": "x" * 2_000})
    assert client.post("/statements", declaring).status == 200
    answer = mounted(client.application)(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/xapi/statements",
            "QUERY_STRING": "attachments=true",
            "HTTP_AUTHORIZATION": basic(*(client.credential or ("", ""))),
            "HTTP_X_EXPERIENCE_API_VERSION": V1,
            "wsgi.input": io.BytesIO(),
        },
        lambda status, _headers: None,
    )
    assert len(read) == 1
    assert turns == ["one"]
    assert declaring["id"].encode() in b"".join(answer)
    assert len(read) == 1
