"""Turns of the event loop: when more wants to be worked on than it can do at once, tenants take turns.

The loop runs whatever is ready, in the order in which it came. Where one tenant sends a thousand batches at
once, another one's statement would be the thousand and first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from jejak.server.shares import Line, Party

AT_ONCE_SECONDS = 0.05
"""As long as a round of the loop has worked for less, what comes is worked on at once."""
TOGETHER = 4
"""Of those who wait, so many are worked on in one round."""


class LoopTurns:
    """The turns of one event loop; called from nowhere else."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` gives seconds that never go back."""
        self._loop = loop
        self._clock = clock
        self._line: Line[asyncio.Future[None]] = Line()
        self._begun: float | None = None
        """When the first work of this round of the loop began."""

    async def take(self, party: Party) -> bool:
        """Return when it is this party's turn; whether that took waiting."""
        begun = self._begun
        if begun is None:
            self._begun = self._clock()
            self._loop.call_soon(self._next_round)
            return False
        if not self._line and self._clock() - begun < AT_ONCE_SECONDS:
            return False
        turn: asyncio.Future[None] = self._loop.create_future()
        self._line.add(party, turn)
        await turn
        return True

    def _next_round(self) -> None:
        self._begun = None
        if not self._line:
            return
        self._begun = self._clock()
        self._loop.call_soon(self._next_round)
        for _ in range(TOGETHER):
            following = self._line.pop()
            if following is None:
                break
            if not following[1].done():
                following[1].set_result(None)
