"""Pages read by an event loop, through the driver's own client for loops.

A thread for each page costs more than reading it: the interpreter lets one thread run at a time, and each of
them asks for that several times on its way to the server and back.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from lrs.store.mongo_codec import Raw
from lrs.store.mongo_questions import Promises, Questions, Rarity
from lrs.store.mongo_source import LoopSnapshot, answered_on_loop
from lrs.store.port import Find, Joined, Unavailable

CLOSING_SECONDS = 5.0


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
        self._databases: dict[asyncio.AbstractEventLoop, AsyncDatabase[Raw]] = {}
        self._closed = False

    async def page(self, find: Find) -> tuple[Joined, int]:
        """See `Store.page`."""
        source = LoopSnapshot(self._database(), is_routed=self._is_routed)
        questions = Questions(source, self._rarity, self._promises)
        page = await answered_on_loop(source, questions.find_joined(find))
        return page, await answered_on_loop(source, questions.consistent_through())

    def close(self) -> None:
        """Close the connections; waits for that unless the loop itself calls."""
        with self._turn:
            self._closed = True
            databases, self._databases = self._databases, {}
        for loop, database in databases.items():
            _close(database.client, loop)

    def _database(self) -> AsyncDatabase[Raw]:
        loop = asyncio.get_running_loop()
        database = self._databases.get(loop)
        if database is not None:
            return database
        with self._turn:
            if self._closed:
                raise Unavailable("the store is closed")
            database = self._databases[loop] = self._connect()[self._name]
        return database


def _close(client: AsyncMongoClient[Raw], loop: asyncio.AbstractEventLoop) -> None:
    """Close a client in its loop; a loop that runs no more has taken its connections with it."""
    closing = client.close()
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if not loop.is_running():
        closing.close()
    elif running is loop:
        task = loop.create_task(closing)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
    else:
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(closing, loop).result(CLOSING_SECONDS)
