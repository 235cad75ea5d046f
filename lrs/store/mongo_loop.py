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

from pymongo import AsyncMongoClient

from lrs.store.mongo_codec import Raw
from lrs.store.mongo_lines import Lines
from lrs.store.mongo_questions import Promises, Questions, Rarity
from lrs.store.mongo_source import LoopSnapshot, answered_on_loop
from lrs.store.port import Find, Joined, Unavailable

CLOSING_SECONDS = 5.0

Ask = Callable[[Raw], Awaitable[Raw]]
"""Has the server answer a command."""

_Life = AsyncGenerator[None, None]


class LoopPages:
    """Reads pages for event loops. Each loop has a client of its own: its connections belong to the loop."""

    def __init__(
        self,
        connect: Callable[[], AsyncMongoClient[Raw]],
        name: str,
        rarity: Rarity,
        promises: Promises,
        *,
        is_routed: bool,
    ) -> None:
        self._connect = connect
        self._name = name
        self._rarity = rarity
        self._promises = promises
        self._is_routed = is_routed
        self._turn = threading.Lock()
        self._open: dict[asyncio.AbstractEventLoop, tuple[Ask, _Life]] = {}
        self._closed = False

    async def page(self, find: Find) -> tuple[Joined, int]:
        """See `Store.page`."""
        loop = asyncio.get_running_loop()
        opened = self._open.get(loop) if not self._closed else None
        ask = opened[0] if opened is not None else await self._begin(loop)
        source = LoopSnapshot(ask, is_routed=self._is_routed)
        questions = Questions(source, self._rarity, self._promises)
        page = await answered_on_loop(source, questions.find_joined(find))
        return page, await answered_on_loop(source, questions.consistent_through())

    def close(self) -> None:
        """Close the connections of loops that run, and wait for that; other loops do it at their end."""
        with self._turn:
            self._closed = True
            opened = list(self._open.items())
        for loop, (_, life) in opened:
            if loop.is_running() and loop is not asyncio._get_running_loop():
                # Its own end may come first, or it may be too busy.
                with suppress(TimeoutError, RuntimeError, CancelledError):
                    asyncio.run_coroutine_threadsafe(_ended(life), loop).result(CLOSING_SECONDS)

    async def _begin(self, loop: asyncio.AbstractEventLoop) -> Ask:
        # Up to `anext` nothing is awaited, nor there: of many first pages at once, one makes the client.
        with self._turn:
            if self._closed:
                raise Unavailable("the store is closed")
            client = self._connect()
            database = client[self._name]
            # A router may read an older snapshot than what another one has written, unless the driver tells
            # it the time; and to lose one router of several should cost nothing. So these are left to it.
            lines = None if self._is_routed else Lines(database)
            ask: Ask = lines.command if lines else database.command
            life = self._life(loop, client, lines)
            self._open[loop] = ask, life
        await anext(life)
        return ask

    async def _life(
        self, loop: asyncio.AbstractEventLoop, client: AsyncMongoClient[Raw], lines: Lines | None
    ) -> _Life:
        """As long as a client lives. A loop that ends properly closes its generators, and so the client."""
        try:
            yield
        finally:
            self._open.pop(loop, None)
            if lines:
                lines.close()
            await client.close()


async def _ended(life: _Life) -> None:
    await life.aclose()
