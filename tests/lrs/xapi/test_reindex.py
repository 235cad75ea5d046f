"""What statements are found by can be derived anew from the statements alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from lrs.store.documents import DocumentQuery
from lrs.store.log import LogQuery, Record
from lrs.store.port import Store, Writer
from lrs.store.writes import NO_HINTS, WriteHints
from lrs.xapi import reindex as module
from lrs.xapi.pending_ids import KIND as PENDING
from lrs.xapi.reindex import reindex
from tests.contract.engines import ENGINES
from tests.contract.make import stamped
from tests.lrs.client import Client
from tests.lrs.conftest import LIMITS
from tests.lrs.samples import COMPLETED, about, agent, statement, voiding
from tests.serving import application

COMMENTED = "http://adlnet.gov/expapi/verbs/commented"
ABSENT = str(uuid4())


@pytest.fixture(params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """A store with statements to come, and an empty one of the same engine."""
    made = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        made.append(ENGINES[request.param](tmp_path / name).open())
    yield made[0], made[1]
    for store in made:
        store.close()


@pytest.fixture(params=[1, 3, 100])
def page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages so small that references lead out of them, and one that holds all."""
    monkeypatch.setattr(module, "PAGE", request.param)


def caller(store: Store, tenant: str = "one", name: str = "everything") -> Client:
    return Client(application(store, limits=LIMITS), None).as_(store, "all", tenant=tenant, name=name)


def fill(store: Store) -> None:
    """Chains that arrive in either order, a cycle, voiding before and after, and an absent target."""
    one, other, elsewhere = caller(store), caller(store, name="other"), caller(store, tenant="two")
    first, late, voided = (statement(name) for name in ("siti", "budi", "wati"))
    early = voiding(late["id"])
    comment = about(first["id"], context={"instructor": agent("anwar"), "registration": str(uuid4())})
    cycle = about(str(uuid4()))
    back = about(cycle["id"], id=cycle["object"]["id"])
    waiting = about(ABSENT)
    sent = [early, first, comment, about(comment["id"]), cycle, back, waiting, about(waiting["id"])]
    for client, each in ((one, sent), (other, [about(first["id"]), late, voided, voiding(voided["id"])])):
        for value in each:
            assert client.post("/statements", value).status == 200
    assert elsewhere.post("/statements", statement("siti", id=first["id"])).status == 200


def log_of(store: Store) -> list[Record]:
    with store.reading() as reader:
        return reader.find(LogQuery(None, ascending=True, limit=1000, include_hidden=True))


def marks(store: Store) -> set[tuple[str, str]]:
    with store.reading() as reader:
        return {
            (each.scope, each.name) for each in reader.find_documents(DocumentQuery(PENDING, None, limit=100))
        }


def found_by(record: Record) -> tuple[object, ...]:
    return record.id, record.tenant, record.views[0], set(record.views), record.hidden


@pytest.mark.usefixtures("page")
def test_a_healthy_store_is_left_alone(stores: tuple[Store, Store]) -> None:
    """What ingest made step by step is what follows from the statements, so nothing is wrong with it."""
    fill(stores[0])
    before = log_of(stores[0])
    told: list[int] = []
    assert reindex(stores[0], told.append) == 0
    assert log_of(stores[0]) == before
    assert told[-1] == len(before) == 13


@pytest.mark.usefixtures("page")
def test_everything_follows_from_the_bodies_alone(stores: tuple[Store, Store]) -> None:
    """A log brought back with no keys, no voiding and no marks is found by as before after one walk."""
    store, bare = stores
    fill(store)

    def bring_back(writer: Writer) -> None:
        nothing = (frozenset({"x\x1fnothing"}),)
        drafts = [replace(record, views=nothing, hidden=False) for record in log_of(store)]
        writer.append(stamped(writer, drafts))

    bare.writing(bring_back)
    assert caller(bare).statements(verb=COMPLETED) == []
    assert reindex(bare) == 13
    assert [found_by(each) for each in log_of(bare)] == [found_by(each) for each in log_of(store)]
    assert marks(bare) == marks(store) == {("one", ABSENT)}
    assert reindex(bare) == 0
    for params in ({"verb": COMPLETED}, {"verb": COMMENTED}, {"related_agents": "true"}):
        ids = [[each["id"] for each in caller(each).statements(**params)] for each in (store, bare)]
        assert ids[0] == ids[1]
    assert caller(bare).post("/statements", statement("tono", id=ABSENT)).status == 200
    assert len(caller(bare).statements(agent='{"mbox":"mailto:tono@example.go.id"}')) == 3


def test_it_goes_on_where_it_was_cut_short(
    stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun again after a stop, it mends the rest, and statements that came meanwhile are right."""
    monkeypatch.setattr(module, "PAGE", 2)
    store, _ = stores
    fill(store)
    right = [found_by(each) for each in log_of(store)]
    ruined = {record.id: (frozenset({"x\x1fnothing"}),) for record in log_of(store) if record.tenant == "one"}
    store.writing(lambda writer: writer.reindex("one", ruined))

    class Stopped(Exception):
        pass

    def stop(done: int) -> None:
        if done >= 6:
            raise Stopped

    with pytest.raises(Stopped):
        reindex(store, stop)
    new = statement("rina")
    assert caller(store).post("/statements", new).status == 200
    assert 0 < reindex(store) < len(right)
    assert [found_by(each) for each in log_of(store)][: len(right)] == right
    assert reindex(store) == 0


def test_a_record_that_is_no_statement_is_passed_over(
    stores: tuple[Store, Store], caplog: pytest.LogCaptureFixture
) -> None:
    """One damaged body keeps no other statement from being mended."""
    store, _ = stores
    broken = Record("one", str(uuid4()), 0, b"{", b"digest", (frozenset({"v\x1fx"}),))
    store.writing(lambda writer: writer.append(stamped(writer, [broken])))
    fill(store)
    assert reindex(store) == 0
    assert broken.id in caplog.text


def test_no_body_is_read_within_a_write(stores: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch) -> None:
    """What bodies say is read beforehand, a few at a time, so that the write keeps nobody waiting for it."""
    monkeypatch.setattr(module, "BODIES", 1)
    monkeypatch.setattr(module, "PAGE", 2)
    store, _ = stores
    fill(store)
    right = [found_by(each) for each in log_of(store)]
    ruined = {record.id: (frozenset({"x\x1fnothing"}),) for record in log_of(store) if record.tenant == "one"}
    store.writing(lambda writer: writer.reindex("one", ruined))
    writing = store.writing
    asked: list[bool] = []

    class Noted:
        def __init__(self, writer: Writer) -> None:
            self._writer = writer

        def get(self, tenant: str, ids: Collection[str], *, bodies: bool = True) -> Mapping[str, Record]:
            asked.append(bodies)
            return self._writer.get(tenant, ids, bodies=bodies)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._writer, name)

    def watched(work: Callable[[Any], int], hints: WriteHints = NO_HINTS) -> int:
        return writing(lambda writer: work(Noted(writer)), hints)

    monkeypatch.setattr(store, "writing", watched)
    assert reindex(store) == len(ruined)
    assert asked
    assert not any(asked)
    assert [found_by(each) for each in log_of(store)] == right
