"""A bound on how often one address may call one public endpoint, per process."""

from __future__ import annotations

import threading
from collections.abc import Callable

MAX_CALLERS = 10_000
MINUTE = 60_000_000


class RateLimit:
    """A counter per caller and minute; its memory is bounded. Safe to use from many threads."""

    def __init__(self, per_minute: int, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since the epoch."""
        self._per_minute = per_minute
        self._clock = clock
        self._minute = 0
        self._counts: dict[str, int] = {}
        self._guard = threading.Lock()

    def wait(self, caller: str) -> int:
        """Count a call. 0 when it is allowed; otherwise the seconds until the next minute begins."""
        now = self._clock()
        minute = now // MINUTE
        with self._guard:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            count = self._counts.get(caller, 0) + 1
            if count > self._per_minute or (caller not in self._counts and len(self._counts) >= MAX_CALLERS):
                return 1 + (MINUTE - now % MINUTE) // 1_000_000
            self._counts[caller] = count
            return 0
