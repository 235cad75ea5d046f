"""Pages of large statements over HTTP: however one asks, a page ends at its bytes, and `more` goes on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lrs.http.xapi.application import XapiApplication
from lrs.store.port import Store
from tests.lrs.client import Client
from tests.lrs.conftest import LIMITS
from tests.lrs.samples import statement
from tests.serving import application


@pytest.fixture
def xapi(store: Store) -> XapiApplication:
    """An application whose pages have 64 KB of statements at most."""
    return application(store, limits=replace(LIMITS, page_bytes=64 * 1024))


@pytest.mark.parametrize(
    "params",
    [{}, {"format": "ids"}, {"format": "canonical"}, {"attachments": "true"}],
    ids=["exact", "ids", "canonical", "attachments"],
)
def test_a_page_of_large_statements_ends_early_and_goes_on_exactly(
    client: Client, params: dict[str, str]
) -> None:
    """Three statements of 30 KB do not go on one page; one of 100 KB has a page of its own; none is lost."""
    sent = [statement(result={"response": "x" * size}) for size in (30_000, 30_000, 30_000, 100_000, 10, 10)]
    for each in sent:
        assert client.post("/statements", each).status == 200
    pages: list[list[str]] = []
    answer = client.get("/statements", {"ascending": "true", "limit": "9", **params})
    while True:
        assert answer.status == 200
        text = answer.body.partition(b"\r\n\r\n")[2] if "attachments" in params else answer.body
        page, _ = json.JSONDecoder().raw_decode(text.decode())
        pages.append([each["id"] for each in page["statements"]])
        if not page["more"]:
            break
        answer = client.follow(page["more"])
    assert pages == [[each["id"] for each in some] for some in (sent[:2], sent[2:3], sent[3:4], sent[4:])]
