"""Marks of statement ids that something refers to before they are there, and the look that spares them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from lrs.store.documents import Document, DocumentQuery
from lrs.store.port import Store, Writer
from lrs.xapi import pending_ids
from tests.contract.engines import ENGINES
from tests.lrs.client import Client
from tests.lrs.conftest import LIMITS
from tests.lrs.samples import about, agent, statement
from tests.serving import application


@pytest.fixture(params=["memory", "sqlite", "mongo"])
def open_again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens one store again and again, each time like another process."""
    engine = ENGINES[request.param](tmp_path)
    opened: list[Store] = []

    def again() -> Store:
        opened.append(engine.open())
        return opened[-1]

    yield again
    for store in opened:
        store.close()
    engine.remove()


def caller(store: Store, tenant: str = "one") -> Client:
    return Client(application(store, limits=LIMITS), None).as_(store, "all", tenant=tenant)


def ever(store: Store, tenant: str = "one") -> bytes | None:
    """Whether it is known that this tenant ever had a mark."""
    with store.reading() as reader:
        found = reader.document(pending_ids.EVER, tenant, "")
    return found.body if found else None


def found_by(client: Client, name: str) -> set[str]:
    """The ids of the statements that are found by an agent."""
    answer = client.get("/statements", {"agent": json.dumps(agent(name))})
    return {each["id"] for each in answer.json["statements"]}


def test_a_tenant_without_marks_is_looked_at_once(open_again: Callable[[], Store]) -> None:
    """As long as nothing was awaited, no mark is looked for by the id of a statement."""
    store = open_again()
    marks = pending_ids.PendingIds()
    asked: list[str] = []

    def work(writer: Writer) -> None:
        documents = writer.documents

        def noted(kind: str, scope: str, names: list[str]) -> object:
            asked.append(kind)
            return documents(kind, scope, names)

        writer.documents = noted  # type: ignore[method-assign,assignment]
        assert not marks.among(writer, "one", [str(uuid4())], 1)

    for _ in range(3):
        store.writing(work)
    assert pending_ids.KIND not in asked
    assert ever(store) == pending_ids.NO
    assert marks.wanted("one", ["a"]) == [(pending_ids.EVER, "one", "")]


def test_a_reference_ahead_is_followed_when_its_target_comes(open_again: Callable[[], Store]) -> None:
    """A statement that refers to one which comes later, by another process, is found by what it says."""
    target = statement("siti")
    early = about(target["id"])
    one, two = caller(open_again()), caller(open_again())
    assert one.post("/statements", statement("wati")).status == 200
    assert two.post("/statements", statement("wati")).status == 200
    store = open_again()
    assert ever(store) == pending_ids.NO
    assert one.post("/statements", early).status == 200
    assert ever(store) == pending_ids.YES
    assert two.post("/statements", target).status == 200
    assert found_by(one, "siti") == {target["id"], early["id"]}
    with store.reading() as reader:
        assert not reader.find_documents(DocumentQuery(pending_ids.KIND, None, limit=9))
    assert ever(store, "two") is None


def test_marks_from_before_are_heeded(open_again: Callable[[], Store]) -> None:
    """Marks of a program that did not say whether there are any are found by the first write."""
    store = open_again()
    target, other = statement("siti"), statement("wati")
    early = about(target["id"])
    assert caller(store).post("/statements", early).status == 200

    def as_before(writer: Writer) -> None:
        writer.delete(pending_ids.EVER, "one", [""])

    store.writing(as_before)
    later = caller(open_again())
    assert later.post("/statements", other).status == 200
    assert ever(store) == pending_ids.YES
    assert later.post("/statements", target).status == 200
    assert found_by(later, "siti") == {target["id"], early["id"]}


def test_a_mark_without_a_first_look_is_told_of(open_again: Callable[[], Store]) -> None:
    """Whoever marks an id says so, whether anybody had looked before or not."""
    store = open_again()
    store.writing(lambda writer: pending_ids.mark_pending(writer, "one", ["a"]))
    assert ever(store) == pending_ids.YES
    store.writing(lambda writer: writer.put(Document(pending_ids.EVER, "two", "", pending_ids.NO)))
    store.writing(lambda writer: pending_ids.mark_pending(writer, "two", ["a"]))
    assert ever(store, "two") == pending_ids.YES
    store.writing(lambda writer: pending_ids.mark_pending(writer, "three", []))
    assert ever(store, "three") is None
