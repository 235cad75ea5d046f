"""Raw connections: pages go over connections kept for them; what goes wrong is left to the driver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from pymongo import MongoClient
from pymongo.asynchronous.database import AsyncDatabase

from lrs.store.errors import TooLongError, UnavailableError
from lrs.store.log import LogQuery
from lrs.store.mongo import raw_connections
from lrs.store.mongo.store import MongoStore
from lrs.store.port import read_page
from lrs.store.read_bounds import slow
from lrs.xapi.statement_keys import STATEMENT_KEYS
from tests import mongod
from tests.contract.make import add, draft

T = TypeVar("T")

NUMBER = 60
"""Records, each with a key of its own."""


@pytest.fixture
def address() -> Iterator[str]:
    """A database of its own."""
    with mongod.database() as given:
        yield given


@pytest.fixture
def store(address: str) -> Iterator[MongoStore]:
    """A store with some records."""
    opened = MongoStore(address, STATEMENT_KEYS)
    add(opened, *[draft("all", f"key{n}", body=b"body %d" % n) for n in range(NUMBER)])
    yield opened
    opened.close()


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that the driver was given in the ordinary way."""
    given: list[str] = []
    command = AsyncDatabase.command

    async def noted(self: AsyncDatabase[Any], asked: Any, *rest: Any, **more: Any) -> Any:
        given.append(next(iter(asked)))
        return await command(self, asked, *rest, **more)

    monkeypatch.setattr(AsyncDatabase, "command", noted)
    return given


def on_loop(scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it on a loop in a thread of its own: the browser of other tests may have left one in this."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(scenario())).result(60)


async def body(store: MongoStore, n: int) -> bytes:
    """The body of the record that has this key."""
    page, _ = await store.page(LogQuery("bkn", [f"key{n}"], limit=5))
    return page.body


@contextmanager
def failing(address: str, times: int, **how: Any) -> Iterator[None]:
    """Have the server fail so many of the next reads."""
    with MongoClient[Any](address) as client:
        data = {"failCommands": ["find"], "appName": "jejak", **how}
        client.admin.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)
        yield
        client.admin.command("configureFailPoint", "failCommand", mode="off")


def test_pages_go_over_connections(store: MongoStore, ordinary: list[str]) -> None:
    """The driver's own, slower way is not taken. A new driver that lacks what connections need is told."""

    async def scenario() -> list[bytes]:
        return [await body(store, n) for n in range(10)]

    assert on_loop(scenario) == [b"body %d" % n for n in range(10)]
    assert ordinary == []


def test_another_driver_is_asked_in_its_own_way(
    store: MongoStore, ordinary: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is taken out of the pool of a driver that was not tried, and the pages are the same."""
    monkeypatch.setattr(raw_connections, "TRIED_DRIVER", (3, 0))

    async def scenario() -> list[bytes]:
        return [await body(store, n) for n in range(3)]

    assert on_loop(scenario) == [b"body %d" % n for n in range(3)]
    assert "find" in ordinary or "aggregate" in ordinary


def test_more_readers_than_connections(
    store: MongoStore, ordinary: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who finds no connection free asks in the ordinary way; everybody gets their own page."""
    monkeypatch.setattr(raw_connections, "MOST", 3)

    async def scenario() -> list[bytes]:
        return await asyncio.gather(*[body(store, n) for n in range(NUMBER)])

    assert on_loop(scenario) == [b"body %d" % n for n in range(NUMBER)]
    assert ordinary


@pytest.mark.parametrize("size", [0, 1, 4])
def test_a_small_pool_is_not_used_up(store: MongoStore, address: str, size: int) -> None:
    """Raw connections leave connections for those who ask in the ordinary way; nobody waits in vain."""
    small = MongoStore(f"{address}&maxPoolSize={size}&waitQueueTimeoutMS=2000", STATEMENT_KEYS)

    async def scenario() -> list[bytes]:
        return await asyncio.gather(*[body(small, n) for n in range(NUMBER)])

    try:
        assert on_loop(scenario) == [b"body %d" % n for n in range(NUMBER)]
    finally:
        small.close()


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"closeConnection": True}, id="the connection breaks"),
        pytest.param({"errorCode": 10107}, id="not the primary"),
        pytest.param({"errorCode": 246}, id="no snapshot yet"),
    ],
)
def test_a_connection_that_fails(
    store: MongoStore, address: str, ordinary: list[str], how: dict[str, Any]
) -> None:
    """The page comes all the same, and later ones go over connections again."""

    async def scenario() -> list[bytes]:
        bodies = [await body(store, 0)]
        with failing(address, 2, **how):  # the line's attempt, and the driver's first
            bodies.append(await body(store, 1))
        bodies.append(await body(store, 2))
        ordinary.append("then")
        bodies.append(await body(store, 3))
        return bodies

    assert on_loop(scenario) == [b"body 0", b"body 1", b"body 2", b"body 3"]
    assert ordinary[0] == "find"
    assert ordinary[-1] == "then"


def test_a_page_that_the_server_gave_up_leaves_its_connection_as_it_was(
    store: MongoStore, address: str, ordinary: list[str]
) -> None:
    """That its time was over is an answer: nobody asks the same again, and the next page has the line."""

    async def scenario() -> bytes:
        await body(store, 1)
        ordinary.clear()
        with failing(address, 1, errorCode=50), pytest.raises(TooLongError):
            await body(store, 2)
        found = await body(store, 3)
        await asyncio.to_thread(store.close)
        return found

    assert on_loop(scenario) == b"body 3"
    assert ordinary == []


def test_a_thread_is_told_that_the_server_gave_a_page_up(store: MongoStore, address: str) -> None:
    """What took the server too long is no failure of the store, nor tried again."""
    find = LogQuery("bkn", ["key1"], limit=5)
    with failing(address, 1, errorCode=50), pytest.raises(TooLongError), slow():
        read_page(store, find)
    assert read_page(store, find)[0].body == b"body 1"


def test_idle_connections_that_were_cut(store: MongoStore, ordinary: list[str]) -> None:
    """A line whose connection was closed meanwhile is not used; another one takes its place."""

    async def scenario() -> list[bytes]:
        bodies = [await body(store, 0)]
        ask = next(iter(store._pages._open.values())).ask
        (line,) = ask.__self__._idle  # type: ignore[attr-defined]
        line._connection.conn.conn[0].abort()
        bodies.append(await body(store, 1))
        assert ask.__self__._idle != [line]  # type: ignore[attr-defined]
        return bodies

    assert on_loop(scenario) == [b"body 0", b"body 1"]
    assert ordinary == []


def test_a_page_that_is_given_up(store: MongoStore, address: str) -> None:
    """Whoever comes next gets their own page, never the answer that the one before did not wait for."""

    async def scenario() -> list[bytes]:
        bodies = [await body(store, 0)]
        for n in range(1, 20):
            with failing(address, 1, blockConnection=True, blockTimeMS=30):
                waiting = asyncio.create_task(body(store, n))
                await asyncio.sleep(0.002 * n)
                waiting.cancel()
                await asyncio.wait([waiting])
            bodies.append(await body(store, n))
        return bodies

    assert on_loop(scenario) == [b"body %d" % n for n in range(20)]


def test_a_server_that_does_not_answer(store: MongoStore, address: str, ordinary: list[str]) -> None:
    """A line waits no longer than the driver would: then the caller hears that the store is unavailable.

    The driver is not given the same command to wait as long once more.
    """
    short = MongoStore(f"{address}&socketTimeoutMS=150", STATEMENT_KEYS)

    async def scenario() -> bytes:
        first = await body(short, 0)
        with failing(address, 99, blockConnection=True, blockTimeMS=400), pytest.raises(UnavailableError):
            await body(short, 1)
        return first + await body(short, 2)

    try:
        assert on_loop(scenario) == b"body 0body 2"
        assert ordinary == []
    finally:
        short.close()


def test_an_answer_in_time_leaves_its_connection_as_it_was(
    address: str, store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a question is answered, the time that it had may go by: the next one goes over the same line."""
    timed = MongoStore(f"{address}&socketTimeoutMS=5000", STATEMENT_KEYS)

    async def scenario() -> list[bytes]:
        bodies = [await body(timed, 0)]
        connections = next(iter(timed._pages._open.values())).ask.__self__  # type: ignore[attr-defined]
        (line,) = connections._idle
        loop = asyncio.get_running_loop()
        clock = loop.time
        with monkeypatch.context() as later:
            later.setattr(loop, "time", lambda: clock() + 6)
            for _ in range(3):
                await asyncio.sleep(0)  # whatever is due by then is done
        assert line.is_sound
        bodies.append(await body(timed, 1))
        assert connections._idle == [line]
        return bodies

    try:
        assert on_loop(scenario) == [b"body 0", b"body 1"]
    finally:
        timed.close()


def test_a_store_that_closes_takes_its_connections_along(store: MongoStore) -> None:
    """After the store has closed no connection of a line is open, a line in use included."""

    async def scenario() -> list[bool]:
        pages = [asyncio.create_task(body(store, n)) for n in range(8)]
        await asyncio.gather(*pages)
        ask = next(iter(store._pages._open.values())).ask
        connections = list(ask.__self__._idle)  # type: ignore[attr-defined]
        assert len(connections) > 1
        late = asyncio.create_task(body(store, 9))
        await asyncio.sleep(0)
        await asyncio.to_thread(store.close)
        await asyncio.wait([late])
        return [line._connection.conn.is_closing() for line in connections]

    assert set(on_loop(scenario)) == {True}
