"""Health as the event loop answers it: without a thread, and without waiting behind anybody's requests."""

from __future__ import annotations

import asyncio
import concurrent.futures
from contextlib import suppress

from lrs.document_kinds import HEALTH
from lrs.store.errors import StoreError
from lrs.store.port import Store

FRESH_SECONDS = 1.0
"""For so long the store is not asked again."""
BELIEVED_SECONDS = 10.0
"""For so long the last answer of the store is told while it is being asked again."""
PATIENCE = 5.0
"""Seconds that the store is given to answer when there is nothing to tell."""

LIVE, READY = "/health/live", "/health/ready"


class Health:
    """Whether the process lives, and whether its store answers."""

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="health")
        self._asked: asyncio.Future[bool] | None = None
        self._answer = (False, float("-inf"))
        """Whether the store answered, and when."""

    async def status(self, path: str) -> tuple[int, str]:
        """The status and the word for one of the two paths."""
        if path == LIVE:
            return 200, "live"
        return (200, "ready") if await self._ready() else (503, "the store cannot answer")

    def close(self) -> None:
        """Ask no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _ready(self) -> bool:
        good, since = self._answer
        age = self._loop.time() - since
        if age > FRESH_SECONDS and (self._asked is None or self._asked.done()):
            self._asked = self._loop.run_in_executor(self._thread, self._ask)
            self._asked.add_done_callback(self._note)
        if age > BELIEVED_SECONDS and self._asked is not None:
            # One that hangs stays asked: nobody asks a second time, and all are told that there is no answer.
            with suppress(TimeoutError):
                return await asyncio.wait_for(asyncio.shield(self._asked), PATIENCE)
            return False
        return good

    def _note(self, asked: asyncio.Future[bool]) -> None:
        if not asked.cancelled() and asked.exception() is None:
            self._answer = asked.result(), self._loop.time()

    def _ask(self) -> bool:
        try:
            with self._store.reading() as reader:
                reader.document(HEALTH, "", "probe")
        except StoreError:
            return False
        return True
