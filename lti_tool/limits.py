"""A bound on how often one address may call one public endpoint, per process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lti_tool.config import SECOND

MAX_CALLERS = 10_000


class RateLimit:
    """A counter per caller and minute; its memory is bounded."""

    def __init__(self, per_minute: int, clock: Callable[[], int]) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._minute = 0
        self._counts: dict[str, int] = {}
        self._guard = threading.Lock()

    def allow(self, caller: str) -> bool:
        """Count a call; False when the caller has had its share of this minute."""
        minute = self._clock() // (60 * SECOND)
        with self._guard:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            count = self._counts.get(caller, 0) + 1
            if count > self._per_minute or (caller not in self._counts and len(self._counts) >= MAX_CALLERS):
                return False
            self._counts[caller] = count
            return True
