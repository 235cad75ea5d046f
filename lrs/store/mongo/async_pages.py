"""Pages read by an event loop, through the driver's own client for loops.

A thread for each page costs more than reading it: the interpreter lets one thread run at a time, and each of
them asks for that several times on its way to the server and back.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import NamedTuple

from bson import Timestamp
from pymongo import AsyncMongoClient

from lrs.store.errors import UnavailableError
from lrs.store.generator_runner import run_generator_async
from lrs.store.index_keys import IndexKeys
from lrs.store.log import LogQuery
from lrs.store.mongo import raw_connections
from lrs.store.mongo.codec import Raw
from lrs.store.mongo.queries import ConsistencyWatermarks, Queries, Selectivity
from lrs.store.mongo.raw_connections import RawConnections
from lrs.store.mongo.snapshots import LoopSnapshot
from lrs.store.pages import RawPage

CLOSING_SECONDS = 5.0
QUICK_COMMANDS = 32
"""What a page may ask the server, counts for the choice of an index included, before it counts as long."""

Ask = Callable[[Raw], Awaitable[Raw]]
"""Has the server answer a command."""

_Life = AsyncGenerator[None, None]


class _Asked(NamedTuple):
    """A watermark that is being read."""

    at: Timestamp
    """The snapshot it is read from."""
    since: float
    """When it was asked for, by the clock of the loop."""
    task: asyncio.Task[int]


class _Opened:
    """What one loop asks by, and what it is asking."""

    __slots__ = ("ask", "life", "watermark")

    def __init__(self, ask: Ask, life: _Life) -> None:
        self.ask = ask
        self.life = life
        self.watermark: _Asked | None = None
        """The watermark that was asked for last."""


class LoopPages:
    """Reads pages for event loops. Each loop has a client of its own: its connections belong to the loop."""

    def __init__(
        self,
        connect: Callable[[], AsyncMongoClient[Raw]],
        name: str,
        index_keys: IndexKeys,
        rarity: Selectivity,
        watermarks: ConsistencyWatermarks,
        *,
        is_routed: bool,
    ) -> None:
        self._connect = connect
        self._name = name
        self._index_keys = index_keys
        self._rarity = rarity
        self._watermarks = watermarks
        self._is_routed = is_routed
        self._turn = threading.Lock()
        self._open: dict[asyncio.AbstractEventLoop, _Opened] = {}
        self._closed = False

    async def page(self, query: LogQuery) -> tuple[RawPage, int]:
        """See `Store.page`."""
        loop = asyncio.get_running_loop()
        opened = self._open.get(loop) if not self._closed else None
        if opened is None:
            opened = await self._begin(loop)
        source = LoopSnapshot(opened.ask, is_routed=self._is_routed)
        questions = Queries(source, self._index_keys, self._rarity, self._watermarks)
        source.most = QUICK_COMMANDS
        page = await run_generator_async(questions.find_raw_page(query), source.run)
        source.most = None  # others may wait for the watermark
        through = self._watermarks.recent(source.at)
        if through is None:
            through = await self._learn_watermark(opened, source, questions)
        return page, through

    async def _learn_watermark(self, opened: _Opened, source: LoopSnapshot, questions: Queries) -> int:
        """A watermark that holds in the snapshot. Those who need one at the same moment ask once for all.

        Nobody joins a question that is older than that: it may be one that no answer will come to.
        """
        at, asked, now = source.at, opened.watermark, asyncio.get_running_loop().time()
        if at is None:
            return await run_generator_async(questions.consistent_through(), source.run)
        if (
            asked is None
            or asked.task.done()
            or at < asked.at
            or now - asked.since > ConsistencyWatermarks.SECONDS
        ):
            # A task of its own: who began it may be cancelled, the others still want it.
            task = asyncio.create_task(run_generator_async(questions.consistent_through(), source.run))
            # Should nobody be left to hear of its failure, that is no news for the log.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            asked = opened.watermark = _Asked(at, now, task)
        return await asyncio.shield(asked.task)

    def close(self) -> None:
        """Close the connections of loops that run, and wait for that; other loops do it at their end."""
        with self._turn:
            self._closed = True
            opened = list(self._open.items())
        for loop, each in opened:
            if loop.is_running() and loop is not asyncio._get_running_loop():
                # Its own end may come first, or it may be too busy.
                with suppress(TimeoutError, RuntimeError, CancelledError):
                    asyncio.run_coroutine_threadsafe(_ended(each.life), loop).result(CLOSING_SECONDS)

    async def _begin(self, loop: asyncio.AbstractEventLoop) -> _Opened:
        # Up to `anext` nothing is awaited, nor there: of many first pages at once, one makes the client.
        with self._turn:
            if self._closed:
                raise UnavailableError("the store is closed")
            client = self._connect()
            database = client[self._name]
            # A router may read an older snapshot than what another one has written, unless the driver tells
            # it the time; and to lose one router of several should cost nothing. So these are left to it.
            raw = raw_connections.are_possible() and not self._is_routed
            connections = RawConnections(database) if raw else None
            ask: Ask = connections.command if connections else database.command
            opened = _Opened(ask, self._life(loop, client, connections))
            self._open[loop] = opened
        await anext(opened.life)
        return opened

    async def _life(
        self,
        loop: asyncio.AbstractEventLoop,
        client: AsyncMongoClient[Raw],
        connections: RawConnections | None,
    ) -> _Life:
        """As long as a client lives. A loop that ends properly closes its generators, and so the client."""
        try:
            yield
        finally:
            self._open.pop(loop, None)
            if connections:
                connections.close()
            await client.close()


async def _ended(life: _Life) -> None:
    await life.aclose()
