"""Queries that read through everything a tenant has, asked of the worker of `jejak serve`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jejak.app import Application, create_app
from jejak.settings import load
from lrs.store import read_bounds
from lrs.store.port import Store
from lrs.xapi.query import Query
from statements.keys import activity_filter_key, verb_filter_key
from tests.contract.make import add, draft
from tests.jejak.asgi import Asking, asking
from tests.lrs.client import Answer
from tests.lrs.samples import statement

MANY = 50_000
STATEMENTS = "/xapi/statements"
VERB, ACTIVITY = "http://example.com/verb/%d", "http://example.com/activity/%d"
NEVER = {"verb": VERB % 0, "activity": ACTIVITY % 0, "limit": "1"}
"""What half of the statements have, and what the other half has."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The product on a SQLite file, in which the tenant "noisy" has many statements."""
    file = tmp_path_factory.mktemp("long") / "jejak.db"
    made = create_app(load({"JEJAK_STORE": f"sqlite:///{file}"}))
    fill(made.wired.store)
    yield made
    made.close()


def fill(store: Store) -> None:
    """Statements of two verbs and two activities; none has the first of both."""
    keys = [(verb_filter_key(VERB % n), activity_filter_key(ACTIVITY % (1 - n))) for n in (0, 1)]
    for _ in range(MANY // 1000):
        add(store, *(draft(*keys[n % 2], tenant="noisy") for n in range(1000)))


@pytest.fixture
def noisy(app: Application) -> tuple[str, str]:
    """A credential of the tenant that has many statements."""
    return app.wired.credentials.create("noisy", "everything", ["all"])


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Which threads read long pages, and how many at once at most."""
    noted: list[tuple[str, int]] = []
    reading: list[int] = []

    def noting(self: Query, access: Any, read: Callable[[], Any]) -> Any:
        def noted_read() -> Any:
            reading.append(1)
            noted.append((threading.current_thread().name, len(reading)))
            try:
                return read()
            finally:
                reading.pop()

        return patiently(self, access, noted_read)

    patiently = Query._patiently
    monkeypatch.setattr(Query, "_patiently", noting)
    return noted


@pytest.mark.slow
def test_a_long_page_is_read_by_a_thread(
    app: Application, noisy: tuple[str, str], patient: list[tuple[str, int]]
) -> None:
    """The loop gives up a question that walks everything; a thread answers it, one at a time for a tenant."""

    async def scenario(ask: Asking) -> list[Answer]:
        return await asyncio.gather(*(ask.call("GET", STATEMENTS, params=NEVER) for _ in range(3)))

    for answer in asking(app, noisy, scenario):
        assert (answer.status, answer.json["statements"], answer.json["more"]) == (200, [], "")
    assert len(patient) == 3
    assert all(name.startswith("request") and at_once == 1 for name, at_once in patient)


def test_usual_pages_stay_on_the_loop(
    app: Application, noisy: tuple[str, str], patient: list[tuple[str, int]]
) -> None:
    """A page of what is found at once is read as ever, however many more there are."""

    async def scenario(ask: Asking) -> None:
        for params in ({}, {"verb": NEVER["verb"]}, {"activity": NEVER["activity"], "verb": VERB % 1}):
            for _ in range(100):
                answer = await ask.call("GET", STATEMENTS, params={**params, "limit": "25"})
                assert answer.status == 200

    asking(app, noisy, scenario)
    assert patient == []


def test_beyond_its_deadline_a_long_page_is_refused(
    app: Application, noisy: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 says when to come again, and how to ask for less."""
    monkeypatch.setattr(read_bounds, "SLOW_SECONDS", 0.0)

    async def scenario(ask: Asking) -> Answer:
        return await ask.call("GET", STATEMENTS, params=NEVER)

    answer = asking(app, noisy, scenario)
    assert answer.status == 503
    assert answer.headers["retry-after"]
    assert "`since`" in answer.json["detail"]


def test_a_tenant_with_long_pages_alone_waits_for_them(
    app: Application, noisy: tuple[str, str], patient: list[tuple[str, int]]
) -> None:
    """While one tenant floods the worker with such questions, another's statements are stored and read."""
    quiet = app.wired.credentials.create(f"quiet-{time.monotonic_ns()}", "everything", ["all"])

    async def scenario(ask: Asking) -> list[int]:
        other = Asking(ask.worker, quiet)
        flood = [asyncio.create_task(ask.call("GET", STATEMENTS, params=NEVER)) for _ in range(24)]
        for _ in range(10):
            assert (await other.call("POST", STATEMENTS, statement())).status == 200
            assert (await other.call("GET", STATEMENTS, params={"limit": "25"})).status == 200
        return [answer.status for answer in await asyncio.gather(*flood)]

    statuses = asking(app, noisy, scenario)
    assert set(statuses) <= {200, 503}
    assert 200 in statuses
    assert max(at_once for _, at_once in patient) == 1
