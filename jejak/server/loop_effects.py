"""Effects (`lrs.xapi.effects`), carried out by an event loop that goes on serving others meanwhile.

The store tells the end of each write by one of its own threads. A group of writes ends at once, so the loop
is woken once for all of them, not for each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from lrs.store.errors import TooLongError, UnavailableError
from lrs.store.generator_runner import run_generator_async
from lrs.store.log import LogQuery
from lrs.store.port import Store
from lrs.store.read_bounds import quick
from lrs.store.writes import WRITE_WAIT_SECONDS
from lrs.xapi.effects import Effect, Effects, Write

T = TypeVar("T")

IDLE_SECONDS = 0.1
"""How long at most a request waits for the store's thread to be done with others."""

_Ended = tuple["asyncio.Future[Any]", Any, BaseException | None]


class NeedsThreadError(BaseException):
    """These effects cannot go on here: a thread has to begin them anew."""


class LoopEffects:
    """The effects that one event loop has under way."""

    def __init__(self, store: Store, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._ended: deque[_Ended] = deque()
        self._woken = False
        self._idle: asyncio.Event | None = None

    async def idle(self) -> bool:
        """Wait, for a moment at most, until the store's thread has worked out the writes it is busy with.

        True when there was something to wait for.

        A batch that is checked meanwhile slows down the one that is stored, and everybody waits for that. A
        little later, the store waits for its disk or server, and the check costs nobody anything.
        """
        idle = self._idle
        if idle is None or idle.is_set():
            idle = asyncio.Event()
            if not self._store.when_idle(partial(self._wake, idle)):
                return False
            self._idle = idle
            self._loop.call_later(IDLE_SECONDS, idle.set)
        await idle.wait()
        return True

    def _wake(self, idle: asyncio.Event) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(idle.set)

    def run_async(self, effects: Effects[T]) -> Coroutine[Any, Any, T]:
        """As `lrs.xapi.effects.run_sync`, awaiting each effect.

        NeedsThreadError, when one has to wait in a thread.
        """
        return run_generator_async(effects, self._run)

    async def _run(self, effect: Effect) -> Any:
        if isinstance(effect, Write):
            return await self._write(effect)
        if isinstance(effect, LogQuery):
            return await self._store.page(effect)
        if effect.long or not self._store.is_local:
            raise NeedsThreadError
        try:
            with quick():
                return effect.call()
        except TooLongError:
            raise NeedsThreadError from None

    async def _write(self, write: Write) -> Any:
        loop = self._loop
        future: asyncio.Future[Any] = loop.create_future()

        def done(result: Any, error: BaseException | None) -> None:
            self._ended.append((future, result, error))
            if not self._woken:
                self._woken = True
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    loop.call_soon_threadsafe(self._tell)

        submitted = self._store.submit(write.work, done, write.hints)
        patience = loop.call_later(WRITE_WAIT_SECONDS, _give_up, submitted, future)
        try:
            return await future
        finally:
            patience.cancel()

    def _tell(self) -> None:
        # Before looking: what is added after the last look wakes the loop again.
        self._woken = False
        ended = self._ended
        while ended:
            future, result, error = ended.popleft()
            if future.done():
                continue
            if error is None:
                future.set_result(result)
            elif isinstance(error, StopIteration):  # a future cannot hold it
                future.set_exception(RuntimeError("a write ended by StopIteration"))
            else:
                future.set_exception(error)


def _give_up(submitted: Any, future: asyncio.Future[Any]) -> None:
    if submitted.withdraw() and not future.done():
        future.set_exception(
            UnavailableError("the write did not get its turn in time; nothing of it was kept")
        )
