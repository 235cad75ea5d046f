"""What is large is read, parsed, merged and compared outside the writes that all tenants share."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from lrs.http.xapi.services import Limits
from lrs.store.documents import DocumentQuery
from lrs.xapi import activities, agents, documents
from lrs.xapi.documents import PAGE
from statements.documents import merge
from tests.contract.engines import ENGINES
from tests.lrs.client import Client
from tests.lrs.http.xapi.test_document_resource import NEW, OWNERS, RESOURCES, TEXT, create, where
from tests.lrs.samples import COURSE, statement
from tests.lrs.watched import WatchedStore, watched
from tests.serving import application

JSON = {"Content-Type": "application/json"}
LARGE = b'{"a":[%b1]}' % (b"1," * 150_000)
"""300 KB of JSON."""
STATE = "/activities/state"
LIMITS = Limits(max_body_bytes=1_000_000)


@pytest.fixture(params=list(ENGINES))
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WatchedStore]:
    """An empty store of each engine, watched."""
    engine = ENGINES[request.param](tmp_path)
    opened = engine.open()
    with watched(opened, monkeypatch) as checked:
        yield checked
    opened.close()
    engine.remove()


@pytest.fixture
def client(store: WatchedStore) -> Client:
    return Client(application(store, limits=LIMITS), None).as_(store, "all", name="all")


@RESOURCES
def test_a_merge_into_a_large_document_is_made_outside_the_write(client: Client, path: str) -> None:
    """A few bytes posted to 300 KB; a precondition holds; other documents are not touched."""
    create(client, path, LARGE, headers=JSON)
    assert client.post(path, {"b": 2}, where(path)).status == 204
    merged = client.get(path, where(path))
    assert merged.body == LARGE[:-1] + b',"b":2}'
    tag = merged.headers["etag"]
    assert client.post(path, {"b": 3}, where(path), headers={"If-Match": tag}).status == 204
    assert client.post(path, {"b": 4}, where(path), headers={"If-Match": tag}).status == 412
    assert client.get(path, where(path)).json["b"] == 3
    assert client.delete(path, where(path)).status == 204
    assert client.get(path, where(path)).status == 404


@RESOURCES
def test_a_large_document_is_replaced_and_deleted_without_being_read(client: Client, path: str) -> None:
    """PUT and DELETE look at the entity tag alone, with and without a precondition."""
    create(client, path, LARGE)
    tag = client.get(path, where(path)).headers["etag"]
    assert client.put(path, where(path), LARGE, headers={**TEXT, "If-Match": '"x"'}).status == 412
    assert client.put(path, where(path), LARGE + b" ", headers={**TEXT, "If-Match": tag}).status == 204
    assert client.delete(path, where(path), headers={"If-Match": tag}).status == 412
    assert client.delete(path, where(path)).status == 204


def test_what_others_changed_during_a_large_merge_is_merged_too(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The document changed while it was merged: it is read again, and neither change is lost."""
    create(client, STATE, LARGE, headers=JSON)
    calls: list[Any] = []

    def meanwhile(*args: Any) -> bytes:
        merged = merge(*args)
        calls.append(None)
        if len(calls) == 1:
            changed = LARGE[:-1] + b',"other":1}'
            assert client.put(STATE, where(STATE), changed, headers=JSON).status == 204
        return merged

    monkeypatch.setattr(documents, "merge", meanwhile)
    assert client.post(STATE, {"mine": 1}, where(STATE)).status == 204
    assert len(calls) == 2
    stored = client.get(STATE, where(STATE)).json
    assert (stored["other"], stored["mine"]) == (1, 1)


def test_a_merge_that_always_loses_is_told_to_try_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After after a few attempts; the document is as the others left it."""
    create(client, STATE, LARGE, headers=JSON)
    calls: list[Any] = []

    def meanwhile(*args: Any) -> bytes:
        merged = merge(*args)
        calls.append(None)
        changed = LARGE[:-1] + b',"other":%d}' % len(calls)
        assert client.put(STATE, where(STATE), changed, headers=JSON).status == 204
        return merged

    monkeypatch.setattr(documents, "merge", meanwhile)
    answer = client.post(STATE, {"mine": 1}, where(STATE))
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert len(calls) == documents.ATTEMPTS
    assert client.get(STATE, where(STATE)).json["other"] == len(calls)
    assert "mine" not in client.get(STATE, where(STATE)).json


def test_many_clients_merge_into_one_small_document(client: Client) -> None:
    """Sixteen at once, each with a member of its own: all are answered 204, and all members are there."""
    create(client, STATE, {"n": 0})
    statuses: list[int] = []

    def post(number: int) -> None:
        statuses.append(client.post(STATE, {f"m{number}": number}, where(STATE)).status)

    threads = [threading.Thread(target=post, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [204] * 16
    assert len(client.get(STATE, where(STATE)).json) == 17


def test_a_small_document_that_becomes_large_meanwhile_is_merged_outside(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was small when it was looked at; inside the write it is a large one, and is left alone there."""
    create(client, STATE, {"n": 0})
    monkeypatch.setattr(documents, "SMALL", 100)
    within = documents.Documents._merge_within

    def grown(*args: Any) -> bool:
        large = json.dumps({"n": "x" * 200}).encode()
        assert client.put(STATE, where(STATE), large, headers=JSON).status == 204
        return within(*args)

    monkeypatch.setattr(documents.Documents, "_merge_within", grown)
    assert client.post(STATE, {"m": 1}, where(STATE)).status == 204
    assert client.get(STATE, where(STATE)).json == {"n": "x" * 200, "m": 1}


@pytest.mark.slow
def test_a_large_statement_is_compared_outside_the_write(client: Client) -> None:
    """Sent once more it is the same, in other words too; with other content it is 409, with the place."""
    extensions = {"https://example.org/large": [1] * 100_000}
    sent = statement(result={"extensions": extensions, "completion": True})
    assert client.post("/statements", sent).status == 200
    assert client.post("/statements", sent).status == 200
    other_words = {**sent, "result": {"completion": True, "extensions": extensions}}
    assert client.post("/statements", other_words).status == 200
    assert client.post("/statements", [statement(), other_words]).status == 200
    assert client.post("/statements", {**other_words, "result": {"completion": False}}).status == 409
    small = statement() | {"id": sent["id"]}
    refused = client.post("/statements", [statement(), small])
    assert refused.status == 409
    assert refused.json["errors"][0]["index"] == 1
    assert len(client.statements()) == 2


def test_a_long_list_of_ids_is_complete(client: Client, store: WatchedStore) -> None:
    """More than two pages, some ids under two registrations: each id once, HEAD has no body."""
    names = [f"id {number:04}" for number in range(2 * PAGE + 1)]
    fill(client, store, names)
    answer = client.get(STATE, OWNERS[STATE][0])
    assert answer.status == 200
    assert answer.json == names
    assert client.call("HEAD", STATE, OWNERS[STATE][0]).body == b""
    assert client.get(STATE, {**OWNERS[STATE][0], "since": "2999-01-01T00:00:00Z"}).json == []
    assert client.get(STATE, {**OWNERS[STATE][0], "since": "2001-01-01T00:00:00Z"}).json == names


def test_deleting_many_documents_is_many_writes(client: Client, store: WatchedStore) -> None:
    """No write removes more than a page, so that others have their turn in between; in the end all go."""
    fill(client, store, [f"id {number:04}" for number in range(2 * PAGE + 1)])
    before = store.works
    assert client.delete(STATE, OWNERS[STATE][0]).status == 204
    assert store.works - before >= 6
    assert client.get(STATE, OWNERS[STATE][0]).json == []


def fill(client: Client, store: WatchedStore, names: list[str]) -> None:
    """Put documents of these names, by a copy of one that was put by a client."""
    assert client.put(STATE, where(STATE, names[0]), b"x", headers={**TEXT, **NEW}).status == 204
    with store.reading() as reader:
        (one,) = reader.find_documents(DocumentQuery("state", None, limit=2))

    def work(writer: Any) -> None:
        for name in names:
            writer.put(replace(one, name=f"\x1f{name}"))
        writer.put(replace(one, name=f"{'0' * 36}\x1f{names[-1]}"))

    store.writing(work)


def described(target: str = COURSE, **definition: Any) -> dict[str, Any]:
    """A statement that describes its activity."""
    return statement() | {"object": {"id": target, "definition": definition}}


def known(client: Client, name: str = COURSE) -> Any:
    """What is known of an activity."""
    return client.get("/activities", {"activityId": name}).json.get("definition")


def test_a_large_definition_is_merged_outside_the_write(client: Client) -> None:
    """Small news about it are united with it, repetitions change nothing, and later news go on."""
    large = {"https://example.org/large": "x" * 300_000}
    assert client.post("/statements", described(extensions=large)).status == 200
    for name in ("one", "two", "two", "one"):
        assert client.post("/statements", described(name={"en": name})).status == 200
        assert known(client) == {"extensions": large, "name": {"en": name}}
    assert client.post("/statements", described(description={"id": "apa"})).status == 200
    assert known(client) == {"extensions": large, "name": {"en": "one"}, "description": {"id": "apa"}}


def test_a_request_changes_a_bounded_amount_of_large_definitions(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is beyond the bound stays as it is; its statements are stored, and a later one changes it."""
    monkeypatch.setattr(activities, "MOST_PREPARED", 700_000)
    names = [f"https://example.org/{number}" for number in range(5)]
    for name in names:
        client.post("/statements", described(name, extensions={"https://example.org/x": "x" * 300_000}))
    sent = [described(name, name={"en": "new"}) for name in names]
    assert client.post("/statements", sent).status == 200
    assert ["name" in known(client, name) for name in names] == [True] * 3 + [False] * 2
    assert client.post("/statements", described(names[4], name={"en": "new"})).status == 200
    assert known(client, names[4])["name"] == {"en": "new"}


def test_a_definition_changed_during_a_large_merge_is_merged_too(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another statement describes the activity meanwhile: neither description is lost."""
    client.post("/statements", described(extensions={"https://example.org/x": "x" * 300_000}))
    prepare = activities.Activities.prepare
    calls: list[Any] = []

    def meanwhile(*args: Any) -> Any:
        prepared = prepare(*args)
        calls.append(None)
        if len(calls) == 1:
            assert client.post("/statements", described(name={"id": "nama"})).status == 200
        return prepared

    monkeypatch.setattr(activities.Activities, "prepare", meanwhile)
    assert client.post("/statements", described(name={"en": "name"})).status == 200
    assert known(client)["name"] == {"id": "nama", "en": "name"}
    assert len(client.statements()) == 3


def test_two_sources_that_describe_an_activity_each_in_its_way_do_not_write_in_turns(
    client: Client, store: WatchedStore
) -> None:
    """What each says is known: its document stays as it is, however often they take turns."""
    one, two = described(name={"en": "one"}), described(description={"en": "two"})
    for each in (one, two):
        client.post("/statements", each)
    with store.reading() as reader:
        before = reader.document("activity", "one", COURSE)
    for each in (one, two) * 3:
        assert client.post("/statements", {**each, "id": str(uuid4())}).status == 200
    with store.reading() as reader:
        assert reader.document("activity", "one", COURSE) == before


def test_a_name_that_is_no_name_is_not_kept(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of a hundred thousand characters stays in its statement; so do names beyond those of a request."""
    monkeypatch.setattr(agents, "MOST_TOLD", 2)
    siti = {"objectType": "Agent", "mbox": "mailto:siti@example.go.id"}
    assert client.post("/statements", statement() | {"actor": {**siti, "name": "x" * 100_000}}).status == 200
    assert "name" not in client.get("/agents", {"agent": json.dumps(siti)}).json
    sent = [statement() | {"actor": {**siti, "name": f"Siti {number}"}} for number in range(4)]
    assert client.post("/statements", sent).status == 200
    assert len(client.get("/agents", {"agent": json.dumps(siti)}).json["name"]) == 2
    assert len(client.statements()) == 5
