"""Many attachments and large signatures of one tenant: bounded, in turns, counted in its writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lrs.http.multipart import MOST_ATTACHMENTS
from lrs.http.xapi.application import XapiApplication
from lrs.store.port import Store
from lrs.store.writes import NO_HINTS, WriteHints
from lrs.tenant_turns import BusyError, TenantTurns
from lrs.xapi import signed_statements
from lrs.xapi.attachments import GRANT_SIZE
from lrs.xapi.ingest import MANY_BLOBS
from tests.contract.engines import ENGINES
from tests.lrs.client import Answer, Client
from tests.lrs.http.xapi.test_attachments import SIGNATURE, declared, part, received, send, signed
from tests.lrs.samples import statement
from tests.serving import application

OCTETS = {"Content-Type": "application/octet-stream"}


class SizedStore:
    """A store that notes how large its writes are said to be."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def writing(self, work: Any, hints: WriteHints = NO_HINTS) -> Any:
        self.sizes.append(hints.size)
        return self._store.writing(work, hints)


@pytest.fixture(params=list(ENGINES))
def engine_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SizedStore]:
    """An empty store of each engine."""
    engine = ENGINES[request.param](tmp_path)
    opened = engine.open()
    yield SizedStore(opened)
    opened.close()
    engine.remove()


@contextmanager
def noting(monkeypatch: pytest.MonkeyPatch, *, busy: bool = False) -> Iterator[list[str]]:
    """Notes whose turns are taken; with `busy`, nobody gets one."""
    turns: list[str] = []
    taken = TenantTurns.turn

    @contextmanager
    def turn(self: TenantTurns, tenant: str) -> Iterator[None]:
        turns.append(tenant)
        if busy:
            raise BusyError("this tenant has enough of such work under way")
        with taken(self, tenant):
            yield

    with monkeypatch.context() as patch:
        patch.setattr(TenantTurns, "turn", turn)
        yield turns


def with_data(client: Client, count: int) -> Answer:
    """The answer to one statement with the data of so many attachments."""
    datas = [b"data %d" % number for number in range(count)]
    return send(client, statement(attachments=[declared(data) for data in datas]), *map(part, datas))


def with_signature(client: Client, sent: dict[str, Any], data: bytes, times: int = 1) -> Answer:
    """The answer to statements that all are said to be signed by this."""
    one = [declared(data, usageType=SIGNATURE, contentType="application/octet-stream")]
    several = [statement(attachments=one) for _ in range(times)]
    return send(client, {**sent, "attachments": one} if times == 1 else several, part(data, **OCTETS))


def test_a_request_brings_the_data_of_a_hundred_attachments(engine_store: SizedStore) -> None:
    """A hundred are kept and come back, their documents counted in the write; of one more nothing is kept."""
    client = Client(application(engine_store), None).as_(engine_store, "all")
    engine_store.sizes.clear()
    assert with_data(client, MOST_ATTACHMENTS).status == 200
    assert max(engine_store.sizes) > MOST_ATTACHMENTS * GRANT_SIZE
    _, found = received(client.get("/statements", {"attachments": "true"}))
    assert len(found) == MOST_ATTACHMENTS
    answer = with_data(client, MOST_ATTACHMENTS + 1)
    assert (answer.status, answer.rules) == (413, {"request.too-large"})
    assert "several requests" in answer.json["detail"]
    assert len(client.statements()) == 1


def test_the_data_of_many_attachments_is_kept_in_a_turn(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few are kept at once; many wait for the tenant's turn, and are 503 with Retry-After without one."""
    with noting(monkeypatch) as turns:
        assert with_data(client, MANY_BLOBS).status == 200
        assert turns == []
        assert with_data(client, MANY_BLOBS + 1).status == 200
        assert turns == ["one"]
    with noting(monkeypatch, busy=True):
        answer = with_data(client, MANY_BLOBS + 2)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert len(client.statements()) == 2


def test_large_signatures_are_checked_in_a_turn(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones are checked at once; large ones wait for the tenant's turn."""
    small, large = statement(), statement(result={"response": "x" * signed_statements.LARGE})
    with noting(monkeypatch) as turns:
        assert with_signature(client, small, signed(small)).status == 200
        assert turns == []
        assert with_signature(client, large, signed(large)).status == 200
        assert turns == ["one"]
    with noting(monkeypatch, busy=True):
        other = {**large, "id": statement()["id"]}
        assert with_signature(client, other, signed(other)).status == 503
    assert len(client.statements()) == 2


def test_the_values_of_all_signatures_of_a_request_are_bounded(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Payloads of short numbers: the first that is too much is told, and no other is looked at."""
    monkeypatch.setattr(signed_statements, "MOST_VALUES", 50)
    numbers = json.loads("[" + ",".join(["1"] * 20) + "]")
    answer = with_signature(client, statement(), signed({"x": numbers}), times=9)
    assert answer.status == 400
    told = [(error["index"], "too many values" in error["hint"]) for error in answer.json["errors"]]
    assert told == [(0, False), (1, False), (2, True)]
    assert client.statements() == []


def test_not_all_of_many_wrong_signatures_are_looked_at(client: Client) -> None:
    """The first ten are told, each by its place."""
    answer = with_signature(client, statement(), b"not a signature", times=30)
    assert answer.status == 400
    told = [error["index"] for error in answer.json["errors"]]
    assert told == list(range(signed_statements.MOST_WRONG))


def test_a_tenant_that_waits_for_its_turn_keeps_no_other_waiting(xapi: XapiApplication, store: Store) -> None:
    """While one tenant's large work is under way, another's signatures are checked."""
    other = Client(xapi, None).as_(store, "all", tenant="two")
    large = statement(result={"response": "x" * signed_statements.LARGE})
    with xapi.services.ingest._turns.turn("one"):
        assert with_signature(other, large, signed(large)).status == 200
