"""The promise that comes with a page: those who read at the same moment ask the server for it once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bson import Timestamp
from pymongo.errors import OperationFailure

from lrs.store.errors import StoreError
from lrs.store.log import LogQuery
from lrs.store.mongo.async_pages import LoopPages
from lrs.store.mongo.queries import ConsistencyWatermarks, Selectivity
from lrs.store.mongo.schema import WRITERS
from lrs.xapi.statement_keys import STATEMENT_KEYS

Raw = dict[str, Any]
Scenario = Callable[["Server", LoopPages], Coroutine[Any, Any, None]]

YOUNG = 60.0
"""Seconds for which a question may be joined in these tests: however slow the machine, it is not over."""


class Server:
    """In place of the driver's client: pages are empty and come at once, promises when a test says so."""

    def __init__(self) -> None:
        self.at = 1
        """The time of the snapshot that the next page is read from."""
        self.asked: list[asyncio.Future[int]] = []
        """For each time that it was asked for a promise, what it is to answer."""

    def __getitem__(self, name: str) -> Server:
        return self

    async def command(self, command: Raw) -> Raw:
        at = command["readConcern"].get("atClusterTime", Timestamp(self.at, 0))
        found: list[Raw] = []
        if command["find"] == WRITERS:
            self.asked.append(asyncio.get_running_loop().create_future())
            found.append({"floor": await self.asked[-1], "open": True})
        return {"cursor": {"id": 0, "firstBatch": found, "atClusterTime": at}}

    async def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scenario], None]:
    """Play a scenario with a server on a loop in a thread of its own."""
    monkeypatch.setattr(ConsistencyWatermarks, "SECONDS", YOUNG)

    def played(scenario: Scenario) -> None:
        server = Server()
        client: Any = server
        pages = LoopPages(
            lambda: client, "log", STATEMENT_KEYS, Selectivity(), ConsistencyWatermarks(), is_routed=True
        )  # without lines
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(scenario(server, pages))).result(60)

    return played


async def settled() -> None:
    """Let everything go on until it waits for the server."""
    for _ in range(20):
        await asyncio.sleep(0)


async def asking(pages: LoopPages) -> asyncio.Task[int]:
    """A page that is being read, up to where it waits for its promise."""

    async def through() -> int:
        return (await pages.page(LogQuery("bkn", [], limit=1)))[1]

    task = asyncio.create_task(through())
    await settled()
    return task


def test_pages_of_one_moment_ask_once(play: Callable[[Scenario], None]) -> None:
    """Pages of the same snapshot, or of later ones, wait for the promise that was asked for first."""

    async def scenario(server: Server, pages: LoopPages) -> None:
        waiting = [await asking(pages), await asking(pages)]
        server.at = 2
        waiting.append(await asking(pages))
        assert len(server.asked) == 1
        server.asked[0].set_result(7)
        assert await asyncio.gather(*waiting) == [7, 7, 7]

    play(scenario)


def test_an_older_snapshot_asks_for_its_own_promise(play: Callable[[Scenario], None]) -> None:
    """A promise that holds in a later snapshot says nothing about an earlier one."""

    async def scenario(server: Server, pages: LoopPages) -> None:
        server.at = 2
        later = await asking(pages)
        server.at = 1
        older = await asking(pages)
        assert len(server.asked) == 2
        server.asked[0].set_result(8)
        server.asked[1].set_result(7)
        assert await asyncio.gather(later, older) == [8, 7]

    play(scenario)


@pytest.mark.parametrize("leaves", [0, 1])
def test_who_gives_up_takes_nobody_along(play: Callable[[Scenario], None], leaves: int) -> None:
    """Of two that wait for one promise either may be cancelled, and the other still gets it."""

    async def scenario(server: Server, pages: LoopPages) -> None:
        waiting = [await asking(pages), await asking(pages)]
        waiting.pop(leaves).cancel()
        await settled()
        assert len(server.asked) == 1
        server.asked[0].set_result(7)
        assert await waiting[0] == 7

    play(scenario)


def test_a_promise_that_failed_is_asked_for_again(play: Callable[[Scenario], None]) -> None:
    """All who waited hear of the failure; who comes next asks anew."""

    async def scenario(server: Server, pages: LoopPages) -> None:
        waiting = [await asking(pages), await asking(pages)]
        server.asked[0].set_exception(OperationFailure("no"))
        failures = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(failure, StoreError) for failure in failures] == [True, True]
        again = await asking(pages)
        assert len(server.asked) == 2
        server.asked[1].set_result(7)
        assert await again == 7

    play(scenario)


def test_nobody_joins_a_question_that_stalls(
    play: Callable[[Scenario], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes later than the next moment asks anew, and need not wait for an answer that may never come."""

    async def scenario(server: Server, pages: LoopPages) -> None:
        stalled = await asking(pages)
        loop = asyncio.get_running_loop()
        clock = loop.time
        monkeypatch.setattr(loop, "time", lambda: clock() + YOUNG + 1)
        late = await asking(pages)
        assert len(server.asked) == 2
        server.asked[1].set_result(7)
        assert await late == 7
        assert not stalled.done()
        stalled.cancel()

    play(scenario)


def test_a_failure_that_nobody_waits_for_is_not_logged(play: Callable[[Scenario], None]) -> None:
    """When everyone has given up, the loop has nothing to say about the promise that could not be read."""

    async def scenario(server: Server, pages: LoopPages) -> None:
        said: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, about: said.append(about["message"]))
        (await asking(pages)).cancel()
        await settled()
        server.asked[0].set_exception(OperationFailure("no"))
        await settled()
        another = await asking(pages)  # so that the one before is forgotten
        server.asked.pop(0)
        gc.collect()
        server.asked[0].set_result(7)
        assert await another == 7
        assert said == []

    play(scenario)
