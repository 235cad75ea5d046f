"""A circuit breaker: who fails again and again is left alone for a while, then tried once.

Closed, calls go through. After `FAILURES` in a row it opens: calls are refused at once, for `FIRST_SECONDS`,
and twice as long after each failure that follows, up to `LONGEST_SECONDS`. When that time has passed a single
call is let through: if it succeeds, the breaker closes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

SECOND = 1_000_000
"""Microseconds."""

FAILURES = 3
FIRST_SECONDS, LONGEST_SECONDS = 30, 300
MAX_KEPT = 10_000


@dataclass(slots=True)
class _State:
    failures: int = 0
    until: int = 0
    probing: bool = False


class Circuits:
    """One breaker for each key; safe for many threads. `clock` gives microseconds."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._states: dict[Hashable, _State] = {}

    def open_until(self, key: Hashable) -> int:
        """Until when (microseconds) calls are refused; 0 when they are not."""
        with self._guard:
            state = self._states.get(key)
            return state.until if state is not None and state.until > self._clock() else 0

    def enter(self, key: Hashable) -> bool:
        """Whether a call may go through now; if so, `succeeded`, `failed` or `left` must follow."""
        with self._guard:
            state = self._states.get(key)
            if state is None or state.failures < FAILURES:
                return True
            if state.until > self._clock() or state.probing:
                return False
            state.probing = True
            return True

    def succeeded(self, key: Hashable) -> None:
        """The call was answered: closed."""
        with self._guard:
            self._states.pop(key, None)

    def left(self, key: Hashable) -> None:
        """The call says nothing about the platform."""
        with self._guard:
            state = self._states.get(key)
            if state is not None:
                state.probing = False

    def failed(self, key: Hashable) -> None:
        """The call was not answered."""
        with self._guard:
            if len(self._states) >= MAX_KEPT and key not in self._states:
                # Only the oldest goes: if all went, every platform that hangs would be asked again at once.
                del self._states[next(iter(self._states))]
            state = self._states.setdefault(key, _State())
            state.failures += 1
            state.probing = False
            if state.failures >= FAILURES:
                wait = FIRST_SECONDS * 2 ** min(state.failures - FAILURES, 10)
                state.until = self._clock() + min(wait, LONGEST_SECONDS) * SECOND
