"""Answers in another format than the kept one are bounded, however large definitions are."""

from __future__ import annotations

from typing import Any

import pytest

from lrs.http.xapi import formatted
from lrs.http.xapi.services import Limits
from lrs.store.port import Store
from tests.lrs.client import Client
from tests.lrs.samples import statement
from tests.serving import application

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
